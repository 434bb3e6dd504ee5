package org.edgebert.backends

import java.io.Closeable
import org.edgebert.BackendException
import org.edgebert.EdgeBertException
import org.edgebert.MissingBackendException
import org.edgebert.bundle.Artifact
import org.edgebert.json.quoted

private const val MOST_CHARACTERS = 300

/** An opened artifact. Safe to call from several threads at once; [close] is called when no call is in progress. */
public interface Backend : Closeable {
    /** Rows that may share one call without changing each other's answers. */
    public val maxRows: Int

    /**
     * Runs rows of one length, unpadded.
     *
     * @param ids [rows, tokens].
     * @param tokenTypes [rows, tokens].
     * @return [rows, width], or of token tasks [rows, tokens, width].
     * @throws BackendException if the library fails, or gives another shape than the manifest says.
     */
    public fun run(ids: List<IntArray>, tokenTypes: List<IntArray>): Tensor
}

/** Numbers with a shape, the last dimension varying fastest. */
public class Tensor(public val shape: List<Int>, public val values: FloatArray)

/**
 * Opens artifacts of one kind.
 *
 * An implementation is named in this file and has a constructor without parameters. Nothing else refers to it, so that
 * an app can do without its library.
 */
public interface BackendFactory {
    /** Opens [artifact] from its verified [content], to compute with so many threads; throws what its library does. */
    public fun open(artifact: Artifact, content: ByteArray, threads: Int): Backend
}

/**
 * @property factory a [BackendFactory].
 * @property library a class of the library that it needs.
 * @property dependency where that comes from.
 */
private class Implementation(val factory: String, val library: String, val dependency: String)

/** By the name of the backend, fastest first. */
private val IMPLEMENTATIONS = mapOf(
    "tflite" to Implementation(
        "org.edgebert.backends.LiteRtBackendFactory",
        "com.google.ai.edge.litert.CompiledModel",
        "com.google.ai.edge.litert:litert",
    ),
    "onnx" to Implementation(
        "org.edgebert.backends.OnnxBackendFactory",
        "ai.onnxruntime.OrtEnvironment",
        "com.microsoft.onnxruntime:onnxruntime-android",
    ),
)

/** Backends that are made for Android, fastest first. */
internal val MADE_FOR_ANDROID: Set<String> = IMPLEMENTATIONS.keys

/**
 * Opens a verified artifact with the library of its backend.
 *
 * @throws MissingBackendException if that library is not part of the app.
 * @throws BackendException if the library is broken, or refuses the file.
 */
internal fun openBackend(artifact: Artifact, content: ByteArray, threads: Int): Backend {
    val factory = factory(artifact.backend)
    try {
        return factory.open(artifact, content, threads)
    } catch (error: EdgeBertException) {
        throw error
    } catch (error: LinkageError) {
        // Its native part is missing, or made for another processor.
        throw BackendException(
            "backend ${quoted(artifact.backend)} cannot load its library: ${firstLine(error)}; build the app with " +
                "that library for this device's ABI",
            error,
        )
    } catch (error: Exception) {
        throw failure(artifact, error)
    }
}

/** By the class itself: a constructor has a superclass that Android 24 lacks. */
@Suppress("DEPRECATION")
private fun factory(backend: String): BackendFactory {
    val implementation = IMPLEMENTATIONS[backend] ?: throw MissingBackendException(
        "backend ${quoted(backend)} is not made for Android; convert the checkpoint to " +
            IMPLEMENTATIONS.keys.joinToString(" or "),
    )
    try {
        val loader = Backend::class.java.classLoader
        Class.forName(implementation.library, false, loader)
        return Class.forName(implementation.factory, true, loader).newInstance() as BackendFactory
    } catch (_: ClassNotFoundException) {
        throw MissingBackendException(
            "backend ${quoted(backend)} needs ${implementation.dependency}, which is not part of this app; add it to " +
                "the app's dependencies",
        )
    }
}

/** A library's exception as one line of ours. */
internal fun failure(artifact: Artifact, error: Throwable): BackendException = BackendException(
    "${artifact.backend} failed on ${quoted(artifact.file)}: ${firstLine(error)}; try another backend, or update its " +
        "library",
    error,
)

/** Refuses an output whose shape is not the manifest's. */
internal fun checkShape(artifact: Artifact, shape: List<Int>, rows: Int, tokens: Int) {
    val allowed = listOf(listOf(rows, artifact.width), listOf(rows, tokens, artifact.width))
    require(shape in allowed) {
        "got outputs of shape ${shown(shape)}, expected ${shown(allowed[0])} or ${shown(allowed[1])}"
    }
}

/** A shape as messages have it. */
internal fun shown(shape: List<Int>): String = shape.joinToString(", ", "(", ")")

private fun firstLine(error: Throwable): String =
    (error.message?.trim()?.takeIf { it.isNotEmpty() } ?: error.toString()).lineSequence().first().take(MOST_CHARACTERS)
