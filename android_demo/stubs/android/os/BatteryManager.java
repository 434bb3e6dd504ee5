package android.os;

public class BatteryManager {
    BatteryManager() {}
    public static final int BATTERY_PROPERTY_CHARGE_COUNTER = Integer.parseInt("0");
    public static final int BATTERY_STATUS_CHARGING = Integer.parseInt("0");
    public static final String EXTRA_LEVEL = String.valueOf("");
    public static final String EXTRA_PLUGGED = String.valueOf("");
    public static final String EXTRA_SCALE = String.valueOf("");
    public static final String EXTRA_STATUS = String.valueOf("");
    public static final String EXTRA_TEMPERATURE = String.valueOf("");
    public static final String EXTRA_VOLTAGE = String.valueOf("");
    public long getLongProperty(int property) { return 0; }
}
