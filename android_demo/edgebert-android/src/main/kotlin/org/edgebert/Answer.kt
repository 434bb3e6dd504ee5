package org.edgebert

/** What [Model.predict] says of a text or pair. */
public sealed class Answer {
    /** A part of the text was not looked at: it was longer than what was read. */
    public abstract val truncated: Boolean

    /** How many overlapping parts the text was read in. */
    public abstract val windows: Int
}

/** A label, or a token's text, and its probability. */
public data class LabelScore(val label: String, val score: Double)

/**
 * The best label, and every label's probability.
 *
 * @property scores in the order of the model's labels; they add up to 1.
 * @property top the `topK` best labels, best first.
 */
public data class Classification(
    val label: String,
    val score: Double,
    val scores: List<LabelScore>,
    val top: List<LabelScore>,
    override val truncated: Boolean,
    override val windows: Int,
) : Answer()

/**
 * The labels that apply, and every label's own probability.
 *
 * @property labels those with a score of at least 0.5, in the order of the model's labels; may be empty.
 * @property scores in the order of the model's labels.
 * @property top the `topK` best labels, best first.
 */
public data class MultiLabel(
    val labels: List<String>,
    val scores: List<LabelScore>,
    val top: List<LabelScore>,
    override val truncated: Boolean,
    override val windows: Int,
) : Answer()

/**
 * The first value, and every value by its label.
 *
 * @property values in the order of the model's labels.
 */
public data class Regression(
    val value: Double,
    val values: Map<String, Double>,
    override val truncated: Boolean,
    override val windows: Int,
) : Answer()

/** What was found, in the order of the text. */
public data class TokenClassification(
    val entities: List<Entity>,
    override val truncated: Boolean,
    override val windows: Int,
) : Answer()

/**
 * A stretch of the text that has one label.
 *
 * @property label without its B-, I-, E- or S- (or L- and U-), except in [Aggregation.NONE].
 * @property score mean probability over its tokens, or over its words.
 * @property start index in the text that was given, in UTF-16 units: `text.substring(start, end)` is [text].
 */
public data class Entity(val label: String, val score: Double, val text: String, val start: Int, val end: Int)

/**
 * The best stretch of the context, or none: then [text] is empty, and [start] and [end] are 0.
 *
 * @property start index in the context, in UTF-16 units.
 * @property score of the best stretch; with no answer, [noAnswerScore].
 * @property noAnswerScore how sure the model is that there is none, in the window that is least sure of it.
 * @property top the `topK` best stretches, best first.
 */
public data class QuestionAnswering(
    val text: String,
    val start: Int,
    val end: Int,
    val score: Double,
    val noAnswerScore: Double,
    val top: List<AnswerSpan>,
    override val truncated: Boolean,
    override val windows: Int,
) : Answer()

/**
 * A stretch of the context that may be the answer.
 *
 * @property start index in the context, in UTF-16 units: `context.substring(start, end)` is [text].
 * @property score probability of its start times probability of its end, in the window it was read in.
 */
public data class AnswerSpan(val text: String, val start: Int, val end: Int, val score: Double)

/**
 * The text with the likeliest token in each mask, and what else was likely.
 *
 * @property text the given text with each mask replaced.
 */
public data class MaskedWords(
    val text: String,
    val masks: List<Mask>,
    override val truncated: Boolean,
    override val windows: Int,
) : Answer()

/**
 * One mask of the text.
 *
 * @property start index in the text, in UTF-16 units.
 * @property top the `topK` likeliest tokens, likeliest first.
 */
public data class Mask(val start: Int, val end: Int, val top: List<LabelScore>)
