package org.edgebert.tokenization

import org.edgebert.ManifestException
import org.edgebert.json.JsonException
import org.edgebert.json.decodeUtf8
import org.edgebert.json.hasLoneSurrogate
import org.edgebert.json.parseJson

/** Commas and brackets in a tokenizer.json: room for some 500,000 tokens with their merges. */
private const val MOST_VALUES = 4_000_000

private const val VERSION = "1.0"

private val FIELDS = setOf(
    "version",
    "truncation",
    "padding",
    "added_tokens",
    "normalizer",
    "pre_tokenizer",
    "post_processor",
    "decoder",
    "model",
)

/**
 * The parts of a tokenizer.json, the format of Hugging Face's tokenizers library.
 *
 * @throws UnusableTokenizer if it is damaged.
 * @throws ManifestException if it has a part that is not supported.
 */
internal fun readPipeline(content: ByteArray): Pipeline {
    val file = JsonFields.of(parsed(content), "")
    (file.names - FIELDS).firstOrNull()?.let { file.wrong(it, "no such field") }
    if ("version" in file.names && file.text("version") != VERSION) file.wrong("version", VERSION)
    val normalizer = if ("normalizer" in file) readNormalizer(file.fields("normalizer")) else null
    val model = readModel(file.fields("model"))
    val added = if ("added_tokens" in
        file.names
    ) {
        file.listOfFields("added_tokens").map(::readAddedToken)
    } else {
        emptyList()
    }
    return Pipeline(
        AddedTokens(added, model.vocabulary, normalizer),
        if ("pre_tokenizer" in file) readPreTokenizer(file.fields("pre_tokenizer")) else null,
        model,
        if ("post_processor" in file) readPostProcessor(file.fields("post_processor")) else null,
        if ("decoder" in file) readDecoder(file.fields("decoder")) else null,
        cutsBeginning = "truncation" in file && cutsBeginning(file.fields("truncation")),
    )
}

/** Files of older versions of the library have no direction. */
private fun cutsBeginning(truncation: JsonFields): Boolean =
    "direction" in truncation && truncation.text("direction") == "Left"

private fun parsed(content: ByteArray): Any? =
    try {
        parseJson(decodeUtf8(content), MOST_VALUES)
    } catch (error: JsonException) {
        throw UnusableTokenizer(error.message.orEmpty())
    }

private fun readAddedToken(token: JsonFields): AddedToken {
    token.id("id")
    token.boolean("special")
    return AddedToken(
        token.text("content"),
        singleWord = token.boolean("single_word"),
        stripsLeft = token.boolean("lstrip"),
        stripsRight = token.boolean("rstrip"),
        normalized = token.boolean("normalized"),
    )
}

private fun readNormalizer(part: JsonFields): Normalizer = when (part.text("type")) {
    "BertNormalizer" -> {
        val lowercases = part.boolean("lowercase")
        BertNormalizer(
            cleansText = part.boolean("clean_text"),
            separatesIdeographs = part.boolean("handle_chinese_chars"),
            stripsAccents = if ("strip_accents" in part) part.boolean("strip_accents") else lowercases,
            lowercases = lowercases,
        )
    }
    "Lowercase" -> Normalizer { it.lowercased() }
    "NFC" -> Normalizer { it.composed(compatible = false) }
    "NFD" -> Normalizer { it.decomposed(compatible = false) }
    "NFKC" -> Normalizer { it.composed(compatible = true) }
    "NFKD" -> Normalizer { it.decomposed(compatible = true) }
    "StripAccents" -> Normalizer { text -> text.filtered { !Unicode.combining[it] } }
    "Sequence" -> NormalizerSequence(part.listOfFields("normalizers").map(::readNormalizer))
    else -> unsupported(part, "BertNormalizer, Lowercase, NFC, NFD, NFKC, NFKD, StripAccents or a Sequence of them")
}

private fun readPreTokenizer(part: JsonFields): PreTokenizer = when (part.text("type")) {
    "BertPreTokenizer" -> BertPreTokenizer
    "ByteLevel" -> {
        part.boolean("trim_offsets")
        ByteLevelPreTokenizer(
            addsSpace = part.boolean("add_prefix_space"),
            splits = part.boolean("use_regex", default = true),
        )
    }
    "Split" -> readSplit(part)
    "Sequence" -> PreTokenizerSequence(part.listOfFields("pretokenizers").map(::readPreTokenizer))
    else -> unsupported(part, "BertPreTokenizer, ByteLevel, Split or a Sequence of them")
}

private fun readSplit(part: JsonFields): PreTokenizer {
    val pattern = part.fields("pattern")
    val isGpt2 = "Regex" in pattern && pattern.text("Regex") == GPT2_PATTERN
    if (!isGpt2) unsupported(pattern, "GPT-2's, $GPT2_PATTERN", "Regex")
    if (part.text("behavior") != "Isolated") unsupported(part, "Isolated", "behavior")
    if (part.boolean("invert")) unsupported(part, "false", "invert")
    return Gpt2PatternPreTokenizer
}

private fun readPostProcessor(part: JsonFields): PostProcessor = when (part.text("type")) {
    "TemplateProcessing" -> readTemplate(part)
    "BertProcessing" -> BertProcessing(readSpecial(part, "sep"), readSpecial(part, "cls"))
    "RobertaProcessing" ->
        RobertaProcessing(readSpecial(part, "sep"), readSpecial(part, "cls"), readTrimming(part))
    "ByteLevel" -> {
        part.boolean("use_regex", default = true)
        ByteLevelProcessing(readTrimming(part))
    }
    "Sequence" -> PostProcessorSequence(part.listOfFields("processors").map(::readPostProcessor))
    else -> unsupported(part, "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel or a Sequence of them")
}

private fun readTrimming(part: JsonFields): List<OffsetTrimming> {
    val trimming = OffsetTrimming(addsSpace = part.boolean("add_prefix_space"))
    return if (part.boolean("trim_offsets")) listOf(trimming) else emptyList()
}

private fun readTemplate(part: JsonFields): PostProcessor {
    val special = part.fields("special_tokens")
    val ids = special.names.associateWith { name ->
        val token = special.fields(name)
        token.text("id")
        token.texts("tokens")
        token.list("ids").map { takeId(it) ?: token.wrong("ids", "a list of whole numbers of 31 bits") }
    }
    fun place(piece: JsonFields): TemplateProcessing.Place {
        if ("Sequence" !in piece) {
            val named = piece.fields("SpecialToken")
            val found = ids[named.text("id")] ?: named.wrong("id", "one of special_tokens")
            return TemplateProcessing.Place(null, found, named.id("type_id"))
        }
        val text = piece.fields("Sequence")
        val number = listOf("A", "B").indexOf(text.text("id"))
        return TemplateProcessing.Place(
            if (number <
                0
            ) {
                text.wrong("id", "A or B")
            } else {
                number
            },
            emptyList(), text.id("type_id"),
        )
    }
    return TemplateProcessing(part.listOfFields("single").map(::place), part.listOfFields("pair").map(::place))
}

/** The id of a pair of a token and its id. */
private fun readSpecial(part: JsonFields, name: String): Int {
    val pair = part.list(name)
    val token = pair.firstOrNull() as? String
    val id = takeId(pair.getOrNull(1))
    if (pair.size != 2 || token == null || hasLoneSurrogate(token) || id == null) part.wrong(name, "a token and its id")
    return id
}

private fun readDecoder(part: JsonFields): Decoder = when (part.text("type")) {
    "WordPiece" -> {
        part.text("prefix")
        WordPieceDecoder(part.boolean("cleanup"))
    }
    "ByteLevel" -> {
        part.boolean("use_regex", default = true)
        readTrimming(part)
        ByteLevelDecoder
    }
    else -> unsupported(part, "WordPiece or ByteLevel")
}

internal fun takeId(value: Any?): Int? = (value as? Long)?.takeIf { it in 0..Int.MAX_VALUE }?.toInt()

internal fun unsupported(part: JsonFields, supported: String, name: String = "type"): Nothing = throw ManifestException(
    "tokenizer.json, ${part.place(name)}: got ${part.shown(name)}, but on Android only $supported is supported; " +
        "convert a checkpoint with such a tokenizer",
)
