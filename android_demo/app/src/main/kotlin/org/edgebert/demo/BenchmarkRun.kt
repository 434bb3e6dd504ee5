package org.edgebert.demo

import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.util.concurrent.Executor
import java.util.concurrent.locks.Lock
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.thread
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

/** The benchmarks of a process, one at a time: two would measure each other. It belongs to the main thread. */
class Benchmarks {
    private val alone = ReentrantLock()
    private var last: BenchmarkRun? = null

    /**
     * Starts one; it waits for what is left of any that was cancelled.
     *
     * @throws BadRequest if one is going on.
     */
    fun start(run: BenchmarkRun) {
        if (last?.goesOn == true) throw BadRequest("another measurement is going on; wait for its end, or end it")
        last = run
        run.start(alone)
    }
}

/**
 * One benchmark on a thread of its own. It outlives the activity that shows it.
 *
 * All functions belong to the thread of [main], and [onChange] is called there.
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
    private lateinit var thread: Thread
    private var cancelled = false

    @Volatile
    private var leftForeground = false

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

    /** Whether it has not ended, and nobody ended it. */
    val goesOn: Boolean get() = state is BenchmarkState.Running && !cancelled

    /** @param alone is held while it measures. */
    fun start(alone: Lock = ReentrantLock()) {
        thread = thread(name = "benchmark") { run(alone) }
    }

    /** Says that the system may give the app less of the processor from now on. */
    fun leaveForeground() {
        leftForeground = true
    }

    /** Ends it after the run of the model that is going on; what asked for it is told so. */
    fun cancel() {
        onChange = null
        cancelled = true
        thread.interrupt()
    }

    private fun run(alone: Lock) {
        val ended = try {
            alone.lockInterruptibly()
            try {
                BenchmarkState.Measured(measure())
            } finally {
                alone.unlock()
            }
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

    private fun measure(): Measurement {
        val bundle = request.bundle ?: shippedBundle()
        val measurement = Benchmark(tool, platform) { show(BenchmarkState.Running(it)) }
            .measure(bundle, request.settings)
        if (!leftForeground) return measurement
        val conditions = measurement.conditions
        return measurement.copy(conditions = conditions.copy(marks = conditions.marks + LEFT_FOREGROUND))
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

    private companion object {
        const val LEFT_FOREGROUND = "the app was not on the screen all the time"
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
