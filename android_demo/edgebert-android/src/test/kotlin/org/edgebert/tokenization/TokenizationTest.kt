package org.edgebert.tokenization

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** Every number that Python's tokenizer gives, for every kind of tokenizer. */
class TokenizationTest {
    @Test
    fun `texts are cut and put in windows as in Python`() = compare("texts")

    @Test
    fun `every code point is what it is in Python`() = compare("code points")

    @Test
    fun `normalization forms are those of Python`() = compare("normalization")

    @Test(timeout = 240_000)
    fun `a megabyte takes no quadratic time`() = compare("megabytes")

    @Test
    fun `tokens and the mask are written as in Python`() {
        for (kind in TokenizationVectors.kinds) {
            val tokenizer = Tokenizer(File(kind, "tokenizer.json").readBytes(), TokenizationVectors.UNBOUNDED)
            val expected = TokenizationVectors.list(File(kind, "decoded.json"))
            val decoded = expected.drop(2)
            assertEquals(kind.name, expected[0], tokenizer.mask?.toLong())
            assertEquals(kind.name, expected[1], tokenizer.maskText)
            for (id in decoded.indices) assertEquals("${kind.name}, $id", decoded[id], tokenizer.decoded(id))
        }
    }

    /** Everything about the texts of a list, at each limit. */
    private fun compare(list: String) {
        val texts = TokenizationVectors.texts(File(TokenizationVectors.folder, "$list.json"))
        var compared = 0
        for (kind in TokenizationVectors.kinds) {
            val content = File(kind, "tokenizer.json").readBytes()
            for (file in kind.listFiles().orEmpty().filter { it.name.endsWith(" $list.txt") }) {
                val tokenizer = Tokenizer(content, file.name.substringBefore(' ').toInt())
                val lines = file.readLines()
                assertEquals(file.path, texts.size, lines.size)
                for (index in lines.indices) {
                    val outcome = TokenizationVectors.outcome(tokenizer, texts[index])
                    assertEquals("$file, line ${index + 1}", lines[index], TokenizationVectors.shortened(outcome))
                }
                compared += lines.size
            }
        }
        println("$list: $compared outcomes compared")
        assertTrue(compared > 0)
    }
}
