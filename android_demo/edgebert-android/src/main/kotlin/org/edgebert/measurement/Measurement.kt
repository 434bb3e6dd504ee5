package org.edgebert.measurement

/** Version of the JSON that [toJson] writes; `edgebert profile` reads this one alone. */
public const val SCHEMA_VERSION: Int = 2

/** Milliseconds until the first answer; null where the system does not tell. */
public data class Startup(
    /** Process start → the measurement begins; the Android runtime's start too. */
    val runtimeImportMs: Double?,
    /** Loading the library of the backend, after that. */
    val backendImportMs: Double?,
    /** Process start → everything loaded but the model. */
    val importMs: Double?,
    /** Opening the bundle: manifest, hashes, tokenizer, and the library opening the file. */
    val loadMs: Double?,
    /** The first text → answer on the loaded model. */
    val firstAnswerMs: Double?,
    /** Process start → first answer: all of the above. */
    val toFirstAnswerMs: Double?,
)

/** Resident bytes of the process; null where the system does not tell. */
public data class Memory(
    val runtimeImportedBytes: Long?,
    val backendImportedBytes: Long?,
    val loadedBytes: Long?,
    val firstAnswerBytes: Long?,
    /** After the last run of the last length. */
    val steadyBytes: Long? = null,
    /** The most at any time until then. */
    val peakBytes: Long? = null,
)

/** Repeated runs of one input, one at a time; times in milliseconds. */
public data class Timing(
    /** Of each text, special tokens included. */
    val tokens: Int,
    /** Texts in one run. */
    val batch: Int,
    val warmUpRuns: Int,
    val runs: Int,
    val p50: Double,
    val p90: Double,
    val p99: Double,
    val mean: Double,
    val standardDeviation: Double,
    /** Of the median, with 95 % confidence; null for fewer than six runs. */
    val interval: Interval?,
    /** Least, 5 %, 10 % … 95 %, most. */
    val quantiles: List<Double>,
    val sentencesPerSecond: Double,
) {
    /** What it is of, in words. */
    val place: String get() = place(tokens, batch)

    /** That were answered, the runs to warm up included. */
    val sentences: Int get() = (warmUpRuns + runs) * batch
}

/** Both ends belong to it. */
public data class Interval(val low: Double, val high: Double)

/** The processor at one time. */
public data class Moment(
    /** Since the measurement began. */
    val seconds: Double,
    /** Of the fastest processor that this process may use. */
    val frequencyMhz: Double?,
    /** The hottest sensor of the processor. */
    val temperatureCelsius: Double?,
    /** What holds against its speed now; null where nothing tells. */
    val throttling: List<String>?,
)

/** What went on around the runs. */
public data class Conditions(
    /** Before the first run, between the runs, and after the last one. */
    val moments: List<Moment>,
    /** Of the processors' time: taken by a hypervisor for other machines. */
    val stolenShare: Double?,
    /** Of the processors' time: used by other processes. */
    val foreignShare: Double?,
    /** Of the time that threads of this process could have run: they had to wait for a processor. */
    val waitingShare: Double?,
    /** What makes the figures doubtful, in words; empty if nothing was seen. */
    val marks: List<String>,
)

/** Some seconds of running without rest. */
public data class Stretch(
    /** From the beginning of it to the middle of this stretch. */
    val seconds: Double,
    val runs: Int,
    val p50: Double,
    val p90: Double,
    val frequencyMhz: Double?,
    val temperatureCelsius: Double?,
)

/** What the battery gave during the runs; to the whole device, idle power too. */
public data class Energy(val meter: String, val joules: Double, val seconds: Double, val sentences: Int)

/** All operators of one kind in one part of the model. */
public data class Operator(
    val part: String,
    /** As the library names it: "MatMulInteger". */
    val kind: String,
    /** In one run of the model. */
    val calls: Double,
    /** In one run of the model, together. */
    val milliseconds: Double,
)

/** Where the time of a run goes, without the time between operators. */
public data class OperatorProfile(
    val tokens: Int,
    /** The slowest first; empty where [reason] says why. */
    val operators: List<Operator>,
    val reason: String?,
)

/** One artifact of a bundle, measured in this process. */
public data class Measurement(
    /** The path as it was given. */
    val bundle: String,
    val backend: String,
    val recipe: String,
    val file: String,
    val bytes: Long,
    val threads: Int,
    /** What timed it, and its version. */
    val tool: String,
    val startup: Startup,
    val memory: Memory,
    /** One English sentence, tokenized and answered anew each time. */
    val textToAnswer: Timing,
    /** The model alone, from token ids to raw outputs, by length and batch. */
    val lengths: List<Timing>,
    val conditions: Conditions,
    /** Running without rest at the longest length, if it was asked for. */
    val sustained: List<Stretch>,
    /** Null where no meter is readable. */
    val energy: Energy?,
    /** Null unless it was asked for. */
    val operators: OperatorProfile?,
    /** Read after the last run, while the processor is still warm. */
    val facts: Facts,
)
