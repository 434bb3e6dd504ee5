package android.os;

public final class CancellationSignal {
    public void cancel() {}
}
