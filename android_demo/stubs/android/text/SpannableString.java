package android.text;

public class SpannableString implements Spannable {
    @Override public final int length() { return 0; }
    @Override public final char charAt(int index) { return 0; }
    @Override public final String toString() { return ""; }
    public SpannableString(CharSequence text) {}
    @Override public void setSpan(Object what, int start, int end, int flags) {}
    @Override public final CharSequence subSequence(int start, int end) { return null; }
}
