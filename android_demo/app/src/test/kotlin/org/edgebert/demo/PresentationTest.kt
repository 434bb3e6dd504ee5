package org.edgebert.demo

import org.edgebert.AnswerSpan
import org.edgebert.Entity
import org.edgebert.LabelScore
import org.edgebert.Mask
import org.edgebert.MaskedWords
import org.edgebert.MultiLabel
import org.edgebert.QuestionAnswering
import org.edgebert.Regression
import org.edgebert.TokenClassification
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

class PresentationTest {
    @Test
    fun `answers of every kind`() {
        val scores = listOf(LabelScore("a", 0.9), LabelScore("b", 0.2))
        val several = Reply.Answered(MultiLabel(listOf("a"), scores, scores, false, 1), "text")
        assertEquals(Bars(scores, 0), bars(several))
        assertEquals(emptyList<Marked>(), marked(several))

        val entities = listOf(Entity("PER", 0.9, "Anna", 0, 4), Entity("LOC", 0.8, "Lisbon", 10, 16))
        val found = Reply.Answered(TokenClassification(entities, false, 1), "Anna is in Lisbon")
        assertEquals(listOf(Marked(0, 4), Marked(10, 16)), marked(found))
        assertEquals(Bars(emptyList(), 0), bars(found))

        val spans = listOf(AnswerSpan("nine", 3, 7, 0.7))
        val answered = Reply.Answered(QuestionAnswering("nine", 3, 7, 0.7, 0.1, spans, false, 1), "at nine")
        assertEquals(listOf(Marked(3, 7)), marked(answered))
        assertEquals(Bars(listOf(LabelScore("nine", 0.7)), 0), bars(answered))

        val nothing = Reply.Answered(QuestionAnswering("", 0, 0, 0.9, 0.9, emptyList(), false, 1), "at nine")
        assertEquals(emptyList<Marked>(), marked(nothing))

        val masks = listOf(Mask(9, 15, scores))
        val words = Reply.Answered(MaskedWords("a cup of tea", masks, false, 1), "a cup of [MASK]")
        assertEquals(Bars(scores, 0), bars(words))

        val value = Reply.Answered(Regression(3.2, mapOf("score" to 3.2), false, 1), "text")
        assertEquals(Bars(emptyList(), 0), bars(value))
        assertEquals(Bars(emptyList(), 0), bars(Reply.Similarity(0.5)))
        assertEquals(emptyList<Marked>(), marked(Reply.Similarity(0.5)))
    }

    @Test
    fun `a text with thousands of gaps has no more bars than a screen can hold`() {
        val top = List(10) { LabelScore("word $it", 0.1) }
        fun words(gaps: Int) = Reply.Answered(MaskedWords("", List(gaps) { Mask(it, it + 1, top) }, false, 1), "")
        assertEquals(MOST_BARS, bars(words(MOST_BARS / 10)).shown.size)
        assertEquals(0, bars(words(MOST_BARS / 10)).more)
        val many = bars(words(2_800))
        assertEquals(List(MOST_BARS / 10) { top }.flatten(), many.shown)
        assertEquals(28_000 - MOST_BARS, many.more)
    }

    @Test
    fun `threads double up to all processors`() {
        assertEquals(listOf(1), threadCounts(1))
        assertEquals(listOf(1, 2), threadCounts(2))
        assertEquals(listOf(1, 2, 4, 6), threadCounts(6))
        assertEquals(listOf(1, 2, 4, 8), threadCounts(8))
    }

    @Test
    fun `examples suit the task`() {
        val expected = mapOf(
            ("text-classification" to SecondText.OPTIONAL) to Example.SENTENCE,
            ("embedding" to SecondText.REQUIRED) to Example.PAIR,
            ("question-answering" to SecondText.REQUIRED) to Example.QUESTION,
            ("token-classification" to SecondText.NONE) to Example.NAMES,
            ("masked-lm" to SecondText.NONE) to Example.MASKED,
        )
        for ((model, example) in expected) {
            assertEquals(example, example(ModelFacts(model.first, "onnx", "float32", model.second, null)))
        }
    }

    @Test
    fun `cosines of vectors`() {
        assertEquals(1.0, cosine(floatArrayOf(1f, 2f), floatArrayOf(2f, 4f)), 1e-12)
        assertEquals(-1.0, cosine(floatArrayOf(1f, 0f), floatArrayOf(-3f, 0f)), 1e-12)
        assertEquals(0.0, cosine(floatArrayOf(1f, 0f), floatArrayOf(0f, 1f)), 1e-12)
        assertEquals(0.0, cosine(floatArrayOf(0f, 0f), floatArrayOf(0f, 1f)), 0.0)
    }

    @Test
    fun `what Android says in numbers`() {
        assertEquals(emptyList<String>(), thermalWords(0))
        assertEquals(listOf("thermal status moderate"), thermalWords(2))
        assertNull(thermalWords(7))
        assertNull(thermalWords(-1))
        assertEquals("Fable Phone 3 (FX-100)", boardName("Fable", "Phone 3", "FX-100"))
        assertEquals("Fable Phone 3", boardName("Fable", "fable Phone 3".replaceFirstChar { 'F' }, "unknown"))
        assertNull(boardName("", "", ""))
        val full = battery(BatteryExtras(3_000_000, 4200, powered = false, charging = false, 50, 200, 315))
        assertEquals(25, full.level)
        assertEquals(4.2, full.volts!!, 0.0)
        assertEquals(31.5, full.temperatureCelsius!!, 0.0)
        val unknown = battery(BatteryExtras(Long.MIN_VALUE, -1, powered = true, charging = true, -1, 0, Int.MIN_VALUE))
        assertEquals(
            listOf(null, null, null, null),
            unknown.run {
                listOf(chargeMicroampereHours, volts, level, temperatureCelsius)
            },
        )
        assertEquals(4.0, battery(BatteryExtras(1, 4, powered = false, charging = false, 1, 1, 1)).volts!!, 0.0)
    }
}
