package org.edgebert.json

import org.junit.Assert.assertEquals
import org.junit.Test

/** Expected values are those of Python's `edgebert_runtime.errors.shortened`. */
class ShortenedTest {
    @Test
    fun asPythonShows() {
        val shown = mapOf(
            null to "None",
            true to "True",
            "it's" to "\"it's\"",
            "it's \"so\"" to "'it\\'s \"so\"'",
            "a\n\u0000\u00a0\u200b\ud800" to "'a\\n\\x00\\xa0\\u200b\\ud800'",
            "x".repeat(81) to "'" + "x".repeat(37) + "..." + "x".repeat(38) + "'",
            0.1 to "0.1",
            1e16 to "1e+16",
            123456789012345.0 to "123456789012345.0",
            1e-5 to "1e-05",
            -2.5e-300 to "-2.5e-300",
            Double.NEGATIVE_INFINITY to "-inf",
            emptyList<Any>() to "[]",
            listOf(listOf(listOf(listOf(1L)))) to "[[[[...]]]]",
            List(8) { it.toLong() } to "[0, 1, 2, 3, 4, 5, ...]",
            mapOf("b" to 1L, "a" to mapOf("c" to emptyMap<String, Any>())) to "{'a': {'c': {}}, 'b': 1}",
        )
        for ((value, text) in shown) assertEquals(text, shortened(value))
        assertEquals("(8,)", shortened(arrayOf(8L)))
        assertEquals("(8, 'a')", shortened(arrayOf<Any>(8L, "a")))
        assertEquals("()", shortened(emptyArray<Any>()))
        assertEquals("1" + "0".repeat(37) + "..." + "0".repeat(39), shortened(10.toBigInteger().pow(400)))
    }
}
