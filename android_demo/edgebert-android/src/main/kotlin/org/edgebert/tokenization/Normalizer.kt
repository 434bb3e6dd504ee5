package org.edgebert.tokenization

/** What happens to a text before it is split into words. */
internal fun interface Normalizer {
    fun normalized(text: AlignedText): AlignedText
}

/** One after the other. */
internal class NormalizerSequence(private val normalizers: List<Normalizer>) : Normalizer {
    override fun normalized(
        text: AlignedText,
    ): AlignedText = normalizers.fold(text) { each, normalizer -> normalizer.normalized(each) }
}

/** Every character in lower case by itself, whatever stands around it. */
internal fun AlignedText.lowercased(): AlignedText {
    if ((0 until size).none { codePoints[it] in Unicode.lowercase }) return this
    val rewriting = Rewriting()
    for (index in 0 until size) {
        val lower = Unicode.lowercase[codePoints[index]]
        if (lower == null) {
            rewriting.add(codePoints[index], 0)
        } else {
            for (part in lower.indices) rewriting.add(lower[part], if (part == 0) 0 else 1)
        }
    }
    return rewriting.done()
}
