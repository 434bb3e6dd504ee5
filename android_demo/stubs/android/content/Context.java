package android.content;

import android.content.pm.PackageManager;
import android.content.res.AssetManager;
import android.content.res.Resources;
import java.io.File;

public abstract class Context {
    public static final String BATTERY_SERVICE = String.valueOf("");
    public static final String CLIPBOARD_SERVICE = String.valueOf("");
    public static final String POWER_SERVICE = String.valueOf("");
    public abstract AssetManager getAssets();
    public abstract Resources getResources();
    public abstract PackageManager getPackageManager();
    public abstract ContentResolver getContentResolver();
    public abstract Context getApplicationContext();
    public abstract String getPackageName();
    public abstract File getFilesDir();
    public abstract File getCacheDir();
    public abstract File getExternalFilesDir(String type);
    public abstract Object getSystemService(String name);
    public abstract Intent registerReceiver(BroadcastReceiver receiver, IntentFilter filter);
    public abstract void startActivity(Intent intent);
    public final String getString(int id) { return null; }
    public final String getString(int id, Object... arguments) { return null; }
    public final int getColor(int id) { return 0; }
}
