package org.edgebert.measurement

import org.edgebert.InputException

/**
 * What to measure, and how long.
 *
 * @property backend name of a backend, as the manifest has it.
 * @property recipe null for the smallest file of that backend.
 * @property lengths token lengths, special tokens included; null for those of 8, 16, 32, 64 and 128 that fit.
 * @property budgetSeconds for the repeated runs of all lengths and batches together; start-up comes on top.
 * @property batches texts in one call.
 * @property precision runs end early once the median's 95 % confidence interval reaches no further than this
 *   share of it.
 * @property minutes of running without rest at the end, to see what heat does; 0 for none.
 * @property operators whether to measure each operator of the model, too.
 */
public data class Settings(
    val backend: String,
    val recipe: String? = null,
    val threads: Int = 1,
    val lengths: List<Int>? = null,
    val budgetSeconds: Double = 5.0,
    val batches: List<Int> = listOf(1),
    val precision: Double = 0.02,
    val minutes: Double = 0.0,
    val operators: Boolean = false,
) {
    /**
     * The lengths to measure on a model that looks at [maxLength] tokens, ascending.
     *
     * @throws InputException for a length that was asked for and does not fit.
     */
    internal fun fittingLengths(maxLength: Int): List<Int> {
        if (lengths == null) {
            return DEFAULT_LENGTHS.filter { it <= maxLength }.ifEmpty { listOf(maxLength) }
        }
        if (lengths.isEmpty() || lengths.any { it < 1 || it > maxLength }) {
            val shown = lengths.joinToString(",")
            throw InputException("lengths: got '$shown', expected numbers of tokens from 1 to $maxLength")
        }
        return lengths.distinct().sorted()
    }

    private companion object {
        val DEFAULT_LENGTHS = listOf(8, 16, 32, 64, 128)
    }
}

/** The length that operators are measured at: the longest up to 64, as most texts are. */
internal fun operatorTokens(lengths: List<Int>): Int = lengths.lastOrNull { it <= 64 } ?: lengths.first()

/** What a timing is of, in words. */
internal fun place(tokens: Int, batch: Int): String = if (batch ==
    1
) {
    "$tokens tokens"
} else {
    "$tokens tokens, batch $batch"
}
