package android.content;

import android.content.res.AssetFileDescriptor;
import android.database.Cursor;
import android.net.Uri;
import android.os.CancellationSignal;
import java.io.FileNotFoundException;

public abstract class ContentResolver {
    public ContentResolver(Context context) {}
    public static final String SCHEME_CONTENT = String.valueOf("");
    public final AssetFileDescriptor openAssetFileDescriptor(Uri uri, String mode, CancellationSignal signal) throws FileNotFoundException { return null; }
    public final Cursor query(Uri uri, String[] projection, String selection, String[] selectionArgs, String sortOrder, CancellationSignal signal) { return null; }
}
