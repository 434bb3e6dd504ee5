package org.edgebert.tasks

import org.edgebert.Classification
import org.edgebert.LabelScore

/** Logits of one text, one a label → probabilities that add up to 1. */
internal fun classification(logits: FloatArray, reading: Reading, request: Request): Classification {
    val probabilities = softmax(logits)
    val scores = request.labels.mapIndexed { index, label -> LabelScore(label, probabilities[index]) }
    val top = best(scores, request.options.topK)
    return Classification(top[0].label, top[0].score, scores, top, reading.truncated, reading.windows)
}

/** The highest scores, best first; equal scores keep the order of the labels. */
internal fun best(scores: List<LabelScore>, topK: Int): List<LabelScore> =
    scores.sortedByDescending { it.score }.take(topK)
