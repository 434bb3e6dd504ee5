package org.edgebert

import java.io.File
import java.io.IOException
import java.io.InputStream
import java.io.OutputStream
import org.edgebert.backends.MADE_FOR_ANDROID
import org.edgebert.backends.openBackend
import org.edgebert.bundle.Artifact
import org.edgebert.bundle.BACKENDS
import org.edgebert.bundle.Bundle
import org.edgebert.bundle.Manifest
import org.edgebert.json.quoted
import org.edgebert.json.shortened
import org.edgebert.tokenization.Tokenizer

/** More than any processor has; libraries start as many as they are told to, and then crash. */
private const val MOST_THREADS = 1024

/** No zip file without zip64 is larger. */
private const val MOST_ZIP_BYTES = 0xFFFFFFFFL

private const val STREAM = "the stream"

/** A bundle → a model. */
public object EdgeBert {
    /**
     * Opens a bundle and one of its artifacts.
     *
     * While it loads, the artifact is on the Java heap, for a moment up to twice: for large ones an app needs
     * `android:largeHeap`.
     *
     * @param bundle a bundle folder or `.edgebert` file.
     * @param backend "tflite", "onnx", or "auto" for the fastest whose library the app has.
     * @param recipe "int8_dynamic", "float32", or null for the smallest there is.
     * @param threads threads to compute with; null for the processors that this process may use.
     * @throws InputException for an argument that cannot be used.
     * @throws ManifestException if the bundle is missing, altered or not understood.
     * @throws MissingBackendException if the library of the backend is not part of the app.
     * @throws BackendException if the library refuses the file.
     */
    @JvmStatic
    @JvmOverloads
    public fun load(bundle: File, backend: String = "auto", recipe: String? = null, threads: Int? = null): Model {
        val used = used(threads)
        return model(Bundle(bundle), backend, recipe, used)
    }

    /**
     * Opens a bundle in its zip form from a stream, such as an asset of the app or a document that a user picked.
     *
     * It is read to its end into a temporary file, which is deleted before this returns; closing it is the caller's.
     * Parameters and exceptions as for a file.
     */
    @JvmStatic
    @JvmOverloads
    public fun load(
        bundle: InputStream,
        backend: String = "auto",
        recipe: String? = null,
        threads: Int? = null,
    ): Model {
        val used = used(threads)
        val file = temporaryFile(bundle)
        try {
            return model(Bundle(file, STREAM), backend, recipe, used)
        } finally {
            file.delete()
        }
    }

    private fun model(bundle: Bundle, backend: String, recipe: String?, threads: Int): Model {
        val candidates = artifacts(bundle.manifest, backend, recipe)
        val tokenizer = Tokenizer(bundle.read(bundle.manifest.tokenizer), bundle.manifest.maxLength)
        var missing: MissingBackendException? = null
        for (artifact in candidates) {
            try {
                val opened = openBackend(artifact, bundle.read(artifact), threads)
                return Model(bundle.manifest, artifact, tokenizer, opened)
            } catch (error: MissingBackendException) {
                missing = missing ?: error
            }
        }
        throw checkNotNull(missing)
    }
}

private fun used(threads: Int?): Int {
    if (threads != null && threads !in 1..MOST_THREADS) {
        throw InputException("threads: got $threads, expected a whole number from 1 to $MOST_THREADS, or null")
    }
    return threads ?: Runtime.getRuntime().availableProcessors()
}

/** Artifacts that fit, fastest backend first, and of one backend the smallest file first. */
private fun artifacts(manifest: Manifest, backend: String, recipe: String?): List<Artifact> {
    if (backend != "auto" && backend !in MADE_FOR_ANDROID) {
        throw InputException(
            "backend: got ${shortened(backend)}, expected one of auto, ${MADE_FOR_ANDROID.joinToString(", ")}",
        )
    }
    val found = manifest.artifacts
        .sortedWith(compareBy({ BACKENDS.indexOf(it.backend) }, { it.bytes }))
        .filter { (backend == "auto" || backend == it.backend) && (recipe == null || recipe == it.recipe) }
    if (found.isEmpty()) {
        val held = manifest.artifacts.joinToString(", ") { "${it.backend} ${it.recipe}" }
        throw InputException(
            "got backend ${quoted(backend)} and recipe ${recipe?.let(::shortened)}, this bundle holds $held; choose " +
                "one of these, or convert again with that format and recipe",
        )
    }
    return found
}

private fun temporaryFile(stream: InputStream): File {
    try {
        val file = File.createTempFile("bundle", ".edgebert")
        try {
            file.outputStream().use { copy(stream, it) }
        } catch (error: Throwable) {
            file.delete()
            throw error
        }
        return file
    } catch (error: IOException) {
        throw ManifestException(
            "$STREAM cannot be copied to a temporary file (${error.message}); free some space, or " +
                "load the bundle from a file",
        )
    }
}

private fun copy(stream: InputStream, output: OutputStream) {
    val part = ByteArray(DEFAULT_BUFFER_SIZE)
    var size = 0L
    while (true) {
        val count = stream.read(part)
        if (count < 0) return
        size += count
        if (size > MOST_ZIP_BYTES) throw IOException("more than $MOST_ZIP_BYTES bytes")
        output.write(part, 0, count)
    }
}
