package org.edgebert

/**
 * How [Model.predict] reads a text and what its answer holds.
 *
 * @property topK how many labels, answers or tokens `top` holds, at least 1; more than there are gives all.
 * @property longText what becomes of a text beyond [Model.maxLength]. Null: [LongText.WINDOWS] for question answering,
 *   else [LongText.TRUNCATE].
 * @property aggregation of token classification.
 * @property noAnswer of question answering: give none where that is likelier than the best.
 */
public data class Options @JvmOverloads constructor(
    val topK: Int = 1,
    val longText: LongText? = null,
    val aggregation: Aggregation = Aggregation.SIMPLE,
    val noAnswer: Boolean = false,
)

/** What becomes of a text that is longer than a model reads. Every answer says what was done. */
public enum class LongText {
    /** The end is cut. */
    TRUNCATE,

    /** The text is read in parts that overlap. */
    WINDOWS,

    /** [InputException]. */
    ERROR,
}

/** How labels of tokens become labels of stretches. */
public enum class Aggregation {
    /** Every token is labelled by itself, those of one character as one; neighbours of one label are joined. */
    SIMPLE,

    /** A word has the label of its first token. */
    FIRST,

    /** A word has the label of its tokens' mean probabilities. */
    AVERAGE,

    /** A word has the label of its surest token. */
    MAX,

    /** Every token is an entity, with its label as the model has it; those of one character are one. */
    NONE,
}
