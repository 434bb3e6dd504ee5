package org.edgebert.tasks

import kotlin.math.exp
import org.edgebert.LabelScore
import org.edgebert.MultiLabel

private const val THRESHOLD = 0.5

/** Logits of one text, one a label → independent probabilities. */
internal fun multiLabel(logits: FloatArray, reading: Reading, request: Request): MultiLabel {
    val scores = request.labels.mapIndexed { index, label -> LabelScore(label, logistic(logits[index].toDouble())) }
    val applying = scores.filter { it.score >= THRESHOLD }.map { it.label }
    return MultiLabel(applying, scores, best(scores, request.options.topK), reading.truncated, reading.windows)
}

private fun logistic(logit: Double): Double =
    if (logit >= 0) 1 / (1 + exp(-logit)) else exp(logit).let { it / (1 + it) }
