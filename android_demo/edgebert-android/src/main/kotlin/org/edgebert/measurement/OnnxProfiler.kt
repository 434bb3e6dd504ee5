package org.edgebert.measurement

import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtException
import com.google.gson.stream.JsonReader
import com.google.gson.stream.JsonToken
import java.io.File
import java.io.IOException
import org.edgebert.BackendException
import org.edgebert.backends.onnxInputs
import org.edgebert.backends.onnxOptions
import org.edgebert.bundle.Artifact
import org.edgebert.tokenization.Encoding

internal const val ONNX = "onnx"

private const val WARM_UP_RUNS = 5

/** One measured call of one operator. */
internal data class Call(val part: String, val kind: String, val milliseconds: Double)

/** Calls of [runs] runs as means of one run, by part and kind, the slowest first. */
internal fun folded(calls: List<Call>, runs: Int): List<Operator> =
    calls.groupBy { it.part to it.kind }
        .map { (key, each) ->
            Operator(
                key.first, key.second, each.size.toDouble() / runs,
                each.sumOf { it.milliseconds } / runs,
            )
        }
        .sortedByDescending { it.milliseconds }

/** Loads the library of a backend, as far as it can be loaded apart from a model. */
internal fun loadLibrary(backend: String) {
    // What is missing is the business of loading the model, which says so.
    if (backend == ONNX) version()
}

/** The libraries that run models of a backend, and their versions. */
internal fun libraries(backend: String): Map<String, String> {
    val version = if (backend == ONNX) version() else null
    return if (version == null) emptyMap() else mapOf("onnxruntime" to version)
}

private fun version(): String? = try {
    OrtEnvironment.getEnvironment().version
} catch (_: LinkageError) {
    null
}

/**
 * ONNX Runtime's own profile of a model: each node's time in its kernel, in whole microseconds.
 *
 * The profile, and the graph as ONNX Runtime has changed it, come through files in the folder for temporary ones.
 */
internal class OnnxProfiler(private val artifact: Artifact, private val content: ByteArray, private val threads: Int) {
    /**
     * The calls of the last [runs] runs of a few more.
     *
     * @throws BackendException if the library fails, or its files find no room.
     */
    fun calls(encoding: Encoding, runs: Int): List<Call> {
        val folder = File.createTempFile("edgebert-profile-", "")
        try {
            if (!folder.delete() || !folder.mkdir()) throw IOException("no folder for temporary files")
            val optimized = File(folder, "optimized.onnx")
            val profile = profiled(encoding, WARM_UP_RUNS + runs, optimized, File(folder, "profile"))
            val changed = readNodes(optimized.readBytes())
            // Weights that have been folded into others have no names in the changed graph.
            val partOf = parts(changed, parts(readNodes(content)))
            val partOfNode = changed.associate { it.name to partOf.getValue(it.outputs.first()) }
            return calls(events(profile), partOfNode, runs)
        } catch (error: OrtException) {
            throw failure(error)
        } catch (error: IOException) {
            throw failure(error)
        } finally {
            folder.deleteRecursively()
        }
    }

    private fun failure(error: Exception) = BackendException(
        "onnxruntime did not profile the model (${error.message.orEmpty().lines().first()}); if its files found no " +
            "room, free ${2 * content.size} bytes",
        error,
    )

    private fun profiled(encoding: Encoding, runs: Int, optimized: File, prefix: File): File {
        val environment = OrtEnvironment.getEnvironment()
        onnxOptions(threads).use { options ->
            options.setOptimizedModelFilePath(optimized.path)
            options.enableProfiling(prefix.path)
            environment.createSession(content, options).use { session ->
                val inputs = onnxInputs(environment, artifact, listOf(encoding.ids), listOf(encoding.tokenTypes))
                try {
                    repeat(runs) { session.run(inputs).close() }
                } finally {
                    inputs.values.forEach(OnnxTensor::close)
                }
                return File(session.endProfiling())
            }
        }
    }
}

/** What ONNX Runtime tells of some time: microseconds from [start] on. */
private class Event(val name: String, val category: String, val start: Long, val duration: Long, val operator: String)

/** The nodes of the last [runs] runs. */
private fun calls(events: List<Event>, partOfNode: Map<String, String>, runs: Int): List<Call> {
    val starts = events.filter { it.name == "model_run" }.map { it.start }.sorted()
    val first = starts[starts.size - runs]
    return events.filter { it.category == "Node" && it.name.endsWith(KERNEL) && it.start >= first }.map {
        Call(partOfNode[it.name.removeSuffix(KERNEL)] ?: OTHER, it.operator, it.duration / 1000.0)
    }
}

private const val KERNEL = "_kernel_time"

private fun events(profile: File): List<Event> = profile.reader().use { stream ->
    val reader = JsonReader(stream)
    val events = mutableListOf<Event>()
    reader.beginArray()
    while (reader.hasNext()) {
        val fields = fields(reader)
        events += Event(
            name = fields["name"].orEmpty(),
            category = fields["cat"].orEmpty(),
            start = fields["ts"].orEmpty().toLongOrNull() ?: 0,
            duration = fields["dur"].orEmpty().toLongOrNull() ?: 0,
            operator = fields["op_name"].orEmpty(),
        )
    }
    events
}

/** The strings and numbers of an object, those of its "args" among them. */
private fun fields(reader: JsonReader): Map<String, String> {
    val found = mutableMapOf<String, String>()
    reader.beginObject()
    while (reader.hasNext()) {
        val name = reader.nextName()
        when (reader.peek()) {
            JsonToken.STRING, JsonToken.NUMBER -> found[name] = reader.nextString()
            JsonToken.BEGIN_OBJECT -> if (name == "args") found += fields(reader) else reader.skipValue()
            else -> reader.skipValue()
        }
    }
    reader.endObject()
    return found
}
