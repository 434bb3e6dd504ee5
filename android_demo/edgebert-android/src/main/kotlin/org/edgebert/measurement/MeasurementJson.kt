package org.edgebert.measurement

import com.google.gson.stream.JsonWriter
import java.io.StringWriter

/**
 * One line of JSON, in ASCII: it may pass a terminal of any encoding.
 *
 * The names are those of `edgebert_runtime.measurement` in Python, which reads it.
 */
public fun Measurement.toJson(): String {
    val text = StringWriter()
    JsonWriter(text).apply { serializeNulls = true }.measurement(this)
    return ascii(text.toString())
}

/** What stands in place of a measurement where there is none: one line that says why. */
public fun errorJson(message: String): String {
    val text = StringWriter()
    JsonWriter(text).beginObject().name("error").value(message.trim().replace(Regex("\\s+"), " ")).endObject()
    return ascii(text.toString())
}

/** Beyond ASCII there is nothing in JSON but inside its strings, where every UTF-16 unit has an escape. */
private fun ascii(json: String): String = buildString {
    for (unit in json) {
        if (unit.code < 0x80) append(unit) else append("\\u").append(unit.code.toString(16).padStart(4, '0'))
    }
}

private fun JsonWriter.measurement(value: Measurement) {
    beginObject()
    field("schema_version", SCHEMA_VERSION)
    field("bundle", value.bundle)
    field("backend", value.backend)
    field("recipe", value.recipe)
    field("file", value.file)
    field("bytes", value.bytes)
    field("threads", value.threads)
    field("tool", value.tool)
    member("startup", value.startup) { startup(it) }
    member("memory", value.memory) { memory(it) }
    member("text_to_answer", value.textToAnswer) { timing(it) }
    members("lengths", value.lengths) { timing(it) }
    member("conditions", value.conditions) { conditions(it) }
    members("sustained", value.sustained) { stretch(it) }
    member("energy", value.energy) { energy(it) }
    member("operators", value.operators) { operators(it) }
    member("facts", value.facts) { facts(it) }
    endObject()
}

private fun JsonWriter.startup(value: Startup) {
    field("runtime_import_ms", value.runtimeImportMs)
    field("backend_import_ms", value.backendImportMs)
    field("import_ms", value.importMs)
    field("load_ms", value.loadMs)
    field("first_answer_ms", value.firstAnswerMs)
    field("to_first_answer_ms", value.toFirstAnswerMs)
}

private fun JsonWriter.memory(value: Memory) {
    field("runtime_imported_bytes", value.runtimeImportedBytes)
    field("backend_imported_bytes", value.backendImportedBytes)
    field("loaded_bytes", value.loadedBytes)
    field("first_answer_bytes", value.firstAnswerBytes)
    field("steady_bytes", value.steadyBytes)
    field("peak_bytes", value.peakBytes)
}

private fun JsonWriter.timing(value: Timing) {
    field("tokens", value.tokens)
    field("batch", value.batch)
    field("warm_up_runs", value.warmUpRuns)
    field("runs", value.runs)
    field("p50_ms", value.p50)
    field("p90_ms", value.p90)
    field("p99_ms", value.p99)
    field("mean_ms", value.mean)
    field("standard_deviation_ms", value.standardDeviation)
    list("interval_ms", value.interval?.let { listOf(it.low, it.high) })
    list("quantiles_ms", value.quantiles)
    field("sentences_per_second", value.sentencesPerSecond)
}

private fun JsonWriter.conditions(value: Conditions) {
    members("moments", value.moments) { moment(it) }
    field("stolen_share", value.stolenShare)
    field("foreign_share", value.foreignShare)
    field("waiting_share", value.waitingShare)
    list("marks", value.marks)
}

private fun JsonWriter.moment(value: Moment) {
    field("seconds", value.seconds)
    field("frequency_mhz", value.frequencyMhz)
    field("temperature_celsius", value.temperatureCelsius)
    list("throttling", value.throttling)
}

private fun JsonWriter.stretch(value: Stretch) {
    field("seconds", value.seconds)
    field("runs", value.runs)
    field("p50_ms", value.p50)
    field("p90_ms", value.p90)
    field("frequency_mhz", value.frequencyMhz)
    field("temperature_celsius", value.temperatureCelsius)
}

private fun JsonWriter.energy(value: Energy) {
    field("meter", value.meter)
    field("joules", value.joules)
    field("seconds", value.seconds)
    field("sentences", value.sentences)
}

private fun JsonWriter.operators(value: OperatorProfile) {
    field("tokens", value.tokens)
    members("operators", value.operators) {
        field("part", it.part)
        field("kind", it.kind)
        field("calls", it.calls)
        field("milliseconds", it.milliseconds)
    }
    field("reason", value.reason)
}

private fun JsonWriter.facts(value: Facts) {
    field("board", value.board)
    field("cpu", value.cpu)
    field("architecture", value.architecture)
    field("python_bits", value.bits)
    field("cores", value.cores)
    field("available_processors", value.availableProcessors)
    field("dot_product", value.dotProduct)
    field("i8mm", value.i8mm)
    field("sve", value.sve)
    field("governor", value.governor)
    field("frequency_mhz", value.frequencyMhz)
    field("max_frequency_mhz", value.maxFrequencyMhz)
    field("temperature_celsius", value.temperatureCelsius)
    list("throttling", value.throttling)
    field("memory_bytes", value.memoryBytes)
    field("available_memory_bytes", value.availableMemoryBytes)
    field("operating_system", value.operatingSystem)
    field("kernel", value.kernel)
    field("python", "")
    member("libraries", value.libraries) { versions -> versions.forEach { (name, version) -> field(name, version) } }
}

private fun JsonWriter.field(name: String, value: Any?) {
    name(name)
    element(value)
}

private fun JsonWriter.list(name: String, values: List<Any>?) {
    name(name)
    if (values == null) {
        nullValue()
        return
    }
    beginArray()
    values.forEach { element(it) }
    endArray()
}

private fun <T> JsonWriter.member(name: String, value: T?, write: JsonWriter.(T) -> Unit) {
    name(name)
    if (value == null) nullValue() else enclosed(value, write)
}

private fun <T> JsonWriter.members(name: String, values: List<T>, write: JsonWriter.(T) -> Unit) {
    name(name)
    beginArray()
    values.forEach { enclosed(it, write) }
    endArray()
}

private fun <T> JsonWriter.enclosed(value: T, write: JsonWriter.(T) -> Unit) {
    beginObject()
    write(value)
    endObject()
}

private fun JsonWriter.element(value: Any?) {
    when (value) {
        null -> nullValue()
        is String -> value(value)
        is Boolean -> value(value)
        is Number -> value(value)
        else -> throw IllegalArgumentException("no JSON for ${value.javaClass}")
    }
}
