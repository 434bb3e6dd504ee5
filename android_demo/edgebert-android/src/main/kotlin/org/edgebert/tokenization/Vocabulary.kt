package org.edgebert.tokenization

/** Tokens and their ids, each once. */
internal class Vocabulary(private val ids: Map<String, Int>) {
    private val tokens = HashMap<Int, String>(ids.size * 2)

    init {
        for ((token, id) in ids) tokens[id] = token
    }

    val size: Int get() = ids.size

    /** Code points of the longest token, at most. */
    val longest: Int = ids.keys.maxOfOrNull { it.length } ?: 0

    fun id(token: String): Int? = ids[token]

    fun token(id: Int): String? = tokens[id]
}
