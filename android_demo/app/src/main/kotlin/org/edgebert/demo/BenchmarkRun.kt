package org.edgebert.demo

import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.util.concurrent.Executor
import org.edgebert.EdgeBertException
import org.edgebert.measurement.Benchmark
import org.edgebert.measurement.Measurement
import org.edgebert.measurement.Platform
import org.edgebert.measurement.errorJson
import org.edgebert.measurement.toJson

/** How far a benchmark is. */
sealed class BenchmarkState {
    /** What is measured now, in the library's words; empty before the first. */
    data class Running(val step: String) : BenchmarkState()

    /** It goes on no more. */
    sealed class Ended : BenchmarkState()

    data class Measured(val measurement: Measurement) : Ended()

    data class Failed(val message: String) : Ended()
}

/**
 * One benchmark on a thread of its own. It outlives the activity that shows it.
 *
 * [onChange] and [cancel] belong to the thread of [main], and [onChange] is called there.
 *
 * @param tool name and version of this app.
 * @param shippedBundle makes a file of the bundle that came with the app.
 */
class BenchmarkRun(
    private val request: BenchmarkRequest,
    private val tool: String,
    private val platform: Platform,
    private val main: Executor,
    private val shippedBundle: () -> File,
) {
    private val thread = Thread({ run() }, "benchmark")

    /** Whether what it finds goes to a file. */
    val delivers: Boolean get() = request.output != null

    var state: BenchmarkState = BenchmarkState.Running("")
        private set

    /** Is told of each change while it is set. */
    var onChange: ((BenchmarkState) -> Unit)? = null
        set(value) {
            field = value
            value?.invoke(state)
        }

    fun start() = thread.start()

    /** Ends it after the run of the model that is going on; what asked for it is told so. */
    fun cancel() {
        onChange = null
        thread.interrupt()
    }

    private fun run() {
        val ended = try {
            val bundle = request.bundle ?: shippedBundle()
            val benchmark = Benchmark(tool, platform) { show(BenchmarkState.Running(it)) }
            BenchmarkState.Measured(benchmark.measure(bundle, request.settings))
        } catch (error: EdgeBertException) {
            BenchmarkState.Failed(error.message.orEmpty())
        } catch (error: IOException) {
            BenchmarkState.Failed("the app's own bundle cannot be copied: ${error.message}")
        } catch (_: InterruptedException) {
            BenchmarkState.Failed("ended before it had measured")
        } catch (_: OutOfMemoryError) {
            BenchmarkState.Failed("no memory left")
        }
        show(deliver(ended))
    }

    /** What became of it once whoever asked has been told. */
    private fun deliver(ended: BenchmarkState.Ended): BenchmarkState.Ended {
        val output = request.output ?: return ended
        return try {
            writeWhole(output, json(ended))
            ended
        } catch (error: IOException) {
            BenchmarkState.Failed("cannot write $output: ${error.message}")
        }
    }

    private fun json(ended: BenchmarkState.Ended): String = when (ended) {
        is BenchmarkState.Measured -> ended.measurement.toJson()
        is BenchmarkState.Failed -> errorJson(ended.message)
    }

    private fun show(next: BenchmarkState) = main.execute {
        state = next
        onChange?.invoke(next)
    }
}

/**
 * Writes a file that others see as a whole or not at all.
 *
 * @throws IOException if it cannot be written; then nothing is left of it.
 */
internal fun writeWhole(file: File, text: String) {
    val part = File(file.parentFile, "part-${file.name}")
    try {
        FileOutputStream(part).use {
            it.write(text.toByteArray())
            it.fd.sync()
        }
        if (!part.renameTo(file)) throw IOException("it cannot be renamed")
    } finally {
        part.delete()
    }
}
