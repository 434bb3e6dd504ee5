package org.edgebert.tokenization

import org.edgebert.ManifestException

/** Something about a tokenizer, or about it and a text, does not work; the message is the reason alone. */
internal class UnusableTokenizer(reason: String) : Exception(reason)

/** What [action] gives; its [UnusableTokenizer] as the [ManifestException] that callers know. */
internal inline fun <T> usable(verb: String, action: () -> T): T =
    try {
        action()
    } catch (error: UnusableTokenizer) {
        throw ManifestException(
            "the bundle's tokenizer cannot be $verb (${error.message}); copy the bundle anew or convert again",
        )
    }
