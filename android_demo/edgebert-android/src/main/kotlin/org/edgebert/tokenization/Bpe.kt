package org.edgebert.tokenization

import java.util.PriorityQueue

/**
 * Byte-pair encoding: characters, of which the neighbours with the lowest rank are merged as long as any have one.
 *
 * @param unknown the token for what is not in the vocabulary; null: it is left out.
 * @param fusesUnknown one unknown token for several characters in a row.
 * @param takesWholeWords a word that is in the vocabulary is taken without merging.
 */
internal class Bpe(
    override val vocabulary: Vocabulary,
    private val merges: Merges,
    private val unknown: String?,
    private val fusesUnknown: Boolean,
    private val takesWholeWords: Boolean,
) : SubwordModel {
    override fun tokens(text: AlignedText, start: Int, end: Int, take: TokenTaker) {
        val whole = if (takesWholeWords) vocabulary.id(text.substring(start, end)) else null
        if (whole != null) return take.take(whole, start, end)
        val symbols = symbols(text, start, end)
        symbols.merge()
        // Offsets are sums of lengths, as in the library, whatever was left out between.
        val place = BytePlace(text, start)
        var offset = 0
        symbols.forEach { id, length ->
            val first = place.of(offset)
            offset += length
            take.take(id, first, place.of(offset - 1) + 1)
        }
    }

    private fun symbols(text: AlignedText, start: Int, end: Int): Symbols {
        val symbols = Symbols(end - start)
        var fuses = false
        for (index in start until end) {
            val id = vocabulary.id(text.substring(index, index + 1))
            val length = utf8Length(text.codePoints[index])
            if (id != null) {
                symbols.add(id, length)
            } else if (fuses) {
                symbols.lengthenLast(length)
            } else if (unknown != null) {
                symbols.add(vocabulary.id(unknown) ?: throw missing(unknown), length)
            }
            fuses = id == null && unknown != null && fusesUnknown
        }
        return symbols
    }

    private fun missing(token: String) = UnusableTokenizer("Unk token `$token` not found in the vocabulary")

    /** Which code point a byte of a word's UTF-8 belongs to; bytes are asked for in their order. */
    private class BytePlace(private val text: AlignedText, private var index: Int) {
        private var begin = 0

        fun of(byte: Int): Int {
            while (begin + utf8Length(text.codePoints[index]) <= byte) begin += utf8Length(text.codePoints[index++])
            return index
        }
    }

    /** A word's tokens as a linked list, with their lengths in bytes; merging removes the one on the right. */
    private inner class Symbols(capacity: Int) {
        private val ids = IntArray(capacity)
        private val lengths = IntArray(capacity)
        private val before = IntArray(capacity)
        private val behind = IntArray(capacity)
        private var size = 0

        fun add(id: Int, length: Int) {
            ids[size] = id
            lengths[size] = length
            before[size] = size - 1
            behind[size] = NONE
            if (size > 0) behind[size - 1] = size
            size++
        }

        fun lengthenLast(length: Int) {
            lengths[size - 1] += length
        }

        /** Gives each token's id and length to [take]. */
        inline fun forEach(take: (Int, Int) -> Unit) {
            for (index in 0 until size) if (lengths[index] > 0) take(ids[index], lengths[index])
        }

        fun merge() {
            // By rank, then by place.
            val queue = PriorityQueue<Long>()
            for (place in 0 until size - 1) queue.offerPair(place)
            while (true) {
                val next = queue.poll() ?: return
                mergeAt(next.toInt(), (next ushr 32).toInt(), queue)
            }
        }

        private fun mergeAt(place: Int, rank: Int, queue: PriorityQueue<Long>) {
            val right = behind[place]
            // What was merged since is out of date, unless it comes to the same.
            if (lengths[place] == 0 || right == NONE) return
            val current = merges.rank(ids[place], ids[right])
            if (current == NONE || merges.merged(current) != merges.merged(rank)) return
            ids[place] = merges.merged(rank)
            lengths[place] += lengths[right]
            lengths[right] = 0
            behind[place] = behind[right]
            if (behind[place] != NONE) before[behind[place]] = place
            if (before[place] != NONE) queue.offerPair(before[place])
            if (behind[place] != NONE) queue.offerPair(place)
        }

        private fun PriorityQueue<Long>.offerPair(place: Int) {
            val rank = merges.rank(ids[place], ids[behind[place]])
            if (rank != NONE) offer(rank.toLong() shl 32 or place.toLong())
        }
    }

    private companion object {
        const val NONE = -1
    }
}
