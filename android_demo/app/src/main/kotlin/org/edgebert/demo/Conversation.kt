package org.edgebert.demo

import java.io.IOException
import java.util.concurrent.Executor
import java.util.concurrent.ScheduledExecutorService
import org.edgebert.EdgeBertException
import org.edgebert.measurement.residentBytes

/** A bundle and a number of threads: what a model is opened with. */
data class Choice(val bundle: BundleName, val threads: Int)

/** What the screen shows. */
data class Shown(
    val choice: Choice? = null,
    /** A model is being opened. */
    val loading: Boolean = false,
    /** The model that answers; null while it is being opened, or where that failed. */
    val model: ModelFacts? = null,
    /** The answer to the last text; null for none yet. */
    val reply: Reply? = null,
    /** Why there is no model or no answer, in one line of the library's. */
    val problem: String? = null,
    /** How long the last answer took. */
    val milliseconds: Double? = null,
    /** Of the whole app, after the last answer. */
    val residentBytes: Long? = null,
)

data class ModelFacts(
    val task: String,
    val backend: String,
    val recipe: String,
    val secondText: SecondText,
    val maskText: String?,
)

/**
 * A person's texts and a model's answers to them, while they are typed.
 *
 * It outlives the activity that shows it. All of its functions are called on the thread of [main], and so is
 * [onChange]; models are opened, asked and closed on [worker], which has one thread.
 *
 * @param open opens a model; it may throw [EdgeBertException] or [IOException].
 * @param delayMs how long after the last letter a text is answered.
 */
class Conversation(
    private val worker: ScheduledExecutorService,
    private val main: Executor,
    private val delayMs: Long = 150,
    private val open: (Choice) -> Answerer,
) {
    private val debouncer = Debouncer(worker, delayMs)
    private var question = Question("")
    private var closed = false

    /** Counts what was asked for; an answer to anything but the last is stale. */
    @Volatile
    private var last = 0L

    /** Of the worker alone. */
    private var answerer: Answerer? = null

    var shown: Shown = Shown()
        private set

    /** Is told of each change while it is set. */
    var onChange: ((Shown) -> Unit)? = null
        set(value) {
            field = value
            value?.invoke(shown)
        }

    /** Opens a model in place of the one there is, and answers the last text again. */
    fun choose(choice: Choice) {
        if (choice == shown.choice && (shown.loading || shown.model != null)) return
        val number = ++last
        debouncer.cancel()
        show(Shown(choice = choice, loading = true))
        worker.execute(main.orEndTheApp { if (number == last) load(choice, number) })
    }

    /** Answers a text, unless another follows soon. */
    fun ask(asked: Question) {
        if (asked == question) return
        question = asked
        if (shown.model == null) return
        val number = ++last
        // An answer beside a text that it is not about would mislead.
        if (asked.isEmpty) show(shown.copy(reply = null, problem = null, milliseconds = null))
        debouncer.submit(main.orEndTheApp { answer(asked, number) }::run)
    }

    /** Lets go of the model; nothing is shown from now on. */
    fun close() {
        closed = true
        last++
        debouncer.cancel()
        onChange = null
        worker.execute(main.orEndTheApp { closeModel() })
        worker.shutdown()
    }

    private fun load(choice: Choice, number: Long) {
        // Two models at once may be more than there is memory for.
        closeModel()
        try {
            val opened = open(choice)
            answerer = opened
            val facts = ModelFacts(opened.task, opened.backend, opened.recipe, opened.secondText, opened.maskText)
            publish(number) {
                show(shown.copy(loading = false, model = facts, residentBytes = residentBytes()))
                val again = ++last
                val asked = question
                if (!asked.isEmpty) worker.execute(main.orEndTheApp { answer(asked, again) })
            }
        } catch (error: EdgeBertException) {
            publish(number) { show(shown.copy(loading = false, problem = error.message)) }
        } catch (error: IOException) {
            publish(number) { show(shown.copy(loading = false, problem = error.toString())) }
        } catch (_: OutOfMemoryError) {
            publish(number) { show(shown.copy(loading = false, problem = NO_MEMORY)) }
        }
    }

    private fun answer(asked: Question, number: Long) {
        if (number != last) return
        val opened = answerer ?: return
        try {
            val start = System.nanoTime()
            val reply = opened.answer(asked)
            val milliseconds = if (reply == null) null else (System.nanoTime() - start) / 1e6
            val bytes = residentBytes()
            publish(number) {
                show(shown.copy(reply = reply, problem = null, milliseconds = milliseconds, residentBytes = bytes))
            }
        } catch (error: EdgeBertException) {
            publish(number) { show(shown.copy(reply = null, problem = error.message, milliseconds = null)) }
        } catch (_: OutOfMemoryError) {
            publish(number) { show(shown.copy(reply = null, problem = NO_MEMORY, milliseconds = null)) }
        }
    }

    private fun closeModel() {
        answerer?.close()
        answerer = null
    }

    private fun publish(number: Long, change: () -> Unit) = main.execute {
        if (number == last && !closed) change()
    }

    private fun show(next: Shown) {
        shown = next
        onChange?.invoke(next)
    }

    private companion object {
        const val NO_MEMORY = "no memory left"
    }
}
