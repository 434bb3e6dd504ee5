package org.edgebert.json

import java.math.BigInteger
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class JsonTest {
    @Test
    fun values() {
        val text = """ {"a": [1, -0, 2.5, 1E2, 9223372036854775808, true, null], "b\n\u00e9\ud83d\ude00": {"": []}} """
        val expected = mapOf(
            "a" to listOf(1L, 0L, 2.5, 100.0, BigInteger("9223372036854775808"), true, null),
            "b\né😀" to mapOf("" to emptyList<Any>()),
        )
        assertEquals(expected, parseJson(text))
        assertEquals(Double.POSITIVE_INFINITY, parseJson("1e400"))
        assertEquals("\ud800", parseJson("\"\\ud800\""))
    }

    @Test
    fun whatIsNoJson() {
        val texts = listOf(
            "", " ", "{", "[1,]", "[,1]", "[1 2]", "[1;2]", "[1}", "[]]", "1 2", "{} {}", "a", "'a'", "\u00a01",
            "\uFEFF{}", "{\"a\" 1}", "{\"a\"=1}", "{\"a\": 1,}", "{a: 1}", "{'a': 1}", "{1: 2}", "// c\n1", "/* */ 1",
            "# c\n1", "01", "+1", "-", "--1", "1.", ".5", "1e", "1E+", "0x1", "True", "truE", "NULL", "nul",
            "\"a", "\"\t\"", "\"\u0001\"", "\"\\'\"", "\"\\\n\"", "\"\\x41\"", "\"\\u12\"", "\"\\u12g4\"",
        )
        for (text in texts) {
            val error = assertThrows(text, MalformedJson::class.java) { parseJson(text) }
            assertTrue(text, '\n' !in error.message.orEmpty())
        }
    }

    @Test
    fun whatIsNotTaken() {
        val texts = mapOf(
            "[NaN]" to "got NaN, expected finite numbers",
            "{\"a\": -Infinity}" to "got -Infinity, expected finite numbers",
            "{\"a\": 1, \"b\": 2, \"a\": 1}" to "got a repeated key, expected each key once",
            "[".repeat(100_000) to "got nesting too deep, expected JSON nested a few levels deep",
            "[" + "0,".repeat(200_000) + "0]" to "got more values, expected at most 200000 commas and brackets",
        )
        for ((text, message) in texts) {
            assertEquals(message, assertThrows(RefusedJson::class.java) { parseJson(text) }.message)
        }
        assertEquals(200_000, (parseJson("[" + "0,".repeat(199_999) + "0]") as List<*>).size)
    }

    @Test
    fun theDeepestNesting() {
        assertEquals("[]", parseJson("[".repeat(128) + "]".repeat(128)).toString().substring(127, 129))
        assertThrows(RefusedJson::class.java) { parseJson("[".repeat(129) + "]".repeat(129)) }
    }

    @Test
    fun utf8() {
        assertEquals("aé的😀", decodeUtf8("aé的😀".toByteArray()))
        val wrong = mapOf(
            "a cut character" to byteArrayOf(0x61, 0xE7.toByte(), 0x9A.toByte()),
            "an overlong slash" to byteArrayOf(0xC0.toByte(), 0xAF.toByte()),
            "a surrogate" to byteArrayOf(0xED.toByte(), 0xA0.toByte(), 0x80.toByte()),
            "beyond the last code point" to byteArrayOf(0xF4.toByte(), 0x90.toByte(), 0x80.toByte(), 0x80.toByte()),
            "a lone follower" to byteArrayOf(0x80.toByte()),
        )
        for ((name, bytes) in wrong) assertThrows(name, MalformedJson::class.java) { decodeUtf8(bytes) }
    }
}
