package android.widget;

import android.content.Context;
import java.util.List;

public class ArrayAdapter<T> extends BaseAdapter {
    public ArrayAdapter(Context context, int layout, List<T> objects) {}
    public void setDropDownViewResource(int layout) {}
}
