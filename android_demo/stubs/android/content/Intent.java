package android.content;

import android.net.Uri;
import android.os.Bundle;

public class Intent {
    public static final String ACTION_BATTERY_CHANGED = String.valueOf("");
    public static final String ACTION_OPEN_DOCUMENT = String.valueOf("");
    public static final String ACTION_SEND = String.valueOf("");
    public static final String ACTION_VIEW = String.valueOf("");
    public static final String CATEGORY_OPENABLE = String.valueOf("");
    public static final String EXTRA_STREAM = String.valueOf("");
    public static final int FLAG_ACTIVITY_LAUNCHED_FROM_HISTORY = Integer.decode("0x00100000");
    public Intent(String action) {}
    public Intent(Context context, Class<?> target) {}
    public String getAction() { return null; }
    public int getFlags() { return 0; }
    public Uri getData() { return null; }
    public Bundle getExtras() { return null; }
    public int getIntExtra(String name, int otherwise) { return otherwise; }
    public Intent addCategory(String category) { return this; }
    public Intent setType(String type) { return this; }
    public Intent putExtra(String name, String value) { return this; }
    public Intent putExtra(String name, int value) { return this; }
}
