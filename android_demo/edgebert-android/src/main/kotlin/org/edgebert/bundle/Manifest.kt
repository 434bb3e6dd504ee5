package org.edgebert.bundle

import org.edgebert.ManifestException
import org.edgebert.json.MalformedJson
import org.edgebert.json.RefusedJson
import org.edgebert.json.parseJson
import org.edgebert.json.reject
import org.edgebert.json.takeCounts
import org.edgebert.json.takeFields
import org.edgebert.json.takeInt
import org.edgebert.json.takeList
import org.edgebert.json.takeLong
import org.edgebert.json.takeMatching
import org.edgebert.json.takeNumber
import org.edgebert.json.takeObject
import org.edgebert.json.takeShare
import org.edgebert.json.takeText
import org.edgebert.json.takeTexts

/** Name of the manifest in a bundle. */
internal const val MANIFEST_NAME = "manifest.json"

/** Bytes that a manifest may have. */
internal const val MOST_MANIFEST_BYTES = 4L * 1024 * 1024

/** Tasks whose artifacts answer [rows, tokens, width]: a row for each token of each text. */
internal val TOKEN_TASKS: List<String> = listOf("token-classification", "question-answering", "masked-lm")

/** Backends that a manifest may name, fastest first. */
internal val BACKENDS: List<String> = listOf("tflite", "onnx", "torchscript")

private val TASKS =
    listOf("classification", "multi-label-classification", "regression", "embedding") + TOKEN_TASKS
private val INPUTS = listOf("input_ids", "attention_mask", "token_type_ids")
private val DTYPES = listOf("int32", "int64")

/** No format of a model file goes beyond it, so a larger claim is a mistake or an attack. */
private const val MOST_FILE_BYTES = 1L shl 31

/** Four times the largest vocabularies; memory for a row of answers is set aside by it. */
private const val MOST_WIDTH = 1 shl 20
private const val MOST_ARTIFACTS = 100
private const val MOST_POSITIONS = 1_000_000

private val FILE = Regex("[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
private val SHA256 = Regex("[0-9a-f]{64}")

/** A file beside the manifest: plain name, sha256 in hexadecimal, size in bytes. */
public interface ListedFile {
    public val file: String
    public val sha256: String
    public val bytes: Long
}

/** The file of the tokenizer. */
public data class TokenizerFile(
    override val file: String,
    override val sha256: String,
    override val bytes: Long,
) : ListedFile

/**
 * An artifact against the float model on the same sentences, run through EdgeBERT's own runtime when it was converted.
 *
 * Differences are of probabilities, of values for regression, of vector elements for embeddings.
 *
 * @property agreement the share of equal labels, spans or best tokens, the mean cosine of embeddings, or the
 *   coefficient of determination of regression values.
 */
public data class Parity(
    val sentences: Long,
    val maxDifference: Double,
    val meanDifference: Double,
    val agreement: Double,
)

/**
 * One model file of one backend, with all that is needed to feed it.
 *
 * @property floatLayers layers that were left in float32, by their names in the model.
 * @property calibration null: no fixed ranges.
 * @property sparsity share of zeros among the weights of linear layers and tables; null: nobody counted.
 * @property lengths token lengths that the file has signatures for; empty when it takes any length.
 * @property inputs input name → "int32" or "int64".
 * @property output name of the output.
 * @property width columns of the output: float32, a row for each text or, in token tasks, for each token.
 * @property components bytes of weights by part of the model; the rest of the file is its graph.
 */
public data class Artifact(
    val backend: String,
    override val file: String,
    override val sha256: String,
    override val bytes: Long,
    val recipe: String,
    val floatLayers: List<String>,
    val calibration: Calibration?,
    val sparsity: Double?,
    val lengths: List<Int>,
    val inputs: Map<String, String>,
    val output: String,
    val width: Int,
    val components: Map<String, Long>,
    val parity: Parity,
) : ListedFile

/**
 * The checkpoint that a bundle was made from.
 *
 * @property sha256 of the weight file.
 * @property parameters number of float parameters by part of the model.
 * @property positionLimit tokens the position table has rows for; [Manifest.maxLength] may be shorter.
 */
public data class Source(
    val checkpoint: String,
    val family: String,
    val sha256: String,
    val parameters: Map<String, Long>,
    val positionLimit: Int,
)

/**
 * Everything that a bundle says about itself.
 *
 * @property labels in the order of the outputs; empty for tasks whose columns have no names.
 * @property maxLength tokens that an answer can look at, special tokens included; longer text is truncated.
 */
public data class Manifest(
    val task: String,
    val labels: List<String>,
    val maxLength: Int,
    val tokenizer: TokenizerFile,
    val source: Source,
    val artifacts: List<Artifact>,
    val pruning: Pruning?,
    val search: Search?,
) {
    /** Whether artifacts answer a row for each token, special tokens included. */
    public val byToken: Boolean get() = task in TOKEN_TASKS

    public companion object {
        /**
         * Reads the text of a manifest.json of any schema version up to 3. Whatever this version does not know is
         * refused, never guessed: an unknown field may change the meaning of a known one.
         *
         * @throws org.edgebert.ManifestVersionException if a newer version of edgebert wrote it.
         * @throws ManifestException naming the field, what it held and what was expected.
         */
        @JvmStatic
        public fun fromJson(text: String): Manifest {
            val data = try {
                parseJson(text)
            } catch (error: RefusedJson) {
                reject("manifest", error.given, error.expected)
            } catch (error: MalformedJson) {
                throw ManifestException(
                    "$MANIFEST_NAME is not valid JSON (${error.message}); copy the bundle anew or convert again",
                )
            }
            return manifest(takeFields(upgraded(data), "manifest", MANIFEST_FIELDS))
        }
    }
}

private val MANIFEST_FIELDS = setOf(
    "task", "labels", "max_length", "tokenizer", "source", "artifacts", "pruning", "search", "schema_version",
)
private val FILE_FIELDS = setOf("file", "sha256", "bytes")
private val ARTIFACT_FIELDS = FILE_FIELDS + setOf(
    "backend", "recipe", "float_layers", "calibration", "sparsity", "lengths", "inputs", "outputs", "components",
    "parity",
)

private fun manifest(fields: Map<String, Any?>): Manifest {
    takeInt(fields["schema_version"], "schema_version", SCHEMA_VERSION, SCHEMA_VERSION)
    val task = takeText(fields["task"], "task", TASKS)
    val labels = takeTexts(fields["labels"], "labels")
    if (labels.toSet().size != labels.size) reject("labels", labels.toTypedArray(), "each label once")
    val source = source(fields["source"])
    val maxLength = takeInt(fields["max_length"], "max_length", 1, source.positionLimit)
    val artifacts = takeList(fields["artifacts"], "artifacts", MOST_ARTIFACTS)
        .mapIndexed { index, data -> artifact(data, "artifacts[$index]", maxLength) }
    if (artifacts.isEmpty()) reject("artifacts", emptyArray<Any>(), "at least one artifact")
    val tokenizer = tokenizerFile(takeFields(fields["tokenizer"], "tokenizer", FILE_FIELDS), "tokenizer")
    val names = listOf(tokenizer.file) + artifacts.map { it.file }
    if (names.map { it.lowercase() }.toSet().size != names.size) {
        reject("artifacts", names, "a file of its own for each, also where case is ignored")
    }
    val kinds = artifacts.map { it.backend to it.recipe }
    if (kinds.toSet().size != kinds.size) {
        reject("artifacts", kinds.map { arrayOf(it.first, it.second) }, "each backend and recipe once")
    }
    for (artifact in artifacts) checkColumns(task, labels, artifact.width)
    return Manifest(
        task, labels, maxLength, tokenizer, source, artifacts, pruning(fields["pruning"]), search(fields["search"]),
    )
}

private fun tokenizerFile(fields: Map<String, Any?>, where: String): TokenizerFile {
    val name = takeMatching(fields["file"], "$where.file", FILE, "a plain file name inside the bundle")
    if (name.lowercase() == MANIFEST_NAME) reject("$where.file", name, "a file other than the manifest")
    val digest = takeMatching(fields["sha256"], "$where.sha256", SHA256, "64 hexadecimal digits")
    return TokenizerFile(name, digest, takeLong(fields["bytes"], "$where.bytes", 1, MOST_FILE_BYTES))
}

private fun artifact(data: Any?, where: String, maxLength: Int): Artifact {
    val fields = takeFields(data, where, ARTIFACT_FIELDS)
    val listed = tokenizerFile(fields, where)
    val lengths = takeList(fields["lengths"], "$where.lengths").map { takeInt(it, "$where.lengths", 1, maxLength) }
    if (lengths != lengths.toSortedSet().toList() || (lengths.isNotEmpty() && lengths.last() != maxLength)) {
        reject("$where.lengths", lengths.toTypedArray(), "ascending lengths that end with $maxLength")
    }
    val backend = takeText(fields["backend"], "$where.backend", BACKENDS)
    if (lengths.isNotEmpty() && backend != "tflite") {
        reject("$where.lengths", lengths.toTypedArray(), "none but for tflite")
    }
    val inputs = takeObject(fields["inputs"])?.takeIf { it.keys.containsAll(INPUTS.take(2)) }
        ?: reject("$where.inputs", fields["inputs"], "input_ids and attention_mask at least")
    val outputs = takeCounts(fields["outputs"], "$where.outputs")
    if (outputs.size != 1 || outputs.values.single() !in 1..MOST_WIDTH) {
        reject("$where.outputs", outputs, "one output of 1 to $MOST_WIDTH columns")
    }
    return Artifact(
        backend = backend,
        file = listed.file,
        sha256 = listed.sha256,
        bytes = listed.bytes,
        recipe = takeText(fields["recipe"], "$where.recipe"),
        floatLayers = takeTexts(fields["float_layers"], "$where.float_layers"),
        calibration = calibration(fields["calibration"], "$where.calibration"),
        sparsity = fields["sparsity"]?.let { takeShare(it, "$where.sparsity") },
        lengths = lengths,
        inputs = inputs.entries.associate { (name, dtype) ->
            takeText(name, "$where.inputs", INPUTS) to takeText(dtype, "$where.inputs.$name", DTYPES)
        },
        output = outputs.keys.single(),
        width = outputs.values.single().toInt(),
        components = takeCounts(fields["components"], "$where.components"),
        parity = parity(fields["parity"], "$where.parity"),
    )
}

private fun parity(data: Any?, where: String): Parity {
    val fields = takeFields(data, where, setOf("sentences", "max_difference", "mean_difference", "agreement"))
    return Parity(
        takeLong(fields["sentences"], "$where.sentences", 1),
        takeNumber(fields["max_difference"], "$where.max_difference"),
        takeNumber(fields["mean_difference"], "$where.mean_difference"),
        takeNumber(fields["agreement"], "$where.agreement"),
    )
}

private fun source(data: Any?): Source {
    val fields = takeFields(data, "source", setOf("checkpoint", "family", "sha256", "parameters", "position_limit"))
    return Source(
        checkpoint = takeText(fields["checkpoint"], "source.checkpoint"),
        family = takeText(fields["family"], "source.family"),
        sha256 = takeMatching(fields["sha256"], "source.sha256", SHA256, "64 hexadecimal digits"),
        parameters = takeCounts(fields["parameters"], "source.parameters"),
        positionLimit = takeInt(fields["position_limit"], "source.position_limit", 1, MOST_POSITIONS),
    )
}

/** A name for each column, or none for any. */
private fun checkColumns(task: String, labels: List<String>, width: Int) {
    if (task in listOf("embedding", "question-answering", "masked-lm")) {
        if (labels.isNotEmpty()) reject("labels", labels.toTypedArray(), "no labels for $task")
    } else if (width != labels.size) {
        reject("labels", labels.toTypedArray(), "$width labels, one for each output")
    }
    if (task == "question-answering" && width != 2) {
        reject("artifacts", "$width outputs", "2 for question-answering: start and end")
    }
}
