package org.edgebert

import org.edgebert.backends.Backend
import org.edgebert.backends.Tensor
import org.edgebert.tokenization.Encoding
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class BatchingTest {
    @Test
    fun rowsOfOneLengthTogether() {
        val backend = Echo(maxRows = 2, byToken = false)
        val encodings = listOf(3, 1, 3, 2, 3, 1).mapIndexed { index, length -> encoding(index, length) }
        val outputs = runByLength(backend, encodings, most = 100, byToken = false)
        assertEquals(listOf(0f, 1f, 2f, 3f, 4f, 5f), outputs.map { it.values.single() })
        assertEquals(listOf(listOf(1, 1), listOf(2), listOf(3, 3), listOf(3)), backend.calls)
    }

    @Test
    fun aRowForEachToken() {
        val encodings = listOf(encoding(7, 2), encoding(8, 3), encoding(9, 2))
        val outputs = runByLength(Echo(maxRows = 9, byToken = true), encodings, most = 9, byToken = true)
        assertEquals(listOf(2, 3, 2), outputs.map { it.rows })
        assertArrayEquals(floatArrayOf(9f, 9f), outputs[2].values, 0f)
        val error = assertThrows(BackendException::class.java) {
            runByLength(Echo(maxRows = 9, byToken = false), encodings, most = 9, byToken = true)
        }
        assertEquals(
            "the model gave outputs of shape (2, 1), expected a row for each token; convert the checkpoint again",
            error.message,
        )
    }

    @Test
    fun outputsStayWithinABound() {
        assertEquals(256, mostRows(1))
        assertEquals(4, mostRows(MOST_OUTPUTS / 4L))
        assertEquals(1, mostRows(MOST_OUTPUTS * 9L))
        val width = MOST_OUTPUTS / 10
        val sizes = ArrayList<Int>()
        val run = { encodings: List<Encoding> ->
            sizes += encodings.size
            encodings.map { Matrix(1, FloatArray(1) { _ -> it.ids[0].toFloat() }) }
        }
        val texts = listOf(
            List(4) { encoding(it, 1) },
            List(4) { encoding(it, 1) },
            List(4) { encoding(it, 1) },
            List(3) { encoding(it, 4) },
        )
        val found = rowsOfWindows(run, texts, width).map { windows -> windows.map { it.values[0] } }.toList()
        assertEquals(List(3) { listOf(0f, 1f, 2f, 3f) } + listOf(listOf(0f, 1f, 2f)), found)
        // Two texts fit together, the third is alone, and the windows of the last come one by one.
        assertEquals(listOf(8, 4, 1, 1, 1), sizes.filter { it > 0 })
    }

    private fun encoding(id: Int, length: Int) =
        Encoding(IntArray(length) { id }, IntArray(length), false, emptyList(), emptyList(), emptyList())
}

/** Answers with the ids it was given. */
private class Echo(override val maxRows: Int, private val byToken: Boolean) : Backend {
    /** Lengths of the rows of each call. */
    val calls = ArrayList<List<Int>>()

    override fun run(ids: List<IntArray>, tokenTypes: List<IntArray>): Tensor {
        calls += ids.map { it.size }
        assertTrue(ids.map { it.size }.toSet().size == 1)
        val rows = if (byToken) ids else ids.map { it.copyOf(1) }
        val values = rows.flatMap { row -> row.map { it.toFloat() } }.toFloatArray()
        return Tensor(if (byToken) listOf(ids.size, ids[0].size, 1) else listOf(ids.size, 1), values)
    }

    override fun close() = Unit
}
