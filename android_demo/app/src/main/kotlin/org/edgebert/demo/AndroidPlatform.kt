package org.edgebert.demo

import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import android.os.BatteryManager
import android.os.Build
import android.os.PowerManager
import android.os.Process
import android.os.SystemClock
import org.edgebert.measurement.Battery
import org.edgebert.measurement.Platform

/**
 * What Android's services tell.
 *
 * @param startedForThis whether the process was started for what is measured: only then its age means something.
 */
class AndroidPlatform(private val context: Context, private val startedForThis: Boolean) : Platform {
    private val power = context.getSystemService(Context.POWER_SERVICE) as PowerManager
    private val batteries = context.getSystemService(Context.BATTERY_SERVICE) as BatteryManager

    override val board: String? = boardName(
        Build.MANUFACTURER,
        Build.MODEL,
        if (Build.VERSION.SDK_INT >= 31) Build.SOC_MODEL else "",
    )

    override val operatingSystem: String = "Android ${Build.VERSION.RELEASE} (API ${Build.VERSION.SDK_INT})"

    override val bits: Int = if (Process.is64Bit()) 64 else 32

    override fun processAgeMs(): Double? =
        if (startedForThis) (SystemClock.elapsedRealtime() - Process.getStartElapsedRealtime()).toDouble() else null

    override fun throttling(): List<String>? {
        if (Build.VERSION.SDK_INT < 29) return null
        return thermalWords(power.currentThermalStatus)
    }

    override fun battery(): Battery? {
        val said = context.registerReceiver(null, IntentFilter(Intent.ACTION_BATTERY_CHANGED)) ?: return null
        return battery(
            BatteryExtras(
                charge = batteries.getLongProperty(BatteryManager.BATTERY_PROPERTY_CHARGE_COUNTER),
                millivolts = said.getIntExtra(BatteryManager.EXTRA_VOLTAGE, -1),
                powered = said.getIntExtra(BatteryManager.EXTRA_PLUGGED, 0) != 0,
                charging = said.getIntExtra(BatteryManager.EXTRA_STATUS, -1) == BatteryManager.BATTERY_STATUS_CHARGING,
                level = said.getIntExtra(BatteryManager.EXTRA_LEVEL, -1),
                scale = said.getIntExtra(BatteryManager.EXTRA_SCALE, 0),
                tenthsCelsius = said.getIntExtra(BatteryManager.EXTRA_TEMPERATURE, Int.MIN_VALUE),
            ),
        )
    }

    override fun marks(): List<String> = listOfNotNull(
        "battery saver is on".takeIf { power.isPowerSaveMode },
        "an emulator, not a phone".takeIf { Build.HARDWARE == "ranchu" || Build.HARDWARE == "goldfish" },
    )
}
