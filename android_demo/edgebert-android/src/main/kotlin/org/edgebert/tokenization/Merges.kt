package org.edgebert.tokenization

/**
 * Pairs of tokens that are merged to one, each with its rank; the lowest is merged first.
 *
 * A table with open addressing: of boxed numbers, those of a usual vocabulary take ten times the memory.
 */
internal class Merges(private val merged: IntArray, pair: (Int) -> Pair<Int, Int>) {
    private val mask = maxOf(1, Integer.highestOneBit(maxOf(1, merged.size)) * 4) - 1
    private val keys = LongArray(mask + 1) { EMPTY }
    private val ranks = IntArray(mask + 1)

    init {
        for (rank in merged.indices) {
            val (first, second) = pair(rank)
            val slot = slot(key(first, second))
            keys[slot] = key(first, second)
            ranks[slot] = rank
        }
    }

    /** The rank of a pair; -1 if it is not merged. */
    fun rank(first: Int, second: Int): Int {
        val slot = slot(key(first, second))
        return if (keys[slot] == EMPTY) -1 else ranks[slot]
    }

    /** The id of what the pair of a rank is merged to. */
    fun merged(rank: Int): Int = merged[rank]

    private fun slot(key: Long): Int {
        var slot = ((key * MIX) ushr 32).toInt() and mask
        while (keys[slot] != EMPTY && keys[slot] != key) slot = slot + 1 and mask
        return slot
    }

    private fun key(first: Int, second: Int): Long = first.toLong() shl 32 or second.toLong()

    private companion object {
        const val EMPTY = -1L

        /** 2^64 divided by the golden ratio, which spreads neighbouring keys (Knuth's multiplicative hashing). */
        const val MIX = -7046029254386353131L
    }
}
