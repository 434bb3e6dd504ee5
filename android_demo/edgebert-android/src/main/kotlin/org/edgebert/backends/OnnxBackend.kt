package org.edgebert.backends

import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtLoggingLevel
import ai.onnxruntime.OrtSession
import java.nio.IntBuffer
import java.nio.LongBuffer
import org.edgebert.bundle.Artifact

private const val MOST_ROWS = 32

/** Opens artifacts with ONNX Runtime. */
public class OnnxBackendFactory : BackendFactory {
    override fun open(artifact: Artifact, content: ByteArray, threads: Int): Backend =
        OnnxBackend(artifact, content, threads)
}

/**
 * ONNX Runtime on the CPU. Several threads may run one session.
 *
 * On x86-64 without VNNI, as in some emulators, the library's int8 kernels saturate, and answers of int8 artifacts can
 * differ there; on ARM they are exact.
 *
 * @param content verified bytes: by path the library would read what was put in place since the check.
 */
internal class OnnxBackend(private val artifact: Artifact, content: ByteArray, threads: Int) : Backend {
    private val environment = OrtEnvironment.getEnvironment().apply { setTelemetry(false) }
    private val session = onnxOptions(threads).use { environment.createSession(content, it) }

    override val maxRows: Int get() = MOST_ROWS

    override fun run(ids: List<IntArray>, tokenTypes: List<IntArray>): Tensor {
        try {
            val inputs = onnxInputs(environment, artifact, ids, tokenTypes)
            try {
                return session.run(inputs, setOf(artifact.output)).use { output(it, ids.size, ids.first().size) }
            } finally {
                inputs.values.forEach(OnnxTensor::close)
            }
        } catch (error: Exception) {
            throw failure(artifact, error)
        }
    }

    override fun close() {
        session.close()
    }

    private fun output(result: OrtSession.Result, rows: Int, tokens: Int): Tensor {
        val tensor = result.get(0) as OnnxTensor
        require(tensor.info.type == OnnxJavaType.FLOAT) { "got outputs of ${tensor.info.type}, expected float32" }
        val shape = tensor.info.shape.map { it.toInt() }
        checkShape(artifact, shape, rows, tokens)
        // A copy on the heap, which is ours.
        return Tensor(shape, tensor.floatBuffer.array())
    }
}

/** How a session computes and reports. */
internal fun onnxOptions(threads: Int): OrtSession.SessionOptions = OrtSession.SessionOptions().apply {
    setIntraOpNumThreads(threads)
    setInterOpNumThreads(1)
    // A thread that waits by spinning takes battery, and the processor from the app.
    addConfigEntry("session.intra_op.allow_spinning", "0")
    // What goes wrong is thrown too; a second report would go to the log.
    setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL)
}

/**
 * Exactly the inputs that the artifact declares, in its dtypes, by name.
 *
 * @param ids [rows, tokens], all rows of one length.
 * @param tokenTypes [rows, tokens].
 */
internal fun onnxInputs(
    environment: OrtEnvironment,
    artifact: Artifact,
    ids: List<IntArray>,
    tokenTypes: List<IntArray>,
): Map<String, OnnxTensor> = artifact.inputs.mapValues { (name, dtype) ->
    val rows = when (name) {
        "input_ids" -> ids
        "token_type_ids" -> tokenTypes
        else -> ids.map { row -> IntArray(row.size) { 1 } }
    }
    onnxTensor(environment, rows, dtype)
}

private fun onnxTensor(environment: OrtEnvironment, rows: List<IntArray>, dtype: String): OnnxTensor {
    val shape = longArrayOf(rows.size.toLong(), rows.first().size.toLong())
    val numbers = IntBuffer.allocate(rows.sumOf { it.size })
    rows.forEach { numbers.put(it) }
    numbers.rewind()
    if (dtype == "int32") return OnnxTensor.createTensor(environment, numbers, shape)
    val wide = LongArray(numbers.capacity()) { numbers[it].toLong() }
    return OnnxTensor.createTensor(environment, LongBuffer.wrap(wide), shape)
}
