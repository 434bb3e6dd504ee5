package org.edgebert.measurement

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

class WatchTest {
    private val full = Battery(3_000_000, 4.0, powered = false, charging = false, level = 80, temperatureCelsius = 30.0)

    @Test
    fun `what makes figures doubtful is said as Python says it`() {
        val hot = listOf("thermal status severe")
        val moments = listOf(300.0, 2900.0, 2000.0, 300.0).map { Moment(0.0, it, null, hot) }
        val expected = listOf(
            "a hypervisor took 12% of the processors' time",
            "other processes used 6% of the processors' time",
            "threads waited for a processor 2% of the time",
            "thermal status severe",
            "the clock went from 2900 to 2000 MHz between runs",
        )
        assertEquals(expected, marks(moments, 0.125, 0.06, 0.0201))
        assertEquals(emptyList<String>(), marks(moments.take(1).map { it.copy(throttling = null) }, 0.02, null, 0.0))
    }

    @Test
    fun `a battery is doubtful while it is charged, low or warm`() {
        assertEquals(emptyList<String>(), batteryMarks(full))
        assertEquals(listOf("charging"), batteryMarks(full.copy(powered = true, charging = true, level = 5)))
        assertEquals(emptyList<String>(), batteryMarks(full.copy(powered = true, level = 5)))
        assertEquals(
            listOf("on battery at 20 %", "battery at 41 °C"),
            batteryMarks(full.copy(level = 20, temperatureCelsius = 41.2)),
        )
    }

    @Test
    fun `marks of before and after are said once`() {
        val warm = full.copy(temperatureCelsius = 40.0)
        val platform =
            FakePlatform(batteries = listOf(full, warm).iterator(), marks = listOf("an emulator, not a phone"))
        val watch = Watch(Machine(File("/nowhere")), platform)
        watch.look()
        val conditions = watch.conditions()
        assertEquals(listOf("an emulator, not a phone", "battery at 40 °C"), conditions.marks)
        assertEquals(3, conditions.moments.size)
        assertNull(conditions.stolenShare)
        assertNull(conditions.foreignShare)
        assertNull(conditions.waitingShare)
    }

    @Test
    fun `energy is the charge that went, at the mean voltage`() {
        val energy = energy(full, full.copy(chargeMicroampereHours = 2_999_000, volts = 3.8))!!
        assertEquals(1000 / 1e6 * 3600 * 3.9, energy.joules, 1e-9)
        assertEquals(10, energy.sentences)
        assertEquals("battery", energy.meter)
    }

    @Test
    fun `no energy while anything is unknown, or power comes from outside`() {
        val after = full.copy(chargeMicroampereHours = 2_999_000)
        assertNull(energy(full, full))
        assertNull(energy(after, full))
        assertNull(energy(full, after.copy(powered = true)))
        assertNull(energy(full.copy(powered = true), after))
        assertNull(energy(full, after.copy(chargeMicroampereHours = null)))
        assertNull(energy(full.copy(volts = null), after))
        assertNull(BatteryMeter(FakePlatform()).energy(10))
    }

    private fun energy(before: Battery, after: Battery): Energy? =
        BatteryMeter(FakePlatform(batteries = listOf(before, after).iterator())).energy(10)
}
