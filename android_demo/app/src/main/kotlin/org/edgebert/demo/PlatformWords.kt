package org.edgebert.demo

import org.edgebert.measurement.Battery

/** Of `PowerManager.THERMAL_STATUS_NONE` and those behind it. */
private val THERMAL_STATUS = listOf("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")

/** What Android's thermal status means, in words; empty for none, null for one that is not known. */
internal fun thermalWords(status: Int): List<String>? {
    val word = THERMAL_STATUS.getOrNull(status) ?: return null
    return if (status == 0) emptyList() else listOf("thermal status $word")
}

/** A phone's name as people know it: many makers repeat theirs in the model's. */
internal fun boardName(maker: String, model: String, chip: String): String? {
    val name = if (model.startsWith(maker, ignoreCase = true)) model else "$maker $model".trim()
    val known = chip.takeIf { it != "" && it != "unknown" }
    return (if (known == null) name else "$name ($known)".trim()).ifEmpty { null }
}

/** What Android says of its battery, as it says it; what is unknown has values that mean nothing. */
internal class BatteryExtras(
    val charge: Long,
    val millivolts: Int,
    val powered: Boolean,
    val charging: Boolean,
    val level: Int,
    val scale: Int,
    val tenthsCelsius: Int,
)

internal fun battery(extras: BatteryExtras) = Battery(
    chargeMicroampereHours = extras.charge.takeIf { it > 0 },
    // Some phones say volts here.
    volts = extras.millivolts.takeIf { it > 0 }?.let { if (it < 100) it.toDouble() else it / 1000.0 },
    powered = extras.powered,
    charging = extras.charging,
    level = if (extras.level >= 0 && extras.scale > 0) extras.level * 100 / extras.scale else null,
    temperatureCelsius = extras.tenthsCelsius.takeIf { it != Int.MIN_VALUE }?.let { it / 10.0 },
)
