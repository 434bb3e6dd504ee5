package org.edgebert.measurement

import kotlin.math.abs
import kotlin.math.floor
import kotlin.math.max
import kotlin.math.sqrt

private const val WINDOW = 3
private const val STABLE = 0.05
private const val LEAST_RUNS = 5
private const val MOST_RUNS = 10_000

/** Of which one in a hundred is slower than the 99th percentile. */
private const val ENOUGH_RUNS = 100

/** Neighbours and clocks change from one tenth of a second to the next. */
private const val ENOUGH_SECONDS = 0.3
private const val LOOK_EVERY_SECONDS = 0.25

internal fun seconds(): Double = System.nanoTime() / 1e9

/** Milliseconds that one call took, and what it returned. */
internal inline fun <T> timed(call: () -> T): Pair<Double, T> {
    val start = System.nanoTime()
    val value = call()
    return (System.nanoTime() - start) / 1e6 to value
}

/**
 * Times [run], on an input of [batch] texts of [tokens], for at most about [budgetSeconds].
 *
 * Runs to warm up come first, until they are stable or half of the time is gone. Then runs are made until the
 * 95 % confidence interval of their median reaches no further than [precision], as a share of it, to each side.
 * A few runs of each kind are made however slow they are.
 *
 * Four times a second [look] is called between two runs.
 *
 * @throws InterruptedException if the thread is interrupted.
 */
internal fun timeRepeatedly(
    tokens: Int,
    batch: Int,
    budgetSeconds: Double,
    precision: Double,
    look: () -> Unit,
    run: () -> Unit,
): Timing {
    // What is thrown away in between is not to be collected during a run.
    System.gc()
    val start = seconds()
    val warmUp = mutableListOf<Double>()
    while (warmUp.size < WINDOW || (seconds() < start + budgetSeconds / 2 && !isStable(warmUp))) {
        warmUp += timedOnce(run)
    }
    val first = seconds()
    var now = first
    var looked = start
    val times = mutableListOf<Double>()
    var checkAt = ENOUGH_RUNS
    while (times.size < LEAST_RUNS || (now < start + budgetSeconds && times.size < MOST_RUNS)) {
        times += timedOnce(run)
        now = seconds()
        if (now > looked + LOOK_EVERY_SECONDS) {
            look()
            looked = seconds()
        }
        if (times.size >= checkAt && now > first + ENOUGH_SECONDS) {
            if (isPrecise(times, precision)) break
            checkAt = times.size * 5 / 4
        }
    }
    return statistics(tokens, batch, warmUp.size, times)
}

/** Times [run] for so long, whatever the times are; two runs at least. */
internal fun runFor(tokens: Int, seconds: Double, run: () -> Unit): Timing {
    val end = seconds() + seconds
    val times = mutableListOf<Double>()
    while (times.size < 2 || seconds() < end) times += timedOnce(run)
    return statistics(tokens, batch = 1, warmUpRuns = 0, times)
}

private fun timedOnce(run: () -> Unit): Double {
    if (Thread.interrupted()) throw InterruptedException("the measurement was ended")
    return timed(run).first
}

/** Whether the median of the last runs is within 5 % of the median of those before them. */
internal fun isStable(times: List<Double>): Boolean {
    if (times.size < 2 * WINDOW) return false
    val before = median(times.subList(times.size - 2 * WINDOW, times.size - WINDOW))
    return abs(median(times.takeLast(WINDOW)) - before) < STABLE * before
}

private fun isPrecise(times: List<Double>, precision: Double): Boolean {
    val interval = intervalOfMedian(times) ?: return false
    val middle = median(times)
    return max(interval.high - middle, middle - interval.low) <= precision * middle
}

/**
 * The 95 % confidence interval of the median, between two of the times; null for under six.
 *
 * By ranks (Conover, Practical Nonparametric Statistics, 1999, section 3.2): whatever the distribution, if the
 * times are independent.
 */
internal fun intervalOfMedian(times: List<Double>): Interval? {
    val count = times.size
    if (count < 6) return null
    val reach = 1.96 * sqrt(count.toDouble()) / 2
    val low = max(1, floor(count / 2.0 - reach + 0.5).toInt())
    val ordered = times.sorted()
    return Interval(ordered[low - 1], ordered[count - low])
}

/** Of two runs at least; percentiles interpolate linearly, the deviation is of a sample. */
internal fun statistics(tokens: Int, batch: Int, warmUpRuns: Int, times: List<Double>): Timing {
    val ordered = times.sorted()
    val mean = times.average()
    return Timing(
        tokens = tokens,
        batch = batch,
        warmUpRuns = warmUpRuns,
        runs = times.size,
        p50 = percentile(ordered, 50),
        p90 = percentile(ordered, 90),
        p99 = percentile(ordered, 99),
        mean = mean,
        standardDeviation = sqrt(times.sumOf { (it - mean) * (it - mean) } / (times.size - 1)),
        interval = intervalOfMedian(times),
        quantiles = (0..100 step 5).map { percentile(ordered, it) },
        sentencesPerSecond = batch * 1000 / mean,
    )
}

private fun median(times: List<Double>): Double = percentile(times.sorted(), 50)

private fun percentile(ordered: List<Double>, percent: Int): Double {
    val position = (ordered.size - 1) * percent / 100.0
    val below = position.toInt()
    val above = minOf(below + 1, ordered.size - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
}
