package org.edgebert.measurement

import java.io.File
import java.io.IOException

/** The clock of the kernel's counters of time: USER_HZ, which is 100 on ARM and x86. */
private const val TICKS_PER_SECOND = 100.0

/** Resident memory of this process in bytes; null where the system does not tell. */
public fun residentBytes(): Long? = Machine(File("/")).statusBytes("VmRSS")

/**
 * The files of a Linux kernel.
 *
 * Android keeps some of them from apps, and each version some more: what cannot be read is null.
 *
 * @param root where they begin; another folder stands in for tests.
 */
internal class Machine(private val root: File) {
    /** The text of a file; null if it cannot be read or is empty. */
    fun read(path: String): String? = try {
        File(root, path).readText().trim('\u0000', ' ', '\t', '\n').ifEmpty { null }
    } catch (_: IOException) {
        null
    }

    /** Names in a folder that [pattern] matches as a whole, in their order. */
    fun names(folder: String, pattern: Regex): List<String> =
        File(root, folder).list().orEmpty().filter { pattern.matches(it) }.sorted()

    /** Numbers of the processors that this process may use. */
    fun processors(): List<Int> {
        val listed = fields(read("proc/self/status"))["Cpus_allowed_list"] ?: return emptyList()
        return listed.split(",").flatMap { range ->
            val ends = range.trim().split("-").map { it.toIntOrNull() ?: return emptyList() }
            ends.first()..ends.last()
        }
    }

    /** A block of /proc/cpuinfo for each logical processor. */
    fun processorBlocks(): List<Map<String, String>> =
        read("proc/cpuinfo").orEmpty().split("\n\n").map { fields(it) }
            .filter { it["processor"]?.toIntOrNull() != null }

    /** What stands in front of the processors, or behind them. */
    fun processorFields(): Map<String, String> = fields(read("proc/cpuinfo"))

    /** A field of /proc/self/status in bytes. */
    fun statusBytes(name: String): Long? = bytes("proc/self/status", name)

    /** A field of /proc/meminfo in bytes. */
    fun memoryBytes(name: String): Long? = bytes("proc/meminfo", name)

    /** Of the fastest processor that this process may use, at this moment. */
    fun frequencyMhz(): Double? = processors().mapNotNull { clockMhz(it, "scaling_cur_freq") }.maxOrNull()

    /** What the fastest processor of all is made for; the first is a little one on a phone. */
    fun maxFrequencyMhz(): Double? =
        names(PROCESSORS, Regex("cpu[0-9]+")).mapNotNull { clockMhz(it.drop(3).toInt(), "cpuinfo_max_freq") }
            .maxOrNull()

    /** The hottest sensor of the processor. Some drivers give other units than thousandths of a degree. */
    fun temperatureCelsius(): Double? =
        names(THERMAL, Regex("thermal_zone[0-9]+")).mapNotNull { zone ->
            val kind = read("$THERMAL/$zone/type").orEmpty().lowercase().replace('_', '-')
            val ofProcessor = "cpu" in kind || kind == "x86-pkg-temp" || kind == "soc-thermal"
            read("$THERMAL/$zone/temp")?.toLongOrNull()?.takeIf { ofProcessor }?.let { it / 1000.0 }
        }.filter { it >= 1 && it < 151 }.maxOrNull()

    /** Seconds of processor time of this process. */
    fun processSeconds(): Double? {
        val fields = processFields() ?: return null
        val user = fields.getOrNull(USER_TIME)?.toLongOrNull() ?: return null
        val system = fields.getOrNull(USER_TIME + 1)?.toLongOrNull() ?: return null
        return (user + system) / TICKS_PER_SECOND
    }

    /** Milliseconds since the kernel started this process, precise to a tick (10 ms). */
    fun processAgeMs(): Double? {
        val started = processFields()?.getOrNull(START_TIME)?.toLongOrNull() ?: return null
        val now = read("proc/uptime")?.substringBefore(' ')?.toDoubleOrNull() ?: return null
        return ((now - started / TICKS_PER_SECOND) * 1000).takeIf { it > 0 }
    }

    /** The distribution's own name of itself. */
    fun distribution(): String? =
        read("etc/os-release").orEmpty().lines().firstOrNull { it.startsWith("PRETTY_NAME=") }
            ?.substringAfter('=')?.trim('"', '\'')

    /** Counters of the processors that this process may use; null where they cannot be read. */
    fun processorSeconds(): ProcessorSeconds? {
        val allowed = processors().map { "cpu$it" }.toSet()
        var total = 0L
        var busy = 0L
        var stolen = 0L
        for (line in read("proc/stat").orEmpty().lines()) {
            val words = line.split(' ')
            if (words.first() !in allowed) continue
            // Guest time, behind these, is counted as user time already.
            val times = words.drop(1).take(8).map { it.toLongOrNull() ?: return null }
            if (times.size < 8) return null
            val (user, nice, system) = times
            val (_, _, interrupts, softInterrupts, steal) = times.drop(3)
            total += times.sum()
            busy += user + nice + system + interrupts + softInterrupts + steal
            stolen += steal
        }
        if (total == 0L) return null
        return ProcessorSeconds(total / TICKS_PER_SECOND, busy / TICKS_PER_SECOND, stolen / TICKS_PER_SECOND)
    }

    /** Of this process's threads (Linux, Documentation/scheduler/sched-stats.rst). */
    fun threadSeconds(): ThreadSeconds {
        var running = 0.0
        var waiting = 0.0
        for (thread in names(THREADS, Regex("[0-9]+"))) {
            val times = read("$THREADS/$thread/schedstat")?.split(' ')?.map { it.toLongOrNull() } ?: continue
            running += (times.getOrNull(0) ?: continue) / 1e9
            waiting += (times.getOrNull(1) ?: continue) / 1e9
        }
        return ThreadSeconds(running, waiting)
    }

    private fun clockMhz(processor: Int, file: String): Double? =
        read("$PROCESSORS/cpu$processor/cpufreq/$file")?.toLongOrNull()?.takeIf { it > 0 }?.let { it / 1000.0 }

    /** Of /proc/self/stat, behind the command's name: that comes in brackets and may hold spaces and brackets. */
    private fun processFields(): List<String>? =
        read("proc/self/stat")?.substringAfterLast(')')?.trim()?.split(' ')

    private fun bytes(path: String, name: String): Long? {
        val (number, unit) = fields(read(path))[name]?.split(' ')?.takeIf { it.size == 2 } ?: return null
        return number.toLongOrNull()?.takeIf { unit == "kB" }?.times(1024)
    }

    private fun fields(text: String?): Map<String, String> =
        text.orEmpty().lines().associate { it.substringBefore(':').trim() to it.substringAfter(':', "").trim() }

    private companion object {
        const val PROCESSORS = "sys/devices/system/cpu"
        const val THERMAL = "sys/class/thermal"
        const val THREADS = "proc/self/task"

        /** Places in /proc/self/stat, counted behind the command's name. */
        const val USER_TIME = 11
        const val START_TIME = 19
    }
}

/** Seconds since the system started, of all processors that a process may use. */
internal data class ProcessorSeconds(val total: Double, val busy: Double, val stolen: Double)

/** Seconds that threads ran, and that they were ready and without a processor. */
internal data class ThreadSeconds(val running: Double, val waiting: Double)
