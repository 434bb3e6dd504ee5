package org.edgebert

import java.io.File
import kotlin.math.abs
import org.edgebert.json.takeObject
import org.edgebert.tokenization.Text
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.junit.runners.Parameterized

/** How far a logit, a score or an element of a vector may be from Python's. */
private const val TOLERANCE = 1e-3

/** Answers of real bundles, through the real ONNX Runtime, against those that Python gave. */
@RunWith(Parameterized::class)
class AnswersTest(private val name: String) {
    @Test
    fun theSameAnswersAsInPython() {
        val comparison = Comparison()
        val models = HashMap<String, Model>()
        VectorFile.rows("answers/$name.jsonl") { rows ->
            for ((index, row) in rows.withIndex()) {
                val model = models.getOrPut(row["recipe"] as String) { load(row["recipe"] as String) }
                comparison.place = "row $index, ${row["recipe"]}"
                compare(comparison, model, row)
            }
        }
        models.values.forEach(Model::close)
        println("$name: ${comparison.rows} answers, ${comparison.numbers} numbers, at most ${comparison.largest} apart")
        assertTrue("no rows", comparison.rows > 100)
        assertEquals(comparison.faults.take(10).joinToString("\n"), 0, comparison.faults.size)
    }

    private fun load(recipe: String): Model =
        EdgeBert.load(File(VectorFile.folder, "answers/$name.edgebert"), "onnx", recipe, threads = 1)

    private fun compare(comparison: Comparison, model: Model, row: Map<String, Any?>) {
        val texts = (row["texts"] as List<*>).map { it as String }
        val text = if (texts.size == 1) Text.Single(texts[0]) else Text.Pair(texts[0], texts[1])
        val given = checkNotNull(takeObject(row["options"]))
        comparison.rows++
        try {
            if ("vector" in row || model.manifest.task == "embedding") {
                val vector = model.embed(listOf(text), longText(given)).single()
                comparison.values("vector", row["vector"], vector.map { it.toDouble() })
                return
            }
            val answer = model.predict(listOf(text), options(given)).single()
            val logits = model.run(listOf(model.tokenizer.encode(text))).single().values
            val kept = logits.take((row["logits"] as List<*>).size)
            comparison.values("logits", row["logits"], kept.map { it.toDouble() })
            comparison.values("answer", row["answer"], asInPython(answer))
        } catch (error: InputException) {
            // What to do next is said in the terms of each language; a single text has a place in a list here.
            val expected = (row["error"] as String?)?.substringBefore(";")
            comparison.values("error", expected, error.message?.substringBefore(";")?.replace("texts[0]", "text"))
        }
    }

    private fun options(given: Map<String, Any?>) = Options(
        topK = (given["top_k"] as Long? ?: 1).toInt(),
        longText = longText(given),
        aggregation = Aggregation.valueOf((given["aggregation"] as String? ?: "simple").uppercase()),
        noAnswer = given["no_answer"] as Boolean? ?: false,
    )

    private fun longText(given: Map<String, Any?>): LongText? =
        (given["long_text"] as String?)?.let { LongText.valueOf(it.uppercase()) }

    companion object {
        @JvmStatic
        @Parameterized.Parameters(name = "{0}")
        fun names(): List<String> {
            val files = File(VectorFile.folder, "answers").list().orEmpty().filter { it.endsWith(".jsonl") }
            check(files.isNotEmpty()) { "no answers in ${VectorFile.folder}: vectors/answers.py makes them" }
            return files.map { it.removeSuffix(".jsonl") }.sorted()
        }
    }
}

/** What was compared, and what differs by more than [TOLERANCE]. */
private class Comparison {
    var place = ""
    var rows = 0
    var numbers = 0
    var largest = 0.0
    val faults = ArrayList<String>()

    fun values(name: String, expected: Any?, found: Any?) {
        when {
            expected is Number && found is Number -> {
                val difference = abs(expected.toDouble() - found.toDouble())
                numbers++
                largest = maxOf(largest, difference)
                if (difference > TOLERANCE) faults += "$place, $name: $found, in Python $expected"
            }
            expected is List<*> && found is List<*> && expected.size == found.size ->
                expected.indices.forEach { values("$name[$it]", expected[it], found[it]) }
            expected is Map<*, *> && found is Map<*, *> && expected.keys.toList() == found.keys.toList() ->
                expected.keys.forEach { values("$name.$it", expected[it], found[it]) }
            expected != found -> faults += "$place, $name: $found, in Python $expected"
        }
    }
}

/** An answer with Python's names, in its order. */
private fun asInPython(answer: Answer): Map<String, Any> {
    val read = listOf("truncated" to answer.truncated, "windows" to answer.windows.toLong())
    val fields = when (answer) {
        is Classification -> listOf(
            "label" to answer.label, "score" to answer.score, "scores" to named(answer.scores),
            "top" to pairs(answer.top),
        )
        is MultiLabel -> listOf(
            "labels" to answer.labels, "scores" to named(answer.scores), "top" to pairs(answer.top),
        )
        is Regression -> listOf("value" to answer.value, "values" to answer.values)
        is TokenClassification -> listOf("entities" to answer.entities.map(::asInPython))
        is QuestionAnswering -> listOf(
            "text" to answer.text, "start" to answer.start.toLong(), "end" to answer.end.toLong(),
            "score" to answer.score,
            "no_answer_score" to answer.noAnswerScore, "top" to answer.top.map(::asInPython),
        )
        is MaskedWords -> listOf("text" to answer.text, "masks" to answer.masks.map(::asInPython))
    }
    return (fields + read).toMap()
}

private fun asInPython(entity: Entity) = mapOf(
    "label" to entity.label, "score" to entity.score, "text" to entity.text, "start" to entity.start.toLong(),
    "end" to entity.end.toLong(),
)

private fun asInPython(span: AnswerSpan) = mapOf(
    "text" to span.text, "start" to span.start.toLong(), "end" to span.end.toLong(), "score" to span.score,
)

private fun asInPython(mask: Mask) =
    mapOf("start" to mask.start.toLong(), "end" to mask.end.toLong(), "top" to pairs(mask.top))

private fun named(scores: List<LabelScore>): Map<String, Double> = scores.associate { it.label to it.score }

private fun pairs(scores: List<LabelScore>): List<List<Any>> = scores.map { listOf(it.label, it.score) }
