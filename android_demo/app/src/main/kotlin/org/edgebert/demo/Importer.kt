package org.edgebert.demo

import java.io.InputStream
import java.util.concurrent.Executor
import kotlin.concurrent.thread

/** How far an import is. */
sealed class ImportState {
    object None : ImportState()

    object Running : ImportState()

    data class Imported(val bundle: BundleName.Imported) : ImportState()

    data class Refused(val refusal: Refusal) : ImportState()
}

/** A file that another app offers; all but [cancel] may take that app's time, and throw what it makes them throw. */
interface OfferedFile {
    /** As that app calls it; null where it does not say. */
    fun name(): String?

    fun open(): InputStream?

    /** Asks that app to end what another thread waits for in [name] or [open]. */
    fun cancel()
}

/**
 * Imports that outlive the activity that shows them, one at a time.
 *
 * Another app may keep a thread waiting for good, so that each import has one of its own, and is given up without it.
 * All functions are called on the thread of [main], and so is [onChange].
 */
class Importer(private val store: BundleStore, private val main: Executor) {
    private val cleaning = start("parts") { store.removeParts() }
    private var running: Import? = null

    var state: ImportState = ImportState.None
        private set

    /** Is told of each change while it is set. */
    var onChange: ((ImportState) -> Unit)? = null
        set(value) {
            field = value
            value?.invoke(state)
        }

    /** Takes over a file in place of any that is being imported. */
    fun import(file: OfferedFile) {
        running?.giveUp()
        running = Import(file).also { it.begin() }
        change(ImportState.Running)
    }

    /** Gives up what is being imported. */
    fun cancel() {
        running?.giveUp()
        running = null
        dismiss()
    }

    /** What was said is known. */
    fun dismiss() {
        if (running == null) change(ImportState.None)
    }

    fun close() {
        onChange = null
        cancel()
    }

    private fun change(next: ImportState) {
        state = next
        onChange?.invoke(next)
    }

    private fun start(name: String, task: () -> Unit): Thread =
        thread(name = name, isDaemon = true, block = main.orEndTheApp(task)::run)

    private inner class Import(private val file: OfferedFile) {
        @Volatile
        private var givenUp = false

        @Volatile
        private var stream: InputStream? = null

        fun begin() {
            start("import") {
                val ended = end()
                main.execute {
                    if (running === this) {
                        running = null
                        change(ended)
                    }
                }
            }
        }

        fun giveUp() {
            givenUp = true
            start("end of import") {
                try {
                    file.cancel()
                    stream?.close()
                } catch (_: Exception) {
                    // Nobody waits for this app any more.
                }
            }
        }

        private fun end(): ImportState = try {
            ImportState.Imported(read())
        } catch (refusal: Refusal) {
            ImportState.Refused(refusal)
        } catch (_: GivenUp) {
            ImportState.None
        } catch (error: Exception) {
            ImportState.Refused(Refusal.Unreadable(error.message ?: error.javaClass.simpleName))
        }

        private fun read(): BundleName.Imported {
            cleaning.join()
            val opened = file.open() ?: throw Refusal.Unreadable("it gives nothing")
            stream = opened
            return store.import(name(), opened) { !givenUp }
        }

        private fun name(): String? = try {
            file.name()
        } catch (_: Exception) {
            null
        }
    }
}
