package org.edgebert.measurement

/** What a machine says about itself at one moment: read, never inferred; what it does not tell is null. */
public data class Facts(
    val board: String?,
    /** The model of the processor, or the kinds of its cores. */
    val cpu: String?,
    /** As the kernel names it: "aarch64". */
    val architecture: String,
    /** 32 where a 32-bit process runs on a 64-bit kernel. */
    val bits: Int,
    /** Physical cores that are on. */
    val cores: Int?,
    /** Logical processors that this process may use. */
    val availableProcessors: Int,
    /** Dot products of int8: asimddp on ARM, VNNI on x86-64. */
    val dotProduct: Boolean?,
    /** Matrix products of int8 on ARM. */
    val i8mm: Boolean?,
    /** Scalable vectors on ARM. */
    val sve: Boolean?,
    /** Of the first processor. */
    val governor: String?,
    /** Of the fastest processor that this process may use. */
    val frequencyMhz: Double?,
    /** Of the fastest processor. */
    val maxFrequencyMhz: Double?,
    /** The hottest sensor of the processor. */
    val temperatureCelsius: Double?,
    /** What holds against its speed; empty if nothing. */
    val throttling: List<String>?,
    val memoryBytes: Long?,
    val availableMemoryBytes: Long?,
    val operatingSystem: String,
    val kernel: String,
    /** Library that runs models → version. */
    val libraries: Map<String, String>,
)

private const val ARM = "0x41"

/** CPU part → core, for the implementer Arm. */
private val ARM_CORES = mapOf(
    "0xb76" to "ARM1176",
    "0xc07" to "Cortex-A7",
    "0xd03" to "Cortex-A53",
    "0xd04" to "Cortex-A35",
    "0xd05" to "Cortex-A55",
    "0xd07" to "Cortex-A57",
    "0xd08" to "Cortex-A72",
    "0xd09" to "Cortex-A73",
    "0xd0a" to "Cortex-A75",
    "0xd0b" to "Cortex-A76",
    "0xd0c" to "Neoverse-N1",
    "0xd0d" to "Cortex-A77",
    "0xd40" to "Neoverse-V1",
    "0xd41" to "Cortex-A78",
    "0xd44" to "Cortex-X1",
    "0xd46" to "Cortex-A510",
    "0xd47" to "Cortex-A710",
    "0xd48" to "Cortex-X2",
    "0xd49" to "Neoverse-N2",
    "0xd4d" to "Cortex-A715",
    "0xd4e" to "Cortex-X3",
    "0xd4f" to "Neoverse-V2",
    "0xd80" to "Cortex-A520",
    "0xd81" to "Cortex-A720",
    "0xd82" to "Cortex-X4",
)

/** @param libraries library that runs models → version. */
internal fun facts(machine: Machine, platform: Platform, libraries: Map<String, String>): Facts {
    val processors = machine.processorBlocks()
    val flags = flags(processors)
    return Facts(
        board = platform.board ?: board(machine),
        cpu = cpu(processors),
        architecture = architecture(),
        bits = platform.bits,
        cores = cores(processors),
        availableProcessors = availableProcessors(machine),
        dotProduct = anyOf(flags, "asimddp", "avx512_vnni", "avx_vnni"),
        i8mm = anyOf(flags, "i8mm"),
        sve = anyOf(flags, "sve"),
        governor = machine.read("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        frequencyMhz = machine.frequencyMhz(),
        maxFrequencyMhz = machine.maxFrequencyMhz(),
        temperatureCelsius = machine.temperatureCelsius(),
        throttling = platform.throttling(),
        memoryBytes = machine.memoryBytes("MemTotal"),
        availableMemoryBytes = machine.memoryBytes("MemAvailable"),
        operatingSystem = platform.operatingSystem,
        kernel = machine.read("proc/sys/kernel/osrelease") ?: System.getProperty("os.version").orEmpty(),
        libraries = libraries,
    )
}

private fun board(machine: Machine): String? {
    val fields = machine.processorFields()
    return machine.read("proc/device-tree/model") ?: fields["Model"] ?: fields["Hardware"]
}

private fun cpu(processors: List<Map<String, String>>): String? {
    val kinds = processors.mapNotNull { coreName(it) }.groupingBy { it }.eachCount()
    if (kinds.size > 1) return kinds.entries.joinToString(" + ") { (name, count) -> "$count × $name" }
    return kinds.keys.firstOrNull()
}

private fun coreName(processor: Map<String, String>): String? {
    // 32-bit ARM has a model name too, but it tells the architecture only: "ARMv7 Processor rev 3".
    val part = processor["CPU part"] ?: return processor["model name"]
    val implementer = processor["CPU implementer"] ?: "unknown"
    val known = if (implementer.lowercase() == ARM) ARM_CORES[part.lowercase()] else null
    return known ?: "CPU implementer $implementer part $part"
}

/** The JVM's own name for x86_64 is another than the kernel's. */
private fun architecture(): String = when (val name = System.getProperty("os.arch").orEmpty()) {
    "amd64" -> "x86_64"
    else -> name
}

/** Linux numbers cores where several logical processors share one, and else leaves it out. */
private fun cores(processors: List<Map<String, String>>): Int? =
    processors.map { it["physical id"] to (it["core id"] ?: "processor ${it["processor"]}") }.distinct().size
        .takeIf { it > 0 }

/** The process's own processors, cut down by what the JVM knows of its container. */
private fun availableProcessors(machine: Machine): Int {
    val known = Runtime.getRuntime().availableProcessors()
    return machine.processors().size.takeIf { it > 0 }?.coerceAtMost(known) ?: known
}

private fun flags(processors: List<Map<String, String>>): Set<String> =
    processors.firstNotNullOfOrNull { it["flags"] ?: it["Features"] }.orEmpty().split(' ').filter { it != "" }.toSet()

private fun anyOf(flags: Set<String>, vararg names: String): Boolean? =
    if (flags.isEmpty()) null else names.any { it in flags }
