package org.edgebert.measurement

import java.io.File

/**
 * What a system's own services tell, beside the files of its kernel.
 *
 * On Android an app has it from `PowerManager`, `BatteryManager` and `Build`; [LinuxPlatform] reads files.
 */
public interface Platform {
    /** The maker's name of the device, and its chip if known; null to take what the kernel says. */
    public val board: String?

    /** Name and version of the system: "Android 14 (API 34)". */
    public val operatingSystem: String

    /** 32 or 64: the size of this process's addresses. */
    public val bits: Int

    /** Milliseconds since this process started; null where that is unknown, or long before what is measured. */
    public fun processAgeMs(): Double?

    /** What holds against the processor's speed now, in words; empty for nothing, null where nothing tells. */
    public fun throttling(): List<String>?

    /** The battery as it is now; null where there is none. */
    public fun battery(): Battery?

    /** What makes figures doubtful that only this system knows of: "an emulator, not a phone". */
    public fun marks(): List<String>
}

/** A battery at one moment; null is what it does not tell. */
public data class Battery(
    /** What is left, in millionths of an ampere hour. */
    val chargeMicroampereHours: Long?,
    val volts: Double?,
    /** Whether a charger or a computer gives power, charging or not. */
    val powered: Boolean,
    val charging: Boolean,
    /** What is left, in per cent. */
    val level: Int?,
    val temperatureCelsius: Double?,
)

/** A Linux without services, as the machine is on which this code is tested. */
public class LinuxPlatform : Platform {
    private val machine = Machine(File("/"))

    override val board: String? = null
    override val operatingSystem: String = machine.distribution() ?: System.getProperty("os.name").orEmpty()
    override val bits: Int = System.getProperty("sun.arch.data.model")?.toIntOrNull() ?: 64

    override fun processAgeMs(): Double? = machine.processAgeMs()

    override fun throttling(): List<String>? = null

    override fun battery(): Battery? = null

    override fun marks(): List<String> = emptyList()
}
