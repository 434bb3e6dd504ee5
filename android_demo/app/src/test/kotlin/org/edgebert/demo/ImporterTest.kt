package org.edgebert.demo

import java.io.InputStream
import java.util.concurrent.Callable
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
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
    private val worker = Executors.newSingleThreadExecutor()
    private val seen = CopyOnWriteArrayList<ImportState>()
    private val importer by lazy { Importer(BundleStore(folder.root, spareBytes = 0), worker, main) }

    @After
    fun end() {
        main.shutdownNow()
        worker.shutdownNow()
    }

    @Test
    fun `a file is imported and said`() {
        start(offer("mine.edgebert") { STORED_BUNDLE.inputStream() })
        eventually { seen.last() is ImportState.Imported }
        assertEquals(ImportState.Imported(BundleName.Imported("mine.edgebert")), seen.last())
        assertTrue(ImportState.Running in seen)
        onMain { importer.dismiss() }
        assertEquals(ImportState.None, seen.last())
    }

    @Test
    fun `a provider that fails in any way is a refusal`() {
        for (open in listOf<() -> InputStream?>({
            null
        }, { throw SecurityException("no") }, { throw NullPointerException() })) {
            start(offer(null, open))
            eventually { seen.last() is ImportState.Refused }
            assertTrue((seen.last() as ImportState.Refused).refusal is Refusal.Unreadable)
        }
    }

    @Test
    fun `a name that cannot be had is no reason to refuse`() {
        start(object : OfferedFile {
            override fun name(): String? = throw IllegalArgumentException("no such column")

            override fun open() = STORED_BUNDLE.inputStream()
        })
        eventually { seen.last() is ImportState.Imported }
        assertEquals(ImportState.Imported(BundleName.Imported("bundle.edgebert")), seen.last())
    }

    @Test
    fun `the next file takes the place of one that does not come`() {
        val begun = CountDownLatch(1)
        start(
            offer("slow") {
                object : InputStream() {
                    override fun read(): Int {
                        begun.countDown()
                        Thread.sleep(5)
                        return 0
                    }
                }
            },
        )
        assertTrue(begun.await(10, TimeUnit.SECONDS))
        start(offer("quick") { STORED_BUNDLE.inputStream() })
        eventually { seen.last() is ImportState.Imported }
        assertEquals(listOf("quick.edgebert"), folder.root.list()!!.toList())
    }

    private fun start(file: OfferedFile) = onMain {
        if (importer.onChange == null) importer.onChange = { seen += it }
        importer.import(file)
    }

    private fun onMain(task: () -> Unit) {
        main.submit(Callable { task() }).get(10, TimeUnit.SECONDS)
    }

    private fun offer(name: String?, open: () -> InputStream?) = object : OfferedFile {
        override fun name() = name

        override fun open() = open()
    }
}
