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

/** Nobody wants the file any more. */
class GivenUp : Exception()

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
        folder.list().orEmpty().filter { it.endsWith(SUFFIX) }.sorted().map { BundleName.Imported(it) }

    fun file(name: BundleName.Imported): File = File(folder, name.file)

    fun remove(name: BundleName.Imported) {
        file(name).delete()
    }

    /** Removes what imports left that the system cut short; none may be going on that is wanted. */
    fun removeParts() {
        folder.listFiles().orEmpty().filter { it.name.endsWith(PART) }.forEach { it.delete() }
    }

    /**
     * Takes over a bundle from wherever it comes, and closes the stream.
     *
     * @param offered the name that it has there; it decides nothing but the name here.
     * @param wanted is asked now and then.
     * @throws Refusal if it is not taken over; then nothing is left of it.
     * @throws GivenUp likewise, once it is not [wanted].
     */
    fun import(offered: String?, stream: InputStream, wanted: () -> Boolean = { true }): BundleName.Imported {
        folder.mkdirs()
        val part = File(folder, "${UUID.randomUUID()}$PART")
        try {
            reading { stream.use { copy(it, part, wanted) } }
            return take(part, offered, wanted)
        } finally {
            part.delete()
        }
    }

    private fun copy(stream: InputStream, part: File, wanted: () -> Boolean) {
        val output = writing { FileOutputStream(part) }
        output.use {
            val buffer = ByteArray(1 shl 16)
            var total = 0L
            while (true) {
                if (!wanted()) throw GivenUp()
                val count = stream.read(buffer)
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

    /** One at a time: there may not be memory for two models more. */
    @Synchronized
    private fun take(part: File, offered: String?, wanted: () -> Boolean): BundleName.Imported {
        if (!wanted()) throw GivenUp()
        // A model that crashes its library crashes it here, and is not there after that.
        verify(part)
        val name = freeName(part, offered)
        if (!wanted()) throw GivenUp()
        if (!part.renameTo(File(folder, name))) throw Refusal.DiskFull()
        return BundleName.Imported(name)
    }

    private fun verify(part: File) {
        try {
            // Those files too that this phone does not choose to load.
            Bundle(part).verify()
            EdgeBert.load(part, threads = 1).close()
        } catch (error: EdgeBertException) {
            // Where it lies meanwhile means nothing to a person.
            throw Refusal.NoBundle(error.message.orEmpty().replace(part.path, "bundle"))
        } catch (_: OutOfMemoryError) {
            throw Refusal.NoBundle("no memory left for its model")
        }
    }

    private fun freeName(part: File, offered: String?): String {
        val base = baseName(offered)
        val taken = folder.list().orEmpty().toSet()
        return generateSequence(1) { it + 1 }.map { if (it == 1) "$base$SUFFIX" else "$base $it$SUFFIX" }
            .first { it !in taken || sameContent(File(folder, it), part) }
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
        /** No bundle's name ends like it. */
        const val PART = ".part"
    }
}

private const val SUFFIX = ".edgebert"

/** A name for a file from a name that another app made up: letters, digits, and little else. */
internal fun baseName(offered: String?): String {
    val last = offered.orEmpty().substringAfterLast('/').substringAfterLast('\\')
    val base = if (last.endsWith(SUFFIX, ignoreCase = true)) last.dropLast(SUFFIX.length) else last
    val kept = base.map { if (it.isLetterOrDigit() || it in " -_.()") it else '_' }.joinToString("")
    return kept.trim(' ', '.').take(60).trim(' ', '.').ifEmpty { "bundle" }
}
