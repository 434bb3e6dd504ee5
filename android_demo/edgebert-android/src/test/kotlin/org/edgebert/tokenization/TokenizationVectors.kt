package org.edgebert.tokenization

import java.io.File
import java.security.MessageDigest
import org.edgebert.ManifestException
import org.edgebert.json.parseJson

/** What Python says of texts, as `android_demo/vectors/tokenization.py` writes it. */
internal object TokenizationVectors {
    /** With which a text is never cut; then it is not asked for windows. */
    const val UNBOUNDED = 1 shl 30

    private const val LONGEST = 400

    val folder = File(System.getProperty("edgebert.vectors"), "tokenization")

    /** The folders of tokenizers. */
    val kinds: List<File> =
        checkNotNull(folder.listFiles()) { "no vectors in $folder: build.sh vectors makes them" }
            .filter { File(it, "tokenizer.json").exists() }
            .sorted()

    fun texts(file: File): List<Text> = list(file).map { text ->
        if (text is List<*>) Text.Pair(text[0] as String, text[1] as String) else Text.Single(text as String)
    }

    fun list(file: File): List<*> = parseJson(file.readText(), Int.MAX_VALUE) as List<*>

    /** As the script's function of that name. */
    fun outcome(tokenizer: Tokenizer, text: Text): String =
        try {
            said(tokenizer, text).joinToString("/")
        } catch (error: ManifestException) {
            "error: ${error.message}"
        }

    fun shortened(line: String): String = if (line.codePointCount(0, line.length) <= LONGEST) line else sha256(line)

    fun sha256(text: String): String =
        MessageDigest.getInstance("SHA-256").digest(text.toByteArray()).joinToString("") { "%02x".format(it) }

    private fun said(tokenizer: Tokenizer, text: Text): List<String> {
        val whole = written(tokenizer.encode(text, offsets = true))
        if (tokenizer.maxLength == UNBOUNDED) return listOf(whole)
        val movers = if (text is Text.Single) listOf(null, 0) else listOf(null, 0, 1)
        return listOf(whole, tokenizer.count(text).toString(), written(tokenizer.encode(text))) +
            movers.flatMap { tokenizer.windows(text, it) }.map(::written) +
            tokenizer.windows(text, offsets = true).map(::written)
    }

    private fun written(encoding: Encoding): String = listOf(
        encoding.ids.asList(),
        encoding.tokenTypes.asList(),
        listOf(if (encoding.truncated) 1 else 0),
        encoding.parts.flatMap { bounds(it.tokens) + it.start + bounds(it.whole) },
        encoding.offsets.flatMap { listOf(it.start, it.end) },
        encoding.words.map { it ?: "-" },
    ).joinToString("|") { it.joinToString(" ") }

    private fun bounds(range: IntRange) = listOf(range.first, range.last + 1)
}
