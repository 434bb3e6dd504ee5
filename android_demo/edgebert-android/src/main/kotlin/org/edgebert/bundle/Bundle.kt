package org.edgebert.bundle

import java.io.File
import java.io.FileInputStream
import java.io.FileNotFoundException
import java.io.IOException
import java.io.RandomAccessFile
import java.security.MessageDigest
import org.edgebert.ManifestException
import org.edgebert.ManifestVersionException
import org.edgebert.json.MalformedJson
import org.edgebert.json.decodeUtf8
import org.edgebert.json.quoted

private const val EXPECTED = "expected a folder or .edgebert file written by 'edgebert convert'"
private const val SHOWN_DIGITS = 12

/**
 * A bundle on disk: a folder, or the same folder as one `.edgebert` zip file.
 *
 * Nothing is read but the manifest and the files it lists, and nothing is handed on before its size, its hash and its
 * kind were found right. Opening a bundle holds no more than the manifest.
 */
public class Bundle internal constructor(private val path: File, private val name: String) {
    /** What the bundle says about itself; files are checked when asked for. */
    public val manifest: Manifest

    private val isFolder = path.isDirectory

    /**
     * Opens a folder or a `.edgebert` file.
     *
     * @throws ManifestException if there is no bundle, or its manifest is not understood.
     */
    public constructor(path: File) : this(path, quoted(path.path))

    init {
        if (!path.exists()) throw ManifestException("no bundle at $name; $EXPECTED")
        if (isFolder && !File(path, MANIFEST_NAME).exists()) {
            throw ManifestException("no manifest.json in $name; $EXPECTED")
        }
        val content = GrowingBytes(MOST_MANIFEST_BYTES)
        readParts(MANIFEST_NAME, MOST_MANIFEST_BYTES, content::add)
        try {
            manifest = Manifest.fromJson(decodeUtf8(content.toByteArray()))
        } catch (error: MalformedJson) {
            throw unreadable(MANIFEST_NAME, error.message)
        } catch (error: ManifestVersionException) {
            throw ManifestVersionException("$name: ${error.message}")
        } catch (error: ManifestException) {
            throw ManifestException("$name: ${error.message}")
        }
    }

    /**
     * The content of a listed file.
     *
     * @throws ManifestException if it is missing, not of the size and hash that the manifest gives, or not of the kind
     *   that its place in the manifest means.
     */
    public fun read(file: ListedFile): ByteArray {
        val content = GrowingBytes(file.bytes)
        check(file, content::add)
        return content.toByteArray()
    }

    /**
     * Checks every listed file, holding none of them.
     *
     * @throws ManifestException as [read], for the first that is not right.
     */
    public fun verify() {
        for (file in listOf(manifest.tokenizer) + manifest.artifacts) check(file) { _, _ -> }
    }

    /** Hands on the content of a listed file in parts; what was handed on counts only if nothing is thrown. */
    private fun check(file: ListedFile, take: (ByteArray, Int) -> Unit) {
        val digest = MessageDigest.getInstance("SHA-256")
        val head = GrowingBytes(HEAD_BYTES.toLong())
        var size = 0L
        readParts(file.file, file.bytes) { part, count ->
            digest.update(part, 0, count)
            head.add(part, minOf(count, HEAD_BYTES - head.size))
            size += count
            take(part, count)
        }
        val found = hexadecimal(digest.digest())
        if (size != file.bytes || found != file.sha256) {
            throw ManifestException(
                "$name: ${quoted(file.file)} has $size bytes and sha256 ${found.take(SHOWN_DIGITS)}…, the " +
                    "manifest says ${file.bytes} bytes and ${file.sha256.take(SHOWN_DIGITS)}…; the file was altered " +
                    "or cut short: copy the bundle anew",
            )
        }
        val kind = (file as? Artifact)?.backend ?: "tokenizer"
        misfit(kind, head.toByteArray(), file.bytes)?.let { problem ->
            throw ManifestException(
                "$name: ${quoted(file.file)} is $problem, though its hash is the manifest's; do not trust this " +
                    "bundle, convert again",
            )
        }
    }

    /** Hands on the content of a file in parts, as long as it is no larger than [most] bytes. */
    private fun readParts(file: String, most: Long, take: (ByteArray, Int) -> Unit) {
        try {
            if (isFolder) {
                FileInputStream(regular(File(path, file))).use { stream ->
                    val part = ByteArray(PART_BYTES)
                    var size = 0L
                    while (true) {
                        val count = stream.read(part)
                        if (count < 0) break
                        size += count
                        if (size > most) throw IOException("more than $most bytes")
                        take(part, count)
                    }
                }
            } else {
                RandomAccessFile(regular(path), "r").use { ZipReader(it).content(file, most, take) }
            }
        } catch (error: IOException) {
            throw unreadable(file, error.message)
        }
    }

    private fun unreadable(file: String, reason: String?): ManifestException =
        ManifestException("$name: ${quoted(file)} cannot be read ($reason); copy the bundle anew")
}

/** A regular file, or a link to one: a device might never end, and the mere opening of one can have effects. */
private fun regular(path: File): File {
    if (!path.exists()) throw FileNotFoundException("no such file: ${quoted(path.path)}")
    if (!path.isFile) throw FileNotFoundException("not a regular file: ${quoted(path.path)}")
    return path
}

private fun hexadecimal(digest: ByteArray): String =
    digest.joinToString("") { (it.toInt() and 0xFF).toString(16).padStart(2, '0') }

/** At most [most] bytes, without setting memory aside for what has not come. */
private class GrowingBytes(private val most: Long) {
    private var content = ByteArray(minOf(most, PART_BYTES.toLong()).toInt())

    var size = 0
        private set

    fun add(part: ByteArray, count: Int) {
        if (count > content.size - size) {
            content = content.copyOf(minOf(most, maxOf(2L * size, size + count.toLong())).toInt())
        }
        part.copyInto(content, size, 0, count)
        size += count
    }

    fun toByteArray(): ByteArray = if (size == content.size) content else content.copyOf(size)
}
