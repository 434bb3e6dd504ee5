package org.edgebert.measurement

import java.io.File
import java.io.IOException
import java.util.zip.ZipFile
import org.edgebert.VectorFile
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class GraphPartsTest {
    @Test
    fun `nodes and their parts are Python's`() {
        var compared = 0
        VectorFile.rows("graph_parts.jsonl") { rows ->
            for (row in rows) {
                val nodes = readNodes(content(row["file"] as String))
                val expected = (row["nodes"] as List<*>).map { it as Map<*, *> }
                assertEquals(expected.map { it["name"] }, nodes.map { it.name })
                assertEquals(expected.map { it["kind"] }, nodes.map { it.kind })
                assertEquals(expected.map { it["inputs"] }, nodes.map { it.inputs })
                assertEquals(expected.map { it["outputs"] }, nodes.map { it.outputs })
                assertEquals(row["parts"], parts(nodes))
                compared++
            }
        }
        assertEquals(2, compared)
    }

    @Test
    fun `a file that is cut anywhere is refused, or has fewer nodes`() {
        val whole = content("int8_dynamic.onnx")
        val count = readNodes(whole).size
        for (end in whole.indices step 97) {
            try {
                assertTrue(readNodes(whole.copyOf(end)).size <= count)
            } catch (error: IOException) {
                assertTrue(error.message!!.startsWith("not an .onnx file"))
            }
        }
        assertThrows(IOException::class.java) { readNodes(ByteArray(20) { -1 }) }
        assertThrows(IOException::class.java) { readNodes("plain text".toByteArray()) }
    }

    @Test
    fun `calls are folded to means of one run, the slowest first`() {
        val calls = listOf(
            Call("head", "Gemm", 1.0),
            Call("attention", "MatMul", 2.0),
            Call("attention", "MatMul", 4.0),
            Call("head", "Gemm", 1.0),
        )
        val expected = listOf(Operator("attention", "MatMul", 1.0, 3.0), Operator("head", "Gemm", 1.0, 1.0))
        assertEquals(expected, folded(calls, 2))
    }

    private fun content(name: String): ByteArray = ZipFile(STORED_BUNDLE).use { zip ->
        zip.getInputStream(zip.getEntry(name)).use { it.readBytes() }
    }
}

/** A bundle of version 2 with small models for ONNX Runtime, which Python's tests read too. */
internal val STORED_BUNDLE = File("../../tests/stored_bundles/version-2.edgebert")
