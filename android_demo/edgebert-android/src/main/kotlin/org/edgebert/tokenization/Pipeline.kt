package org.edgebert.tokenization

/** All tokens of one text, without special ones; the last two are empty unless asked for. */
internal class Tokens(val ids: IntArray, val offsets: List<Span>, val words: List<Int>)

/**
 * The parts of a tokenizer, each of which takes what the one before gives.
 *
 * @property cutsBeginning whether long texts lose their beginning instead of their end.
 */
internal class Pipeline(
    private val added: AddedTokens,
    private val preTokenizer: PreTokenizer?,
    private val model: SubwordModel,
    val processor: PostProcessor?,
    private val decoder: Decoder?,
    val cutsBeginning: Boolean,
) {
    private val trimming = processor?.trimming.orEmpty()

    /** @throws UnusableTokenizer if the model has no token for something in the text. */
    fun tokens(text: String, offsets: Boolean): Tokens {
        val found = TokenList(text, offsets)
        for (piece in added.split(AlignedText.of(text))) {
            if (piece.added != null) {
                found.startWord(piece.text)
                found.takeAdded(piece.added, piece.start, piece.end)
            } else {
                split(piece) { word ->
                    found.startWord(word.text)
                    model.tokens(word.text, word.start, word.end, found)
                }
            }
        }
        return found.done()
    }

    fun id(token: String): Int? = added.id(token) ?: model.vocabulary.id(token)

    fun decoded(id: Int): String {
        val token = added.content(id) ?: model.vocabulary.token(id) ?: return ""
        return decoder?.decoded(token) ?: token
    }

    private fun split(piece: Piece, take: (Piece) -> Unit) = preTokenizer?.split(piece, take) ?: take(piece)

    private inner class TokenList(private val original: String, private val offsets: Boolean) : TokenTaker {
        private val ids = IntList()
        private val spans = ArrayList<Span>()
        private val words = ArrayList<Int>()
        private var word = -1
        private var text = AlignedText.of("")

        fun startWord(text: AlignedText) {
            word++
            this.text = text
        }

        override fun take(id: Int, start: Int, end: Int) = add(id, start, end) { model.vocabulary.token(id).orEmpty() }

        /** An added token is written as it stands in the text, with the white space that it strips. */
        fun takeAdded(id: Int, start: Int, end: Int) = add(id, start, end) { text.substring(start, end) }

        fun done(): Tokens = Tokens(ids.toIntArray(), spans, words)

        private inline fun add(id: Int, start: Int, end: Int, written: () -> String) {
            ids.add(id)
            if (!offsets) return
            var span = Span(text.starts[start], text.ends[end - 1])
            for (step in trimming) span = step.trimmed(span, written(), original, ids.size == 1)
            spans.add(span)
            words.add(word)
        }
    }
}
