package android.graphics;

public final class Insets {
    public final int left;
    public final int top;
    public final int right;
    public final int bottom;
    private Insets(int all) {
        left = all; top = all; right = all; bottom = all;
    }
}
