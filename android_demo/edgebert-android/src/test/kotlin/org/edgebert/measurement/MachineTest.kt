package org.edgebert.measurement

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class MachineTest {
    @get:Rule
    val folder = TemporaryFolder()

    private val machine get() = Machine(folder.root)

    @Test
    fun `a phone with two kinds of cores`() {
        write("proc/self/status", "Name:\tapp\nVmHWM:\t  2000 kB\nVmRSS:\t  1000 kB\nCpus_allowed_list:\t0-1,3\n")
        write("proc/meminfo", "MemTotal:        7800000 kB\nMemAvailable:    3100000 kB\nHugePages_Total:       0\n")
        write("proc/cpuinfo", listOf("0xd05", "0xd05", "0xd41", "0xffff").mapIndexed(::core).joinToString("\n"))
        write("proc/sys/kernel/osrelease", "6.1.57-android14\n")
        listOf(300_000 to 1_800_000, 500_000 to 1_800_000, 2_600_000 to 2_900_000, 0 to 2_900_000)
            .forEachIndexed { number, (now, most) ->
                write("sys/devices/system/cpu/cpu$number/cpufreq/scaling_cur_freq", "$now\n")
                write("sys/devices/system/cpu/cpu$number/cpufreq/cpuinfo_max_freq", "$most\n")
            }
        write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "schedutil\n")
        val zones = listOf(
            "cpu-0-1-usr" to "61500",
            "CPU_big" to "58000",
            "battery" to "99000",
            "soc" to "100000",
            "cpu-bad" to "-273000",
        )
        zones.forEachIndexed { number, (kind, value) ->
            write("sys/class/thermal/thermal_zone$number/type", "$kind\n")
            write("sys/class/thermal/thermal_zone$number/temp", "$value\n")
        }
        val phone = FakePlatform(board = "Fable Phone 3", throttling = listOf("thermal status light"))
        val facts = facts(machine, phone, mapOf("onnxruntime" to "1.26.0"))
        assertEquals("Fable Phone 3", facts.board)
        assertEquals("2 × Cortex-A55 + 1 × Cortex-A78 + 1 × CPU implementer 0x41 part 0xffff", facts.cpu)
        assertEquals(4, facts.cores)
        assertEquals(listOf(true, false, null), listOf(facts.dotProduct, facts.i8mm, noFlags().i8mm))
        assertEquals("schedutil", facts.governor)
        // The third processor is not this process's.
        assertEquals(500.0, facts.frequencyMhz)
        assertEquals(2900.0, facts.maxFrequencyMhz)
        assertEquals(61.5, facts.temperatureCelsius)
        assertEquals(7_800_000L * 1024, facts.memoryBytes)
        assertEquals(3_100_000L * 1024, facts.availableMemoryBytes)
        assertEquals("6.1.57-android14", facts.kernel)
        assertEquals(listOf("thermal status light"), facts.throttling)
        assertEquals(1000L * 1024, machine.statusBytes("VmRSS"))
        assertEquals(2000L * 1024, machine.statusBytes("VmHWM"))
        assertEquals(listOf(0, 1, 3), machine.processors())
    }

    @Test
    fun `what a system keeps from apps is null`() {
        assertNull(machine.frequencyMhz())
        assertNull(machine.maxFrequencyMhz())
        assertNull(machine.temperatureCelsius())
        assertNull(machine.processorSeconds())
        assertNull(machine.processSeconds())
        assertNull(machine.processAgeMs())
        assertNull(machine.statusBytes("VmRSS"))
        assertEquals(ThreadSeconds(0.0, 0.0), machine.threadSeconds())
        val facts = facts(machine, FakePlatform(), emptyMap())
        assertNull(facts.cpu)
        assertNull(facts.cores)
        assertNull(facts.dotProduct)
        assertTrue(facts.availableProcessors >= 1)
        assertTrue(facts.kernel != "")
    }

    @Test
    fun `files of other forms are null, and no failure`() {
        for (text in listOf("", "x", "\u0000", "9".repeat(40), "a:b\nc", "1 2 3 4 5 6 7 8 9")) {
            val names = listOf("self/status", "self/stat", "stat", "meminfo", "cpuinfo", "uptime")
            for (name in names) write("proc/$name", text)
            write("sys/class/thermal/thermal_zone0/type", "cpu")
            write("sys/class/thermal/thermal_zone0/temp", text)
            write("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", text)
            assertNull(machine.processorSeconds())
            assertNull(machine.processAgeMs())
            assertNull(machine.temperatureCelsius())
            assertNull(machine.statusBytes("VmRSS"))
            facts(machine, FakePlatform(), emptyMap())
        }
    }

    @Test
    fun `counters are of the processors that this process may use`() {
        write("proc/self/status", "Cpus_allowed_list:\t0,2\n")
        val lines = listOf(
            "cpu  9 9 9 9 9 9 9 9 0 0",
            "cpu0 100 20 30 400 5 6 7 8 50 0",
            "cpu1 1 1 1 1 1 1 1 1 0 0",
            "cpu2 100 0 0 0 0 0 0 0 0 0",
        )
        write("proc/stat", lines.joinToString("\n", postfix = "\n"))
        assertEquals(ProcessorSeconds(6.76, 2.71, 0.08), machine.processorSeconds())
        write("proc/self/stat", "7 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 9 0 12345 1 1")
        write("proc/uptime", "200.00 300.00\n")
        assertEquals(2.0, machine.processSeconds())
        assertEquals(76_550.0, machine.processAgeMs()!!, 1e-6)
        write("proc/self/task/7/schedstat", "1000000000 500000000 3\n")
        write("proc/self/task/8/schedstat", "2000000000 0 3\n")
        assertEquals(ThreadSeconds(3.0, 0.5), machine.threadSeconds())
    }

    @Test
    fun `this machine tells what it is`() {
        val platform = LinuxPlatform()
        val facts = facts(Machine(File("/")), platform, emptyMap())
        assertTrue(facts.memoryBytes!! > facts.availableMemoryBytes!!)
        assertTrue(residentBytes()!! > 1 shl 20)
        assertTrue(platform.processAgeMs()!! > 0)
        assertTrue(facts.operatingSystem != "")
    }

    private fun noFlags() = facts(Machine(File(folder.root, "nowhere")), FakePlatform(), emptyMap())

    private fun core(number: Int, part: String) =
        "processor\t: $number\nFeatures\t: fp asimd asimddp\nCPU implementer\t: 0x41\nCPU part\t: $part\n"

    private fun write(path: String, text: String) {
        val file = File(folder.root, path)
        file.parentFile!!.mkdirs()
        file.writeText(text)
    }
}

/** A system whose services say what a test wants. */
internal class FakePlatform(
    override val board: String? = null,
    private val throttling: List<String>? = null,
    private val batteries: Iterator<Battery> = emptyList<Battery>().iterator(),
    private val marks: List<String> = emptyList(),
) : Platform {
    override val operatingSystem = "Android 14 (API 34)"
    override val bits = 64

    override fun processAgeMs(): Double? = null

    override fun throttling() = throttling

    override fun battery() = if (batteries.hasNext()) batteries.next() else null

    override fun marks() = marks
}
