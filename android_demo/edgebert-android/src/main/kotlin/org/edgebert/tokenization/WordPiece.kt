package org.edgebert.tokenization

/**
 * The longest token that a word begins with, then the longest that the rest begins with, and so on.
 *
 * @param continuing what a token begins with that is not a word's first.
 * @param mostCharacters longer words are unknown.
 */
internal class WordPiece(
    override val vocabulary: Vocabulary,
    private val unknown: String,
    private val continuing: String,
    private val mostCharacters: Long,
) : SubwordModel {
    override fun tokens(text: AlignedText, start: Int, end: Int, take: TokenTaker) {
        val ends = IntList()
        val ids = IntList()
        var place = start
        while (place < end && end - start <= mostCharacters) {
            if (!addLongest(text, start, place, end, ids, ends)) break
            place = ends[ends.size - 1]
        }
        if (place < end) {
            take.take(vocabulary.id(unknown) ?: throw UnusableTokenizer(MISSING), start, end)
        } else {
            var first = start
            for (index in 0 until ids.size) {
                take.take(ids[index], first, ends[index])
                first = ends[index]
            }
        }
    }

    private fun addLongest(text: AlignedText, start: Int, place: Int, end: Int, ids: IntList, ends: IntList): Boolean {
        // Without the bound, a long word takes time by the square of its length.
        val rest = text.substring(place, minOf(end, place + vocabulary.longest))
        val prefix = if (place == start) "" else continuing
        var length = rest.length
        while (length > 0) {
            val id = vocabulary.id(prefix + rest.substring(0, length))
            if (id != null) {
                ids.add(id)
                ends.add(place + rest.codePointCount(0, length))
                return true
            }
            length -= Character.charCount(rest.codePointBefore(length))
        }
        return false
    }

    private companion object {
        const val MISSING = "WordPiece error: Missing [UNK] token from the vocabulary"
    }
}
