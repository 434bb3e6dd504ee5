package org.edgebert.tokenization

/**
 * A piece of a text: code points from [start] to before [end].
 *
 * @property added the id of the added token that it is, if it is one; then nothing is done to it any more.
 */
internal class Piece(val text: AlignedText, val start: Int, val end: Int, val added: Int? = null)

/** What splits a text into the words that a model takes. */
internal fun interface PreTokenizer {
    /** Gives the pieces of [piece] to [take]; none of them is empty. */
    fun split(piece: Piece, take: (Piece) -> Unit)
}

/** One after the other. */
internal class PreTokenizerSequence(private val steps: List<PreTokenizer>) : PreTokenizer {
    override fun split(piece: Piece, take: (Piece) -> Unit) = split(piece, 0, take)

    private fun split(piece: Piece, step: Int, take: (Piece) -> Unit) {
        if (step == steps.size) take(piece) else steps[step].split(piece) { split(it, step + 1, take) }
    }
}

/** At white space, which is dropped, and around every punctuation mark. */
internal object BertPreTokenizer : PreTokenizer {
    override fun split(piece: Piece, take: (Piece) -> Unit) {
        val codePoints = piece.text.codePoints
        var start = piece.start
        for (index in piece.start until piece.end) {
            val punctuation = Unicode.punctuation[codePoints[index]]
            if (!punctuation && !Unicode.whitespace[codePoints[index]]) continue
            if (start < index) take(Piece(piece.text, start, index))
            if (punctuation) take(Piece(piece.text, index, index + 1))
            start = index + 1
        }
        if (start < piece.end) take(Piece(piece.text, start, piece.end))
    }
}
