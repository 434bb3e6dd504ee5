package org.edgebert.measurement

import com.google.gson.JsonParser
import java.io.File
import org.edgebert.InputException
import org.edgebert.ManifestException
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class BenchmarkTest {
    private val steps = mutableListOf<String>()
    private val benchmark = Benchmark("test 1.0", LinuxPlatform()) { steps += it }
    private val quick = Settings("onnx", lengths = listOf(16, 8), budgetSeconds = 0.5)

    @Test
    fun `a real bundle is measured in full`() {
        val settings = quick.copy(batches = listOf(2, 1), minutes = 0.02, operators = true)
        val measurement = benchmark.measure(STORED_BUNDLE, settings)
        assertEquals("int8_dynamic", measurement.recipe)
        assertEquals("int8_dynamic.onnx", measurement.file)
        assertEquals(73_573L, measurement.bytes)
        assertEquals("test 1.0", measurement.tool)
        assertEquals(listOf(8 to 1, 8 to 2, 16 to 1, 16 to 2), measurement.lengths.map { it.tokens to it.batch })
        assertTrue(measurement.lengths.all { it.runs >= 5 && it.p50 > 0 && it.p50 <= it.p90 && it.p90 <= it.p99 })
        assertTrue(measurement.textToAnswer.tokens in 3..16)
        val startup = measurement.startup
        assertTrue(startup.toFirstAnswerMs!! >= startup.importMs!! + startup.loadMs!! + startup.firstAnswerMs!!)
        val memory = measurement.memory
        assertTrue(memory.peakBytes!! >= memory.steadyBytes!!)
        assertTrue(memory.loadedBytes!! > 0 && memory.firstAnswerBytes!! > 0 && memory.runtimeImportedBytes!! > 0)
        assertTrue(measurement.conditions.moments.size > measurement.lengths.size)
        assertEquals(3, measurement.sustained.size)
        assertNull(measurement.energy)
        assertEquals(setOf("onnxruntime"), measurement.facts.libraries.keys)
        val operators = measurement.operators!!
        assertEquals(16, operators.tokens)
        assertNull(operators.reason)
        assertTrue(operators.operators.map { it.part }.toSet().containsAll(setOf("attention", "feed-forward", "head")))
        assertTrue(operators.operators.none { it.part == OTHER })
        assertTrue(operators.operators.all { it.calls >= 1 && it.milliseconds >= 0 })
        val ordered = operators.operators.map { it.milliseconds }
        assertEquals(ordered.sortedDescending(), ordered)
        assertEquals("loading", steps.first())
        assertTrue("16 tokens, batch 2" in steps && "operators at 16 tokens" in steps)
    }

    @Test
    fun `profiling leaves no files`() {
        val folder = File(System.getProperty("java.io.tmpdir"))
        benchmark.measure(STORED_BUNDLE, quick.copy(operators = true))
        assertEquals(emptyList<String>(), folder.list()!!.filter { it.startsWith("edgebert-profile-") })
    }

    @Test
    fun `what was not asked for is not measured`() {
        val measurement = benchmark.measure(STORED_BUNDLE, quick.copy(recipe = "float32"))
        assertEquals("float32.onnx", measurement.file)
        assertNull(measurement.operators)
        assertEquals(emptyList<Stretch>(), measurement.sustained)
    }

    @Test
    fun `lengths that were not asked for are those that fit`() {
        assertEquals(listOf(8, 16, 32, 64), Settings("onnx").fittingLengths(64))
        assertEquals(listOf(7), Settings("onnx").fittingLengths(7))
        assertEquals(listOf(1, 5), Settings("onnx", lengths = listOf(5, 1, 5)).fittingLengths(5))
        assertEquals(64, operatorTokens(listOf(8, 64, 128)))
        assertEquals(128, operatorTokens(listOf(128)))
    }

    @Test
    fun `what cannot be measured is refused`() {
        val error = assertThrows(InputException::class.java) {
            benchmark.measure(STORED_BUNDLE, quick.copy(lengths = listOf(8, 100_000)))
        }
        assertTrue(error.message!!.startsWith("lengths: got '8,100000', expected numbers of tokens from 1 to "))
        assertThrows(ManifestException::class.java) { benchmark.measure(File("nowhere"), quick) }
        assertThrows(InputException::class.java) { benchmark.measure(STORED_BUNDLE, quick.copy(threads = 0)) }
    }

    @Test
    fun `JSON is one line of ASCII, with every null`() {
        val measurement = benchmark.measure(STORED_BUNDLE, quick)
        val facts = measurement.facts.copy(cpu = "2 × A")
        val odd = measurement.copy(bundle = "/a b/\"q\"/é/漢/\ud83d\ude00/\n", facts = facts)
        val json = odd.toJson()
        assertTrue(json.all { it.code in 0x20..0x7e })
        val data = JsonParser.parseString(json).asJsonObject
        assertEquals(odd.bundle, data["bundle"].asString)
        assertEquals("2 × A", data["facts"].asJsonObject["cpu"].asString)
        assertEquals(2, data["schema_version"].asInt)
        assertTrue(data["energy"].isJsonNull && data["operators"].isJsonNull)
        assertEquals("", data["facts"].asJsonObject["python"].asString)
        assertNotNull(data["facts"].asJsonObject["libraries"].asJsonObject["onnxruntime"])
        assertFalse(json.contains("Ms\""))
    }

    @Test
    fun `an error is one line`() {
        assertEquals("{\"error\":\"no\\u00a0 room for \\\"x\\\"\"}", errorJson(" no\u00a0\n room\tfor \"x\" "))
    }
}
