package org.edgebert.tokenization

/** The pattern that GPT-2 splits texts by, which [splitByGpt2Pattern] follows. */
internal const val GPT2_PATTERN: String =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

private val CONTRACTIONS = listOf("'s", "'t", "'re", "'ve", "'m", "'ll", "'d").map { text -> text.map { it.code } }

/** A piece of a text is split into words by [GPT2_PATTERN], every character of it in one. */
internal object Gpt2PatternPreTokenizer : PreTokenizer {
    override fun split(piece: Piece, take: (Piece) -> Unit) {
        val text = piece.text
        splitByGpt2Pattern(text.codePoints, piece.start, piece.end) { from, to -> take(Piece(text, from, to)) }
    }
}

/** Gives the start and the end of each word to [take]. */
internal inline fun splitByGpt2Pattern(codePoints: IntArray, start: Int, end: Int, take: (Int, Int) -> Unit) {
    var place = start
    while (place < end) {
        val next = endOfWord(codePoints, place, end)
        take(place, next)
        place = next
    }
}

/** Where the word that begins at [start] ends: the alternatives of the pattern in their order. */
internal fun endOfWord(codePoints: IntArray, start: Int, end: Int): Int {
    endOfContraction(codePoints, start, end)?.let { return it }
    val first = if (codePoints[start] == ' '.code && start + 1 < end) start + 1 else start
    val kind = kind(codePoints[first])
    if (kind != Kind.SPACE) return endOfRun(codePoints, first, end, kind)
    val behind = endOfRun(codePoints, start, end, Kind.SPACE)
    return if (behind < end && behind - start > 1) behind - 1 else behind
}

private enum class Kind { LETTER, NUMBER, SPACE, OTHER }

private fun kind(codePoint: Int): Kind = when {
    Unicode.letter[codePoint] -> Kind.LETTER
    Unicode.number[codePoint] -> Kind.NUMBER
    Unicode.space[codePoint] -> Kind.SPACE
    else -> Kind.OTHER
}

private fun endOfRun(codePoints: IntArray, start: Int, end: Int, kind: Kind): Int {
    var place = start
    while (place < end && kind(codePoints[place]) == kind) place++
    return place
}

private fun endOfContraction(codePoints: IntArray, start: Int, end: Int): Int? {
    if (codePoints[start] != '\''.code) return null
    val found = CONTRACTIONS.find { contraction ->
        start + contraction.size <= end && contraction.indices.all { codePoints[start + it] == contraction[it] }
    }
    return found?.let { start + it.size }
}
