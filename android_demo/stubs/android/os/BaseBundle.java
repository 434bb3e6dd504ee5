package android.os;

public class BaseBundle {
    BaseBundle() {}
    public boolean containsKey(String name) { return false; }
    public Object get(String name) { return null; }
    public String getString(String name) { return null; }
    public boolean getBoolean(String name) { return false; }
    public int getInt(String name) { return 0; }
    public void putString(String name, String value) {}
    public void putBoolean(String name, boolean value) {}
    public void putInt(String name, int value) {}
}
