package org.edgebert.tokenization

import org.edgebert.ManifestException

/** Windows of one text that are read at most; the rest of it is not looked at. */
public const val MAX_WINDOWS: Int = 64

/** A window shares a share of one in so many of its tokens with the next. */
private const val OVERLAP = 4

private val MASKS = listOf("[MASK]", "<mask>")

/**
 * The bundle's tokenizer.json, cut at the model's limit and nowhere else. Safe for use from several threads.
 *
 * Truncation and padding that the file itself asks for are passed over: the limit is [maxLength], counted with special
 * tokens; of a pair the longer text is cut first. Texts are cut at their end, or at their beginning where the file says
 * so.
 *
 * @param content the file: WordPiece with BERT's steps before it, or byte-level BPE as of GPT-2 and RoBERTa.
 * @throws ManifestException if the content is not a tokenizer, has a part that is not supported, or needs more special
 *   tokens than fit.
 */
public class Tokenizer(content: ByteArray, public val maxLength: Int) {
    private val pipeline = usable("read") { readPipeline(content) }
    private val layouts = usable("used") { listOf(Layout.of(pipeline.processor, 1), Layout.of(pipeline.processor, 2)) }

    init {
        if (layouts[1].special >= maxLength) {
            throw ManifestException(
                "max_length: got $maxLength, expected more than the ${layouts[1].special} " +
                    "special tokens of a pair; convert again with a longer length",
            )
        }
    }

    /**
     * Ids of one text or pair.
     *
     * @throws ManifestException if the tokenizer has no token for it, not even an unknown one.
     */
    @JvmOverloads
    public fun encode(text: Text, offsets: Boolean = false): Encoding {
        val tokens = tokens(text, offsets)
        val room = room(tokens)
        val counts = tokens.map { it.ids.size }
        val kept = if (counts.sum() <= room) counts else longestFirst(counts, room)
        return assembled(tokens, kept.map { 0 until it }, kept != counts)
    }

    /**
     * One encoding where the text fits, else several that overlap by a quarter of their room.
     *
     * The first is what [encode] keeps of a single text. Of a pair one text moves through the windows, the
     * longer one or the one numbered [moving]; the other stands in each of them, cut to half of the room if need be. Of
     * more than [MAX_WINDOWS] the last that is given is `truncated`; where the standing text was cut, all are.
     *
     * @throws ManifestException as [encode].
     */
    @JvmOverloads
    public fun windows(text: Text, moving: Int? = null, offsets: Boolean = false): List<Encoding> {
        val tokens = tokens(text, offsets)
        val room = room(tokens)
        val counts = tokens.map { it.ids.size }
        val mover = if (moving == null || counts.size == 1) counts.indexOf(counts.max()) else moving
        val standing = counts.sum() - counts[mover]
        val shown = minOf(standing, maxOf(room / 2, room - counts[mover]))
        val width = room - shown
        val step = maxOf(1, width - width / OVERLAP)
        val starts = 0 until maxOf(1, counts[mover] - width + step) step step
        return starts.take(MAX_WINDOWS).mapIndexed { index, start ->
            val moved = start until minOf(start + width, counts[mover])
            val spans = counts.indices.map { if (it == mover) moved else 0 until shown }
            val cut = index == MAX_WINDOWS - 1 && start < starts.last
            assembled(tokens, spans, cut || shown < standing)
        }
    }

    /**
     * Tokens of the whole text or pair, special tokens included.
     *
     * @throws ManifestException as [encode].
     */
    public fun count(text: Text): Int {
        val tokens = tokens(text, offsets = false)
        return tokens.sumOf { it.ids.size } + layouts[tokens.size - 1].special
    }

    /** The text of one token; empty if there is no such token. */
    public fun decoded(token: Int): String = pipeline.decoded(token)

    /** The id of the token that stands for a word left out, if there is one. */
    public val mask: Int? get() = maskText?.let { pipeline.id(it) }

    /** How that token is written in a text. */
    public val maskText: String? get() = MASKS.find { pipeline.id(it) != null }

    private fun tokens(text: Text, offsets: Boolean): List<Tokens> =
        usable("used") { text.parts.map { pipeline.tokens(it, offsets) } }

    private fun room(tokens: List<Tokens>): Int = maxLength - layouts[tokens.size - 1].special

    private fun assembled(tokens: List<Tokens>, spans: List<IntRange>, truncated: Boolean): Encoding {
        val layout = layouts[tokens.size - 1]
        val assembly = Assembly(layout)
        tokens.forEachIndexed { index, each ->
            val span = spans[index]
            assembly.add(index, each, if (pipeline.cutsBeginning) fromTheEnd(span, each.ids.size) else span)
        }
        return assembly.done(truncated)
    }
}

/** As far from the end of so many tokens as [span] is from their beginning. */
private fun fromTheEnd(span: IntRange, count: Int): IntRange = count - 1 - span.last until count - span.first

/** How many tokens of each text stay; of a pair the longer is cut first. */
internal fun longestFirst(counts: List<Int>, room: Int): List<Int> {
    if (counts.size == 1) return listOf(room)
    var shorter = counts.min()
    var longer = maxOf(shorter, room - shorter)
    if (shorter + longer > room) {
        shorter = room / 2
        longer = room - room / 2
    }
    return if (counts[0] <= counts[1]) listOf(shorter, longer) else listOf(longer, shorter)
}
