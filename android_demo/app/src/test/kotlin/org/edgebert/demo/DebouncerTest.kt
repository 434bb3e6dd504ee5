package org.edgebert.demo

import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class DebouncerTest {
    private val executor = Executors.newSingleThreadScheduledExecutor()

    @After
    fun end() {
        executor.shutdownNow()
    }

    @Test
    fun `only the last of quick tasks runs`() {
        val debouncer = Debouncer(executor, 200)
        val ran = mutableListOf<Int>()
        val done = CountDownLatch(1)
        repeat(50) { number ->
            debouncer.submit {
                ran += number
                done.countDown()
            }
        }
        assertTrue(done.await(10, TimeUnit.SECONDS))
        Thread.sleep(300)
        assertEquals(listOf(49), ran)
    }

    @Test
    fun `a task runs no sooner than its delay`() {
        val debouncer = Debouncer(executor, 100)
        val done = CountDownLatch(1)
        val start = System.nanoTime()
        debouncer.submit { done.countDown() }
        assertTrue(done.await(10, TimeUnit.SECONDS))
        assertTrue(System.nanoTime() - start >= 100_000_000)
    }

    @Test
    fun `what is cancelled does not run, and what comes after it does`() {
        val debouncer = Debouncer(executor, 50)
        val ran = AtomicInteger()
        debouncer.submit { ran.addAndGet(1) }
        debouncer.cancel()
        Thread.sleep(150)
        assertEquals(0, ran.get())
        debouncer.submit { ran.addAndGet(10) }
        Thread.sleep(150)
        assertEquals(10, ran.get())
    }

    @Test
    fun `nothing happens behind the end of its executor`() {
        val debouncer = Debouncer(executor, 0)
        executor.shutdown()
        debouncer.submit { throw AssertionError() }
        assertTrue(executor.awaitTermination(1, TimeUnit.SECONDS))
    }
}
