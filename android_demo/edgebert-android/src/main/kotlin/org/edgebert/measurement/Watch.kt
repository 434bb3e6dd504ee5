package org.edgebert.measurement

import java.math.BigDecimal
import java.math.RoundingMode

private const val STOLEN = 0.02
private const val FOREIGN = 0.05
private const val WAITING = 0.02

/** A share of the highest frequency that was seen between runs. */
private const val SLOWER = 0.9

/** Per cent, from which on devices may save power. */
private const val LOW_BATTERY = 20
private const val WARM_BATTERY_CELSIUS = 40.0

/** Looks at the machine from its making on, whenever it is told to. */
internal class Watch(private val machine: Machine, private val platform: Platform) {
    private val start = seconds()
    private val processorsBefore = machine.processorSeconds()
    private val ownBefore = machine.processSeconds()
    private val threadsBefore = machine.threadSeconds()
    private val doubtsBefore = doubts()
    private val looks = mutableListOf<Moment>()

    init {
        look()
    }

    /** All looks so far. */
    val moments: List<Moment> get() = looks.toList()

    /** The processor as it is now, which is kept. */
    fun look(): Moment {
        val moment = Moment(
            seconds = seconds() - start,
            frequencyMhz = machine.frequencyMhz(),
            temperatureCelsius = machine.temperatureCelsius(),
            throttling = platform.throttling(),
        )
        looks += moment
        return moment
    }

    /** What was seen so far, a last look included. */
    fun conditions(): Conditions {
        look()
        var stolen: Double? = null
        var foreign: Double? = null
        val before = processorsBefore
        val after = machine.processorSeconds()
        if (before != null && after != null && after.total > before.total) {
            val total = after.total - before.total
            stolen = share(after.stolen - before.stolen, total)
            val own = machine.processSeconds()
            if (own != null && ownBefore != null) {
                foreign = share(after.busy - before.busy - (own - ownBefore), total)
            }
        }
        val threads = machine.threadSeconds()
        val waited = threads.waiting - threadsBefore.waiting
        val ready = threads.running - threadsBefore.running + waited
        val waiting = if (ready > 0) share(waited, ready) else null
        return Conditions(
            moments = moments,
            stolenShare = stolen,
            foreignShare = foreign,
            waitingShare = waiting,
            marks = marks(looks, stolen, foreign, waiting) + (doubtsBefore + doubts()).distinct(),
        )
    }

    private fun doubts(): List<String> = platform.battery()?.let { batteryMarks(it) }.orEmpty() + platform.marks()
}

/** What makes figures doubtful, in words. */
internal fun marks(
    moments: List<Moment>,
    stolenShare: Double?,
    foreignShare: Double?,
    waitingShare: Double?,
): List<String> {
    val found = mutableListOf<String>()
    fun mark(share: Double?, least: Double, words: (String) -> String) {
        if (share != null && share > least) found += words(percent(share))
    }
    mark(stolenShare, STOLEN) { "a hypervisor took $it of the processors' time" }
    mark(foreignShare, FOREIGN) { "other processes used $it of the processors' time" }
    mark(waitingShare, WAITING) { "threads waited for a processor $it of the time" }
    found += moments.flatMap { it.throttling.orEmpty() }.distinct()
    // Before the first run an idle processor may be slow, and after the last one again.
    val clocks = moments.drop(1).dropLast(1).mapNotNull { it.frequencyMhz }
    if (clocks.isNotEmpty() && clocks.min() < SLOWER * clocks.max()) {
        found += "the clock went from ${whole(clocks.max())} to ${whole(clocks.min())} MHz between runs"
    }
    return found
}

internal fun batteryMarks(battery: Battery): List<String> {
    val found = mutableListOf<String>()
    if (battery.charging) {
        found += "charging"
    } else if (battery.level != null && !battery.powered && battery.level <= LOW_BATTERY) {
        found += "on battery at ${battery.level} %"
    }
    if (battery.temperatureCelsius != null && battery.temperatureCelsius >= WARM_BATTERY_CELSIUS) {
        found += "battery at ${whole(battery.temperatureCelsius)} °C"
    }
    return found
}

private fun share(part: Double, total: Double): Double = (part / total).coerceIn(0.0, 1.0)

private fun percent(share: Double): String = "${whole(share * 100)}%"

/** To the nearest whole number, and to the even one from the middle between two. */
private fun whole(value: Double): String = BigDecimal(value).setScale(0, RoundingMode.HALF_EVEN).toPlainString()
