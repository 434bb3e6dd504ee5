package org.edgebert.demo

import org.edgebert.Classification
import org.edgebert.LabelScore
import org.edgebert.MaskedWords
import org.edgebert.MultiLabel
import org.edgebert.QuestionAnswering
import org.edgebert.Regression
import org.edgebert.TokenClassification

/** A stretch of a text that is to be marked, in UTF-16 units. */
data class Marked(val start: Int, val end: Int)

/** What is shown as bars, and how many [more] there would be. */
data class Bars(val shown: List<LabelScore>, val more: Int)

/** Bars of an answer, best first and at most [MOST_BARS]; their scores are from 0 to 1. */
fun bars(reply: Reply): Bars {
    val scores = scores(reply)
    return Bars(scores.take(MOST_BARS), maxOf(scores.size - MOST_BARS, 0))
}

/** A screen of rows takes its time and memory for each of them, and a text may have thousands of gaps. */
const val MOST_BARS = 50

private fun scores(reply: Reply): List<LabelScore> = when (reply) {
    is Reply.Similarity -> emptyList()
    is Reply.Answered -> when (val answer = reply.answer) {
        is Classification -> answer.top
        is MultiLabel -> answer.top
        is MaskedWords -> answer.masks.flatMap { it.top }
        is QuestionAnswering -> answer.top.map { LabelScore(it.text, it.score) }
        is Regression, is TokenClassification -> emptyList()
    }
}

/** What is marked in the text that the answer is about; empty where nothing is to be marked. */
fun marked(reply: Reply): List<Marked> = when (val answer = (reply as? Reply.Answered)?.answer) {
    is TokenClassification -> answer.entities.map { Marked(it.start, it.end) }
    is QuestionAnswering -> listOf(Marked(answer.start, answer.end)).filter { it.start < it.end }
    is MaskedWords, is Classification, is MultiLabel, is Regression, null -> emptyList()
}

/** Numbers of threads to choose from: doubling, and all [processors] at the end. */
fun threadCounts(processors: Int): List<Int> =
    generateSequence(1) { it * 2 }.takeWhile { it < processors }.toList() + processors

/** An example that suits a task: the names of the strings that make it. */
enum class Example { SENTENCE, PAIR, QUESTION, NAMES, MASKED }

fun example(model: ModelFacts): Example = when (model.task) {
    "question-answering" -> Example.QUESTION
    "token-classification" -> Example.NAMES
    "masked-lm" -> Example.MASKED
    else -> if (model.secondText == SecondText.REQUIRED) Example.PAIR else Example.SENTENCE
}
