package org.edgebert.demo

import java.util.concurrent.RejectedExecutionException
import java.util.concurrent.ScheduledExecutorService
import java.util.concurrent.ScheduledFuture
import java.util.concurrent.TimeUnit

/** Runs only the last of the tasks that come one soon after the other. */
class Debouncer(private val executor: ScheduledExecutorService, private val delayMs: Long) {
    private var waiting: ScheduledFuture<*>? = null

    /** Runs [task] after the delay, unless another comes or [cancel] does. A task that has begun is not stopped. */
    @Synchronized
    fun submit(task: () -> Unit) {
        cancel()
        try {
            waiting = executor.schedule(task, delayMs, TimeUnit.MILLISECONDS)
        } catch (_: RejectedExecutionException) {
            // Nobody waits for an answer of what was closed.
            waiting = null
        }
    }

    @Synchronized
    fun cancel() {
        waiting?.cancel(false)
        waiting = null
    }
}
