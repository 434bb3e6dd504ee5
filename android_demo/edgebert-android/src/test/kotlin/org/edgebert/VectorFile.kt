package org.edgebert

import java.io.BufferedReader
import java.io.File
import java.util.zip.GZIPInputStream
import org.edgebert.json.parseJson
import org.edgebert.json.takeObject
import org.junit.Assert.assertTrue

/** What a script in android_demo/vectors wrote: a JSON object a line, compressed where the name ends with .gz. */
internal object VectorFile {
    /** The folder that the scripts wrote to. */
    val folder = File(System.getProperty("edgebert.vectors"))

    fun <T> rows(name: String, use: (Sequence<Map<String, Any?>>) -> T): T {
        val file = File(folder, name)
        assertTrue("$file is missing: build.sh vectors makes it", file.isFile)
        val stream = if (name.endsWith(".gz")) GZIPInputStream(file.inputStream()) else file.inputStream()
        return BufferedReader(stream.reader()).use { reader ->
            use(reader.lineSequence().map { checkNotNull(takeObject(parseJson(it, mostValues = Int.MAX_VALUE))) })
        }
    }
}
