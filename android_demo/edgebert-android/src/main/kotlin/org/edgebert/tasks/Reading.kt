package org.edgebert.tasks

import kotlin.math.abs
import kotlin.math.sqrt
import org.edgebert.InputException
import org.edgebert.LongText
import org.edgebert.Matrix
import org.edgebert.bundle.TOKEN_TASKS
import org.edgebert.json.quoted
import org.edgebert.json.shortened
import org.edgebert.tokenization.Encoding
import org.edgebert.tokenization.Text
import org.edgebert.tokenization.Tokenizer

/** How far from 1 a vector's length may be that is of unit length but for 8-bit rounding. */
private const val UNIT = 1e-3

/** A text or pair, and the encodings that a model was given in its place. */
internal class Reading(val text: Text, val encodings: List<Encoding>) {
    /** A part of the text was not looked at. */
    val truncated: Boolean get() = encodings.any { it.truncated }

    /** How many encodings there are. */
    val windows: Int get() = encodings.size
}

/**
 * How a model of a task reads texts.
 *
 * @param longText null: windows for question answering, which keeps the question and moves over the context; else
 *   [LongText.TRUNCATE].
 */
internal class Reader(
    private val tokenizer: Tokenizer,
    private val task: String,
    private val longText: LongText?,
) {
    private val byToken = task in TOKEN_TASKS
    private val answering = task == "question-answering"

    /**
     * The text, whole or in windows; [place] is its name in messages.
     *
     * @throws InputException for a pair where one text is expected, or the other way round; for a text that is too long
     *   where that is an error; for one without a mask to fill.
     */
    fun read(text: Text, place: String): Reading {
        if (byToken && (text is Text.Pair) != answering) {
            val wanted = if (answering) "a (question, context) pair" else "one text, not a pair,"
            throw InputException("$place: got ${shown(text)}, expected $wanted for $task")
        }
        val mask = if (task == "masked-lm") mask() else null
        val reading = Reading(text, encodings(text))
        if (longText == LongText.ERROR && reading.truncated) {
            throw InputException(
                "$place: got ${tokenizer.count(text)} tokens, expected at most ${tokenizer.maxLength}; shorten it, " +
                    "or use LongText.WINDOWS or TRUNCATE",
            )
        }
        if (mask != null && reading.encodings.none { mask in it.ids }) {
            throw InputException(
                "$place: got ${shown(text)}, expected one with ${quoted(tokenizer.maskText.orEmpty())} in the part " +
                    "that is read",
            )
        }
        return reading
    }

    private fun mask(): Int = tokenizer.mask
        ?: throw InputException("the bundle's tokenizer has no mask token; convert with one that has")

    private fun encodings(text: Text): List<Encoding> {
        if (!answering) {
            if (longText == LongText.WINDOWS) return tokenizer.windows(text, offsets = byToken)
            return listOf(tokenizer.encode(text, offsets = byToken))
        }
        val windows = tokenizer.windows(text, moving = 1, offsets = true)
        if (windows.size == 1 || longText == null || longText == LongText.WINDOWS) return windows
        return listOf(windows[0].asTruncated())
    }

    private fun shown(text: Text): String = when (text) {
        is Text.Single -> shortened(text.text)
        is Text.Pair -> shortened(arrayOf(text.first, text.second))
    }
}

private fun Encoding.asTruncated() = Encoding(ids, tokenTypes, true, parts, offsets, words)

/**
 * One token of a text, in the window that shows most of the text around it.
 *
 * @property position among the ids of that window.
 * @property start index in the text.
 * @property word the number of the word that it is a piece of.
 */
internal class Place(val window: Int, val position: Int, val start: Int, val end: Int, val word: Int?)

/**
 * Each token of a text once, in their order.
 *
 * Where windows overlap, a token is taken from the one whose nearer edge is further away; the ends of the text are no
 * edges. Of a word that an end of what was read cuts, no token is given.
 */
internal fun places(reading: Reading): List<Place> {
    val parts = reading.encodings.map { it.parts[0] }
    val first = parts.minOf { it.start + it.whole.first - it.tokens.first }
    val total = parts.maxOf { it.start + it.whole.last + 1 - it.tokens.first }
    val best = IntArray(total) { -1 }
    val windows = IntArray(total)
    for ((window, part) in parts.withIndex()) {
        val count = part.tokens.last + 1 - part.tokens.first
        val end = minOf(total, part.start + count)
        for (token in part.start until end) {
            val left = if (part.start > 0) token - part.start else Int.MAX_VALUE
            val right = if (end < total) end - 1 - token else Int.MAX_VALUE
            if (minOf(left, right) > best[token]) {
                best[token] = minOf(left, right)
                windows[token] = window
            }
        }
    }
    return (first until total).map { token ->
        val window = windows[token]
        val encoding = reading.encodings[window]
        val position = parts[window].tokens.first + token - parts[window].start
        val offsets = encoding.offsets[position]
        Place(window, position, offsets.start, offsets.end, encoding.words[position])
    }
}

/**
 * One row of the rows of the windows: their mean, weighted by tokens.
 *
 * Where every window has a vector of unit length, so has the result.
 *
 * @param rows one matrix [1, width] for each window.
 */
internal fun pooled(reading: Reading, rows: List<Matrix>): FloatArray {
    if (rows.size == 1) return rows[0].values
    val weights = reading.encodings.map { it.ids.size.toDouble() }
    val total = weights.sum()
    val mean = DoubleArray(rows[0].columns) { column ->
        rows.indices.sumOf { weights[it] * rows[it].values[column] } / total
    }
    val length = sqrt(mean.sumOf { it * it })
    val unit = rows.all { row -> abs(sqrt(row.values.sumOf { it.toDouble() * it }) - 1) < UNIT }
    val divisor = if (unit && length > 0) length else 1.0
    return FloatArray(mean.size) { (mean[it] / divisor).toFloat() }
}
