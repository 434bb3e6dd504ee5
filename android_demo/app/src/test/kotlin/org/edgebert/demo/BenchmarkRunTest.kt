package org.edgebert.demo

import com.google.gson.JsonObject
import com.google.gson.JsonParser
import java.io.File
import java.io.IOException
import java.util.concurrent.Callable
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
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
