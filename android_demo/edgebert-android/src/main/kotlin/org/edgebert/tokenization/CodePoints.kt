package org.edgebert.tokenization

import java.util.BitSet

/** What some code points are mapped to, each to one or more others. */
internal class CodePointMap(entries: Map<Int, IntArray>) {
    private val mapped = BitSet()
    private val keys = IntArray(entries.size)
    private val values = arrayOfNulls<IntArray>(entries.size)

    init {
        entries.keys.sorted().forEachIndexed { index, key ->
            mapped.set(key)
            keys[index] = key
            values[index] = entries.getValue(key)
        }
    }

    operator fun contains(codePoint: Int): Boolean = mapped[codePoint]

    /** Null for a code point that stays as it is. */
    operator fun get(codePoint: Int): IntArray? =
        if (mapped[codePoint]) values[keys.binarySearch(codePoint)] else null
}

/** A list of numbers that grows. */
internal class IntList(capacity: Int = 16) {
    private var items = IntArray(capacity)
    var size: Int = 0
        private set

    fun add(item: Int) {
        if (size == items.size) items = items.copyOf(maxOf(16, size * 2))
        items[size++] = item
    }

    operator fun get(index: Int): Int = items[index]

    operator fun set(index: Int, item: Int) {
        items[index] = item
    }

    fun toIntArray(): IntArray = items.copyOf(size)
}

/** Bytes of a code point in UTF-8. */
internal fun utf8Length(codePoint: Int): Int = when {
    codePoint < 0x80 -> 1
    codePoint < 0x800 -> 2
    codePoint < 0x10000 -> 3
    else -> 4
}
