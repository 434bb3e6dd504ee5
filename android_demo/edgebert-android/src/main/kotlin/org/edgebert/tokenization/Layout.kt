package org.edgebert.tokenization

/**
 * Where a tokenizer puts its special tokens.
 *
 * @property ids before the first text and behind each.
 * @property types of [ids].
 * @property textTypes of the tokens of each text.
 */
internal class Layout(val ids: List<IntArray>, val types: List<IntArray>, val textTypes: IntArray) {
    /** How many special tokens there are. */
    val special: Int get() = ids.sumOf { it.size }

    companion object {
        /**
         * The layout of a post-processor for so many texts, or of none.
         *
         * @throws UnusableTokenizer if it puts the texts elsewhere than once each, first before second.
         */
        fun of(processor: PostProcessor?, texts: Int): Layout {
            val single = (0 until texts).map { listOf(PlacedToken(0, it, it)) }
            val tokens = (processor?.processed(single) ?: single).flatten()
            val bounds = tokens.indices.filter { tokens[it].text != null }
            if (bounds.map { tokens[it].text } != (0 until texts).toList()) {
                throw UnusableTokenizer(
                    "the bundle's tokenizer puts ${bounds.size} texts in the place of $texts, or in another order; " +
                        "expected each once and the first before the second",
                )
            }
            val starts = listOf(0) + bounds.map { it + 1 }
            val cuts = starts.zip(bounds + tokens.size) { start, end -> tokens.subList(start, end) }
            return Layout(
                cuts.map { cut -> IntArray(cut.size) { cut[it].id } },
                cuts.map { cut -> IntArray(cut.size) { cut[it].type } },
                IntArray(texts) { tokens[bounds[it]].type },
            )
        }
    }
}
