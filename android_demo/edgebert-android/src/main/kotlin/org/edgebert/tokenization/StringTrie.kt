package org.edgebert.tokenization

/** Strings with numbers, which are looked for in texts all at once. */
internal class StringTrie {
    private class Node {
        val next = HashMap<Int, Node>()
        var id: Int? = null
    }

    private val root = Node()

    /** False if the string is there already. */
    fun add(string: String, id: Int): Boolean {
        var node = root
        for (codePoint in AlignedText.of(string).codePoints) node = node.next.getOrPut(codePoint) { Node() }
        if (node.id != null) return false
        node.id = id
        return true
    }

    /**
     * Gives the number, the start and the end of each match to [take].
     *
     * The leftmost is found first, of those that begin there the longest; none overlaps another.
     */
    fun matches(codePoints: IntArray, take: (Int, Int, Int) -> Unit) {
        if (root.next.isEmpty()) return
        var start = 0
        while (start < codePoints.size) {
            var found: Node? = null
            var end = start + 1
            var node = root.next[codePoints[start]]
            var place = start + 1
            while (node != null) {
                if (node.id != null) {
                    found = node
                    end = place
                }
                node = if (place < codePoints.size) node.next[codePoints[place++]] else null
            }
            found?.id?.let { take(it, start, end) }
            start = end
        }
    }
}
