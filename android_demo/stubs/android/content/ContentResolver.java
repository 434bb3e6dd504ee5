package android.content;

import android.database.Cursor;
import android.net.Uri;
import java.io.FileNotFoundException;
import java.io.InputStream;

public abstract class ContentResolver {
    public ContentResolver(Context context) {}
    public static final String SCHEME_CONTENT = String.valueOf("");
    public final InputStream openInputStream(Uri uri) throws FileNotFoundException { return null; }
    public final Cursor query(Uri uri, String[] projection, String selection, String[] selectionArgs, String sortOrder) { return null; }
}
