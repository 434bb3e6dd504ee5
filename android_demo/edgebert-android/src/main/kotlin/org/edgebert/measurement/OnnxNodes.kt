package org.edgebert.measurement

import java.io.IOException

/**
 * The nodes of the main graph of an .onnx file, in their order: as much of the format as names need.
 *
 * A message of protocol buffers is a row of fields: a number that holds the field's own number and its kind, and a
 * value (https://protobuf.dev/programming-guides/encoding/). Field numbers are those of onnx.proto
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 *
 * @throws IOException if it is no model.
 */
internal fun readNodes(content: ByteArray): List<Node> =
    fields(Message(content, 0, content.size)).filter { it.number == 7 }
        .flatMap { graph -> fields(graph.message).filter { it.number == 1 } }
        .map { node(it.message) }.toList()

private fun node(message: Message): Node {
    val texts = fields(message).filter { it.number in 1..4 }.groupBy({ it.number }, { it.message.text() })
    return Node(
        name = texts[3].orEmpty().joinToString(""),
        kind = texts[4].orEmpty().joinToString(""),
        // An input that is left out has no name.
        inputs = texts[1].orEmpty().filter { it != "" },
        outputs = texts[2].orEmpty().filter { it != "" },
    )
}

private class Message(val content: ByteArray, val start: Int, val end: Int) {
    fun text(): String = String(content, start, end - start, Charsets.UTF_8)
}

private class Field(val number: Int, val message: Message)

/** Fields that have a length; numbers are passed over. */
private fun fields(message: Message): Sequence<Field> = sequence {
    val reader = Varints(message)
    while (reader.position < message.end) {
        val tag = reader.next()
        val length = when (val kind = (tag and 7).toInt()) {
            0 -> {
                reader.next()
                0L
            }
            1 -> 8L
            2 -> reader.next()
            5 -> 4L
            else -> throw IOException("not an .onnx file: a field of kind $kind")
        }
        if (length < 0 || length > message.end - reader.position) {
            throw IOException("not an .onnx file, or only its beginning")
        }
        val start = reader.position
        reader.position += length.toInt()
        if ((tag and 7) == 2L) yield(Field((tag ushr 3).toInt(), Message(message.content, start, reader.position)))
    }
}

/** Numbers in groups of seven bits, the lowest first. */
private class Varints(private val message: Message) {
    var position = message.start

    fun next(): Long {
        var value = 0L
        var shift = 0
        while (position < message.end) {
            val byte = message.content[position++].toLong()
            value = value or ((byte and 0x7f) shl shift)
            if (byte >= 0) return value
            shift += 7
        }
        throw IOException("not an .onnx file, or only its beginning")
    }
}
