package org.edgebert.demo

import android.content.ContentResolver
import android.content.Intent
import android.net.Uri
import android.os.CancellationSignal
import android.provider.OpenableColumns
import java.io.InputStream

/** What a content provider of another app offers. */
class ContentFile(private val resolver: ContentResolver, private val uri: Uri) : OfferedFile {
    private val signal = CancellationSignal()

    override fun name(): String? {
        val columns = arrayOf(OpenableColumns.DISPLAY_NAME)
        return resolver.query(uri, columns, null, null, null, signal)
            ?.use { if (it.moveToFirst()) it.getString(0) else null }
    }

    override fun open(): InputStream? = resolver.openAssetFileDescriptor(uri, "r", signal)?.createInputStream()

    override fun cancel() = signal.cancel()
}

/** What an intent offers to be imported; null for nothing. */
fun offered(intent: Intent): Uri? {
    // The list of recent apps starts this one with the intent that once started it.
    if (intent.flags and Intent.FLAG_ACTIVITY_LAUNCHED_FROM_HISTORY != 0) return null
    val uri = try {
        when (intent.action) {
            Intent.ACTION_VIEW -> intent.data
            Intent.ACTION_SEND -> {
                @Suppress("DEPRECATION")
                intent.extras?.get(Intent.EXTRA_STREAM) as? Uri
            }
            else -> null
        }
    } catch (_: RuntimeException) {
        // Extras are whatever another app has put there.
        null
    }
    // By any other scheme, an app could have files read that only this app may.
    return uri?.takeIf { it.scheme == ContentResolver.SCHEME_CONTENT }
}
