package org.edgebert.measurement

import java.io.File
import org.edgebert.BackendException
import org.edgebert.EdgeBert
import org.edgebert.EdgeBertException
import org.edgebert.Model
import org.edgebert.bundle.Bundle
import org.edgebert.tokenization.Encoding
import org.edgebert.tokenization.Text
import org.edgebert.tokenization.Tokenizer

private const val OPERATOR_RUNS = 50

private const val SENTENCE = "The parcel came two days late, but the people at the help desk were quick and kind."

private const val LONG_TEXT =
    "On the morning of the market the whole town was awake before the sun. Farmers brought fruit, " +
        "cheese and fresh bread on carts, and the children ran between the stalls to see the horses. " +
        "An old man sold books that nobody else wanted to keep, and he knew a story about each one. " +
        "By noon it had begun to rain, so the musicians moved under the roof of the station and played " +
        "there until the last train had left. Nobody could say later who had started to dance first."

/**
 * Measures one artifact in this process, as `python -m edgebert_runtime.benchmark` does, on the same texts.
 *
 * What was loaded before stays in memory, and counts: start a process for each artifact.
 *
 * @param tool name and version of the program that measures.
 * @param progress is told what is measured now.
 */
public class Benchmark(
    private val tool: String,
    private val platform: Platform,
    private val progress: (String) -> Unit = {},
) {
    private val machine = Machine(File("/"))

    /**
     * @param bundle a bundle folder or `.edgebert` file.
     * @throws EdgeBertException as [EdgeBert.load] throws it, and for a length beyond the bundle's.
     * @throws InterruptedException if the thread is interrupted.
     */
    public fun measure(bundle: File, settings: Settings): Measurement {
        progress("loading")
        val clock = ProcessClock(platform.processAgeMs())
        val start = start(bundle, settings, clock)
        start.model.use { model ->
            val lengths = settings.fittingLengths(model.maxLength)
            val batches = settings.batches.distinct().sorted()
            val share = settings.budgetSeconds / (lengths.size * batches.size + 1)
            val watch = Watch(machine, platform)
            val meter = BatteryMeter(platform)
            fun timed(tokens: Int, batch: Int, run: () -> Unit): Timing {
                val timing = timeRepeatedly(tokens, batch, share, settings.precision, { watch.look() }, run)
                watch.look()
                return timing
            }

            progress("text to answer")
            val textToAnswer = timed(model.tokenizer.encode(text(model)).ids.size, 1) { answer(model) }
            val timings = lengths.flatMap { length ->
                val encoding = encodingOfLength(model.tokenizer, length)
                batches.map { batch ->
                    progress(place(length, batch))
                    val encodings = List(batch) { encoding }
                    timed(length, batch) { model.run(encodings) }
                }
            }
            val energy = meter.energy((timings + textToAnswer).sumOf { it.sentences })
            val memory = start.memory.copy(
                steadyBytes = machine.statusBytes("VmRSS"),
                peakBytes = machine.statusBytes("VmHWM"),
            )
            // Heat of the minutes to come does not make the runs before doubtful.
            val conditions = watch.conditions()
            val longest = listOf(encodingOfLength(model.tokenizer, lengths.last()))
            val sustained = withoutRest(settings.minutes * 60, progress) { seconds ->
                runFor(lengths.last(), seconds) { model.run(longest) } to watch.look()
            }
            return Measurement(
                bundle = bundle.path,
                backend = model.artifact.backend,
                recipe = model.artifact.recipe,
                file = model.artifact.file,
                bytes = model.artifact.bytes,
                threads = settings.threads,
                tool = tool,
                startup = start.startup,
                memory = memory,
                textToAnswer = textToAnswer,
                lengths = timings,
                conditions = conditions.copy(moments = watch.moments),
                sustained = sustained,
                energy = energy,
                operators = if (settings.operators) operators(bundle, model, settings, lengths) else null,
                facts = facts(machine, platform, libraries(settings.backend)),
            )
        }
    }

    /** A loaded model that has answered once, and what it took to come so far. */
    private fun start(bundle: File, settings: Settings, clock: ProcessClock): Start {
        val runtimeImportMs = clock.nowMs()
        val runtimeImported = machine.statusBytes("VmRSS")
        val (backendImportMs, _) = timed { loadLibrary(settings.backend) }
        val importMs = clock.nowMs()
        val backendImported = machine.statusBytes("VmRSS")
        val (loadMs, model) = timed {
            EdgeBert.load(bundle, settings.backend, settings.recipe, settings.threads)
        }
        try {
            val loaded = machine.statusBytes("VmRSS")
            val (firstAnswerMs, _) = timed { answer(model) }
            return Start(
                model,
                Startup(runtimeImportMs, backendImportMs, importMs, loadMs, firstAnswerMs, clock.nowMs()),
                Memory(runtimeImported, backendImported, loaded, machine.statusBytes("VmRSS")),
            )
        } catch (error: EdgeBertException) {
            model.close()
            throw error
        }
    }

    private fun operators(bundle: File, model: Model, settings: Settings, lengths: List<Int>): OperatorProfile {
        val tokens = operatorTokens(lengths)
        if (model.artifact.backend != ONNX) {
            return OperatorProfile(tokens, emptyList(), "${model.artifact.backend} has no profiler here")
        }
        progress("operators at $tokens tokens")
        val encoding = encodingOfLength(model.tokenizer, tokens)
        return try {
            val content = Bundle(bundle).read(model.artifact)
            val calls = OnnxProfiler(model.artifact, content, settings.threads).calls(encoding, OPERATOR_RUNS)
            OperatorProfile(tokens, folded(calls, OPERATOR_RUNS), null)
        } catch (error: BackendException) {
            // A profiler is the least tried part of a library, and no reason to lose other figures.
            OperatorProfile(tokens, emptyList(), error.message)
        }
    }
}

private class Start(val model: Model, val startup: Startup, val memory: Memory)

/** Milliseconds since the process started, [ageMs] of them before this was made. */
private class ProcessClock(private val ageMs: Double?) {
    private val made = System.nanoTime()

    fun nowMs(): Double? = ageMs?.let { it + (System.nanoTime() - made) / 1e6 }
}

private fun answer(model: Model) {
    val text = text(model)
    if (model.manifest.task == "embedding") model.embed(listOf(text)) else model.predict(listOf(text))
}

/** One English sentence, as the task reads it. */
private fun text(model: Model): Text = when (model.manifest.task) {
    "question-answering" -> Text.Pair(SENTENCE, SENTENCE)
    // At the beginning: what a short model cuts off is the end.
    "masked-lm" -> Text.Single("${model.tokenizer.maskText} $SENTENCE")
    else -> Text.Single(SENTENCE)
}

/** Ordinary text as exactly [tokens] ids, the last of them as the tokenizer ends a text. */
private fun encodingOfLength(tokenizer: Tokenizer, tokens: Int): Encoding {
    val ids = tokenizer.encode(Text.Single(LONG_TEXT)).ids
    return Encoding(
        ids = IntArray(tokens) { if (it == tokens - 1) ids.last() else ids[it % ids.size] },
        tokenTypes = IntArray(tokens),
        truncated = false,
    )
}
