package org.edgebert.tokenization

/**
 * The spaces at a token's ends are not counted among its characters.
 *
 * @property addsSpace one space before a text's first token is none of the text's own, and does not count.
 */
internal class OffsetTrimming(private val addsSpace: Boolean) {
    /** @param first the token is its text's first. */
    fun trimmed(span: Span, token: String, text: String, first: Boolean): Span {
        var leading = spaces(token, 0, token.length, 1)
        val trailing = spaces(token, token.length - 1, -1, -1)
        if (leading == 0 && trailing == 0) return span
        if (leading == 1 && addsSpace && (first || span.start == 0)) leading = 0
        val start = minOf(forward(text, span.start, leading), span.end)
        val end = backward(text, span.end, trailing)
        return Span(start, if (end == null) span.end else maxOf(end, start))
    }

    private fun spaces(token: String, from: Int, to: Int, step: Int): Int {
        var place = from
        while (place != to && isSpace(token[place])) place += step
        return (place - from) * step
    }

    /** All white space is in the basic plane. */
    private fun isSpace(character: Char): Boolean =
        character == ByteAlphabet.space || Unicode.whitespace[character.code]

    /** So many code points behind a place, or the end. */
    private fun forward(text: String, place: Int, count: Int): Int {
        var moved = place
        repeat(count) { if (moved < text.length) moved += Character.charCount(text.codePointAt(moved)) }
        return moved
    }

    /** So many code points before a place; null if there are not as many. */
    private fun backward(text: String, place: Int, count: Int): Int? {
        var moved = place
        repeat(count) { moved -= if (moved > 0) Character.charCount(text.codePointBefore(moved)) else return null }
        return moved
    }
}
