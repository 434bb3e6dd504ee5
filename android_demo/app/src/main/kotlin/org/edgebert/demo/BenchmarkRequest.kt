package org.edgebert.demo

import java.io.File
import java.io.IOException
import org.edgebert.measurement.Settings

/** An extra of an intent that cannot be used; the message says in one line what was expected. */
class BadRequest(message: String) : Exception(message)

/**
 * What an intent asks the benchmark for.
 *
 * @property bundle null for the one that came with the app.
 * @property output the file for the measurement; null to show it only.
 */
data class BenchmarkRequest(val bundle: File?, val output: File?, val settings: Settings) {
    companion object {
        const val BUNDLE = "bundle"
        const val OUT = "out"
        const val BACKEND = "backend"
        const val RECIPE = "recipe"
        const val LENGTHS = "lengths"
        const val BATCHES = "batches"
        const val BUDGET = "budget"
        const val PRECISION = "precision"
        const val MINUTES = "minutes"
        const val THREADS = "threads"
        const val OPERATORS = "operators"

        /** All that are read. */
        val NAMES = listOf(
            BUNDLE, OUT, BACKEND, RECIPE, LENGTHS, BATCHES, BUDGET, PRECISION, MINUTES, THREADS, OPERATORS,
        )

        private const val MOST_THREADS = 1024
        private const val MOST_LENGTHS = 64
        private const val DEFAULT_BACKEND = "onnx"
        private val WHOLE_NUMBER = Regex("[1-9][0-9]{0,8}")
        private val DECIMAL = Regex("[0-9]{1,9}(\\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?")
        private val OUTPUT_NAME = Regex("[A-Za-z0-9][A-Za-z0-9_-]{0,99}\\.json")

        /**
         * The file that is to hold the measurement; null if none is asked for.
         *
         * @param folder the one that the app may write and a computer may read.
         * @throws BadRequest if it lies elsewhere, is there, or has another name than a measurement.
         */
        fun output(extras: Map<String, Any?>, folder: File?): File? {
            val path = text(extras, OUT) ?: return null
            if (folder == null) throw BadRequest("$OUT: the app's own folder for files is not there now")
            val file = File(path)
            val inside = try {
                // Both have links to the shared storage in them.
                file.isAbsolute && file.parentFile?.canonicalFile == folder.canonicalFile
            } catch (_: IOException) {
                false
            }
            if (!inside || !OUTPUT_NAME.matches(file.name)) {
                throw BadRequest("$OUT: got ${quoted(path)}, expected a name such as measurement-1.json in $folder")
            }
            return File(folder, file.name).also {
                if (it.exists()) throw BadRequest("$OUT: ${it.name} is there already; give another name")
            }
        }

        /**
         * @param extras of the intent, by name.
         * @param output as [BenchmarkRequest.output] has it.
         * @throws BadRequest for an extra that cannot be used.
         */
        fun parse(extras: Map<String, Any?>, output: File?): BenchmarkRequest {
            val bundle = text(extras, BUNDLE)?.let { path ->
                File(path).takeIf { it.isAbsolute }
                    ?: throw BadRequest("$BUNDLE: got ${quoted(path)}, expected a path that begins with /")
            }
            val defaults = Settings(DEFAULT_BACKEND)
            val settings = Settings(
                backend = text(extras, BACKEND) ?: defaults.backend,
                recipe = text(extras, RECIPE),
                threads = number(extras, THREADS) ?: defaults.threads,
                lengths = numbers(extras, LENGTHS),
                budgetSeconds = decimal(extras, BUDGET, "seconds above 0") { it > 0 } ?: defaults.budgetSeconds,
                batches = numbers(extras, BATCHES) ?: defaults.batches,
                precision = decimal(extras, PRECISION, "a share such as 0.02") { it < 1 } ?: defaults.precision,
                minutes = decimal(extras, MINUTES, "minutes") { true } ?: defaults.minutes,
                operators = truth(extras, OPERATORS) ?: defaults.operators,
            )
            return BenchmarkRequest(bundle, output, settings)
        }

        private fun text(extras: Map<String, Any?>, name: String): String? = when (val value = extras[name]) {
            null -> null
            is String -> value
            else -> throw BadRequest("$name: got ${quoted(value)}, expected a text (--es)")
        }

        private fun number(extras: Map<String, Any?>, name: String): Int? = when (val value = extras[name]) {
            null -> null
            is Int -> value.takeIf { it in 1..MOST_THREADS }
                ?: throw BadRequest("$name: got $value, expected a whole number from 1 to $MOST_THREADS")
            else -> throw BadRequest("$name: got ${quoted(value)}, expected a whole number (--ei)")
        }

        private fun truth(extras: Map<String, Any?>, name: String): Boolean? = when (val value = extras[name]) {
            null -> null
            is Boolean -> value
            else -> throw BadRequest("$name: got ${quoted(value)}, expected true or false (--ez)")
        }

        private fun numbers(extras: Map<String, Any?>, name: String): List<Int>? {
            val value = text(extras, name) ?: return null
            val parts = value.split(",").map { it.trim() }
            if (parts.size > MOST_LENGTHS || !parts.all { WHOLE_NUMBER.matches(it) }) {
                throw BadRequest("$name: got ${quoted(value)}, expected whole numbers such as 8,16,32")
            }
            return parts.map { it.toInt() }
        }

        private fun decimal(
            extras: Map<String, Any?>,
            name: String,
            expected: String,
            accepts: (Double) -> Boolean,
        ): Double? {
            val value = text(extras, name) ?: return null
            // What Java takes beyond this, "1d" or "0x1p3", no other program writes.
            val number = value.takeIf { DECIMAL.matches(it) }?.toDouble()
            return number?.takeIf(accepts) ?: throw BadRequest("$name: got ${quoted(value)}, expected $expected")
        }

        private fun quoted(value: Any): String {
            val line = value.toString().take(MOST_QUOTED).map { if (it.isISOControl()) ' ' else it }.joinToString("")
            return "'$line'"
        }

        private const val MOST_QUOTED = 80
    }
}
