package org.edgebert.tokenization

import org.edgebert.json.hasLoneSurrogate
import org.edgebert.json.shortened
import org.edgebert.json.takeObject

/** A part of a tokenizer.json, with its place in the file for messages; fields that nobody asks for are passed over. */
internal class JsonFields private constructor(private val where: String, private val fields: Map<String, Any?>) {
    /** Whether a field is there and not null. */
    operator fun contains(name: String): Boolean = fields[name] != null

    val names: Set<String> get() = fields.keys

    /** @throws UnusableTokenizer as all of these do, if the field is missing or something else. */
    fun text(name: String): String {
        val value = fields[name] as? String ?: wrong(name, "a text")
        return if (hasLoneSurrogate(value)) wrong(name, "a text without lone surrogates") else value
    }

    fun boolean(name: String, default: Boolean? = null): Boolean {
        if (name !in fields.keys && default != null) return default
        return fields[name] as? Boolean ?: wrong(name, "true or false")
    }

    /** A whole number from 0. */
    fun count(name: String): Long = (fields[name] as? Long)?.takeIf { it >= 0 } ?: wrong(name, "a whole number from 0")

    /** A whole number that an id or a token type can be. */
    fun id(name: String): Int =
        count(name).takeIf { it <= Int.MAX_VALUE }?.toInt() ?: wrong(name, "a number of 31 bits")

    fun number(name: String): Double = (fields[name] as? Number)?.toDouble() ?: wrong(name, "a number")

    fun list(name: String): List<Any?> = fields[name] as? List<*> ?: wrong(name, "a list")

    fun texts(name: String): List<String> = list(name).map { text ->
        (text as? String)?.takeUnless { hasLoneSurrogate(it) } ?: wrong(name, "a list of texts")
    }

    fun fields(name: String): JsonFields = of(fields[name], place(name))

    fun listOfFields(name: String): List<JsonFields> =
        list(name).mapIndexed { index, value -> of(value, "${place(name)}[$index]") }

    fun wrong(name: String, expected: String): Nothing =
        throw UnusableTokenizer("${place(name)}: got ${shown(name)}, expected $expected")

    /** The field's place in the file. */
    fun place(name: String): String = if (where.isEmpty()) name else "$where.$name"

    /** The field's value in about a line. */
    fun shown(name: String): String = if (name in fields.keys) shortened(fields[name]) else "nothing"

    companion object {
        /** An object at a place in the file; the file itself is at "". */
        fun of(value: Any?, where: String): JsonFields {
            val fields = takeObject(value)
            if (fields != null) return JsonFields(where, fields)
            val place = where.ifEmpty { "the file" }
            throw UnusableTokenizer("$place: got ${shortened(value)}, expected an object")
        }
    }
}
