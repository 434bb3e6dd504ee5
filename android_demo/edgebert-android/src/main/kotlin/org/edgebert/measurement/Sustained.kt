package org.edgebert.measurement

private const val STRETCHES = 60
private const val LEAST_STRETCH_SECONDS = 0.5

/**
 * How each of about 60 stretches of running without rest went, one behind the other; nothing for 0 seconds.
 *
 * @param stretch runs for as many seconds as it is given.
 */
internal fun withoutRest(
    totalSeconds: Double,
    progress: (String) -> Unit,
    stretch: (Double) -> Pair<Timing, Moment>,
): List<Stretch> {
    val start = seconds()
    val length = maxOf(totalSeconds / STRETCHES, LEAST_STRETCH_SECONDS)
    val stretches = mutableListOf<Stretch>()
    while (true) {
        val began = seconds()
        if (began >= start + totalSeconds) return stretches
        progress("without rest: ${(began - start).toInt()} of ${totalSeconds.toInt()} s")
        val (timing, moment) = stretch(length)
        stretches += Stretch(
            seconds = (began + seconds()) / 2 - start,
            runs = timing.runs,
            p50 = timing.p50,
            p90 = timing.p90,
            frequencyMhz = moment.frequencyMhz,
            temperatureCelsius = moment.temperatureCelsius,
        )
    }
}
