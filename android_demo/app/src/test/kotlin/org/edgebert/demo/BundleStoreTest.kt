package org.edgebert.demo

import java.io.ByteArrayInputStream
import java.io.File
import java.io.IOException
import java.io.InputStream
import org.edgebert.EdgeBert
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class BundleStoreTest {
    @get:Rule
    val temporary = TemporaryFolder()

    private val folder get() = File(temporary.root, "bundles")
    private val store get() = BundleStore(folder, spareBytes = 0)
    private val whole = STORED_BUNDLE.readBytes()

    @Test
    fun `a bundle is taken over under its name, and can be loaded`() {
        val name = store.import("Film reviews.edgebert", whole.inputStream())
        assertEquals(BundleName.Imported("Film reviews.edgebert"), name)
        assertEquals(listOf(name), store.imported())
        EdgeBert.load(store.file(name)).close()
        store.remove(name)
        assertEquals(emptyList<BundleName>(), store.imported())
    }

    @Test
    fun `the same bundle is kept once, and another of the same name beside it`() {
        assertEquals("a.edgebert", store.import("a.edgebert", whole.inputStream()).file)
        assertEquals("a.edgebert", store.import("a", whole.inputStream()).file)
        val other = File("../../tests/stored_bundles/version-1.edgebert").readBytes()
        assertEquals("a 2.edgebert", store.import("a.edgebert", other.inputStream()).file)
        assertEquals("a 2.edgebert", store.import("a.edgebert", other.inputStream()).file)
        assertEquals(2, store.imported().size)
    }

    @Test
    fun `a bundle that was cut short anywhere is refused, and nothing is left`() {
        for (end in listOf(0, 1, 21, 22, 1000, whole.size / 2, whole.size - 1)) {
            val refusal = assertThrows(Refusal.NoBundle::class.java) {
                store.import("cut.edgebert", whole.copyOf(end).inputStream())
            }
            assertFalse(refusal.message!!, refusal.message!!.contains("\n") || refusal.message!!.contains(folder.path))
            assertNothingIsLeft()
        }
    }

    @Test
    fun `a bundle with one other byte in any file is refused`() {
        for (name in listOf("float32.onnx", "int8_dynamic.onnx", "float32.tflite", "tokenizer.json")) {
            val altered = whole.clone()
            val place = String(whole, Charsets.ISO_8859_1).indexOf(name) + 500
            altered[place] = (altered[place] + 1).toByte()
            assertThrows(name, Refusal.NoBundle::class.java) { store.import("altered", altered.inputStream()) }
        }
        assertNothingIsLeft()
    }

    @Test
    fun `what is no bundle at all is refused`() {
        for (content in listOf("", "plain text", "PK\u0003\u0004", "{}", "\u0000".repeat(10_000))) {
            assertThrows(Refusal.NoBundle::class.java) { store.import(null, content.byteInputStream()) }
        }
        assertNothingIsLeft()
    }

    @Test
    fun `a stream that never ends is cut off`() {
        val endless = object : InputStream() {
            override fun read() = 'P'.code
        }
        val refusal = assertThrows(Refusal.TooLarge::class.java) {
            BundleStore(folder, mostBytes = 3_000_000, spareBytes = 0).import("endless", endless)
        }
        assertEquals(3_000_000, refusal.mostBytes)
        assertNothingIsLeft()
    }

    @Test
    fun `no more is written than leaves the phone some room`() {
        assertThrows(Refusal.DiskFull::class.java) {
            BundleStore(folder, spareBytes = Long.MAX_VALUE / 2).import("a", whole.inputStream())
        }
        assertNothingIsLeft()
    }

    @Test
    fun `a folder that cannot be written is a full disk`() {
        folder.writeText("a file in its place")
        assertThrows(Refusal.DiskFull::class.java) { store.import("a", whole.inputStream()) }
    }

    @Test
    fun `what another app's stream throws is said`() {
        val errors = listOf(IOException("the card is gone"), SecurityException("not for you"), IllegalStateException())
        for (error in errors) {
            var closed = false
            val failing = object : InputStream() {
                private val first = ByteArrayInputStream(whole, 0, 100_000)

                override fun read() = first.read().also { if (it < 0) throw error }

                override fun close() {
                    closed = true
                }
            }
            val refusal = assertThrows(Refusal.Unreadable::class.java) { store.import("a", failing) }
            assertEquals(error.message ?: "IllegalStateException", refusal.message)
            assertTrue(closed)
        }
        assertNothingIsLeft()
    }

    @Test
    fun `nothing is taken over that is not wanted any more, however late that is`() {
        var closed = false
        fun stream() = object : ByteArrayInputStream(whole) {
            override fun close() {
                closed = true
            }
        }
        for (asks in 0..1) {
            var asked = 0
            assertThrows(GivenUp::class.java) { store.import("a", stream()) { asked++ < asks } }
            assertNothingIsLeft()
            assertTrue(closed)
        }
        // Before a model is opened, and after it.
        for (asks in 0..1) {
            closed = false
            var asked = 0
            assertThrows(GivenUp::class.java) { store.import("a", stream()) { !closed || asked++ < asks } }
            assertNothingIsLeft()
        }
    }

    @Test
    fun `a stream that cannot be closed is said`() {
        val stream = object : ByteArrayInputStream(whole) {
            override fun close() = throw IOException("the other end is gone")
        }
        val refusal = assertThrows(Refusal.Unreadable::class.java) { store.import("a", stream) }
        assertEquals("the other end is gone", refusal.message)
        assertNothingIsLeft()
    }

    @Test
    fun `parts that a killed app left are no bundles, and go`() {
        folder.mkdirs()
        File(folder, "1234.part").writeBytes(whole)
        assertEquals(emptyList<BundleName>(), store.imported())
        store.removeParts()
        assertNothingIsLeft()
    }

    @Test
    fun `names from other apps stay names`() {
        val cases = mapOf(
            null to "bundle",
            "" to "bundle",
            ".edgebert" to "bundle",
            "../../databases/x.edgebert" to "x",
            "..\\..\\x" to "x",
            ".." to "bundle",
            "part-part-m.edgebert" to "part-part-m",
            "m.part" to "m.part",
            "M.EDGEBERT" to "M",
            "M.EdgeBert" to "M",
            "a\u0000b\nc" to "a_b_c",
            "影评.edgebert" to "影评",
            "x".repeat(500) to "x".repeat(60),
        )
        for ((offered, expected) in cases) assertEquals(expected, baseName(offered))
        val name = store.import("../../escape.edgebert", whole.inputStream())
        assertEquals(folder.canonicalFile, store.file(name).canonicalFile.parentFile)
        for (offered in listOf("part-part-m.edgebert", "m.part", ".part", "M.EDGEBERT")) {
            val kept = store.import(offered, whole.inputStream())
            store.removeParts()
            assertTrue(offered, kept in store.imported())
        }
    }

    private fun assertNothingIsLeft() = assertEquals(emptyList<String>(), folder.list().orEmpty().toList())
}
