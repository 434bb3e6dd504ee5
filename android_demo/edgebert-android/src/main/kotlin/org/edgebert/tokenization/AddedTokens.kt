package org.edgebert.tokenization

/** A token that is found in texts before anything else is done to them. */
internal class AddedToken(
    val content: String,
    val singleWord: Boolean,
    val stripsLeft: Boolean,
    val stripsRight: Boolean,
    val normalized: Boolean,
)

/**
 * All added tokens: those that are looked for in the text as it is, and the normalized ones, which are looked for in
 * normalized form in what is between.
 *
 * A token's id is that of the vocabulary, or else the next that is free behind it.
 *
 * @throws UnusableTokenizer if the normalizer leaves nothing of one, or the same of two.
 */
internal class AddedTokens(tokens: List<AddedToken>, vocabulary: Vocabulary, private val normalizer: Normalizer?) {
    private val ids = HashMap<String, Int>()
    private val byId = HashMap<Int, AddedToken>()
    private val patterns = HashMap<Int, String>()
    private val raw = StringTrie()
    private val normalized = StringTrie()

    init {
        var next = vocabulary.size
        for (token in tokens) {
            if (token.content.isEmpty()) continue
            val id = ids[token.content] ?: vocabulary.id(token.content) ?: next++
            ids[token.content] = id
            byId[id] = token
        }
        for ((id, token) in byId) {
            val pattern = if (token.normalized) normalizedContent(token) else token.content
            val trie = if (token.normalized) normalized else raw
            patterns[id] = pattern
            if (pattern.isEmpty()) throw UnusableTokenizer("added_tokens: normalized, nothing is left of $id")
            if (!trie.add(pattern, id)) throw UnusableTokenizer("added_tokens: normalized, $id is the same as another")
        }
    }

    fun id(content: String): Int? = ids[content]

    /** How a token stands in a normalized text. */
    fun content(id: Int): String? = patterns[id]

    /** The text in pieces, the added tokens in it and what is between, normalized. */
    fun split(text: AlignedText): List<Piece> {
        val pieces = ArrayList<Piece>()
        split(text, raw) { piece ->
            if (piece.added != null) {
                pieces.add(piece)
            } else {
                val isWhole = piece.start == 0 && piece.end == text.size
                val between = if (isWhole) text else text.slice(piece.start, piece.end)
                split(normalizer?.normalized(between) ?: between, normalized) { pieces.add(it) }
            }
        }
        return pieces
    }

    private fun normalizedContent(token: AddedToken): String {
        val normalized = AlignedText.of(token.content).let { normalizer?.normalized(it) ?: it }
        return normalized.substring(0, normalized.size)
    }

    private fun split(text: AlignedText, trie: StringTrie, take: (Piece) -> Unit) {
        var done = 0
        trie.matches(text.codePoints) { id, from, to ->
            val token = byId.getValue(id)
            if (!token.singleWord || isSingleWord(text.codePoints, from, to)) {
                val start = if (token.stripsLeft) startOfSpace(text, from, done) else from
                // What the token before stripped is white space and needs no second look.
                val end = if (token.stripsRight) endOfSpace(text, maxOf(to, done)) else to
                if (done < start) take(Piece(text, done, start))
                // A token of white space may lie in what the one before it stripped.
                if (start > end) throw UnusableTokenizer("an added token lies within another")
                if (start < end) take(Piece(text, start, end, id))
                done = end
            }
        }
        if (done < text.size) take(Piece(text, done, text.size))
    }

    private fun startOfSpace(text: AlignedText, end: Int, least: Int): Int {
        var start = maxOf(end, least)
        while (start > least && Unicode.whitespace[text.codePoints[start - 1]]) start--
        return start
    }

    private fun endOfSpace(text: AlignedText, start: Int): Int {
        var end = start
        while (end < text.size && Unicode.whitespace[text.codePoints[end]]) end++
        return end
    }

    private fun isSingleWord(codePoints: IntArray, start: Int, end: Int): Boolean =
        (start == 0 || !Unicode.word[codePoints[start - 1]]) &&
            (end == codePoints.size || !Unicode.word[codePoints[end]])
}
