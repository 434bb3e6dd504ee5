package org.edgebert.tokenization

import java.io.File
import org.edgebert.ManifestException
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** Files that are no tokenizers are refused in one line; those that Python takes give the same if they are taken. */
class DamagedTokenizerTest {
    @Test
    fun `damaged files of WordPiece are refused`() = check("shipped")

    @Test
    fun `damaged files of byte-pair encoding are refused`() = check("roberta")

    private fun check(name: String) {
        val folder = File(TokenizationVectors.folder, "damaged/$name")
        val texts = TokenizationVectors.texts(File(folder, "texts.json"))
        var refused = 0
        var taken = 0
        val wrong = ArrayList<String>()
        for (case in TokenizationVectors.list(File(folder, "files.json"))) {
            val (file, expected) = case as List<*>
            val outcome = try {
                val tokenizer = Tokenizer((file as String).toByteArray(Charsets.ISO_8859_1), 40)
                taken++
                TokenizationVectors.sha256(texts.joinToString("\n") { TokenizationVectors.outcome(tokenizer, it) })
            } catch (error: ManifestException) {
                refused++
                val message = error.message.orEmpty()
                assertTrue(message, message.length in 1..400 && message.none { it < ' ' })
                continue
            }
            if (outcome != expected) wrong += "${file.take(3000)}: got $outcome, expected $expected"
        }
        println("$name: $refused refused, $taken taken")
        assertEquals("${wrong.size} wrong, such as ${wrong.take(3)}", 0, wrong.size)
        assertTrue(refused > 1000 && taken > 50)
    }
}
