package org.edgebert.tasks

/** Where a stretch of a text begins and ends without the spaces around it; both are the same where nothing is left. */
internal fun withoutSpaces(text: String, start: Int, end: Int): IntRange {
    var first = start
    var last = end
    while (first < last && isSpace(text[first])) first++
    while (last > first && isSpace(text[last - 1])) last--
    return first until last
}

/**
 * What Python's `str.strip` takes for a space.
 *
 * Written out, as functions of the platform differ: Kotlin's `isWhitespace` leaves out U+0085.
 */
private fun isSpace(character: Char): Boolean = when (character) {
    in '\t'..'\r', in '\u001C'..' ', '\u0085', '\u00A0', '\u1680', in '\u2000'..'\u200A', '\u2028', '\u2029', '\u202F',
    '\u205F', '\u3000',
    -> true
    else -> false
}
