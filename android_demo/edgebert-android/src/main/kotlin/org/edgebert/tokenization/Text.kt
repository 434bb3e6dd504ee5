package org.edgebert.tokenization

/** One text, or a pair of texts. A lone surrogate in them counts as U+FFFD. */
public sealed class Text {
    internal abstract val parts: List<String>

    /** One text. */
    public class Single(public val text: String) : Text() {
        override val parts: List<String> get() = listOf(text)
    }

    /** Two texts that are read together, such as a question and a passage. */
    public class Pair(public val first: String, public val second: String) : Text() {
        override val parts: List<String> get() = listOf(first, second)
    }
}
