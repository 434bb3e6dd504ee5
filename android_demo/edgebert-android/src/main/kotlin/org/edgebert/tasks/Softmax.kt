package org.edgebert.tasks

import kotlin.math.exp

/** Logits → probabilities that add up to 1. */
internal fun softmax(logits: FloatArray): DoubleArray {
    val highest = logits.maxOf { it.toDouble() }
    val weights = DoubleArray(logits.size) { exp(logits[it] - highest) }
    val total = weights.sum()
    return DoubleArray(weights.size) { weights[it] / total }
}
