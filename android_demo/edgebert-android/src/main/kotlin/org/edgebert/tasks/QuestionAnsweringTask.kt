package org.edgebert.tasks

import org.edgebert.AnswerSpan
import org.edgebert.Matrix
import org.edgebert.QuestionAnswering
import org.edgebert.tokenization.Encoding
import org.edgebert.tokenization.Text

/** Tokens of the longest answer that is looked for, as SQuAD's evaluations have it. */
private const val MOST_TOKENS = 30

/** Scripts without spaces between words: Thai to Burmese, Khmer, Chinese and Japanese. */
private val UNSPACED = listOf(
    0x0E00..0x109F, 0x1780..0x17FF, 0x2E80..0xA4CF, 0xF900..0xFAFF, 0xFF66..0xFF9F, 0x20000..0x3FFFF,
)

/**
 * Logits [tokens, 2] of start and end, of each window → the answer.
 *
 * In each window, probabilities are over the context's tokens, without words that the window's edges cut, and the first
 * token, which stands for no answer (BERT, arXiv 1810.04805, section 4.3). Answers are of whole words. With `noAnswer`,
 * none is given where that is likelier than the best stretch.
 */
internal fun questionAnswering(reading: Reading, outputs: List<Matrix>, request: Request): QuestionAnswering {
    val context = (reading.text as Text.Pair).second
    val found = HashMap<IntRange, Double>()
    var nothing = 1.0
    for ((window, encoding) in reading.encodings.withIndex()) {
        val positions = listOf(0) + encoding.parts[1].whole
        val (starts, ends) = listOf(0, 1).map { column ->
            val logits = outputs[window]
            softmax(FloatArray(positions.size) { logits.values[positions[it] * logits.columns + column] })
        }
        nothing = minOf(nothing, starts[0] * ends[0])
        val stretches = Stretches(encoding, context, starts, ends)
        for ((span, score) in stretches.best(request.options.topK)) {
            found[span] = maxOf(score, found[span] ?: 0.0)
        }
    }
    // Equal scores: the earlier and shorter first.
    val top = found.entries
        .sortedWith(compareBy({ -it.value }, { it.key.first }, { it.key.last }))
        .take(request.options.topK)
        .map { (span, score) -> AnswerSpan(context.substring(span), span.first, span.last + 1, score) }
    val best = top.firstOrNull()?.takeUnless { request.options.noAnswer && nothing > it.score }
        ?: AnswerSpan("", 0, 0, nothing)
    return QuestionAnswering(
        best.text, best.start, best.end, best.score, nothing, top, reading.truncated, reading.windows,
    )
}

/**
 * What may be the answer in one window.
 *
 * @param starts probabilities of no answer, and of each whole token of the context, to be the first of the answer.
 * @param ends the same, to be the last.
 */
private class Stretches(
    private val encoding: Encoding,
    private val context: String,
    private val starts: DoubleArray,
    private val ends: DoubleArray,
) {
    private val tokens = encoding.parts[1].tokens
    private val whole = encoding.parts[1].whole

    /** The best stretches by their place in the context, of those that are not the same in whole words. */
    fun best(topK: Int): Map<IntRange, Double> {
        val count = starts.size - 1
        val width = minOf(MOST_TOKENS, count)
        // Row by start, column by length less one: without the scores of all pairs.
        val scores = DoubleArray(count * width) { index ->
            val first = index / width
            val last = first + index % width
            if (last < count) starts[first + 1] * ends[last + 1] else -1.0
        }
        val found = LinkedHashMap<IntRange, Double>()
        // Stretches that begin or end inside one word are one answer, so more are looked at.
        for (index in highest(scores, (topK.toLong() * width + width).coerceAtMost(scores.size.toLong()).toInt())) {
            val first = index / width
            val last = first + index % width
            if (last >= count) continue
            val span = words(whole.first + first, whole.first + last)
            if (!span.isEmpty() && span !in found) found[span] = scores[index]
            if (found.size == topK) break
        }
        return found
    }

    /** Where the words that two tokens stand in are in the context, without spaces around them. */
    private fun words(firstToken: Int, lastToken: Int): IntRange {
        var first = firstToken
        var last = lastToken
        while (first > tokens.first && isOneWord(first - 1, first)) first--
        while (last < tokens.last && isOneWord(last, last + 1)) last++
        return withoutSpaces(context, encoding.offsets[first].start, encoding.offsets[last].end)
    }

    /** Whether two neighbouring tokens are pieces of one word; of a script with spaces, that is. */
    private fun isOneWord(first: Int, second: Int): Boolean {
        if (encoding.words[first] == null || encoding.words[first] != encoding.words[second]) return false
        return !isUnspaced(encoding.offsets[first].start, encoding.offsets[second].end)
    }

    private fun isUnspaced(start: Int, end: Int): Boolean {
        var place = start
        while (place < end) {
            val code = context.codePointAt(place)
            if (UNSPACED.any { code in it }) return true
            place += Character.charCount(code)
        }
        return false
    }
}
