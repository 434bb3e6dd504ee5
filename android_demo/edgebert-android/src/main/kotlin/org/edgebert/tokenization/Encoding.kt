package org.edgebert.tokenization

/**
 * Characters of a text: from the one at [start] to before the one at [end], as [String.substring] takes them.
 *
 * Indices are those of Kotlin's strings, in UTF-16 units; Python's count code points.
 */
public data class Span(public val start: Int, public val end: Int)

/**
 * Where the tokens of one of the texts stand in an encoding.
 *
 * @property tokens positions among the encoding's ids.
 * @property start how many tokens of the text come before the first of these.
 * @property whole of these, those whose words are here in whole; all, where offsets were not asked for.
 */
public data class Part(public val tokens: IntRange, public val start: Int, public val whole: IntRange)

/**
 * Ids of one text or pair, or of a window of it, special tokens included.
 *
 * @property tokenTypes of each token, which of the model's segments it belongs to.
 * @property truncated the text goes on beyond what is here, and nothing else reads it.
 * @property parts one for a text, two for a pair.
 * @property offsets of each token in its own text, (0, 0) for special tokens; empty unless asked for.
 * @property words of each token the number of its word in its own text, null for special tokens; as offsets.
 */
public class Encoding(
    public val ids: IntArray,
    public val tokenTypes: IntArray,
    public val truncated: Boolean,
    public val parts: List<Part> = emptyList(),
    public val offsets: List<Span> = emptyList(),
    public val words: List<Int?> = emptyList(),
)
