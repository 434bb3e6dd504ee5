package org.edgebert.tokenization

/** A token in the place where a post-processor puts it; [text] is the number of its text, null for special tokens. */
internal class PlacedToken(val id: Int, val type: Int, val text: Int?)

/** What puts special tokens around texts. */
internal interface PostProcessor {
    /**
     * The sequences with special tokens; at first one for each text, later whatever the step before made of them.
     *
     * @throws UnusableTokenizer if it takes no such sequences.
     */
    fun processed(sequences: List<List<PlacedToken>>): List<List<PlacedToken>>

    /** How the tokens' spaces are taken out of their offsets, step by step. */
    val trimming: List<OffsetTrimming> get() = emptyList()
}

/** One after the other. */
internal class PostProcessorSequence(private val steps: List<PostProcessor>) : PostProcessor {
    override fun processed(
        sequences: List<List<PlacedToken>>,
    ) = steps.fold(sequences) { each, step -> step.processed(each) }

    override val trimming: List<OffsetTrimming> get() = steps.flatMap { it.trimming }
}

/** BERT's: a class token, then each text with a separator behind it. */
internal class BertProcessing(private val separator: Int, private val classToken: Int) : PostProcessor {
    override fun processed(sequences: List<List<PlacedToken>>) = sequences.mapIndexed { index, tokens ->
        val before = if (index == 0) listOf(special(classToken, 0)) else emptyList()
        before + tokens.map { PlacedToken(it.id, it.type, minOf(index, 1)) } + special(separator, minOf(index, 1))
    }
}

/** RoBERTa's: a class token, then each text between separators, all of one type. */
internal class RobertaProcessing(
    private val separator: Int,
    private val classToken: Int,
    override val trimming: List<OffsetTrimming>,
) : PostProcessor {
    override fun processed(sequences: List<List<PlacedToken>>) = sequences.mapIndexed { index, tokens ->
        val before = special(if (index == 0) classToken else separator, 0)
        listOf(before) + tokens.map { PlacedToken(it.id, 0, minOf(index, 1)) } + special(separator, 0)
    }
}

/** Puts nothing anywhere, and counts sequences anew as texts. */
internal class ByteLevelProcessing(override val trimming: List<OffsetTrimming>) : PostProcessor {
    override fun processed(sequences: List<List<PlacedToken>>) = sequences.mapIndexed { index, tokens ->
        tokens.map { if (it.text == null) it else PlacedToken(it.id, it.type, index) }
    }
}

/** Whatever stands in a template, one for one text and one for two. */
internal class TemplateProcessing(private val single: List<Place>, private val pair: List<Place>) : PostProcessor {
    /** A place in a template: of a text by its number, or of special tokens. */
    class Place(val text: Int?, val special: List<Int>, val type: Int)

    override fun processed(sequences: List<List<PlacedToken>>): List<List<PlacedToken>> {
        val places = when (sequences.size) {
            1 -> single
            2 -> pair
            else -> throw UnusableTokenizer("a template of ${sequences.size} texts")
        }
        return places.map { place ->
            if (place.text == null) {
                place.special.map { special(it, place.type) }
            } else {
                val tokens = sequences.getOrNull(place.text) ?: throw UnusableTokenizer("one text in a template of two")
                tokens.map { PlacedToken(it.id, place.type, if (it.text == null) null else place.text) }
            }
        }
    }
}

private fun special(id: Int, type: Int): PlacedToken = PlacedToken(id, type, null)
