package org.edgebert.demo

import java.io.File
import java.io.IOException
import java.util.concurrent.Executor
import kotlin.system.exitProcess
import org.edgebert.measurement.LinuxPlatform
import org.edgebert.measurement.errorJson

/**
 * What BenchmarkActivity does, without an activity: for tests that start it as `am start` would.
 *
 * The first argument is the app's folder for files; extras follow as `am` has them: `--es out /a/b.json`.
 */
fun main(arguments: Array<String>) {
    val folder = File(arguments[0])
    val extras = arguments.drop(1).chunked(3).associate { (kind, name, value) ->
        name to when (kind) {
            "--es" -> value
            "--ei" -> value.toInt()
            "--ez" -> value.toBooleanStrict()
            else -> throw IllegalArgumentException(kind)
        }
    }
    try {
        val output = BenchmarkRequest.output(extras, folder)
        try {
            val request = BenchmarkRequest.parse(extras, output)
            BenchmarkRun(request, "org.edgebert.demo test", LinuxPlatform(), Executor { it.run() }) {
                throw IOException("no app, and so no bundle of its own")
            }.start()
        } catch (error: BadRequest) {
            if (output != null) writeWhole(output, errorJson(error.message.orEmpty()))
        }
    } catch (error: BadRequest) {
        System.err.println(error.message)
        exitProcess(1)
    }
}
