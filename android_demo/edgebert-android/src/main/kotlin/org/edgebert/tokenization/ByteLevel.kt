package org.edgebert.tokenization

/** GPT-2's alphabet: a printable character for each byte. */
internal object ByteAlphabet {
    private val characters = IntArray(256)
    private val bytes = HashMap<Char, Byte>()

    /** How a space is written. */
    val space: Char

    init {
        var next = 256
        for (byte in 0..255) {
            val printable = byte in 0x21..0x7E || byte in 0xA1..0xAC || byte in 0xAE..0xFF
            characters[byte] = if (printable) byte else next++
            bytes[characters[byte].toChar()] = byte.toByte()
        }
        space = characters[' '.code].toChar()
    }

    fun character(byte: Byte): Int = characters[byte.toInt() and 0xFF]

    /** The bytes that a token is written for; null if it is not in this alphabet. */
    fun bytes(token: String): ByteArray? {
        val found = ByteArray(token.length)
        for (index in token.indices) found[index] = bytes[token[index]] ?: return null
        return found
    }
}

/**
 * GPT-2's way: words by a pattern, then every byte as a character of [ByteAlphabet].
 *
 * @param addsSpace a space is put before a text that begins with none.
 * @param splits by the pattern; else the text is one word.
 */
internal class ByteLevelPreTokenizer(private val addsSpace: Boolean, private val splits: Boolean) : PreTokenizer {
    override fun split(piece: Piece, take: (Piece) -> Unit) {
        val spaced = if (addsSpace && piece.text.codePoints[piece.start] != ' '.code) withSpace(piece) else piece
        val places = IntArray(spaced.end - spaced.start + 1)
        val bytes = bytes(spaced, places)
        if (!splits) return take(Piece(bytes, 0, bytes.size))
        splitByGpt2Pattern(spaced.text.codePoints, spaced.start, spaced.end) { from, to ->
            take(Piece(bytes, places[from - spaced.start], places[to - spaced.start]))
        }
    }

    private fun withSpace(piece: Piece): Piece {
        val text = piece.text.slice(piece.start, piece.end)
        val rewriting = text.Rewriting()
        rewriting.add(' '.code, 0)
        rewriting.add(text.codePoints[0], 1)
        for (index in 1 until text.size) rewriting.add(text.codePoints[index], 0)
        return Piece(rewriting.done(), 0, text.size + 1)
    }

    /** The bytes of UTF-8, as characters; [places] is filled with where each code point's begin, and the end. */
    private fun bytes(piece: Piece, places: IntArray): AlignedText {
        val encoded = piece.text.substring(piece.start, piece.end).toByteArray()
        val codePoints = IntArray(encoded.size) { ByteAlphabet.character(encoded[it]) }
        val starts = IntArray(encoded.size)
        val ends = IntArray(encoded.size)
        var place = 0
        for (index in piece.start until piece.end) {
            places[index - piece.start] = place
            repeat(utf8Length(piece.text.codePoints[index])) {
                starts[place] = piece.text.starts[index]
                ends[place++] = piece.text.ends[index]
            }
        }
        places[piece.end - piece.start] = place
        return AlignedText(codePoints, starts, ends)
    }
}
