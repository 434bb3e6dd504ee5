package org.edgebert.tasks

/** Indices of the [count] highest of many scores, best first; of equal ones the lower index first. */
internal fun highest(scores: DoubleArray, count: Int): List<Int> {
    if (count == 1) return listOf(scores.indices.maxByOrNull { scores[it] } ?: return emptyList())
    return scores.indices.sortedByDescending { scores[it] }.take(count)
}
