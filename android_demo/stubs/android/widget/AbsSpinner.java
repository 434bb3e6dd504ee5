package android.widget;

import android.content.Context;

public abstract class AbsSpinner extends AdapterView<SpinnerAdapter> {
    public AbsSpinner(Context context) { super(context); }
    @Override public SpinnerAdapter getAdapter() { return null; }
    @Override public void setAdapter(SpinnerAdapter adapter) {}
    @Override public void setSelection(int position) {}
}
