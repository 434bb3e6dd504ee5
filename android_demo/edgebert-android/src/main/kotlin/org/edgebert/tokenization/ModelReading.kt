package org.edgebert.tokenization

import org.edgebert.json.hasLoneSurrogate

/** The model of a tokenizer.json; exceptions as of [readPipeline]. */
internal fun readModel(part: JsonFields): SubwordModel = when (part.text("type")) {
    "WordPiece" -> WordPiece(
        readVocabulary(part),
        unknown = part.text("unk_token"),
        continuing = part.text("continuing_subword_prefix"),
        mostCharacters = part.count("max_input_chars_per_word"),
    )
    "BPE" -> readBpe(part)
    else -> unsupported(part, "WordPiece or BPE")
}

private fun readBpe(part: JsonFields): SubwordModel {
    if ("dropout" in part && part.number("dropout") != 0.0) unsupported(part, "null", "dropout")
    for (name in listOf("continuing_subword_prefix", "end_of_word_suffix")) {
        if (name in part && part.text(name).isNotEmpty()) unsupported(part, "null", name)
    }
    if (optional(part, "byte_fallback")) unsupported(part, "false", "byte_fallback")
    val vocabulary = readVocabulary(part)
    return Bpe(
        vocabulary,
        readMerges(part, vocabulary),
        unknown = if ("unk_token" in part) part.text("unk_token") else null,
        fusesUnknown = optional(part, "fuse_unk"),
        takesWholeWords = optional(part, "ignore_merges"),
    )
}

private fun optional(part: JsonFields, name: String): Boolean = name in part && part.boolean(name)

private fun readVocabulary(part: JsonFields): Vocabulary {
    val vocabulary = part.fields("vocab")
    val ids = HashMap<String, Int>(vocabulary.names.size * 2)
    for (token in vocabulary.names) ids[token] = vocabulary.id(token)
    ids.keys.find { hasLoneSurrogate(it) }?.let { vocabulary.wrong(it, "a token without lone surrogates") }
    if (ids.values.toHashSet().size < ids.size) part.wrong("vocab", "each id once")
    return Vocabulary(ids)
}

private fun readMerges(part: JsonFields, vocabulary: Vocabulary): Merges {
    fun id(token: String) = vocabulary.id(token) ?: throw UnusableTokenizer("Token `$token` out of vocabulary")
    val list = part.list("merges")
    val firsts = IntList(list.size)
    val seconds = IntList(list.size)
    val merged = IntList(list.size)
    for (item in list) {
        if (item is String && item.startsWith("#version")) continue
        val tokens = if (item is String) item.split(' ') else item as? List<*> ?: emptyList<Any?>()
        if (tokens.size != 2 || tokens.any { it !is String }) part.wrong("merges", "pairs of tokens")
        val (first, second) = tokens.map { it as String }
        firsts.add(id(first))
        seconds.add(id(second))
        merged.add(id(first + second))
    }
    return Merges(merged.toIntArray()) { rank -> Pair(firsts[rank], seconds[rank]) }
}
