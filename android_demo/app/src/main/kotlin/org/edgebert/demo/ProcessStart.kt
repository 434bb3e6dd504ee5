package org.edgebert.demo

import java.util.concurrent.atomic.AtomicBoolean

/** The start of this process, which belongs to the first activity alone. */
object ProcessStart {
    private val taken = AtomicBoolean()

    /** True for the first activity that asks: the process was started for it. */
    fun take(): Boolean = taken.compareAndSet(false, true)
}
