package org.edgebert.tokenization

/** The steps of BERT's own tokenizer, in its order. */
internal class BertNormalizer(
    private val cleansText: Boolean,
    private val separatesIdeographs: Boolean,
    private val stripsAccents: Boolean,
    private val lowercases: Boolean,
) : Normalizer {
    override fun normalized(text: AlignedText): AlignedText {
        var normalized = text
        if (cleansText) normalized = cleaned(normalized)
        if (separatesIdeographs) normalized = separated(normalized)
        if (stripsAccents) normalized = stripped(normalized.decomposed(compatible = false))
        if (lowercases) normalized = normalized.lowercased()
        return normalized
    }

    private fun cleaned(text: AlignedText): AlignedText {
        val kept = text.filtered { !Unicode.other[it] }
        for (index in 0 until kept.size) {
            if (Unicode.whitespace[kept.codePoints[index]]) kept.codePoints[index] = ' '.code
        }
        return kept
    }

    private fun separated(text: AlignedText): AlignedText {
        if ((0 until text.size).none { Unicode.ideograph[text.codePoints[it]] }) return text
        val rewriting = text.Rewriting()
        for (index in 0 until text.size) {
            val codePoint = text.codePoints[index]
            if (Unicode.ideograph[codePoint]) {
                rewriting.add(' '.code, 0)
                rewriting.add(codePoint, 1)
                rewriting.add(' '.code, 1)
            } else {
                rewriting.add(codePoint, 0)
            }
        }
        return rewriting.done()
    }

    private fun stripped(text: AlignedText): AlignedText =
        if ((0 until text.size).any {
                Unicode.nonspacing[text.codePoints[it]]
            }
        ) {
            text.filtered { !Unicode.nonspacing[it] }
        } else {
            text
        }
}
