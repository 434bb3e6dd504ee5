package org.edgebert.demo

import android.app.Activity
import android.content.ClipData
import android.content.ClipboardManager
import android.content.Context
import android.os.Bundle
import android.view.View
import android.view.WindowManager
import android.widget.Button
import android.widget.TextView
import java.io.File
import java.io.IOException
import java.text.NumberFormat
import org.edgebert.measurement.Measurement
import org.edgebert.measurement.errorJson
import org.edgebert.measurement.toJson

/**
 * Measures a bundle as the intent's extras say, and writes what it finds to the file that they name.
 *
 * Without a file it shows the figures only; without a bundle it measures the one that came with the app.
 */
class BenchmarkActivity : Activity() {
    private var run: BenchmarkRun? = null

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        val startedForThis = ProcessStart.take()
        setContentView(R.layout.benchmark)
        keepInsideBars(findViewById(R.id.root))
        run = lastNonConfigurationInstance as? BenchmarkRun
        when {
            run != null -> Unit
            savedInstanceState == null -> begin(startedForThis)
            // The process that measured is gone, and with it whoever asked; nobody asks again.
            else -> end(getString(R.string.benchmark_ended))
        }
        run?.onChange = { show(it) }
    }

    override fun onRetainNonConfigurationInstance(): Any? = run

    override fun onStop() {
        if (!isChangingConfigurations) run?.leaveForeground()
        super.onStop()
    }

    override fun onDestroy() {
        run?.onChange = null
        if (!isChangingConfigurations) run?.cancel()
        super.onDestroy()
    }

    private fun begin(startedForThis: Boolean) {
        val extras = extras()
        var output: File? = null
        try {
            output = BenchmarkRequest.output(extras, getExternalFilesDir(null))
            val request = BenchmarkRequest.parse(extras, output)
            val platform = AndroidPlatform(applicationContext, startedForThis)
            val started = BenchmarkRun(request, tool(), platform, mainExecutor(), shippedBundle(applicationContext))
            benchmarks.start(started)
            run = started
        } catch (error: BadRequest) {
            end(getString(R.string.benchmark_failed, error.message))
            if (output != null) refuse(output, error)
        }
    }

    private fun refuse(output: File, error: BadRequest) {
        try {
            writeWhole(output, errorJson(error.message.orEmpty()))
        } catch (failure: IOException) {
            end(getString(R.string.benchmark_failed, failure.message))
        }
    }

    /** Those that are known; the rest is not even read. */
    private fun extras(): Map<String, Any?> {
        val given = intent.extras ?: return emptyMap()
        return BenchmarkRequest.NAMES.filter { given.containsKey(it) }.associateWith {
            @Suppress("DEPRECATION")
            given.get(it)
        }
    }

    private fun tool(): String = "$packageName ${packageManager.getPackageInfo(packageName, 0).versionName}"

    private fun show(state: BenchmarkState) {
        when (state) {
            is BenchmarkState.Running -> {
                window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
                if (state.step != "") say(getString(R.string.benchmark_running, state.step))
            }
            is BenchmarkState.Failed -> end(getString(R.string.benchmark_failed, state.message))
            is BenchmarkState.Measured -> {
                end(lines(state.measurement).joinToString("\n"))
                offerCopy(state.measurement)
            }
        }
    }

    private fun end(text: String) {
        window.clearFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        findViewById<View>(R.id.running).showIf(false)
        findViewById<View>(R.id.note).showIf(false)
        say(text)
    }

    private fun say(text: String) {
        findViewById<TextView>(R.id.status).text = text
    }

    private fun lines(measurement: Measurement): List<String> = buildList {
        if (run?.delivers == true) add(getString(R.string.benchmark_delivered))
        val answer = measurement.textToAnswer
        add(getString(R.string.benchmark_answer, decimal(answer.p50), decimal(answer.p90)))
        for (timing in measurement.lengths) {
            add(getString(R.string.benchmark_length, timing.place, decimal(timing.p50), decimal(timing.p90)))
        }
        measurement.memory.peakBytes?.let { add(getString(R.string.benchmark_peak, decimal(it / 1e6))) }
        measurement.facts.temperatureCelsius?.let { add(getString(R.string.benchmark_temperature, decimal(it))) }
        measurement.energy?.let { add(getString(R.string.benchmark_energy, decimal(it.joules * 1000 / it.sentences))) }
        val marks = measurement.conditions.marks
        if (marks.isNotEmpty()) add(getString(R.string.benchmark_marks, marks.joinToString()))
    }

    private fun decimal(value: Double): String =
        NumberFormat.getNumberInstance().apply { maximumFractionDigits = 2 }.format(value)

    private fun offerCopy(measurement: Measurement) {
        val copy = findViewById<Button>(R.id.copy)
        copy.showIf(true)
        copy.setOnClickListener {
            val clipboard = getSystemService(CLIPBOARD_SERVICE) as ClipboardManager
            clipboard.setPrimaryClip(ClipData.newPlainText(getString(R.string.benchmark), measurement.toJson()))
            copy.setText(R.string.benchmark_copied)
        }
    }

    private companion object {
        val benchmarks = Benchmarks()
    }
}

/** Makes a file of the bundle that came with the app, where the next will be in its place. */
private fun shippedBundle(context: Context): () -> File = {
    val file = File(context.cacheDir, SHIPPED_BUNDLE)
    context.assets.open(SHIPPED_BUNDLE).use { asset -> file.outputStream().use { asset.copyTo(it) } }
    file
}
