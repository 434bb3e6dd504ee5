package org.edgebert.demo

import com.google.gson.JsonObject
import com.google.gson.JsonParser
import java.io.File
import java.io.IOException
import java.util.concurrent.Callable
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.locks.LockSupport
import org.edgebert.measurement.LinuxPlatform
import org.edgebert.measurement.Settings
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class BenchmarkRunTest {
    @get:Rule
    val folder = TemporaryFolder()

    private val main = Executors.newSingleThreadExecutor()
    private val seen = CopyOnWriteArrayList<BenchmarkState>()
    private val output get() = File(folder.root, "measurement.json")
    private val quick = Settings("onnx", lengths = listOf(8), budgetSeconds = 0.3)

    @After
    fun end() {
        main.shutdownNow()
    }

    @Test
    fun `a measurement is shown and written`() {
        run(BenchmarkRequest(STORED_BUNDLE, output, quick))
        val measured = seen.last() as BenchmarkState.Measured
        val written = written()
        assertEquals(2, written["schema_version"].asInt)
        assertEquals("demo 1.0", written["tool"].asString)
        val writtenMedian = written["text_to_answer"].asJsonObject["p50_ms"].asDouble
        assertEquals(measured.measurement.textToAnswer.p50, writtenMedian, 0.0)
        assertTrue(BenchmarkState.Running("loading") in seen)
        assertEquals(listOf("measurement.json"), folder.root.list()!!.toList())
    }

    @Test
    fun `without a file it is shown only, and without a bundle it is the app's own`() {
        run(BenchmarkRequest(null, null, quick))
        assertTrue(seen.last() is BenchmarkState.Measured)
        assertEquals(emptyList<String>(), folder.root.list()!!.toList())
    }

    @Test
    fun `what failed is written as an error`() {
        run(BenchmarkRequest(File("/nowhere"), output, quick))
        val message = (seen.last() as BenchmarkState.Failed).message
        assertTrue(message, message.startsWith("no bundle at '/nowhere'"))
        assertEquals(setOf("error"), written().keySet())
        assertEquals(message, written()["error"].asString)
    }

    @Test
    fun `an app whose own bundle is not there says so`() {
        run(BenchmarkRequest(null, output, quick)) { throw IOException("no asset") }
        assertTrue(written()["error"].asString.contains("no asset"))
    }

    @Test
    fun `a run that is ended tells who asked`() {
        val long = quick.copy(budgetSeconds = 600.0, precision = 0.0)
        val request = BenchmarkRequest(STORED_BUNDLE, output, long)
        val run = BenchmarkRun(request, "demo 1.0", LinuxPlatform(), main) { throw AssertionError() }
        onMain { run.onChange = { seen += it } }
        run.start()
        eventually { BenchmarkState.Running("text to answer") in seen }
        onMain { run.cancel() }
        eventually { output.exists() }
        assertEquals("ended before it had measured", written()["error"].asString)
        assertFalse(seen.any { it is BenchmarkState.Measured })
    }

    @Test
    fun `a run that left the screen says so among the marks`() {
        val left = "the app was not on the screen all the time"
        run(BenchmarkRequest(STORED_BUNDLE, output, quick))
        assertFalse(left in marks())
        output.delete()
        val run = BenchmarkRun(BenchmarkRequest(STORED_BUNDLE, output, quick), "demo 1.0", LinuxPlatform(), main) {
            throw AssertionError()
        }
        var told = false
        onMain {
            run.onChange = {
                if (it == BenchmarkState.Running("text to answer")) run.leaveForeground()
                if (it is BenchmarkState.Measured) told = left in it.measurement.conditions.marks
            }
        }
        run.start()
        eventually { told }
        assertEquals(1, marks().count { it == left })
    }

    @Test
    fun `a process was started for its first activity alone`() {
        assertTrue(ProcessStart.take())
        assertFalse(ProcessStart.take())
    }

    @Test
    fun `a second run is refused while one is going on`() {
        val benchmarks = Benchmarks()
        val first = waiting("first.json")
        onMain { benchmarks.start(first) }
        onMain {
            val refused = assertThrows(BadRequest::class.java) { benchmarks.start(waiting("second.json")) }
            assertEquals("another measurement is going on; wait for its end, or end it", refused.message)
        }
        onMain { first.cancel() }
        gate.countDown()
        eventually { File(folder.root, "first.json").exists() }
        assertFalse(File(folder.root, "second.json").exists())
    }

    @Test
    fun `a run waits for the end of those that were cancelled`() {
        val benchmarks = Benchmarks()
        val first = waiting("first.json")
        onMain { benchmarks.start(first) }
        eventually { begun.get() == 1 }
        onMain { first.cancel() }
        val second = waiting("second.json")
        onMain { benchmarks.start(second) }
        onMain { second.cancel() }
        eventually { File(folder.root, "second.json").exists() }
        val third = waiting("third.json")
        onMain {
            third.onChange = { seen += it }
            benchmarks.start(third)
        }
        Thread.sleep(200)
        assertEquals(1, begun.get())
        gate.countDown()
        eventually { seen.last() is BenchmarkState.Measured }
        assertEquals(2, begun.get())
        onMain { benchmarks.start(waiting("fourth.json")) }
        eventually { File(folder.root, "fourth.json").exists() }
    }

    @Test
    fun `a result that cannot be written is said on the screen`() {
        run(BenchmarkRequest(STORED_BUNDLE, File(folder.root, "gone/measurement.json"), quick))
        assertTrue((seen.last() as BenchmarkState.Failed).message.startsWith("cannot write "))
    }

    @Test
    fun `a file is there as a whole or not at all`() {
        val target = File(folder.root, "target.json")
        writeWhole(target, "{}")
        assertEquals("{}", target.readText())
        val taken = folder.newFolder("taken.json")
        File(taken, "full").writeText("")
        assertThrows(IOException::class.java) { writeWhole(taken, "{}") }
        assertEquals(setOf("target.json", "taken.json"), folder.root.list()!!.toSet())
    }

    private val gate = CountDownLatch(1)
    private val begun = AtomicInteger()

    /** A run whose bundle comes when the gate is open, whatever interrupts it. */
    private fun waiting(name: String) = BenchmarkRun(
        BenchmarkRequest(null, File(folder.root, name), quick),
        "demo 1.0",
        LinuxPlatform(),
        main,
    ) {
        begun.incrementAndGet()
        while (gate.count > 0) LockSupport.parkNanos(1_000_000)
        STORED_BUNDLE
    }

    private fun marks(): List<String> =
        written()["conditions"].asJsonObject["marks"].asJsonArray.map { it.asString }

    private fun run(request: BenchmarkRequest, shippedBundle: () -> File = { STORED_BUNDLE }) {
        val run = BenchmarkRun(request, "demo 1.0", LinuxPlatform(), main, shippedBundle)
        onMain { run.onChange = { seen += it } }
        run.start()
        val end = System.nanoTime() + 60_000_000_000
        while (seen.last() is BenchmarkState.Running) {
            assertTrue(System.nanoTime() < end)
            Thread.sleep(20)
        }
    }

    private fun onMain(task: () -> Unit) {
        main.submit(Callable { task() }).get(10, TimeUnit.SECONDS)
    }

    private fun written(): JsonObject = JsonParser.parseString(output.readText()).asJsonObject
}
