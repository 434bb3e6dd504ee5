package android.view;

import android.content.Context;

public abstract class ViewGroup extends View {
    public ViewGroup(Context context) { super(context); }
    public int getChildCount() { return 0; }
    public View getChildAt(int index) { return null; }
    public void removeViewAt(int index) {}
}
