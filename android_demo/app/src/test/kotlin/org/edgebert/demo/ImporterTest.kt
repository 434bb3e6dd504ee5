package org.edgebert.demo

import java.io.IOException
import java.io.InputStream
import java.util.concurrent.Callable
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executor
import java.util.concurrent.Executors
import java.util.concurrent.RejectedExecutionException
import java.util.concurrent.TimeUnit
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class ImporterTest {
    @get:Rule
    val folder = TemporaryFolder()

    private val main = Executors.newSingleThreadExecutor()
    private val seen = CopyOnWriteArrayList<ImportState>()
    private val endedTheApp = CopyOnWriteArrayList<Throwable>()
    private val store by lazy { BundleStore(folder.root, spareBytes = 0) }
    private val importer by lazy { Importer(store, mainThread) }
    private val quick = imported("quick.edgebert")

    private val mainThread = Executor { task ->
        try {
            main.execute {
                try {
                    task.run()
                } catch (error: Throwable) {
                    endedTheApp += error
                }
            }
        } catch (_: RejectedExecutionException) {
            // The test is over.
        }
    }

    @After
    fun end() {
        main.shutdownNow()
    }

    @Test
    fun `a file is imported and said`() {
        start(offer("mine.edgebert") { STORED_BUNDLE.inputStream() })
        eventually { seen.last() == imported("mine.edgebert") }
        assertTrue(ImportState.Running in seen)
        onMain { importer.dismiss() }
        assertEquals(ImportState.None, seen.last())
    }

    @Test
    fun `a provider that fails in any way is a refusal`() {
        val failing = listOf<() -> InputStream?>(
            { null },
            { throw SecurityException("no") },
            { throw NullPointerException() },
            { throw IOException("gone") },
            { FailingStream(atRead = IOException("no more")) },
            { FailingStream(atRead = IllegalStateException()) },
            { FailingStream(atClose = IOException("not closed")) },
            { FailingStream(atClose = UnsupportedOperationException()) },
        )
        for (open in failing) {
            start(offer(null, open))
            eventually { seen.last() is ImportState.Refused }
            assertTrue((seen.last() as ImportState.Refused).refusal is Refusal.Unreadable)
            assertNothingIsLeft()
        }
    }

    @Test
    fun `what fails in the app itself is a refusal too`() {
        folder.root.deleteRecursively()
        folder.root.writeText("a file in its place")
        start(offer("a") { STORED_BUNDLE.inputStream() })
        eventually { seen.last() is ImportState.Refused }
        assertTrue((seen.last() as ImportState.Refused).refusal is Refusal.DiskFull)
    }

    @Test
    fun `an error that nobody foresaw ends the app`() {
        val error = LinkageError("no such method")
        start(offer("a") { throw error })
        eventually { endedTheApp == listOf<Throwable>(error) }
    }

    @Test
    fun `a name that cannot be had is no reason to refuse`() {
        start(object : OfferedFile {
            override fun name(): String? = throw IllegalArgumentException("no such column")

            override fun open() = STORED_BUNDLE.inputStream()

            override fun cancel() = Unit
        })
        eventually { seen.last() == imported("bundle.edgebert") }
    }

    @Test
    fun `the next file takes the place of one that does not come`() {
        val begun = CountDownLatch(1)
        start(
            offer("slow") {
                object : InputStream() {
                    override fun read() = throw AssertionError()

                    override fun read(part: ByteArray, start: Int, length: Int): Int {
                        begun.countDown()
                        Thread.sleep(5)
                        return 1
                    }
                }
            },
        )
        assertTrue(begun.await(10, TimeUnit.SECONDS))
        start(offer("quick") { STORED_BUNDLE.inputStream() })
        eventually { seen.last() == quick }
        eventually { folder.root.list()!!.toList() == listOf("quick.edgebert") }
    }

    @Test
    fun `a file that comes after it was given up is dropped`() {
        val gate = CountDownLatch(1)
        val closed = CountDownLatch(1)
        val late = object : InputStream() {
            private val content = STORED_BUNDLE.inputStream()

            override fun read() = content.read()

            override fun close() {
                content.close()
                closed.countDown()
            }
        }
        start(
            offer("late") {
                gate.await()
                late
            },
        )
        start(offer("quick") { STORED_BUNDLE.inputStream() })
        eventually { seen.last() == quick }
        val told = seen.size
        gate.countDown()
        assertTrue(closed.await(10, TimeUnit.SECONDS))
        Thread.sleep(100)
        assertEquals(told, seen.size)
        assertEquals(listOf(quick.bundle), store.imported())
        eventually { folder.root.list()!!.size == 1 }
    }

    @Test
    fun `an import is cancelled while another app keeps it waiting`() {
        val stream = WaitingStream()
        start(offer("waiting") { stream })
        assertTrue(stream.begun.await(10, TimeUnit.SECONDS))
        assertEquals(1, folder.root.list()!!.size)
        onMain { importer.cancel() }
        assertEquals(ImportState.None, seen.last())
        eventually { folder.root.list()!!.isEmpty() }
        start(offer("quick") { STORED_BUNDLE.inputStream() })
        eventually { seen.last() == quick }
    }

    @Test
    fun `what waits before there is a stream is cancelled too`() {
        val cancelled = CountDownLatch(1)
        start(object : OfferedFile {
            override fun name(): String? = null

            override fun open(): InputStream? {
                cancelled.await()
                throw IllegalStateException("cancelled")
            }

            override fun cancel() = cancelled.countDown()
        })
        onMain { importer.cancel() }
        assertTrue(cancelled.await(10, TimeUnit.SECONDS))
        Thread.sleep(100)
        assertEquals(listOf(ImportState.None, ImportState.Running, ImportState.None), seen)
    }

    @Test
    fun `an app that does not let go keeps nobody waiting`() {
        val never = CountDownLatch(1)
        val stream = object : InputStream() {
            override fun read(): Int {
                never.await()
                return -1
            }

            override fun close() = never.await()
        }
        start(offer("stuck") { stream })
        onMain { importer.cancel() }
        start(offer("quick") { STORED_BUNDLE.inputStream() })
        eventually { seen.last() == quick }
        onMain { importer.close() }
        never.countDown()
    }

    @Test
    fun `parts of an app that was killed go`() {
        val part = folder.newFile("0000.part")
        onMain { importer.dismiss() }
        eventually { !part.exists() }
    }

    private fun start(file: OfferedFile) = onMain {
        if (importer.onChange == null) importer.onChange = { seen += it }
        importer.import(file)
    }

    private fun onMain(task: () -> Unit) {
        main.submit(Callable { task() }).get(10, TimeUnit.SECONDS)
    }

    private fun assertNothingIsLeft() = assertEquals(emptyList<String>(), folder.root.list()!!.toList())

    private fun imported(file: String) = ImportState.Imported(BundleName.Imported(file))

    private fun offer(name: String?, open: () -> InputStream?) = object : OfferedFile {
        override fun name() = name

        override fun open() = open()

        override fun cancel() = Unit
    }
}

private class FailingStream(private val atRead: Exception? = null, private val atClose: Exception? = null) :
    InputStream() {
    private val content = STORED_BUNDLE.inputStream()

    override fun read(): Int = if (atRead == null) content.read() else throw atRead

    override fun read(part: ByteArray, start: Int, length: Int): Int =
        if (atRead == null) content.read(part, start, length) else throw atRead

    override fun close() {
        content.close()
        if (atClose != null) throw atClose
    }
}

/** Gives nothing, until it is closed. */
private class WaitingStream : InputStream() {
    val begun = CountDownLatch(1)
    private val closed = CountDownLatch(1)

    override fun read(): Int {
        begun.countDown()
        closed.await()
        throw IOException("closed")
    }

    override fun close() = closed.countDown()
}
