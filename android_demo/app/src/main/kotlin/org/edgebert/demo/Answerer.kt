package org.edgebert.demo

import java.io.Closeable
import kotlin.math.sqrt
import org.edgebert.Answer
import org.edgebert.LongText
import org.edgebert.Model
import org.edgebert.Options

/** What a model is asked for: one text, or two where its task or the writer wants it. */
data class Question(val first: String, val second: String = "") {
    val isEmpty: Boolean get() = first.isBlank()
}

/** What a model said. */
sealed class Reply {
    /** An answer of the library's, and the text that its places are in. */
    data class Answered(val answer: Answer, val text: String) : Reply()

    /** How alike two texts are: the cosine of their vectors, from -1 to 1. */
    data class Similarity(val cosine: Double) : Reply()
}

/** How many texts a task reads. */
enum class SecondText { NONE, OPTIONAL, REQUIRED }

/** A loaded model as the screen needs it. */
interface Answerer : Closeable {
    val task: String
    val backend: String
    val recipe: String
    val secondText: SecondText

    /** A token that stands for a word to be found, if the task is to find some. */
    val maskText: String?

    /**
     * Null for a question that is not complete.
     *
     * @throws org.edgebert.EdgeBertException if the question cannot be answered.
     */
    fun answer(question: Question): Reply?
}

/** A model of the library. */
class ModelAnswerer(private val model: Model) : Answerer {
    override val task: String = model.manifest.task
    override val backend: String = model.artifact.backend
    override val recipe: String = model.artifact.recipe
    override val secondText: SecondText = when (task) {
        "question-answering", EMBEDDING -> SecondText.REQUIRED
        "token-classification", MASKED -> SecondText.NONE
        else -> SecondText.OPTIONAL
    }
    override val maskText: String? = if (task == MASKED) model.tokenizer.maskText else null

    override fun answer(question: Question): Reply? {
        val paired = question.second.isNotBlank() && secondText != SecondText.NONE
        if (question.isEmpty || (secondText == SecondText.REQUIRED && !paired)) return null
        if (maskText != null && maskText !in question.first) return null
        // A novel would take minutes in windows, of which each letter begins anew.
        val longText = if (question.first.length + question.second.length >
            MOST_READ
        ) {
            LongText.TRUNCATE
        } else {
            LongText.WINDOWS
        }
        val options = Options(topK = MOST_SHOWN, longText = longText)
        if (task == EMBEDDING) {
            val (first, second) = listOf(question.first, question.second).map { model.embed(it, longText) }
            return Reply.Similarity(cosine(first, second))
        }
        val answer = if (paired) {
            model.predict(question.first, question.second, options)
        } else {
            model.predict(question.first, options)
        }
        val shown = if (task == "question-answering") question.second else question.first
        return Reply.Answered(answer, shown)
    }

    override fun close() = model.close()

    companion object {
        /** Labels, words or answers that one screen can show. */
        const val MOST_SHOWN = 10

        /** Characters up to which a text is read to its end. */
        const val MOST_READ = 20_000

        private const val EMBEDDING = "embedding"
        private const val MASKED = "masked-lm"
    }
}

/** 0 for a vector without a direction. */
internal fun cosine(first: FloatArray, second: FloatArray): Double {
    var product = 0.0
    var firstSquared = 0.0
    var secondSquared = 0.0
    for (index in first.indices) {
        product += first[index].toDouble() * second[index]
        firstSquared += first[index].toDouble() * first[index]
        secondSquared += second[index].toDouble() * second[index]
    }
    val lengths = sqrt(firstSquared) * sqrt(secondSquared)
    return if (lengths == 0.0) 0.0 else (product / lengths).coerceIn(-1.0, 1.0)
}
