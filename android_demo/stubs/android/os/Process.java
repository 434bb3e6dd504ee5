package android.os;

public class Process {
    public static final boolean is64Bit() { return false; }
    public static final long getStartElapsedRealtime() { return 0; }
}
