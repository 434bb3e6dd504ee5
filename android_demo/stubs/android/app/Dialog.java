package android.app;

import android.content.Context;

public class Dialog {
    public Dialog(Context context) {}
    public void dismiss() {}
}
