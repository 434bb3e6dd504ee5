package org.edgebert.tokenization

/*
 * The four normalization forms of Unicode Standard Annex 15, and the arithmetic of Hangul syllables of section 3.12 of
 * the Unicode Standard.
 */

private const val SYLLABLES = 0xAC00
private const val SYLLABLE_COUNT = 11172
private const val LEADING = 0x1100
private const val LEADING_COUNT = 19
private const val VOWELS = 0x1161
private const val VOWEL_COUNT = 21
private const val TRAILING = 0x11A7
private const val TRAILING_COUNT = 28

/** NFD, or with [compatible] NFKD. */
internal fun AlignedText.decomposed(compatible: Boolean): AlignedText {
    if ((0 until size).none { isDecomposed(codePoints[it], compatible) }) return this
    val decomposition = Decomposition(size)
    for (index in 0 until size) decomposition.addAll(codePoints[index], compatible)
    val rewriting = Rewriting()
    decomposition.sorted { codePoint, change -> rewriting.add(codePoint, change) }
    return rewriting.done()
}

/** NFC, or with [compatible] NFKC. */
internal fun AlignedText.composed(compatible: Boolean): AlignedText {
    val decomposition = Decomposition(size)
    for (index in 0 until size) decomposition.addAll(codePoints[index], compatible)
    val written = IntList(size)
    val changes = IntList(size)
    var starter = -1
    var lastClass = 0
    decomposition.sorted { codePoint, change ->
        val combiningClass = combiningClass(codePoint)
        val blocked = lastClass != 0 && lastClass >= combiningClass
        val composite = if (starter < 0 || blocked) null else composition(written[starter], codePoint)
        if (composite != null) {
            written[starter] = composite
            changes[starter] += change - 1
        } else {
            if (combiningClass == 0) starter = written.size
            lastClass = combiningClass
            written.add(codePoint)
            changes.add(change)
        }
    }
    val rewriting = Rewriting()
    for (index in 0 until written.size) rewriting.add(written[index], changes[index])
    return rewriting.done()
}

/** Code points in decomposition, each with how it changes the text (see [AlignedText.Rewriting.add]). */
private class Decomposition(capacity: Int) {
    private val codePoints = IntList(capacity)
    private val changes = IntList(capacity)

    fun addAll(codePoint: Int, compatible: Boolean) {
        val syllable = codePoint - SYLLABLES
        val parts = (if (compatible) Unicode.compatibility[codePoint] else null) ?: Unicode.decomposition[codePoint]
        if (syllable in 0 until SYLLABLE_COUNT) {
            add(LEADING + syllable / (VOWEL_COUNT * TRAILING_COUNT), 0)
            add(VOWELS + syllable / TRAILING_COUNT % VOWEL_COUNT, 1)
            if (syllable % TRAILING_COUNT > 0) add(TRAILING + syllable % TRAILING_COUNT, 1)
        } else if (parts == null) {
            add(codePoint, 0)
        } else {
            for (index in parts.indices) add(parts[index], if (index == 0) 0 else 1)
        }
    }

    /** Gives all in the canonical order, in which marks stand by their classes, to [take]. */
    inline fun sorted(take: (Int, Int) -> Unit) {
        var start = 0
        while (start < codePoints.size) {
            var end = start
            while (end < codePoints.size && combiningClass(codePoints[end]) != 0) end++
            if (end - start > 1) {
                val order = LongArray(end - start) {
                    combiningClass(codePoints[start + it]).toLong() shl 32 or (start + it).toLong()
                }
                order.sort()
                for (place in order) take(codePoints[place.toInt()], changes[place.toInt()])
            } else {
                end = start + 1
                take(codePoints[start], changes[start])
            }
            start = end
        }
    }

    private fun add(codePoint: Int, change: Int) {
        codePoints.add(codePoint)
        changes.add(change)
    }
}

/** Whether a decomposition may change anything about a text with this code point. */
private fun isDecomposed(codePoint: Int, compatible: Boolean): Boolean =
    codePoint in Unicode.decomposition ||
        codePoint in Unicode.combiningClass ||
        codePoint - SYLLABLES in 0 until SYLLABLE_COUNT ||
        (compatible && codePoint in Unicode.compatibility)

private fun combiningClass(codePoint: Int): Int = Unicode.combiningClass[codePoint]?.get(0) ?: 0

private fun composition(first: Int, second: Int): Int? {
    val syllable = first - SYLLABLES
    return when {
        first - LEADING in 0 until LEADING_COUNT && second - VOWELS in 0 until VOWEL_COUNT ->
            SYLLABLES + ((first - LEADING) * VOWEL_COUNT + second - VOWELS) * TRAILING_COUNT
        syllable in 0 until SYLLABLE_COUNT && syllable % TRAILING_COUNT == 0 &&
            second - TRAILING in 1 until TRAILING_COUNT ->
            first + second - TRAILING
        else -> Unicode.composition(first, second)
    }
}
