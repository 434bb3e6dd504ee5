package org.edgebert.demo

import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.io.InputStream
import java.security.DigestInputStream
import java.security.MessageDigest
import java.util.UUID
import org.edgebert.EdgeBert
import org.edgebert.EdgeBertException
import org.edgebert.bundle.Bundle

/** Which bundle: the one that came with the app, or one that was imported, by the name of its file. */
sealed class BundleName {
    object Shipped : BundleName()

    data class Imported(val file: String) : BundleName()
}

/** Why a file was not taken over. */
sealed class Refusal(message: String) : Exception(message) {
    /** It is no bundle that this app can use; the message is the library's. */
    class NoBundle(message: String) : Refusal(message)

    /** It is larger than any bundle for a phone. */
    class TooLarge(val mostBytes: Long) : Refusal("larger than $mostBytes bytes")

    class DiskFull : Refusal("the disk is full")

    /** The app that offered it stopped giving, or gives nothing. */
    class Unreadable(message: String) : Refusal(message)
}

/**
 * Imported bundles: `.edgebert` files in a folder of the app's.
 *
 * A file comes under its name only when all of it is there and was found right, so what an import left that was cut
 * short is never taken for a bundle.
 *
 * @param mostBytes of one bundle; a stream need not end.
 * @param spareBytes that are left free on the disk, for the rest of the phone.
 */
class BundleStore(
    private val folder: File,
    private val mostBytes: Long = 2L shl 30,
    private val spareBytes: Long = 64L shl 20,
) {
    /** In the order of their names. */
    fun imported(): List<BundleName.Imported> =
        folder.list().orEmpty().filter { it.endsWith(SUFFIX) && !it.startsWith(PART) }.sorted()
            .map { BundleName.Imported(it) }

    fun file(name: BundleName.Imported): File = File(folder, name.file)

    fun remove(name: BundleName.Imported) {
        file(name).delete()
    }

    /** Removes what imports left that the system cut short; none may be going on. */
    fun removeParts() {
        folder.listFiles().orEmpty().filter { it.name.startsWith(PART) }.forEach { it.delete() }
    }

    /**
     * Takes over a bundle from wherever it comes, and closes the stream.
     *
     * @param offered the name that it has there; it decides nothing but the name here.
     * @throws Refusal if it is not taken over; then nothing is left of it.
     * @throws InterruptedException if the thread is interrupted.
     */
    fun import(offered: String?, stream: InputStream): BundleName.Imported {
        folder.mkdirs()
        val part = File(folder, "$PART${UUID.randomUUID()}$SUFFIX")
        try {
            stream.use { copy(it, part) }
            // A model that crashes its library crashes it here, and is not there after that.
            verify(part)
            return place(part, offered)
        } finally {
            part.delete()
        }
    }

    private fun copy(stream: InputStream, part: File) {
        val output = writing { FileOutputStream(part) }
        output.use {
            val buffer = ByteArray(1 shl 16)
            var total = 0L
            while (true) {
                if (Thread.interrupted()) throw InterruptedException("the import was ended")
                val count = reading { stream.read(buffer) }
                if (count < 0) break
                total += count
                if (total > mostBytes) throw Refusal.TooLarge(mostBytes)
                if (folder.usableSpace < count + spareBytes) throw Refusal.DiskFull()
                writing { output.write(buffer, 0, count) }
            }
            // Without this, a name could be there after a power cut, and the content not.
            writing { output.fd.sync() }
        }
    }

    private fun verify(part: File) {
        try {
            val bundle = Bundle(part)
            // Those too that this phone does not choose to load.
            bundle.manifest.artifacts.forEach { bundle.read(it) }
            EdgeBert.load(part, threads = 1).close()
        } catch (error: EdgeBertException) {
            // Where it lies meanwhile means nothing to a person.
            throw Refusal.NoBundle(error.message.orEmpty().replace(part.path, "bundle"))
        } catch (_: OutOfMemoryError) {
            throw Refusal.NoBundle("no memory left for its model")
        }
    }

    @Synchronized
    private fun place(part: File, offered: String?): BundleName.Imported {
        val base = baseName(offered)
        val taken = folder.list().orEmpty().toSet()
        val name = generateSequence(1) { it + 1 }.map { if (it == 1) "$base$SUFFIX" else "$base $it$SUFFIX" }
            .first { it !in taken || sameContent(File(folder, it), part) }
        if (!part.renameTo(File(folder, name))) throw Refusal.DiskFull()
        return BundleName.Imported(name)
    }

    private fun sameContent(first: File, second: File): Boolean =
        first.length() == second.length() && sha256(first).contentEquals(sha256(second))

    private fun sha256(file: File): ByteArray {
        val digest = MessageDigest.getInstance("SHA-256")
        DigestInputStream(file.inputStream(), digest).use { stream ->
            val buffer = ByteArray(1 shl 16)
            var count: Int
            do count = stream.read(buffer) while (count >= 0)
        }
        return digest.digest()
    }

    private fun <T> reading(read: () -> T): T = try {
        read()
    } catch (error: IOException) {
        throw Refusal.Unreadable(error.message ?: error.javaClass.simpleName)
    } catch (error: RuntimeException) {
        // Another app's provider answers, and may throw whatever it likes.
        throw Refusal.Unreadable(error.message ?: error.javaClass.simpleName)
    }

    private fun <T> writing(write: () -> T): T = try {
        write()
    } catch (_: IOException) {
        throw Refusal.DiskFull()
    }

    private companion object {
        const val SUFFIX = ".edgebert"
        const val PART = "part-"
    }
}

/** A name for a file from a name that another app made up: letters, digits, and little else. */
internal fun baseName(offered: String?): String {
    val last = offered.orEmpty().substringAfterLast('/').substringAfterLast('\\').removeSuffix(".edgebert")
    val kept = last.map { if (it.isLetterOrDigit() || it in " -_.()") it else '_' }.joinToString("")
    return kept.trim(' ', '.').take(60).removePrefix("part-").trim(' ', '.').ifEmpty { "bundle" }
}
