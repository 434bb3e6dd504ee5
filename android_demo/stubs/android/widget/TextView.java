package android.widget;

import android.content.Context;
import android.text.TextWatcher;
import android.view.View;

public class TextView extends View {
    public TextView(Context context) { super(context); }
    public CharSequence getText() { return null; }
    public final void setText(CharSequence text) {}
    public final void setText(int id) {}
    public void setTextColor(int color) {}
    public int length() { return 0; }
    public void addTextChangedListener(TextWatcher watcher) {}
}
