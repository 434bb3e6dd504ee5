package org.edgebert.tokenization

import java.io.File
import org.junit.Assert.assertTrue
import org.junit.Test

/** That reading a tokenizer and encoding take about no time. Bounds are wide; what is printed is what counts. */
class TokenizationSpeedTest {
    @Test
    fun `a thousand sentences are encoded in a moment`() {
        val texts = TokenizationVectors.texts(File(TokenizationVectors.folder, "sentences.json"))
        for (kind in kinds()) {
            val content = File(kind, "tokenizer.json").readBytes()
            val reading = best { Tokenizer(content, 128) }
            val tokenizer = Tokenizer(content, 128)
            val encoding = best { for (text in texts) tokenizer.encode(text) }
            println("${kind.name}: read in %.1f ms, ${texts.size} sentences in %.1f ms".format(reading, encoding))
            assertTrue(reading < 2000 && encoding < 2000)
        }
    }

    @Test
    fun `a megabyte of anything is encoded in seconds`() {
        val texts = TokenizationVectors.texts(File(TokenizationVectors.folder, "megabytes.json"))
        for (kind in kinds()) {
            val tokenizer = Tokenizer(File(kind, "tokenizer.json").readBytes(), 128)
            val slowest = texts.maxOf { best(1) { tokenizer.encode(it) } }
            println("${kind.name}: the slowest megabyte in %.0f ms".format(slowest))
            assertTrue(slowest < 30_000)
        }
    }

    private fun kinds(): List<File> {
        val kinds = TokenizationVectors.kinds.filter { it.name in setOf("shipped", "minilm", "roberta", "gpt2") }
        assertTrue("no vectors of the kinds that are timed", kinds.isNotEmpty())
        return kinds
    }

    /** Milliseconds of the fastest, after which the JVM has compiled it. */
    private fun best(times: Int = 10, action: () -> Unit): Double = (1..times).minOf {
        val start = System.nanoTime()
        action()
        (System.nanoTime() - start) / 1e6
    }
}
