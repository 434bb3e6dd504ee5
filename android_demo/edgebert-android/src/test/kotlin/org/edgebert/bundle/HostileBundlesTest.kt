package org.edgebert.bundle

import java.io.File
import java.util.Base64
import org.edgebert.EdgeBertException
import org.edgebert.VectorFile
import org.edgebert.json.decodeUtf8
import org.edgebert.json.quoted
import org.edgebert.json.takeObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

/** Bundles that Python's hostile tests make: read, or refused with the same error, as there. */
class HostileBundlesTest {
    @get:Rule
    val temporary = TemporaryFolder()

    @Test
    fun theSameErrorsAsInPython() {
        val counts = sortedMapOf<String, Int>()
        val differing = ArrayList<String>()
        VectorFile.rows("hostile_bundles.jsonl.gz") { rows ->
            for ((index, row) in rows.withIndex()) {
                val files = contents(row)
                val expected = ownLimit(files) ?: Outcome(row["error"] as String?, row["message"] as String)
                val found = outcome(row["kind"] as String, files, index)
                if (!expected.allows(found)) differing += "row $index, a ${row["kind"]}: $found, in Python $expected"
                counts.merge("${row["kind"]} ${expected.error ?: "read"}", 1, Int::plus)
            }
        }
        println("Hostile bundles by outcome: $counts")
        assertTrue("too few: $counts", counts.values.sum() > 10_000 && counts.size >= 7)
        assertEquals(differing.take(20).joinToString("\n"), 0, differing.size)
    }

    /** What is said of a manifest beyond a limit of this parser, which is not that of Python's. */
    private fun ownLimit(files: Map<String, ByteArray>): Outcome? {
        val text = files["manifest.json"]?.let { String(it, Charsets.ISO_8859_1) } ?: return null
        return when {
            "[".repeat(127) in text -> Outcome("ManifestError", "*manifest: got 'nesting too deep', expected*")
            "0".repeat(100) in text -> Outcome("ManifestError", "*manifest.json is not valid JSON (a number of more*")
            else -> null
        }
    }

    private fun contents(row: Map<String, Any?>): Map<String, ByteArray> =
        checkNotNull(takeObject(row["files"])).mapValues { Base64.getDecoder().decode(it.value as String) }

    private fun outcome(kind: String, files: Map<String, ByteArray>, index: Int): Outcome {
        val folder = File(temporary.root, index.toString())
        folder.mkdir()
        val path = if (kind == "folder") folder else File(folder, files.keys.single())
        try {
            if (kind == "manifest") {
                Manifest.fromJson(decodeUtf8(files.values.single()))
            } else {
                for ((name, content) in files) File(folder, name).writeBytes(content)
                val bundle = Bundle(path)
                (listOf(bundle.manifest.tokenizer) + bundle.manifest.artifacts).forEach(bundle::read)
            }
            return Outcome(null, "")
        } catch (error: EdgeBertException) {
            val name = checkNotNull(error::class.java.simpleName).replace("Exception", "Error")
            return Outcome(name, error.message.orEmpty().replace(quoted(path.path), "PATH"))
        } finally {
            folder.deleteRecursively()
        }
    }
}

/** @property message a * in Python's stands for what a library or the system says. */
private data class Outcome(val error: String?, val message: String) {
    fun allows(found: Outcome): Boolean {
        val pattern = message.split("*").joinToString(".*") { Regex.escape(it) }
        return error == found.error && Regex(pattern, RegexOption.DOT_MATCHES_ALL).matches(found.message)
    }
}
