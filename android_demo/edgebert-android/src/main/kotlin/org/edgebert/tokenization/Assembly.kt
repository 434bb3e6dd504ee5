package org.edgebert.tokenization

private val NOWHERE = Span(0, 0)

/** An encoding, put together of special tokens and tokens of each text. */
internal class Assembly(private val layout: Layout) {
    private val ids = IntList()
    private val types = IntList()
    private val offsets = ArrayList<Span>()
    private val words = ArrayList<Int?>()
    private val parts = ArrayList<Part>()

    init {
        addSpecial(0)
    }

    /** The tokens in [span] of the text numbered [index], then the special tokens behind it. */
    fun add(index: Int, tokens: Tokens, span: IntRange) {
        val start = span.first
        val end = span.last + 1
        val whole = wholeWords(tokens.words, start, end)
        val place = ids.size - start
        parts.add(Part(ids.size until place + end, start, place + whole.first until place + whole.last + 1))
        for (token in span) {
            ids.add(tokens.ids[token])
            types.add(layout.textTypes[index])
        }
        if (tokens.offsets.isNotEmpty()) {
            offsets += tokens.offsets.subList(start, end)
            words += tokens.words.subList(start, end)
        }
        addSpecial(index + 1)
    }

    fun done(truncated: Boolean): Encoding {
        val known = offsets.size == ids.size
        return Encoding(
            ids.toIntArray(),
            types.toIntArray(),
            truncated,
            parts,
            if (known) offsets else emptyList(),
            if (known) words else emptyList(),
        )
    }

    private fun addSpecial(place: Int) {
        for (index in layout.ids[place].indices) {
            ids.add(layout.ids[place][index])
            types.add(layout.types[place][index])
            offsets.add(NOWHERE)
            words.add(null)
        }
    }
}

/**
 * The tokens from [start] to before [end] without those of words that go on outside.
 *
 * A window inside one long word keeps all of its tokens.
 */
private fun wholeWords(words: List<Int>, start: Int, end: Int): IntRange {
    if (words.isEmpty()) return start until end
    var first = start
    var last = end
    while (first in 1 until last && words[first - 1] == words[first]) first++
    while (last in first + 1 until words.size && words[last - 1] == words[last]) last--
    return if (first < last) first until last else start until end
}
