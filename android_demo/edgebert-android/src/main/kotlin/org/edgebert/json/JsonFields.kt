package org.edgebert.json

import org.edgebert.ManifestException

/** The largest whole number that a field may hold: 2^53. */
internal const val MOST = 1L shl 53

private const val MOST_CHARACTERS = 1000
private const val MOST_NAMES = 1000
private const val MOST_ITEMS = 100_000

/** Throws [ManifestException] with where, what was given and what was expected. */
internal fun reject(where: String, given: Any?, expected: String): Nothing =
    throw ManifestException(
        "$where: got ${shortened(given)}, expected $expected; copy the bundle anew or convert again",
    )

/** An object with exactly the fields of these names. */
internal fun takeFields(data: Any?, where: String, names: Set<String>): Map<String, Any?> {
    val fields = takeObject(data) ?: reject(where, data, "an object")
    val unknown = (fields.keys - names).sorted()
    if (unknown.isNotEmpty()) reject(where, unknown, "no fields but ${names.sorted().joinToString(", ")}")
    val missing = (names - fields.keys).sorted()
    if (missing.isNotEmpty()) reject(where, "no ${missing.joinToString(", ")}", "that field")
    return fields
}

/** A JSON object; null if it is something else. */
internal fun takeObject(data: Any?): Map<String, Any?>? {
    if (data !is Map<*, *>) return null
    @Suppress("UNCHECKED_CAST") // The parser's objects have no other keys.
    return data as Map<String, Any?>
}

/** A whole number within bounds; true and false are none. */
internal fun takeLong(data: Any?, where: String, low: Long, high: Long = MOST): Long {
    if (data !is Long || data !in low..high) reject(where, data, "a whole number from $low to $high")
    return data
}

/** [takeLong] where the upper bound is one of 32 bits. */
internal fun takeInt(data: Any?, where: String, low: Int, high: Int): Int =
    takeLong(data, where, low.toLong(), high.toLong()).toInt()

/** A finite number from [low] to [high]; null for no bound. */
internal fun takeNumber(data: Any?, where: String, low: Long? = null, high: Long? = null): Double {
    val number = (data as? Number)?.toDouble() ?: Double.NaN
    if (number.isNaN() || number.isInfinite()) reject(where, data, "a finite number")
    if ((low != null && number < low) || (high != null && number > high)) {
        reject(where, data, if (high == null) "at least $low" else "$low to $high")
    }
    return number
}

/** A text of 1 to 1000 code points, one of [allowed] where given. */
internal fun takeText(data: Any?, where: String, allowed: List<String> = emptyList()): String {
    if (data !is String || data.isEmpty() || data.codePointCount(0, data.length) > MOST_CHARACTERS) {
        reject(where, data, "a text of 1 to $MOST_CHARACTERS characters")
    }
    if (hasLoneSurrogate(data)) reject(where, data, "a text without lone surrogates")
    if (allowed.isNotEmpty() && data !in allowed) reject(where, data, "one of ${allowed.joinToString(", ")}")
    return data
}

/** A text that matches a pattern in full. */
internal fun takeMatching(data: Any?, where: String, pattern: Regex, expected: String): String {
    if (data !is String || !pattern.matches(data)) reject(where, data, expected)
    return data
}

/** A list of at most so many items. */
internal fun takeList(data: Any?, where: String, most: Int = MOST_ITEMS): List<Any?> {
    if (data !is List<*> || data.size > most) reject(where, data, "a list of at most $most items")
    return data
}

/** A list of texts. */
internal fun takeTexts(data: Any?, where: String): List<String> = takeList(data, where).map { takeText(it, where) }

/** A number from 0 to 1. */
internal fun takeShare(data: Any?, where: String): Double {
    val share = takeNumber(data, where)
    if (share !in 0.0..1.0) reject(where, share, "a share from 0 to 1")
    return share
}

/** An object of at most 1000 names and whole numbers. */
internal fun takeCounts(data: Any?, where: String): Map<String, Long> {
    val counts = takeObject(data)?.takeIf { it.size <= MOST_NAMES }
        ?: reject(where, data, "an object of at most $MOST_NAMES names and numbers")
    return counts.entries.associate { (name, count) ->
        takeText(name, where) to takeLong(count, "$where[${shortened(name)}]", 0)
    }
}

/** An object of at most 1000 names and finite numbers; [expected] says so in the words of the field. */
internal fun takeFigures(data: Any?, where: String, expected: String): Map<String, Double> {
    val figures = takeObject(data)?.takeIf { it.size <= MOST_NAMES } ?: reject(where, data, expected)
    return figures.entries.associate { (name, figure) ->
        takeText(name, where) to takeNumber(figure, "$where[${shortened(name)}]")
    }
}

internal fun hasLoneSurrogate(text: String): Boolean {
    var place = 0
    while (place < text.length) {
        val code = text.codePointAt(place)
        if (code in 0xD800..0xDFFF) return true
        place += Character.charCount(code)
    }
    return false
}
