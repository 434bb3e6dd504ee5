package org.edgebert.demo

import java.io.File
import java.io.IOException
import java.util.concurrent.Callable
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executor
import java.util.concurrent.Executors
import java.util.concurrent.Semaphore
import java.util.concurrent.TimeUnit
import org.edgebert.Classification
import org.edgebert.EdgeBert
import org.edgebert.ManifestException
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

class ConversationTest {
    private val main = Executors.newSingleThreadExecutor()
    private val worker = Executors.newSingleThreadScheduledExecutor()
    private val seen = CopyOnWriteArrayList<Shown>()
    private val models = CopyOnWriteArrayList<FakeAnswerer>()
    private val shipped = Choice(BundleName.Shipped, 1)

    @After
    fun end() {
        main.shutdownNow()
        worker.shutdownNow()
    }

    @Test
    fun `only the text that was typed last is answered`() {
        val conversation = conversation()
        onMain { conversation.choose(shipped) }
        eventually { seen.last().model != null }
        for (end in 1..20) onMain { conversation.ask(Question("a good film, honestly".take(end))) }
        eventually { seen.last().reply != null }
        Thread.sleep(200)
        assertEquals(listOf("a good film, honestly".take(20)), models.single().asked)
        assertEquals(similarity(20), seen.last().reply)
        assertTrue(seen.last().milliseconds!! >= 0)
        assertTrue(seen.last().residentBytes!! > 0)
    }

    @Test
    fun `an answer that comes after the next letter is dropped`() {
        val conversation = conversation()
        onMain { conversation.choose(shipped) }
        eventually { seen.last().model != null }
        val model = models.single()
        model.gate = Semaphore(0)
        onMain { conversation.ask(Question("one")) }
        eventually { model.asked == listOf("one") }
        onMain { conversation.ask(Question("seven77")) }
        model.gate.release(2)
        eventually { seen.last().reply == similarity(7) }
        assertFalse(seen.any { it.reply == similarity(3) })
    }

    @Test
    fun `an empty text takes the answer away at once, and is not asked`() {
        val conversation = conversation()
        onMain { conversation.choose(shipped) }
        onMain { conversation.ask(Question("some text")) }
        eventually { seen.last().reply != null }
        onMain { conversation.ask(Question("  \n")) }
        onMain { assertNull(conversation.shown.reply) }
        onMain { assertNull(conversation.shown.milliseconds) }
    }

    @Test
    fun `what is typed while a model is opened is answered by it`() {
        val opening = CountDownLatch(1)
        val conversation = conversation { opening.await() }
        onMain { conversation.choose(shipped) }
        onMain { assertTrue(conversation.shown.loading) }
        onMain { conversation.ask(Question("early")) }
        opening.countDown()
        eventually { seen.last().reply == similarity(5) }
    }

    @Test
    fun `another choice closes the model before, and answers the text again`() {
        val conversation = conversation()
        onMain { conversation.choose(shipped) }
        onMain { conversation.ask(Question("again")) }
        eventually { seen.last().reply != null }
        onMain { conversation.choose(shipped) }
        onMain { conversation.choose(Choice(BundleName.Shipped, 2)) }
        eventually { seen.last().choice?.threads == 2 && seen.last().reply == similarity(5) }
        assertEquals(2, models.size)
        assertTrue(models[0].closed)
        assertFalse(models[1].closed)
    }

    @Test
    fun `of choices that come quickly, only the last is opened in the end`() {
        val conversation = conversation()
        for (threads in 1..5) onMain { conversation.choose(Choice(BundleName.Shipped, threads)) }
        eventually { seen.last().model != null }
        assertEquals(5, seen.last().choice?.threads)
        assertEquals(1, models.count { !it.closed })
    }

    @Test
    fun `a model that cannot be opened is said, and another can be chosen`() {
        val failures = listOf(ManifestException("no bundle here"), IOException("no asset"), OutOfMemoryError())
        val next = failures.iterator()
        val conversation = conversation { if (next.hasNext()) throw next.next() }
        onMain { conversation.choose(shipped) }
        eventually { seen.last().problem == "no bundle here" }
        onMain { conversation.choose(shipped) }
        eventually { seen.last().problem.orEmpty().contains("no asset") }
        onMain { conversation.choose(shipped) }
        eventually { seen.last().problem == "no memory left" }
        assertFalse(seen.last().loading)
        onMain { conversation.choose(shipped) }
        eventually { seen.last().model != null }
        assertNull(seen.last().problem)
    }

    @Test
    fun `what nobody foresaw ends the app, and is not kept by an executor`() {
        val failures = CopyOnWriteArrayList<Throwable>()
        val phone = Executor { task ->
            main.execute {
                try {
                    task.run()
                } catch (error: IllegalStateException) {
                    failures += error
                }
            }
        }
        val conversation = Conversation(worker, phone) { throw IllegalStateException("a fault") }
        onMain { conversation.choose(shipped) }
        eventually { failures.singleOrNull()?.message == "a fault" }
    }

    @Test
    fun `a question that cannot be answered is said, and the next is answered`() {
        val conversation = conversation()
        onMain { conversation.choose(shipped) }
        onMain { conversation.ask(Question("refuse")) }
        eventually { seen.last().problem == "not this one" }
        assertNull(seen.last().reply)
        assertNotNull(seen.last().model)
        onMain { conversation.ask(Question("fine")) }
        eventually { seen.last().reply == similarity(4) }
        assertNull(seen.last().problem)
    }

    @Test
    fun `after its end nothing is shown, and the model is closed`() {
        val conversation = conversation()
        onMain { conversation.choose(shipped) }
        eventually { seen.last().model != null }
        val model = models.single()
        model.gate = Semaphore(0)
        onMain { conversation.ask(Question("late")) }
        eventually { model.asked.isNotEmpty() }
        val before = seen.size
        onMain { conversation.close() }
        model.gate.release()
        assertTrue(worker.awaitTermination(10, TimeUnit.SECONDS))
        onMain {}
        assertEquals(before, seen.size)
        assertTrue(model.closed)
        onMain { conversation.ask(Question("later")) }
    }

    @Test
    fun `who comes later is told what there is`() {
        val conversation = conversation()
        onMain { conversation.choose(shipped) }
        onMain { conversation.ask(Question("rotated")) }
        eventually { seen.last().reply != null }
        val again = CopyOnWriteArrayList<Shown>()
        onMain { conversation.onChange = null }
        onMain { conversation.onChange = { again += it } }
        assertEquals(listOf(seen.last()), again)
    }

    @Test
    fun `a real model answers`() {
        val conversation = Conversation(worker, main, delayMs = 10) {
            ModelAnswerer(EdgeBert.load(STORED_BUNDLE, threads = it.threads))
        }
        onMain { conversation.onChange = { seen += it } }
        onMain { conversation.choose(shipped) }
        onMain { conversation.ask(Question("The parcel came late.")) }
        eventually { seen.last().reply != null || seen.last().problem != null }
        val reply = seen.last().reply as Reply.Answered
        val answer = reply.answer as Classification
        EdgeBert.load(STORED_BUNDLE).use { model ->
            assertEquals((model.predict("The parcel came late.") as Classification).label, answer.label)
            assertEquals(model.labels.size, bars(reply).shown.size)
        }
        assertEquals("onnx", seen.last().model?.backend)
        onMain { conversation.close() }
    }

    private fun conversation(beforeOpening: () -> Unit = {}): Conversation {
        val conversation = Conversation(worker, main, delayMs = 60) {
            beforeOpening()
            FakeAnswerer().also { models += it }
        }
        onMain { conversation.onChange = { seen += it } }
        return conversation
    }

    private fun onMain(task: () -> Unit) {
        main.submit(Callable { task() }).get(10, TimeUnit.SECONDS)
    }

    private fun similarity(length: Int) = Reply.Similarity(length.toDouble())
}

internal val STORED_BUNDLE = File("../../tests/stored_bundles/version-2.edgebert")

internal fun eventually(condition: () -> Boolean) {
    val end = System.nanoTime() + 10_000_000_000
    while (!condition()) {
        assertTrue("it did not come about", System.nanoTime() < end)
        Thread.sleep(5)
    }
}

/** Answers with the length of the text, as soon as its gate lets it. */
private class FakeAnswerer : Answerer {
    val asked = CopyOnWriteArrayList<String>()

    @Volatile
    var gate = Semaphore(1000)

    @Volatile
    var closed = false

    override val task = "embedding"
    override val backend = "none"
    override val recipe = "none"
    override val secondText = SecondText.NONE
    override val maskText: String? = null

    override fun answer(question: Question): Reply {
        assertFalse(closed)
        asked += question.first
        gate.acquire()
        if (question.first == "refuse") throw ManifestException("not this one")
        return Reply.Similarity(question.first.length.toDouble())
    }

    override fun close() {
        closed = true
    }
}
