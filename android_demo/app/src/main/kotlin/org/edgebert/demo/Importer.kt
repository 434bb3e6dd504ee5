package org.edgebert.demo

import java.io.InputStream
import java.util.concurrent.Executor
import java.util.concurrent.ExecutorService
import java.util.concurrent.Future

/** How far an import is. */
sealed class ImportState {
    object None : ImportState()

    object Running : ImportState()

    data class Imported(val bundle: BundleName.Imported) : ImportState()

    data class Refused(val refusal: Refusal) : ImportState()
}

/** A file that another app offers. */
interface OfferedFile {
    /** As that app calls it; null where it does not say. */
    fun name(): String?

    /** May throw whatever the other app makes it throw. */
    fun open(): InputStream?
}

/**
 * Imports that outlive the activity that shows them, one at a time.
 *
 * All functions are called on the thread of [main], and so is [onChange].
 */
class Importer(private val store: BundleStore, private val worker: ExecutorService, private val main: Executor) {
    private var running: Future<*>? = null

    var state: ImportState = ImportState.None
        private set

    /** Is told of each change while it is set. */
    var onChange: ((ImportState) -> Unit)? = null
        set(value) {
            field = value
            value?.invoke(state)
        }

    init {
        worker.execute { store.removeParts() }
    }

    /** Takes over a file in place of any that is being imported. */
    fun import(file: OfferedFile) {
        running?.cancel(true)
        change(ImportState.Running)
        lateinit var own: Future<*>
        own = worker.submit {
            val ended = try {
                ImportState.Imported(read(file))
            } catch (refusal: Refusal) {
                ImportState.Refused(refusal)
            } catch (_: InterruptedException) {
                ImportState.None
            }
            main.execute { if (running === own) change(ended) }
        }
        running = own
    }

    /** What was said is known. */
    fun dismiss() {
        if (state !is ImportState.Running) change(ImportState.None)
    }

    fun close() {
        onChange = null
        running = null
        worker.shutdownNow()
    }

    private fun read(file: OfferedFile): BundleName.Imported {
        // What the other app throws passes through here as it is.
        val stream = try {
            file.open()
        } catch (error: Exception) {
            throw Refusal.Unreadable(error.message ?: error.javaClass.simpleName)
        }
        return store.import(nameOf(file), stream ?: throw Refusal.Unreadable("it gives nothing"))
    }

    private fun nameOf(file: OfferedFile): String? = try {
        file.name()
    } catch (_: Exception) {
        null
    }

    private fun change(next: ImportState) {
        state = next
        onChange?.invoke(next)
    }
}
