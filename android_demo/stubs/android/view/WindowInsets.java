package android.view;

import android.graphics.Insets;

public final class WindowInsets {
    private WindowInsets() {}
    public Insets getInsets(int kinds) { return null; }
    public int getSystemWindowInsetLeft() { return 0; }
    public int getSystemWindowInsetTop() { return 0; }
    public int getSystemWindowInsetRight() { return 0; }
    public int getSystemWindowInsetBottom() { return 0; }
    public static final class Type {
        private Type() {}
        public static int systemBars() { return 0; }
        public static int displayCutout() { return 0; }
        public static int ime() { return 0; }
    }
}
