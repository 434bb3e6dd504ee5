package org.edgebert.tokenization

/** What makes the text of a token again. */
internal fun interface Decoder {
    fun decoded(token: String): String
}

/** Without the spaces that [cleansUp] takes out before marks and contractions. */
internal class WordPieceDecoder(private val cleansUp: Boolean) : Decoder {
    override fun decoded(token: String): String =
        if (cleansUp) CLEANUP.fold(token) { text, (from, to) -> text.replace(from, to) } else token

    private companion object {
        val CLEANUP = listOf(
            " ." to ".", " ?" to "?", " !" to "!", " ," to ",", " ' " to "'", " n't" to "n't", " 'm" to "'m",
            " do not" to " don't", " 's" to "'s", " 've" to "'ve", " 're" to "'re",
        )
    }
}

/** The bytes that a token is written for, as UTF-8; U+FFFD for what is none. */
internal object ByteLevelDecoder : Decoder {
    override fun decoded(token: String): String {
        val bytes = ByteAlphabet.bytes(token) ?: return token
        val text = StringBuilder()
        var place = 0
        while (place < bytes.size) {
            val length = sequenceLength(bytes, place)
            val valid = validLength(bytes, place, length)
            if (valid == length && length > 0) text.append(String(bytes, place, length)) else text.append('\uFFFD')
            place += maxOf(1, valid)
        }
        return text.toString()
    }

    /** How long the sequence is that a byte begins; 0 if it begins none. */
    private fun sequenceLength(bytes: ByteArray, place: Int): Int = when (bytes[place].toInt() and 0xFF) {
        in 0x00..0x7F -> 1
        in 0xC2..0xDF -> 2
        in 0xE0..0xEF -> 3
        in 0xF0..0xF4 -> 4
        else -> 0
    }

    /** How many bytes of the sequence are as table 3-7 of the Unicode Standard has them. */
    private fun validLength(bytes: ByteArray, start: Int, length: Int): Int {
        val second = when (bytes[start].toInt() and 0xFF) {
            0xE0 -> 0xA0..0xBF
            0xED -> 0x80..0x9F
            0xF0 -> 0x90..0xBF
            0xF4 -> 0x80..0x8F
            else -> 0x80..0xBF
        }
        var valid = minOf(1, length)
        while (valid in 1 until length && start + valid < bytes.size) {
            val allowed = if (valid == 1) second else 0x80..0xBF
            if (bytes[start + valid].toInt() and 0xFF !in allowed) break
            valid++
        }
        return valid
    }
}
