package org.edgebert.measurement

/**
 * What the battery gives, by its counter of charge, from its making on.
 *
 * The counter is coarse, and of the whole device.
 */
internal class BatteryMeter(private val platform: Platform) {
    private val start = seconds()
    private val before = platform.battery()

    /** Null while something charges the battery, or where it does not count. */
    fun energy(sentences: Int): Energy? {
        val after = platform.battery()
        if (before == null || after == null || before.powered || after.powered) return null
        val spent = (before.chargeMicroampereHours ?: return null) - (after.chargeMicroampereHours ?: return null)
        val volts = ((before.volts ?: return null) + (after.volts ?: return null)) / 2
        if (spent <= 0 || volts <= 0) return null
        return Energy("battery", spent / 1e6 * 3600 * volts, seconds() - start, sentences)
    }
}
