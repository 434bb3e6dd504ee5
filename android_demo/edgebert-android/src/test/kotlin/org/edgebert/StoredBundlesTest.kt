package org.edgebert

import java.io.File
import org.edgebert.json.parseJson
import org.edgebert.json.takeObject
import org.edgebert.tokenization.Text
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** Bundles that earlier versions wrote give the answers that they gave then. */
class StoredBundlesTest {
    @Test
    fun theAnswersOfThen() {
        for (version in 1..3) {
            for (row in artifacts(version).filter { it["backend"] == "onnx" }) {
                val recipe = row["recipe"] as String
                EdgeBert.load(File(FOLDER, "version-$version.edgebert"), recipe = recipe, threads = 1).use { model ->
                    // The bundle has tflite too, which comes first where its library is there.
                    assertEquals("onnx", model.artifact.backend)
                    compare(model, row, if (recipe == "float32") 1e-4 else SATURATED)
                }
            }
        }
    }

    private fun compare(model: Model, row: Map<String, Any?>, tolerance: Double) {
        val answers = (row["answers"] as List<*>).map { checkNotNull(takeObject(it)) }
        assertTrue(answers.size > 3)
        for (given in answers) {
            val expected = checkNotNull(takeObject(given["answer"]))
            val found = model.predict(listOf(text(given["text"]))).single() as Classification
            assertEquals(expected["truncated"], found.truncated)
            assertEquals(expected["score"] as Double, found.score, tolerance)
        }
    }

    private fun text(given: Any?): Text =
        if (given is List<*>) Text.Pair(given[0] as String, given[1] as String) else Text.Single(given as String)

    private fun artifacts(version: Int): List<Map<String, Any?>> {
        val data = takeObject(parseJson(File(FOLDER, "version-$version.json").readText()))
        return (checkNotNull(data)["artifacts"] as List<*>).map { checkNotNull(takeObject(it)) }
    }

    private companion object {
        val FOLDER = File("../../tests/stored_bundles")

        /** The machine that made the answers let int8 kernels saturate. */
        const val SATURATED = 0.2
    }
}
