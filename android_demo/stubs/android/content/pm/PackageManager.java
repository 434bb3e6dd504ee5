package android.content.pm;

import android.util.AndroidException;

public abstract class PackageManager {
    public static class NameNotFoundException extends AndroidException {
        private static final long serialVersionUID = 1;
    }
    public abstract PackageInfo getPackageInfo(String name, int flags) throws NameNotFoundException;
}
