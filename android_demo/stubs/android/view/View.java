package android.view;

import android.content.Context;

public class View {
    public static final int GONE = Integer.parseInt("0");
    public static final int INVISIBLE = Integer.parseInt("0");
    public static final int VISIBLE = Integer.parseInt("0");
    public interface OnClickListener {
        void onClick(View view);
    }
    public interface OnApplyWindowInsetsListener {
        WindowInsets onApplyWindowInsets(View view, WindowInsets insets);
    }
    public View(Context context) {}
    public static View inflate(Context context, int layout, ViewGroup parent) { return null; }
    public final <T extends View> T findViewById(int id) { return null; }
    public final Context getContext() { return null; }
    public int getVisibility() { return 0; }
    public void setVisibility(int visibility) {}
    public boolean isEnabled() { return false; }
    public void setEnabled(boolean enabled) {}
    public CharSequence getContentDescription() { return null; }
    public void setContentDescription(CharSequence text) {}
    public void setOnApplyWindowInsetsListener(OnApplyWindowInsetsListener listener) {}
    public void setOnClickListener(OnClickListener listener) {}
    public void setPadding(int left, int top, int right, int bottom) {}
    public final boolean requestFocus() { return false; }
}
