package org.edgebert

import org.edgebert.backends.Backend
import org.edgebert.backends.shown
import org.edgebert.tokenization.Encoding

/** Float32 numbers that are held at a time: 16 MB. */
internal const val MOST_OUTPUTS = 4 * 1024 * 1024
private const val MOST_ROWS = 256

/** Texts that are held at a time, of so many numbers each, so that outputs stay in bounds. */
internal fun mostRows(numbers: Long): Int = (MOST_OUTPUTS / numbers).coerceIn(1, MOST_ROWS.toLong()).toInt()

/**
 * Raw outputs in the order of the encodings: [1, width], or [tokens, width] where [byToken].
 *
 * Texts of one length run together, unpadded. At most [most] rows share a call, and no more than the backend allows.
 *
 * @throws BackendException if the backend fails, or answers texts where it should tokens.
 */
internal fun runByLength(backend: Backend, encodings: List<Encoding>, most: Int, byToken: Boolean): List<Matrix> {
    val outputs = arrayOfNulls<Matrix>(encodings.size)
    val byLength = encodings.indices.groupBy { encodings[it].ids.size }.toSortedMap()
    for (indices in byLength.values.flatMap { it.chunked(minOf(backend.maxRows, most)) }) {
        val given = backend.run(indices.map { encodings[it].ids }, indices.map { encodings[it].tokenTypes })
        if (given.shape.size != if (byToken) 3 else 2) {
            throw BackendException(
                "the model gave outputs of shape ${shown(given.shape)}, expected a row for each " +
                    "${if (byToken) "token" else "text"}; convert the checkpoint again",
            )
        }
        val size = given.values.size / indices.size
        for ((row, index) in indices.withIndex()) {
            val values = if (indices.size == 1) given.values else given.values.copyOfRange(row * size, (row + 1) * size)
            outputs[index] = Matrix(given.shape.last(), values)
        }
    }
    return outputs.map { it!! }
}

/**
 * Of each text the rows [tokens, width] of each of its windows, no more than [MOST_OUTPUTS] held.
 *
 * The windows of a text that is too much by itself are run when they are asked for.
 */
internal fun rowsOfWindows(
    run: (List<Encoding>) -> List<Matrix>,
    texts: List<List<Encoding>>,
    width: Int,
): Sequence<List<Matrix>> = sequence {
    val group = ArrayList<List<Encoding>>()
    var held = 0L
    for (windows in texts) {
        val size = width * windows.sumOf { it.ids.size.toLong() }
        if (held + size > MOST_OUTPUTS) {
            yieldAll(together(run, group))
            group.clear()
            held = 0
        }
        if (size > MOST_OUTPUTS) {
            yield(OneByOne(run, windows))
        } else {
            group.add(windows)
            held += size
        }
    }
    yieldAll(together(run, group))
}

private fun together(run: (List<Encoding>) -> List<Matrix>, texts: List<List<Encoding>>): List<List<Matrix>> {
    val rows = run(texts.flatten()).iterator()
    return texts.map { windows -> windows.map { rows.next() } }
}

/** Rows of windows, run when asked for; the last one is kept. */
private class OneByOne(
    private val run: (List<Encoding>) -> List<Matrix>,
    private val windows: List<Encoding>,
) : AbstractList<Matrix>() {
    private var last: IndexedValue<Matrix>? = null

    override val size: Int get() = windows.size

    override fun get(index: Int): Matrix {
        last?.let { if (it.index == index) return it.value }
        // Let go first, so that two are never held.
        last = null
        return run(listOf(windows[index])).single().also { last = IndexedValue(index, it) }
    }
}
