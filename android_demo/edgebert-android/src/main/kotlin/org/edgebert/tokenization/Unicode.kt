package org.edgebert.tokenization

import java.util.BitSet

/**
 * Properties of code points as the tokenizers library has them.
 *
 * Neither the JVM's nor Android's own, which change with its version while the ids of a text must not. Made by
 * `android_demo/tools/unicode_tables.py`, which describes the format.
 */
internal object Unicode {
    private val sections: Map<String, String> = read()

    val whitespace: BitSet = set("whitespace")

    /** What is a word of its own to a BertPreTokenizer. */
    val punctuation: BitSet = set("punctuation")

    /** What a BertNormalizer cleans away: controls, formats, private use, what is not assigned. */
    val other: BitSet = set("other")
    val ideograph: BitSet = set("ideograph")
    val nonspacing: BitSet = set("nonspacing")
    val combining: BitSet = set("combining")

    /** As `\p{L}`, `\p{N}` and `\s` of the patterns that a byte-level tokenizer splits by. */
    val letter: BitSet = set("letter")
    val number: BitSet = set("number")
    val space: BitSet = set("space")

    /** What an added token that is a single word may not touch. */
    val word: BitSet = set("word")
    val lowercase: CodePointMap = map("lowercase")

    /** Canonical decompositions in full, but for Hangul syllables. */
    val decomposition: CodePointMap = map("decomposition")

    /** Compatibility decompositions in full, where they differ from the canonical ones. */
    val compatibility: CodePointMap by lazy { map("compatibility") }

    /** Canonical combining classes, numbered in their order; none for class 0. */
    val combiningClass: CodePointMap = map("class")

    private val compositions: Map<Long, Int> by lazy {
        val composed = HashMap<Long, Int>()
        entries("composition") { code, _, pair -> composed[key(pair[0], pair[1])] = code }
        composed
    }

    /** The code point that two are composed to, but for Hangul; null if they are not. */
    fun composition(first: Int, second: Int): Int? = compositions[key(first, second)]

    private fun key(first: Int, second: Int): Long = first.toLong() shl 32 or second.toLong()

    private fun set(name: String): BitSet {
        val codePoints = BitSet()
        entries(name) { first, last, _ -> codePoints.set(first, last + 1) }
        return codePoints
    }

    private fun map(name: String): CodePointMap {
        val mapped = HashMap<Int, IntArray>()
        entries(name) { first, last, values -> for (codePoint in first..last) mapped[codePoint] = values }
        return CodePointMap(mapped)
    }

    /** Gives each entry's first and last code point and its values to [take]. */
    private inline fun entries(name: String, take: (Int, Int, IntArray) -> Unit) {
        val section = Section(sections.getValue(name))
        while (section.hasNext()) {
            val first = section.number()
            val last = if (section.skips('-')) section.number() else first
            val values = IntList(4)
            if (section.skips('=')) {
                do values.add(section.number()) while (section.skips('+'))
            }
            take(first, last, values.toIntArray())
        }
    }

    /** A section's entries, read character by character: it is read while a user waits for the first answer. */
    private class Section(private val text: String) {
        private var place = 0

        fun hasNext(): Boolean {
            while (place < text.length && text[place] <= ' ') place++
            return place < text.length
        }

        fun skips(character: Char): Boolean {
            val skips = place < text.length && text[place] == character
            if (skips) place++
            return skips
        }

        /** The hexadecimal number that begins here. */
        fun number(): Int {
            var number = 0
            while (place < text.length) {
                val digit = Character.digit(text[place], 16)
                if (digit < 0) break
                number = number * 16 + digit
                place++
            }
            return number
        }
    }

    private fun read(): Map<String, String> {
        // By its whole name: an app's build may give this class another package.
        val tables = Unicode::class.java.getResourceAsStream("/org/edgebert/tokenization/unicode.txt")
        checkNotNull(tables) { "the library lacks its Unicode tables" }
        val text = tables.use { it.readBytes() }.toString(Charsets.US_ASCII)
        return text.split("\n[").drop(1).associate { it.substringBefore("]\n") to it.substringAfter("]\n") }
    }
}
