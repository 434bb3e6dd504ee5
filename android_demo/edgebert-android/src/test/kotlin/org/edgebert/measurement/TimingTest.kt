package org.edgebert.measurement

import org.edgebert.VectorFile
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class TimingTest {
    @Test
    fun `statistics are Python's`() {
        var compared = 0
        VectorFile.rows("measurement.jsonl") { rows ->
            for (row in rows) {
                val times = numbers(row["times"])
                assertEquals(row["stable"], isStable(times))
                val interval = intervalOfMedian(times)
                assertEquals(row["interval"]?.let { numbers(it) }, interval?.let { listOf(it.low, it.high) })
                val expected = row["statistics"] as Map<*, *>
                val timing = statistics(tokens = 8, batch = 2, warmUpRuns = 3, times)
                near(expected["p50_ms"], timing.p50)
                near(expected["p90_ms"], timing.p90)
                near(expected["p99_ms"], timing.p99)
                near(expected["mean_ms"], timing.mean)
                near(expected["standard_deviation_ms"], timing.standardDeviation)
                near(expected["sentences_per_second"], timing.sentencesPerSecond)
                assertEquals(21, timing.quantiles.size)
                numbers(expected["quantiles_ms"]).zip(timing.quantiles).forEach { (each, own) -> near(each, own) }
                assertEquals(expected["runs"], timing.runs.toLong())
                compared++
            }
        }
        assertEquals(60, compared)
    }

    @Test
    fun `a few runs are made however slow they are`() {
        var runs = 0
        val timing = timeRepeatedly(8, 1, budgetSeconds = 1e-9, precision = 0.02, look = {}) { runs++ }
        assertEquals(3, timing.warmUpRuns)
        assertEquals(5, timing.runs)
        assertEquals(8, runs)
        assertNull(timing.interval)
    }

    @Test
    fun `runs end before the budget once the median is known`() {
        val start = System.nanoTime()
        val timing = timeRepeatedly(8, 1, budgetSeconds = 30.0, precision = 0.5, look = {}) { Thread.sleep(1) }
        assertTrue((System.nanoTime() - start) / 1e9 < 10)
        assertTrue(timing.runs >= 100)
        assertTrue(timing.p50 >= 1)
    }

    @Test
    fun `runs go on to the end of the budget while the median is not known`() {
        val start = System.nanoTime()
        var looks = 0
        val timing = timeRepeatedly(8, 4, budgetSeconds = 1.0, precision = 0.0, look = { looks++ }) { Thread.sleep(2) }
        val took = (System.nanoTime() - start) / 1e9
        assertTrue("$took s", took >= 1 && took < 3)
        assertTrue("$looks looks", looks in 2..5)
        assertEquals((timing.warmUpRuns + timing.runs) * 4, timing.sentences)
    }

    @Test
    fun `an interrupt ends it`() {
        Thread.currentThread().interrupt()
        assertThrows(InterruptedException::class.java) {
            timeRepeatedly(8, 1, budgetSeconds = 30.0, precision = 0.02, look = {}) {}
        }
        assertFalse(Thread.interrupted())
    }

    @Test
    fun `stretches without rest cover the time`() {
        val steps = mutableListOf<String>()
        val moment = Moment(0.0, 1000.0, 40.0, null)
        val stretches =
            withoutRest(1.2, { steps += it }) { seconds -> runFor(8, seconds) { Thread.sleep(5) } to moment }
        assertEquals(3, stretches.size)
        assertEquals(stretches.size, steps.size)
        assertEquals("without rest: 0 of 1 s", steps.first())
        assertTrue(stretches.zipWithNext().all { (one, next) -> one.seconds < next.seconds })
        assertTrue(stretches.all { it.runs >= 2 && it.p50 >= 5 && it.frequencyMhz == 1000.0 })
        assertEquals(emptyList<Stretch>(), withoutRest(0.0, {}) { throw AssertionError() })
    }

    private fun numbers(value: Any?): List<Double> = (value as List<*>).map { (it as Number).toDouble() }

    private fun near(expected: Any?, own: Double) {
        val number = (expected as Number).toDouble()
        assertEquals(number, own, 1e-12 + 1e-12 * number)
    }
}
