package org.edgebert

import java.io.Closeable
import java.util.concurrent.locks.ReentrantReadWriteLock
import kotlin.concurrent.read
import kotlin.concurrent.write
import org.edgebert.backends.Backend
import org.edgebert.bundle.Artifact
import org.edgebert.bundle.Manifest
import org.edgebert.tasks.Reader
import org.edgebert.tasks.Reading
import org.edgebert.tasks.Request
import org.edgebert.tasks.classification
import org.edgebert.tasks.maskedWords
import org.edgebert.tasks.multiLabel
import org.edgebert.tasks.pooled
import org.edgebert.tasks.questionAnswering
import org.edgebert.tasks.regression
import org.edgebert.tasks.tokenClassification
import org.edgebert.tokenization.Encoding
import org.edgebert.tokenization.Text
import org.edgebert.tokenization.Tokenizer

/**
 * A loaded artifact of a bundle: one predict for every backend. Made by [EdgeBert.load].
 *
 * Any thread may call it, several at once too. A call takes from milliseconds to seconds: none is for the main thread.
 */
public class Model internal constructor(
    public val manifest: Manifest,
    public val artifact: Artifact,
    public val tokenizer: Tokenizer,
    backend: Backend,
) : Closeable {
    private var backend: Backend? = backend

    /** Held for writing only to close: a library must not lose its memory while it computes. */
    private val lock = ReentrantReadWriteLock()

    /** Labels in the order of the outputs; empty for tasks whose columns have no names. */
    public val labels: List<String> get() = manifest.labels

    /** Tokens that an answer can look at, special tokens included. */
    public val maxLength: Int get() = manifest.maxLength

    /**
     * The answer for a text, of the subclass of [Answer] that belongs to the bundle's task.
     *
     * @throws InputException for a wrong option, a text that is too long where that is an error, a bundle of
     *   embeddings, or a closed model.
     * @throws BackendException if the backend's library fails, or gives numbers that are not finite.
     */
    @JvmOverloads
    public fun predict(text: String, options: Options = Options()): Answer = predict(Text.Single(text), options)

    /** The answer for a pair of texts: for question answering, question and context. Throws as for one text. */
    @JvmOverloads
    public fun predict(first: String, second: String, options: Options = Options()): Answer =
        predict(Text.Pair(first, second), options)

    /** Answers in the order of the texts; throws as for one text. */
    @JvmOverloads
    public fun predict(texts: List<Text>, options: Options = Options()): List<Answer> {
        val request = request(options)
        return answers(texts, options.longText, { "texts[$it]" }) { answers(it, request) }
    }

    /**
     * The vector [width] of a text.
     *
     * Of windows the mean is taken, weighted by their tokens, and brought to unit length where each window's vector has
     * it.
     *
     * @throws InputException for a bundle of another task; and as [predict].
     * @throws BackendException as [predict].
     */
    @JvmOverloads
    public fun embed(text: String, longText: LongText? = null): FloatArray {
        requireEmbeddings()
        return answers(listOf(Text.Single(text)), longText, { "text" }, ::pooledRows).single()
    }

    /** Vectors in the order of the texts; throws as for one text. */
    @JvmOverloads
    public fun embed(texts: List<Text>, longText: LongText? = null): List<FloatArray> {
        requireEmbeddings()
        return answers(texts, longText, { "texts[$it]" }, ::pooledRows)
    }

    /**
     * Raw outputs of each encoding: [1, width], or of token tasks [tokens, width], special tokens included.
     *
     * Texts of one length run together, unpadded, as many as the backend allows: nobody's answer depends on who sits
     * beside it.
     *
     * @throws InputException if the model is closed, or an encoding is longer than [maxLength].
     * @throws BackendException if the backend's library fails, or gives numbers that are not finite.
     */
    public fun run(encodings: List<Encoding>): List<Matrix> = lock.read {
        val backend = usable()
        val longest = encodings.maxOfOrNull { it.ids.size } ?: 0
        if (longest > maxLength) {
            throw InputException(
                "encoding: got $longest tokens, expected at most $maxLength; use the model's own tokenizer, which " +
                    "truncates",
            )
        }
        val outputs = runByLength(backend, encodings, mostRows, manifest.byToken)
        if (outputs.any { rows -> rows.values.any { it.isNaN() || it.isInfinite() } }) {
            throw BackendException("${artifact.backend} gave numbers that are not finite; try another backend")
        }
        outputs
    }

    /** Lets go of the library's memory, once calls in progress have ended; later calls throw [InputException]. */
    override fun close() {
        lock.write {
            backend?.close()
            backend = null
        }
    }

    private val mostRows: Int
        get() = mostRows(artifact.width.toLong() * if (manifest.byToken) maxLength else 1)

    private fun usable(): Backend = backend ?: throw InputException("the model is closed; load it again")

    private fun predict(text: Text, options: Options): Answer {
        val request = request(options)
        return answers(listOf(text), options.longText, { "text" }) { answers(it, request) }.single()
    }

    private fun request(options: Options): Request {
        val task = manifest.task
        if (task == "embedding") throw InputException("this bundle gives embeddings; use embed()")
        if (options.topK < 1) {
            throw InputException("topK: got ${options.topK}, expected a whole number of at least 1")
        }
        for ((name, given, wanted) in listOf(
            Triple("aggregation", options.aggregation != Aggregation.SIMPLE, "token-classification"),
            Triple("noAnswer", options.noAnswer, "question-answering"),
        )) {
            if (given && task != wanted) throw InputException("$name is of $wanted, and this bundle's task is $task")
        }
        return Request(labels, tokenizer, options)
    }

    private fun requireEmbeddings() {
        if (manifest.task != "embedding") {
            throw InputException(
                "vectors need a bundle of embeddings, and this one's task is ${manifest.task}: use predict()",
            )
        }
    }

    /** [answer] for texts, a chunk at a time; [name] is what a text is called in messages. */
    private fun <T> answers(
        texts: List<Text>,
        longText: LongText?,
        name: (Int) -> String,
        answer: (List<Reading>) -> List<T>,
    ): List<T> = lock.read {
        usable()
        val reader = Reader(tokenizer, manifest.task, longText)
        texts.withIndex().chunked(mostRows) { chunk -> answer(chunk.map { reader.read(it.value, name(it.index)) }) }
            .flatten()
    }

    private fun answers(readings: List<Reading>, request: Request): List<Answer> = when (manifest.task) {
        "classification" -> byText(readings) { row, reading -> classification(row, reading, request) }
        "multi-label-classification" -> byText(readings) { row, reading -> multiLabel(row, reading, request) }
        "regression" -> byText(readings) { row, reading -> regression(row, reading, request) }
        "token-classification" -> byToken(readings) { reading, rows -> tokenClassification(reading, rows, request) }
        "question-answering" -> byToken(readings) { reading, rows -> questionAnswering(reading, rows, request) }
        "masked-lm" -> byToken(readings) { reading, rows -> maskedWords(reading, rows, request) }
        else -> throw IllegalStateException(manifest.task)
    }

    private fun byText(readings: List<Reading>, interpret: (FloatArray, Reading) -> Answer): List<Answer> =
        pooledRows(readings).zip(readings, interpret)

    private fun byToken(readings: List<Reading>, interpret: (Reading, List<Matrix>) -> Answer): List<Answer> {
        val outputs = rowsOfWindows(::run, readings.map { it.encodings }, artifact.width).iterator()
        return readings.map { interpret(it, outputs.next()) }
    }

    /** One row [width] for each reading. */
    private fun pooledRows(readings: List<Reading>): List<FloatArray> {
        val rows = run(readings.flatMap { it.encodings }).iterator()
        return readings.map { reading -> pooled(reading, reading.encodings.map { rows.next() }) }
    }
}
