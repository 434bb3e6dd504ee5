package android.os;

public class ParcelFileDescriptor implements Parcelable {
    public ParcelFileDescriptor(ParcelFileDescriptor wrapped) {}
}
