package org.edgebert.demo

import android.content.Intent
import org.junit.Assert.assertEquals
import org.junit.Test

class ContentFileTest {
    @Test
    fun `an intent from the list of recent apps offers nothing, as its file was offered before`() {
        var asked = 0
        fun intent(flags: Int) = object : Intent("") {
            override fun getFlags() = flags

            override fun getAction(): String? {
                asked += 1
                return null
            }
        }
        offered(intent(0x10000000))
        assertEquals(1, asked)
        offered(intent(0x10100000))
        assertEquals(1, asked)
    }
}
