package android.content;

import android.content.pm.PackageManager;
import android.content.res.AssetManager;
import android.content.res.Resources;
import java.io.File;

public class ContextWrapper extends Context {
    public ContextWrapper(Context base) {}
    @Override public AssetManager getAssets() { return null; }
    @Override public Resources getResources() { return null; }
    @Override public PackageManager getPackageManager() { return null; }
    @Override public ContentResolver getContentResolver() { return null; }
    @Override public Context getApplicationContext() { return null; }
    @Override public String getPackageName() { return null; }
    @Override public File getFilesDir() { return null; }
    @Override public File getCacheDir() { return null; }
    @Override public File getExternalFilesDir(String type) { return null; }
    @Override public Object getSystemService(String name) { return null; }
    @Override public Intent registerReceiver(BroadcastReceiver receiver, IntentFilter filter) { return null; }
    @Override public void startActivity(Intent intent) {}
}
