package org.edgebert.demo

import java.util.concurrent.Executor

/** What nobody foresaw in [task] ends the app with its trace; a worker would keep it to itself, and the screen wait. */
internal fun Executor.orEndTheApp(task: () -> Unit) = Runnable {
    try {
        task()
    } catch (error: Throwable) {
        execute { throw error }
    }
}
