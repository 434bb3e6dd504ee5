package android.content.res;

public class Resources {
    private Resources() {}
    public int getInteger(int id) { return 0; }
    public String getQuantityString(int id, int quantity, Object... arguments) { return null; }
}
