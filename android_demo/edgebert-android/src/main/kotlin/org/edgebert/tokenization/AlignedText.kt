package org.edgebert.tokenization

/**
 * Code points, each with the characters of the original text that it stands for.
 *
 * @property starts index in the original of each code point's first character.
 * @property ends index in the original behind each code point's last character.
 */
internal class AlignedText(val codePoints: IntArray, val starts: IntArray, val ends: IntArray) {
    val size: Int get() = codePoints.size

    fun slice(from: Int, to: Int): AlignedText = AlignedText(
        codePoints.copyOfRange(from, to),
        starts.copyOfRange(from, to),
        ends.copyOfRange(from, to),
    )

    fun substring(from: Int, to: Int): String = String(codePoints, from, to - from)

    inline fun filtered(keep: (Int) -> Boolean): AlignedText {
        val kept = IntList(size)
        for (index in 0 until size) if (keep(codePoints[index])) kept.add(index)
        val places = kept.toIntArray()
        return standingFor(places, IntArray(places.size) { codePoints[places[it]] })
    }

    /** A text written anew over this one, which may have more or fewer code points. */
    inner class Rewriting {
        private val written = IntList(size + size / 8)
        private val sources = IntList(size + size / 8)
        private var read = 0

        /**
         * Writes a code point.
         *
         * @param change 1 if it is new, so that it belongs to the characters of the one before it; else it stands for
         *   the next one that was not read yet, and for -[change] more behind it.
         */
        fun add(codePoint: Int, change: Int) {
            written.add(codePoint)
            if (change > 0) {
                sources.add(maxOf(0, read - 1))
            } else {
                sources.add(read)
                read += 1 - change
            }
        }

        fun done(): AlignedText = standingFor(sources.toIntArray(), written.toIntArray())
    }

    /** Other code points, each for what the one at its place here stands for. */
    fun standingFor(places: IntArray, others: IntArray): AlignedText =
        AlignedText(others, IntArray(places.size) { starts[places[it]] }, IntArray(places.size) { ends[places[it]] })

    companion object {
        private const val REPLACEMENT = 0xFFFD

        fun of(text: String): AlignedText {
            val size = text.codePointCount(0, text.length)
            val codePoints = IntArray(size)
            val starts = IntArray(size)
            val ends = IntArray(size)
            var place = 0
            for (index in 0 until size) {
                val codePoint = text.codePointAt(place)
                codePoints[index] = if (codePoint in 0xD800..0xDFFF) REPLACEMENT else codePoint
                starts[index] = place
                place += Character.charCount(codePoint)
                ends[index] = place
            }
            return AlignedText(codePoints, starts, ends)
        }
    }
}
