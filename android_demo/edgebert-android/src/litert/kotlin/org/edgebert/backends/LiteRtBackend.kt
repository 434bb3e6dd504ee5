package org.edgebert.backends

import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.TensorBuffer
import java.io.File
import org.edgebert.MissingBackendException
import org.edgebert.bundle.Artifact

/** Opens artifacts with LiteRT. */
public class LiteRtBackendFactory : BackendFactory {
    override fun open(artifact: Artifact, content: ByteArray, threads: Int): Backend {
        if (artifact.lengths.isEmpty()) {
            throw MissingBackendException(
                "tflite: '${artifact.file}' is of any length, and LiteRT's Kotlin API resizes no inputs; convert " +
                    "with --lengths 16,32,64,128, or take onnx",
            )
        }
        return LiteRtBackend(artifact, content, threads)
    }
}

/**
 * LiteRT on the CPU: one signature for each length; rows run one after another under a lock.
 *
 * **Never built with that library and never run**: no LiteRT for Android could be had where this was written. It
 * follows the Kotlin API of LiteRT 2.1 (`com.google.ai.edge.litert`) as its sources declare it.
 *
 * @param content verified bytes; the library opens paths alone.
 */
internal class LiteRtBackend(private val artifact: Artifact, content: ByteArray, threads: Int) : Backend {
    private val model = compiled(content, threads)
    private val signatures = HashMap<Int, Signature>()

    override val maxRows: Int get() = 1

    @Synchronized
    override fun run(ids: List<IntArray>, tokenTypes: List<IntArray>): Tensor {
        val tokens = ids.single().size
        val length = artifact.lengths.first { it >= tokens }
        try {
            val signature = signatures.getOrPut(length) { Signature(length) }
            val values = signature.run(ids.single(), tokenTypes.single())
            if (values.size == artifact.width) return Tensor(listOf(1, artifact.width), values)
            checkShape(artifact, listOf(1, values.size / artifact.width, artifact.width), 1, length)
            return Tensor(listOf(1, tokens, artifact.width), values.copyOf(tokens * artifact.width))
        } catch (error: Exception) {
            throw failure(artifact, error)
        }
    }

    override fun close() {
        signatures.values.forEach(Signature::close)
        model.close()
    }

    /** The buffers of the signature for rows of [length] tokens. */
    private inner class Signature(private val length: Int) {
        private val name = "tokens_$length"
        private val inputs = artifact.inputs.keys.associateWith { model.createInputBuffer(it, name) }
        private val outputs = mapOf(artifact.output to model.createOutputBuffer(artifact.output, name))

        fun run(ids: IntArray, tokenTypes: IntArray): FloatArray {
            for ((input, buffer) in inputs) {
                val row = when (input) {
                    "input_ids" -> ids
                    "token_type_ids" -> tokenTypes
                    else -> IntArray(ids.size) { 1 }
                }
                write(buffer, row.copyOf(length), artifact.inputs.getValue(input))
            }
            model.run(inputs, outputs, name)
            return outputs.getValue(artifact.output).readFloat()
        }

        fun close() {
            (inputs.values + outputs.values).forEach(TensorBuffer::close)
        }
    }
}

private fun write(buffer: TensorBuffer, row: IntArray, dtype: String) {
    if (dtype == "int32") buffer.writeInt(row) else buffer.writeLong(LongArray(row.size) { row[it].toLong() })
}

private fun compiled(content: ByteArray, threads: Int): CompiledModel {
    val options = CompiledModel.Options(Accelerator.CPU)
    options.cpuOptions = CompiledModel.CpuOptions(threads)
    // A file of our own, without a name once it is open: nobody can put other bytes there, or cut what is mapped.
    val file = File.createTempFile("artifact", ".tflite")
    try {
        file.writeBytes(content)
        return CompiledModel.create(file.path, options)
    } finally {
        file.delete()
    }
}
