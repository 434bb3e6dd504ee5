package org.edgebert.tasks

import org.edgebert.Aggregation
import org.edgebert.Entity
import org.edgebert.Matrix
import org.edgebert.TokenClassification
import org.edgebert.tokenization.Text

/** The label of what is nothing; never given back. */
private const val OUTSIDE = "O"

private val PREFIXED = Regex("([BIESLU])-(.+)", RegexOption.DOT_MATCHES_ALL)
private const val FIRST = "BSU"
private const val LAST = "ESLU"

/**
 * Logits [tokens, labels] of each window → entities, no two of which share a character.
 *
 * Every token, or every word, gets a label by [Aggregation]; tokens of one character count as one. Neighbours of one
 * label are joined; B- and S- begin anew, E- and S- end.
 */
internal fun tokenClassification(reading: Reading, outputs: List<Matrix>, request: Request): TokenClassification {
    val text = (reading.text as Text.Single).text
    val aggregation = request.options.aggregation
    val found = places(reading).map { it to softmax(outputs[it.window].row(it.position)) }
    val byWord = aggregation != Aggregation.SIMPLE && aggregation != Aggregation.NONE
    val pieces = grouped(found) { (last), (next) -> next.start < last.end || (byWord && next.word == last.word) }
        .map { piece(it, request) }
    val labels = Scheme(request.labels)
    val entities = if (aggregation == Aggregation.NONE) {
        pieces.map { entity(text, listOf(it), it.label) }
    } else {
        grouped(pieces) { last, next -> labels.joins(last.label, next.label) }
            .map { entity(text, it, labels.kind(it[0].label)) }
    }
    return TokenClassification(entities.filterNotNull(), reading.truncated, reading.windows)
}

/** A token or a word with the label it got. */
private class Piece(val label: String, val score: Double, val start: Int, val end: Int)

private fun piece(tokens: List<Pair<Place, DoubleArray>>, request: Request): Piece {
    val scores = tokens.map { it.second }
    val row = when (request.options.aggregation) {
        Aggregation.AVERAGE -> DoubleArray(scores[0].size) { column -> scores.sumOf { it[column] } / scores.size }
        Aggregation.MAX -> scores.maxByOrNull { it.max() } ?: scores[0]
        else -> scores[0]
    }
    val best = highest(row, 1)[0]
    return Piece(request.labels[best], row[best], tokens.first().first.start, tokens.last().first.end)
}

/** Neighbours in groups: an item goes to the one before it where [together] says so of the two. */
private fun <T> grouped(items: List<T>, together: (T, T) -> Boolean): List<List<T>> {
    val groups = ArrayList<MutableList<T>>()
    for (item in items) {
        val last = groups.lastOrNull()
        if (last != null && together(last.last(), item)) last.add(item) else groups.add(mutableListOf(item))
    }
    return groups
}

/**
 * What the labels of a model mean.
 *
 * They have prefixes where one kind has two of them, or all have B- or all I-. Else "E-mail" and "S-Bahn" are plain
 * labels.
 */
private class Scheme(labels: List<String>) {
    private val hasPrefixes: Boolean

    init {
        val found = labels.mapNotNull { PREFIXED.matchEntire(it)?.destructured?.toList() }.distinct()
        val kinds = found.map { it[1] }
        val prefixes = found.map { it[0] }.toSet()
        val others = labels.filter { it != OUTSIDE && !PREFIXED.matches(it) }
        hasPrefixes = kinds.toSet().size < kinds.size ||
            (others.isEmpty() && (prefixes == setOf("B") || prefixes == setOf("I")))
    }

    fun kind(label: String): String = parts(label).second

    fun joins(last: String, next: String): Boolean {
        val (ending, before) = parts(last)
        val (beginning, kind) = parts(next)
        return kind == before && beginning !in FIRST && ending !in LAST
    }

    /** Prefix and kind; a plain label goes on with whatever has it before. */
    private fun parts(label: String): Pair<String, String> {
        val match = if (hasPrefixes) PREFIXED.matchEntire(label) else null
        return match?.destructured?.let { (prefix, kind) -> prefix to kind } ?: ("I" to label)
    }
}

/** Null for what is outside, or holds nothing but spaces: some tokenizers count the space before a word to it. */
private fun entity(text: String, group: List<Piece>, label: String): Entity? {
    val held = withoutSpaces(text, group.first().start, group.last().end)
    if (label == OUTSIDE || held.isEmpty()) return null
    val score = group.sumOf { it.score } / group.size
    return Entity(label, score, text.substring(held), held.first, held.last + 1)
}
