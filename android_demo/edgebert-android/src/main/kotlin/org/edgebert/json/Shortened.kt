package org.edgebert.json

import java.math.BigDecimal
import java.math.BigInteger
import java.math.MathContext

private const val MOST_LEVELS = 3
private const val MOST_CHARACTERS = 80
private const val BEGINNING = (MOST_CHARACTERS - 3) / 2
private const val END = MOST_CHARACTERS - 3 - BEGINNING
private const val MOST_OF_A_FIELD = 4
private const val MOST_OF_A_LIST = 6
private const val MOST_IN_ALL = 120

/** Enough for any 64-bit float. */
private const val MOST_DIGITS = 17

/**
 * A value for a message, in about a line whatever its size and depth.
 *
 * Written as Python writes values, so that a message is the same in every runtime. An [Array] is shown as a tuple.
 */
internal fun shortened(value: Any?): String {
    val shown = shown(value, MOST_LEVELS)
    return if (shown.countCodePoints() <= MOST_IN_ALL) shown else shown.firstCodePoints(MOST_IN_ALL - 3) + "..."
}

/** A text in quotes, on one line whatever is in it. */
internal fun quoted(text: String): String {
    val quote = if ('\'' in text && '"' !in text) '"' else '\''
    val shown = StringBuilder().append(quote)
    var place = 0
    while (place < text.length) {
        val code = text.codePointAt(place)
        place += Character.charCount(code)
        when {
            code == quote.code || code == '\\'.code -> shown.append('\\').append(code.toChar())
            code == '\n'.code -> shown.append("\\n")
            code == '\r'.code -> shown.append("\\r")
            code == '\t'.code -> shown.append("\\t")
            isPrintable(code) -> shown.appendCodePoint(code)
            code <= 0xFF -> shown.append("\\x").append(hexadecimal(code, 2))
            code <= 0xFFFF -> shown.append("\\u").append(hexadecimal(code, 4))
            else -> shown.append("\\U").append(hexadecimal(code, 8))
        }
    }
    return shown.append(quote).toString()
}

private fun shown(value: Any?, levels: Int): String = when (value) {
    null -> "None"
    true -> "True"
    false -> "False"
    is String -> shownText(value)
    is BigInteger -> value.toString().let {
        if (it.length >
            MOST_CHARACTERS
        ) {
            it.take(BEGINNING) + "..." + it.takeLast(END)
        } else {
            it
        }
    }
    is Double -> pythonDouble(value)
    is Map<*, *> -> shownMap(value, levels)
    is List<*> -> sequence(value, levels, "[", "]")
    is Array<*> -> sequence(value.asList(), levels, "(", if (value.size == 1) ",)" else ")")
    else -> value.toString()
}

/** A text in quotes; of a long one its beginning and end. */
private fun shownText(text: String): String {
    val beginning = quoted(text.firstCodePoints(MOST_CHARACTERS))
    if (beginning.countCodePoints() <= MOST_CHARACTERS) return beginning
    val ends = quoted(text.firstCodePoints(BEGINNING) + text.lastCodePoints(END))
    return ends.firstCodePoints(BEGINNING) + "..." + ends.lastCodePoints(END)
}

private fun sequence(items: List<*>, levels: Int, open: String, close: String): String {
    if (items.isEmpty()) return open + close.removePrefix(",")
    if (levels <= 0) return "$open...$close"
    val shown = items.take(MOST_OF_A_LIST).map { shown(it, levels - 1) }
    return (shown + if (items.size > MOST_OF_A_LIST) listOf("...") else emptyList()).joinToString(", ", open, close)
}

private fun shownMap(map: Map<*, *>, levels: Int): String {
    if (map.isEmpty()) return "{}"
    if (levels <= 0) return "{...}"
    val names = map.keys.map { it as String }.sorted()
    val shown = names.take(MOST_OF_A_FIELD).map { "${shown(it, levels - 1)}: ${shown(map[it], levels - 1)}" }
    return (shown + if (map.size > MOST_OF_A_FIELD) listOf("...") else emptyList()).joinToString(", ", "{", "}")
}

/** Whether a character is shown as it is: neither of those that are invisible nor half a pair. */
private fun isPrintable(code: Int): Boolean = when (Character.getType(code).toByte()) {
    Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED,
    Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR,
    -> false
    Character.SPACE_SEPARATOR -> code == ' '.code
    else -> true
}

private fun pythonDouble(value: Double): String {
    if (value.isNaN()) return "nan"
    if (value.isInfinite()) return if (value > 0) "inf" else "-inf"
    if (value == 0.0) return value.toString()
    val exact = shortest(value).stripTrailingZeros()
    val exponent = exact.precision() - exact.scale() - 1
    if (exponent in -4..15) {
        val plain = exact.toPlainString()
        return if ('.' in plain) plain else "$plain.0"
    }
    val digits = exact.unscaledValue().abs().toString()
    val fraction = if (digits.length > 1) ".${digits.substring(1)}" else ""
    val sign = if (value < 0) "-" else ""
    val power = kotlin.math.abs(exponent).toString().padStart(2, '0')
    return "$sign${digits[0]}${fraction}e${if (exponent < 0) "-" else "+"}$power"
}

/** The number of fewest digits that is read as [value]; before Java 19, `toString` has more at times. */
private fun shortest(value: Double): BigDecimal = (1..MOST_DIGITS).asSequence()
    .map { BigDecimal(value).round(MathContext(it)) }
    .first { it.toDouble() == value }

private fun hexadecimal(code: Int, digits: Int): String = code.toString(16).padStart(digits, '0')

private fun String.countCodePoints(): Int = codePointCount(0, length)

private fun String.firstCodePoints(count: Int): String =
    if (countCodePoints() <= count) this else substring(0, offsetByCodePoints(0, count))

private fun String.lastCodePoints(count: Int): String =
    if (countCodePoints() <= count) this else substring(offsetByCodePoints(length, -count))
