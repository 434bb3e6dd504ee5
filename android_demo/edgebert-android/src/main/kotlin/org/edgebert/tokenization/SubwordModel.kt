package org.edgebert.tokenization

/** What splits a word into tokens of its vocabulary. */
internal interface SubwordModel {
    val vocabulary: Vocabulary

    /**
     * Gives the id of each token of the word from [start] to before [end], and the code points that it stands for, to
     * [take].
     *
     * @throws UnusableTokenizer if there is no token for it, not even an unknown one.
     */
    fun tokens(text: AlignedText, start: Int, end: Int, take: TokenTaker)
}

/** Takes a token: its id, its first code point and the one behind its last. */
internal fun interface TokenTaker {
    fun take(id: Int, start: Int, end: Int)
}
