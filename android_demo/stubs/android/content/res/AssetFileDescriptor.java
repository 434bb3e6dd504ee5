package android.content.res;

import android.os.ParcelFileDescriptor;
import android.os.Parcelable;
import java.io.Closeable;
import java.io.FileInputStream;
import java.io.IOException;

public class AssetFileDescriptor implements Parcelable, Closeable {
    public AssetFileDescriptor(ParcelFileDescriptor file, long start, long length) {}
    public FileInputStream createInputStream() throws IOException { return null; }
    @Override public void close() throws IOException {}
}
