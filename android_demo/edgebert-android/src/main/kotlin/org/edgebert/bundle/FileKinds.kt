package org.edgebert.bundle

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** How much of a file [misfit] wants to see. */
internal const val HEAD_BYTES = 64

/**
 * Why a file cannot be of its kind, or null.
 *
 * A few bytes at the start tell one kind of file from another. That is no proof that a file is sound; it keeps what is
 * plainly something else from a library that would have to find out for itself.
 *
 * @param kind a backend of the manifest, or "tokenizer".
 * @param head the first [HEAD_BYTES] of the file, or all there are.
 * @param size bytes of the whole file.
 */
internal fun misfit(kind: String, head: ByteArray, size: Long): String? = when (kind) {
    "tokenizer" -> if (isObject(head)) null else "no JSON object"
    "tflite" -> when {
        !head.hasAt(4, "TFL3") -> "no TFLite file: the identifier TFL3 is missing"
        rootTable(head) !in 8..size - 4 -> "no TFLite file: its root table lies outside"
        else -> null
    }
    "onnx" -> if (beginsWithVersion(head)) null else "no ONNX file: it does not begin with a version"
    "torchscript" -> if (head.hasAt(0, "PK\u0003\u0004")) null else "no TorchScript file: it is no zip file"
    else -> throw IllegalArgumentException(kind)
}

private fun isObject(head: ByteArray): Boolean =
    head.firstOrNull { it.toInt().toChar() !in " \t\r\n" } == '{'.code.toByte()

/** FlatBuffers: a file begins with the 32-bit offset of its root table. */
private fun rootTable(head: ByteArray): Long =
    ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getInt(0).toLong() and 0xFFFFFFFFL

/** Protocol Buffers: ModelProto's first field is 1, `ir_version`, a small varint. */
private fun beginsWithVersion(head: ByteArray): Boolean = head.size > 1 && head[0].toInt() == 8 && head[1] > 0

private fun ByteArray.hasAt(place: Int, text: String): Boolean =
    size >= place + text.length && text.indices.all { this[place + it].toInt() == text[it].code }
