package org.edgebert.json

import com.google.gson.stream.JsonReader
import com.google.gson.stream.JsonToken
import com.google.gson.stream.MalformedJsonException
import java.io.EOFException
import java.io.StringReader
import java.math.BigInteger
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.nio.charset.CodingErrorAction

/** Commas and opening brackets that a manifest may have: what it may unfold to in memory. */
internal const val MOST_VALUES = 200_000

private const val MOST_DEPTH = 128

/** More than any number that is meant has; Gson takes some that are longer for none at all. */
private const val MOST_DIGITS = 60

/** A text is not JSON, or not JSON as it is taken here. */
internal sealed class JsonException(reason: String) : Exception(reason)

/** It is no JSON by RFC 8259. */
internal class MalformedJson(reason: String) : JsonException(reason)

/** It is JSON with something in it that is not taken. */
internal class RefusedJson(val given: String, val expected: String) : JsonException("got $given, expected $expected")

/**
 * JSON of finite numbers, without repeated keys, that takes little memory.
 *
 * @param mostValues commas and opening brackets that the text may have, those in strings included.
 * @return a [Map] in the text's order, a [List], a [String], a [Boolean] or null; for numbers without fraction and
 *   exponent a [Long] or, beyond it, a [BigInteger]; for others a [Double], which may be infinite.
 * @throws JsonException if the text is anything else.
 */
internal fun parseJson(text: String, mostValues: Int = MOST_VALUES): Any? {
    checkLexically(text, mostValues)
    val reader = JsonReader(StringReader(text))
    try {
        val value = value(reader)
        if (reader.peek() != JsonToken.END_DOCUMENT) throw MalformedJson("text behind its end")
        return value
    } catch (error: MalformedJsonException) {
        // Gson goes on with advice for programmers in further sentences and lines.
        throw MalformedJson(error.message.orEmpty().lineSequence().first())
    } catch (_: EOFException) {
        throw MalformedJson("it ends in the middle")
    } catch (error: IllegalStateException) {
        throw MalformedJson(error.message.orEmpty().lineSequence().first())
    } catch (_: NumberFormatException) {
        // Of an escape for a code point without four hexadecimal digits.
        throw MalformedJson("an unknown escape")
    }
}

/**
 * UTF-8 without anything that is none: overlong forms, surrogates, cut characters.
 *
 * @throws MalformedJson with the place of the first byte that does not fit.
 */
internal fun decodeUtf8(content: ByteArray): String {
    val decoder = Charsets.UTF_8.newDecoder()
        .onMalformedInput(CodingErrorAction.REPORT)
        .onUnmappableCharacter(CodingErrorAction.REPORT)
    val input = ByteBuffer.wrap(content)
    try {
        return decoder.decode(input).toString()
    } catch (_: CharacterCodingException) {
        throw MalformedJson("not UTF-8 text: a wrong byte at ${input.position()}")
    }
}

/**
 * Refuses what Gson would take though RFC 8259 does not, and what would take too much memory or stack.
 *
 * These are a byte order mark, control characters in strings, the escapes \' and \ with a line's end, and literals
 * in capitals.
 */
private fun checkLexically(text: String, mostValues: Int) {
    if (text.count { it == ',' || it == '[' || it == '{' } > mostValues) {
        throw RefusedJson("more values", "at most $mostValues commas and brackets")
    }
    if (text.startsWith('\uFEFF')) throw MalformedJson("a byte order mark")
    var depth = 0
    var digits = 0
    var place = 0
    while (place < text.length) {
        val character = text[place]
        digits = if (character in '0'..'9') digits + 1 else 0
        if (digits > MOST_DIGITS) throw MalformedJson("a number of more than $MOST_DIGITS digits")
        when (character) {
            '"' -> place = endOfString(text, place + 1)
            '[', '{' -> if (++depth > MOST_DEPTH) throw RefusedJson("nesting too deep", "JSON nested a few levels deep")
            ']', '}' -> depth--
            in 'A'..'Z' -> checkCapital(text, place)
        }
        place++
    }
}

/** Of capitals, only the E of a number stands outside strings. */
private fun checkCapital(text: String, place: Int) {
    if (text.startsWith("NaN", place)) throw RefusedJson("NaN", "finite numbers")
    if (text.startsWith("Infinity", place)) {
        val sign = if (place > 0 && text[place - 1] == '-') "-" else ""
        throw RefusedJson("${sign}Infinity", "finite numbers")
    }
    if (text[place] != 'E' || place == 0 || text[place - 1] !in '0'..'9') {
        throw MalformedJson("'${text[place]}' at character $place")
    }
}

/** The place of the quote that ends a string whose first character is at [start]; else the text's end. */
private fun endOfString(text: String, start: Int): Int {
    var place = start
    while (place < text.length && text[place] != '"') {
        if (text[place] < ' ') throw MalformedJson("a control character at character $place")
        if (text[place] == '\\') {
            place++
            if (place < text.length && (text[place] == '\'' || text[place] == '\n')) {
                throw MalformedJson("an unknown escape at character $place")
            }
        }
        place++
    }
    return place
}

private fun value(reader: JsonReader): Any? = when (reader.peek()) {
    JsonToken.BEGIN_OBJECT -> objectOf(reader)
    JsonToken.BEGIN_ARRAY -> {
        val items = ArrayList<Any?>()
        reader.beginArray()
        while (reader.hasNext()) items.add(value(reader))
        reader.endArray()
        items
    }
    JsonToken.STRING -> reader.nextString()
    JsonToken.NUMBER -> number(reader.nextString())
    JsonToken.BOOLEAN -> reader.nextBoolean()
    JsonToken.NULL -> {
        reader.nextNull()
        null
    }
    else -> throw MalformedJson("no value where one was expected")
}

private fun objectOf(reader: JsonReader): Map<String, Any?> {
    val fields = LinkedHashMap<String, Any?>()
    var repeated = false
    reader.beginObject()
    while (reader.hasNext()) {
        val name = reader.nextName()
        repeated = repeated || name in fields
        fields[name] = value(reader)
    }
    reader.endObject()
    if (repeated) throw RefusedJson("a repeated key", "each key once")
    return fields
}

private fun number(literal: String): Number {
    if (literal.any { it == '.' || it == 'e' || it == 'E' }) return literal.toDouble()
    return literal.toLongOrNull() ?: BigInteger(literal)
}
