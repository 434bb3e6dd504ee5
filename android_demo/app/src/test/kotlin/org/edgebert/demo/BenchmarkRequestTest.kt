package org.edgebert.demo

import java.io.File
import org.edgebert.measurement.Settings
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class BenchmarkRequestTest {
    @get:Rule
    val temporary = TemporaryFolder()

    private val folder get() = File(temporary.root, "files").also { it.mkdirs() }

    @Test
    fun `extras as edgebert sends them`() {
        val extras = mapOf(
            "bundle" to "/data/local/tmp/edgebert/bundles/0a1b",
            "out" to "$folder/measurement-0123456789abcdef.json",
            "backend" to "onnx",
            "recipe" to "int8_dynamic",
            "lengths" to "8,20",
            "batches" to "1, 2",
            "budget" to "1.5",
            "precision" to "0.02",
            "minutes" to "0.0",
            "threads" to 2,
            "operators" to true,
        )
        val output = BenchmarkRequest.output(extras, folder)
        val request = BenchmarkRequest.parse(extras, output)
        assertEquals(File("/data/local/tmp/edgebert/bundles/0a1b"), request.bundle)
        assertEquals(File(folder, "measurement-0123456789abcdef.json"), request.output)
        val expected = Settings("onnx", "int8_dynamic", 2, listOf(8, 20), 1.5, listOf(1, 2), 0.02, 0.0, true)
        assertEquals(expected, request.settings)
    }

    @Test
    fun `without extras it is the app's own bundle, and no file`() {
        assertNull(BenchmarkRequest.output(emptyMap(), folder))
        assertEquals(BenchmarkRequest(null, null, Settings("onnx")), BenchmarkRequest.parse(emptyMap(), null))
    }

    @Test
    fun `numbers as Python writes them`() {
        for ((text, number) in mapOf("5.0" to 5.0, "1e-05" to 1e-5, "1e+16" to 1e16, "30" to 30.0)) {
            assertEquals(number, BenchmarkRequest.parse(mapOf("budget" to text), null).settings.budgetSeconds, 0.0)
        }
    }

    @Test
    fun `the way to the folder may have links in it`() {
        val link = File(temporary.root, "sdcard")
        java.nio.file.Files.createSymbolicLink(link.toPath(), folder.toPath())
        val output = BenchmarkRequest.output(mapOf("out" to "$link/measurement-1.json"), folder)
        assertEquals(File(folder, "measurement-1.json"), output)
    }

    @Test
    fun `a file anywhere else is refused`() {
        File(folder, "there.json").writeText("{}")
        val bad = listOf<Any>(
            "",
            "measurement.json",
            "files/measurement.json",
            "/measurement.json",
            "/data/data/org.edgebert.demo/files/measurement.json",
            "$folder",
            "$folder/",
            "$folder/..",
            "$folder/../measurement.json",
            "$folder/sub/measurement.json",
            "$folder/.json",
            "$folder/.hidden.json",
            "$folder/measurement.txt",
            "$folder/a b.json",
            "$folder/a\u0000.json",
            "$folder/there.json",
            "$folder/${"x".repeat(300)}.json",
            7,
        )
        for (out in bad) {
            val error = assertThrows("$out", BadRequest::class.java) {
                BenchmarkRequest.output(mapOf("out" to out), folder)
            }
            assertTrue(error.message!!.startsWith("out: "))
            assertFalse(error.message!!.any { it.isISOControl() })
        }
        assertThrows(BadRequest::class.java) { BenchmarkRequest.output(mapOf("out" to "$folder/a.json"), null) }
    }

    @Test
    fun `other extras that cannot be used are refused by name`() {
        val bad = mapOf(
            "bundle" to listOf("", "relative/path", 7, true),
            "backend" to listOf(7),
            "recipe" to listOf(false),
            "lengths" to
                listOf("", "8,", ",8", "0", "-1", "1.5", "８", "x", "9999999999", List(65) { 8 }.joinToString(","), 8),
            "batches" to listOf("", "0", "1;2"),
            "budget" to
                listOf("", "0", "0.0", "-1", "nan", "NaN", "inf", "Infinity", "1d", "0x1p3", "1e999", "1_0", 5, 5.0),
            "precision" to listOf("1", "1.0", "-0.1", "x"),
            "minutes" to listOf("-1", "", "1e400", "five"),
            "threads" to listOf("1", 0, -1, 1025, Int.MIN_VALUE, 1L, 1.0),
            "operators" to listOf("true", 1),
        )
        for ((name, values) in bad) {
            for (value in values) {
                val error = assertThrows("$name $value", BadRequest::class.java) {
                    BenchmarkRequest.parse(mapOf(name to value), null)
                }
                assertTrue(error.message!!, error.message!!.startsWith("$name: got "))
                assertTrue(error.message!!.length < 200)
            }
        }
    }
}
