package org.edgebert

import java.io.File
import java.io.InputStream
import java.security.MessageDigest
import java.util.concurrent.Callable
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.zip.ZipFile
import org.edgebert.tokenization.Text
import org.edgebert.tokenization.Tokenizer
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

/** How a model is opened, used and closed, on a small bundle of an earlier version. */
class ModelTest {
    @get:Rule
    val temporary = TemporaryFolder()

    @Test
    fun aStreamGivesTheSameAndLeavesNothing() {
        val before = temporaryFiles()
        val streamed = STORED.inputStream().use { EdgeBert.load(it, threads = 1) }
        assertEquals(before, temporaryFiles())
        val opened = EdgeBert.load(STORED, threads = 1)
        streamed.use { opened.use { assertEquals(opened.predict(TEXT), streamed.predict(TEXT)) } }
        val error = assertThrows(ManifestException::class.java) { EdgeBert.load("no zip".byteInputStream()) }
        val reason = "no zip file: it has no end record, or is cut short"
        assertEquals("the stream: 'manifest.json' cannot be read ($reason); copy the bundle anew", error.message)
        assertThrows(SecurityException::class.java) { EdgeBert.load(refusing()) }
        assertEquals(before, temporaryFiles())
    }

    private fun refusing() = object : InputStream() {
        override fun read(): Int = throw SecurityException("no permission any more")
    }

    @Test
    fun whatCannotBeOpened() {
        val held = "onnx float32, onnx int8_dynamic, tflite float32, tflite int8_dynamic"
        val messages = mapOf(
            { EdgeBert.load(STORED, threads = 0) } to
                "threads: got 0, expected a whole number from 1 to 1024, or null",
            { EdgeBert.load(STORED, "cuda") } to
                "backend: got 'cuda', expected one of auto, tflite, onnx",
            { EdgeBert.load(STORED, "torchscript") } to
                "backend: got 'torchscript', expected one of auto, tflite, onnx",
            { EdgeBert.load(STORED, "onnx", "int4") } to
                "got backend 'onnx' and recipe 'int4', this bundle holds $held; choose one of these, or convert " +
                "again with that format and recipe",
            { EdgeBert.load(STORED, recipe = "int4") } to
                "got backend 'auto' and recipe 'int4', this bundle holds $held; choose one of these, or convert " +
                "again with that format and recipe",
        )
        for ((load, message) in messages) {
            assertEquals(message, assertThrows(InputException::class.java) { load() }.message)
        }
        val missing = assertThrows(MissingBackendException::class.java) { EdgeBert.load(STORED, "tflite") }
        assertEquals(
            "backend 'tflite' needs com.google.ai.edge.litert:litert, which is not part of this app; add it to the " +
                "app's dependencies",
            missing.message,
        )
    }

    @Test
    fun aFileThatTheLibraryRefuses() {
        val content = byteArrayOf(8, 1) + ByteArray(100) { 0x7F }
        val error = assertThrows(BackendException::class.java) { EdgeBert.load(withModel(content), "onnx", "float32") }
        assertTrue(error.message, error.message.orEmpty().startsWith("onnx failed on 'float32.onnx': "))
        assertTrue(error.message, '\n' !in error.message.orEmpty())
    }

    @Test
    fun aModelOfAnotherShape() {
        val folder = unpacked()
        val manifest = File(folder, "manifest.json")
        val width = Regex("(\"outputs\": \\{\\s*\"\\w+\": )2")
        val wider = manifest.readText().replace(width) { it.groupValues[1] + "3" }
        manifest.writeText(wider.replace("\"positive\"\n", "\"positive\",\n\"other\"\n"))
        EdgeBert.load(folder, "onnx", "float32").use { model ->
            val error = assertThrows(BackendException::class.java) { model.predict("a") }
            assertEquals(
                "onnx failed on 'float32.onnx': got outputs of shape (1, 2), expected (1, 3) or (1, 3, 3); try " +
                    "another backend, or update its library",
                error.message,
            )
        }
    }

    @Test
    fun options() {
        EdgeBert.load(STORED).use { model ->
            val messages = mapOf(
                Options(topK = 0) to "topK: got 0, expected a whole number of at least 1",
                Options(noAnswer = true) to
                    "noAnswer is of question-answering, and this bundle's task is classification",
                Options(aggregation = Aggregation.MAX) to
                    "aggregation is of token-classification, and this bundle's task is classification",
            )
            for ((options, message) in messages) {
                assertEquals(message, assertThrows(InputException::class.java) { model.predict(TEXT, options) }.message)
            }
            assertThrows(InputException::class.java) { model.embed(TEXT) }
            assertEquals(2, (model.predict(TEXT, Options(topK = 9)) as Classification).top.size)
            assertEquals(emptyList<Answer>(), model.predict(emptyList()))
        }
    }

    @Test
    fun nobodysAnswerDependsOnItsNeighbours() {
        EdgeBert.load(STORED, "onnx", "int8_dynamic", threads = 1).use { model ->
            val texts = List(100) { Text.Single("Never again! ".repeat(it % 5) + it) }
            val alone = texts.map { model.predict(listOf(it)).single() }
            assertEquals(alone, model.predict(texts))
            assertEquals(alone.reversed(), model.predict(texts.reversed()))
        }
    }

    @Test(timeout = 60_000)
    fun manyThreadsAndAnEnd() {
        val model = EdgeBert.load(STORED, "onnx", "float32", threads = 1)
        val expected = model.predict(TEXT)
        val pool = Executors.newFixedThreadPool(4)
        val calls = List(4) {
            pool.submit(Callable { answersUntilClosed(model, expected) })
        }
        Thread.sleep(300)
        model.close()
        model.close()
        pool.shutdown()
        assertTrue(pool.awaitTermination(30, TimeUnit.SECONDS))
        assertTrue(calls.all { it.get() > 0 })
        assertThrows(InputException::class.java) { model.run(emptyList()) }
    }

    @Test
    fun anEncodingThatIsTooLong() {
        EdgeBert.load(STORED).use { model ->
            val long = Tokenizer(tokenizer(), 100).encode(Text.Single("a ".repeat(90)))
            val error = assertThrows(InputException::class.java) { model.run(listOf(long)) }
            assertEquals(
                "encoding: got 92 tokens, expected at most ${model.maxLength}; use the model's own tokenizer, which " +
                    "truncates",
                error.message,
            )
            assertFalse(model.maxLength > 92)
        }
    }

    private fun answersUntilClosed(model: Model, expected: Answer): Int {
        var answers = 0
        while (true) {
            try {
                assertEquals(expected, model.predict(TEXT))
            } catch (closed: InputException) {
                assertEquals("the model is closed; load it again", closed.message)
                return answers
            }
            answers++
        }
    }

    private fun temporaryFiles(): Set<String> =
        File(System.getProperty("java.io.tmpdir")).list().orEmpty().filter { it.endsWith(".edgebert") }.toSet()

    private fun tokenizer(): ByteArray = File(unpacked(), "tokenizer.json").readBytes()

    /** The bundle with another model, whose size and hash are right. */
    private fun withModel(content: ByteArray): File {
        val folder = unpacked()
        val path = File(folder, "float32.onnx")
        val manifest = File(folder, "manifest.json")
        val replaced = manifest.readText()
            .replace(sha256(path.readBytes()), sha256(content))
            .replace("\"bytes\": ${path.length()}", "\"bytes\": ${content.size}")
        path.writeBytes(content)
        manifest.writeText(replaced)
        return folder
    }

    private fun sha256(content: ByteArray): String = MessageDigest.getInstance("SHA-256")
        .digest(content).joinToString("") { "%02x".format(it) }

    private fun unpacked(): File {
        val folder = temporary.newFolder()
        ZipFile(STORED).use { zip ->
            for (entry in zip.entries()) File(folder, entry.name).writeBytes(zip.getInputStream(entry).readBytes())
        }
        return folder
    }

    private companion object {
        val STORED = File("../../tests/stored_bundles/version-2.edgebert")
        const val TEXT = "The screen is bright and the keys are quiet."
    }
}
