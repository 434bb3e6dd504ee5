package org.edgebert.bundle

import java.io.ByteArrayOutputStream
import java.io.File
import java.io.RandomAccessFile
import java.nio.file.Files
import java.util.zip.ZipEntry
import java.util.zip.ZipFile
import java.util.zip.ZipOutputStream
import org.edgebert.EdgeBertException
import org.edgebert.ManifestException
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class BundleTest {
    @get:Rule
    val temporary = TemporaryFolder()

    private lateinit var folder: File

    @Before
    fun unpack() {
        folder = temporary.newFolder("bundle")
        ZipFile(STORED).use { zip ->
            for (entry in zip.entries()) File(folder, entry.name).writeBytes(zip.getInputStream(entry).readBytes())
        }
    }

    @Test
    fun bothForms() {
        val files = Bundle(folder)
        val zipped = Bundle(STORED)
        assertEquals(files.manifest, zipped.manifest)
        for (file in listOf(files.manifest.tokenizer) + files.manifest.artifacts) {
            assertArrayEquals(File(folder, file.file).readBytes(), files.read(file))
            assertArrayEquals(files.read(file), zipped.read(file))
        }
    }

    @Test
    fun nothingThere() {
        val missing = File(folder, "missing")
        val expected = "expected a folder or .edgebert file written by 'edgebert convert'"
        assertEquals("no bundle at '$missing'; $expected", refused { Bundle(missing) })
        val empty = temporary.newFolder("empty")
        assertEquals("no manifest.json in '$empty'; $expected", refused { Bundle(empty) })
        File(folder, "tokenizer.json").delete()
        assertEquals(
            "'$folder': 'tokenizer.json' cannot be read (no such file: '$folder/tokenizer.json'); copy the bundle anew",
            refused { readAll(folder) },
        )
    }

    @Test(timeout = 20_000)
    fun whatIsNoFile() {
        for (name in listOf("manifest.json", "tokenizer.json", "float32.onnx")) {
            val path = File(folder, name)
            val kept = path.readBytes()
            val links = listOf("/dev/zero", "/dev/ptmx", "/", name, "nowhere").map(::link)
            for (make in listOf(::pipe, File::mkdir) + links) {
                path.delete()
                make(path)
                refused { readAll(folder) }
                path.delete()
            }
            path.writeBytes(kept)
        }
        readAll(folder)
        val bundle = File(temporary.root, "x.edgebert")
        pipe(bundle)
        refused { readAll(bundle) }
    }

    @Test
    fun aLinkToAFile() {
        val path = File(folder, "tokenizer.json")
        val elsewhere = File(temporary.root, "elsewhere")
        assertTrue(path.renameTo(elsewhere))
        link(elsewhere.path)(path)
        readAll(folder)
    }

    @Test
    fun aSizeThatIsClaimedIsNotSetAside() {
        val path = File(folder, "manifest.json")
        val size = Bundle(folder).manifest.artifacts[0].bytes
        path.writeText(path.readText().replace("\"bytes\": $size", "\"bytes\": 2147483648"))
        assertTrue("altered or cut short" in refused { Bundle(folder).let { it.read(it.manifest.artifacts[0]) } })
    }

    @Test
    fun aLargeFileOfAZipFile() {
        val content = ByteArray(5 * PART_BYTES + 7) { if (it % 100 == 0) (it / 100).toByte() else 0 }
        val file = File(temporary.root, "large.zip")
        ZipOutputStream(file.outputStream()).use { zip ->
            zip.putNextEntry(ZipEntry("large"))
            zip.write(content)
        }
        RandomAccessFile(file, "r").use { open ->
            val found = ByteArrayOutputStream()
            ZipReader(open).content("large", content.size.toLong()) { part, count -> found.write(part, 0, count) }
            assertArrayEquals(content, found.toByteArray())
        }
    }

    @Test
    fun verifyingFindsWhatReadingFinds() {
        Bundle(folder).verify()
        Bundle(STORED).verify()
        for (file in Bundle(folder).manifest.artifacts.map { File(folder, it.file) }) {
            val content = file.readBytes()
            file.writeBytes(content.copyOf().apply { this[size - 1] = (this[size - 1] + 1).toByte() })
            assertTrue("altered or cut short" in refused { Bundle(folder).verify() })
            file.writeBytes(content.copyOf(content.size - 1))
            assertTrue("altered or cut short" in refused { Bundle(folder).verify() })
            file.writeBytes(content)
        }
    }

    private fun readAll(path: File) {
        val bundle = Bundle(path)
        (listOf(bundle.manifest.tokenizer) + bundle.manifest.artifacts).forEach(bundle::read)
    }

    private fun refused(act: () -> Unit): String {
        val error: EdgeBertException = assertThrows(ManifestException::class.java) { act() }
        assertTrue(error.message, '\n' !in error.message.orEmpty())
        return error.message.orEmpty()
    }

    private fun pipe(path: File) {
        assertEquals(0, ProcessBuilder("mkfifo", path.path).start().waitFor())
    }

    private fun link(target: String): (File) -> Unit = { Files.createSymbolicLink(it.toPath(), File(target).toPath()) }

    private companion object {
        val STORED = File("../../tests/stored_bundles/version-2.edgebert")
    }
}
