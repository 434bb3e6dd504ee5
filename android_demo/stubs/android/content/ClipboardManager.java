package android.content;

public class ClipboardManager {
    ClipboardManager() {}
    public void setPrimaryClip(ClipData clip) {}
}
