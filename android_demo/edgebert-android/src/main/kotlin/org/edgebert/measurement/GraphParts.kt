package org.edgebert.measurement

private const val EMBEDDINGS = "embeddings"
private const val ATTENTION = "attention"
private const val FEED_FORWARD = "feed-forward"
private const val NORMALIZATION = "normalization"
private const val HEAD = "head"
internal const val OTHER = "other"

private const val TABLES = "encoder.embeddings."
private const val HEADS = "head."
private val LAYERS = listOf("encoder.layers.", "encoder.last_layer.")

/** Operators that are of one part wherever they are. ONNX Runtime's Skip… adds the residual, too. */
private val NORMALIZATIONS =
    setOf("LayerNormalization", "SimplifiedLayerNormalization", "SkipLayerNormalization", "InstanceNormalization")

/** Where a weight belongs, by its name; the first that is found. */
private val WEIGHTS = listOf(
    // Behind MobileBERT's bottlenecks a normalisation is the second module of two.
    Regex("""norm\.|\.narrow(_shared)?\.1\.""") to NORMALIZATION,
    Regex("""^head\.""") to HEAD,
    Regex("""^encoder\.embeddings\.""") to EMBEDDINGS,
    // MobileBERT widens its rows behind the last feed-forward network, and narrows them for attention.
    Regex("""^encoder\..*\.(feed_forward|expands|contracts|widen)\.""") to FEED_FORWARD,
    Regex("""^encoder\.(layers|last_layer)\.""") to ATTENTION,
)

/**
 * The part that computes each value of an exported graph, by the value's name.
 *
 * What a library calls an operator says little of where it belongs: a matrix product is a matrix product. So an
 * operator belongs where its weights do, whose names are those of the student's modules, and one without weights
 * where its output goes.
 *
 * @param nodes in an order in which they can be run.
 * @param known parts of values, which count for more than what these nodes tell.
 */
internal fun parts(nodes: List<Node>, known: Map<String, String> = emptyMap()): Map<String, String> {
    val behindLayers = behindLayers(nodes)
    val found = mutableMapOf<String, String>()
    // A value → the part for what computes it, by the first node that takes it.
    val receivers = mutableMapOf<String, String>()
    for (node in nodes.asReversed()) {
        // One tensor can be the table of tokens and a head's last layer, and has one of both names.
        val elsewhere = if (node.outputs.none { it in behindLayers }) HEADS else TABLES
        val names = node.inputs.filterNot { it.startsWith(elsewhere) }
        val part = node.outputs.firstNotNullOfOrNull { known[it] }
            ?: NORMALIZATION.takeIf { node.kind in NORMALIZATIONS }
            ?: names.firstNotNullOfOrNull { partOfWeight(it) }
            ?: node.outputs.firstNotNullOfOrNull { receivers[it] }
            // Nothing takes it but who called the model.
            ?: HEAD
        node.outputs.forEach { found[it] = part }
        val taken = if (part == NORMALIZATION) takenByNormalization(node, names, receivers) ?: part else part
        node.inputs.forEach { receivers[it] = taken }
    }
    return found
}

/**
 * The part of what a normalisation takes: a sum with the residual, that some libraries compute in one with it.
 *
 * One taken apart has its weights in the operators behind it.
 */
private fun takenByNormalization(node: Node, names: List<String>, receivers: Map<String, String>): String? {
    val outside = names.firstNotNullOfOrNull { outsideLayers(it) }
    if (outside != null || names.any { partOfWeight(it) != null }) return outside
    return node.outputs.firstNotNullOfOrNull { receivers[it] }
}

private fun outsideLayers(name: String): String? = when {
    name.startsWith(HEADS) -> HEAD
    name.startsWith(TABLES) -> EMBEDDINGS
    else -> null
}

/** Values that the first layer or a later one had a share in. */
private fun behindLayers(nodes: List<Node>): Set<String> {
    val behind = mutableSetOf<String>()
    for (node in nodes) {
        if (node.inputs.any { name -> name in behind || LAYERS.any { name.startsWith(it) } }) behind += node.outputs
    }
    return behind
}

private fun partOfWeight(name: String): String? =
    WEIGHTS.firstOrNull { (pattern, _) -> pattern.containsMatchIn(name) }?.second
