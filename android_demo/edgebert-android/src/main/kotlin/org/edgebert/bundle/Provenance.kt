package org.edgebert.bundle

import org.edgebert.json.reject
import org.edgebert.json.takeFields
import org.edgebert.json.takeFigures
import org.edgebert.json.takeList
import org.edgebert.json.takeLong
import org.edgebert.json.takeNumber
import org.edgebert.json.takeShare
import org.edgebert.json.takeText
import org.edgebert.json.takeTexts

/**
 * How the fixed ranges of activations were found.
 *
 * @property agreement method → agreement of the rounded model with the float model; the best was taken.
 */
public data class Calibration(val method: String, val sentences: Long, val agreement: Map<String, Double>)

/**
 * What was cut out of the model before it was converted.
 *
 * @property heads attention heads of each layer.
 * @property feedForward feed-forward neurons of each layer.
 * @property sparsity share of linear weights that were set to zero on top of it.
 */
public data class Pruning(
    val heads: List<Long>,
    val feedForward: List<Long>,
    val parametersBefore: Long,
    val sparsity: Double,
)

/**
 * An artifact that was made and measured; one for each format was kept.
 *
 * @property value of the search's figure, on its data.
 * @property p50Ms median milliseconds of one inference, one thread, on the machine that converted.
 * @property recovered made of the checkpoint that learnt with rounded weights, not of the given one.
 */
public data class Trial(
    val backend: String,
    val recipe: String,
    val floatLayers: List<String>,
    val value: Double,
    val p50Ms: Double,
    val bytes: Long,
    val recovered: Boolean,
    val kept: Boolean,
)

/**
 * How the recipe of each format was chosen: the fastest within the allowed loss.
 *
 * @property figure "accuracy" or "correlation".
 * @property floatValue of the float model.
 * @property maxDrop allowed loss in points: hundredths of the figure.
 * @property recoverySteps steps of learning with rounded weights that were tried; 0: none.
 */
public data class Search(
    val data: String,
    val rows: Long,
    val figure: String,
    val floatValue: Double,
    val maxDrop: Double,
    val recoverySteps: Long,
    val trials: List<Trial>,
)

/** An artifact's `calibration`; JSON's null is null. */
internal fun calibration(data: Any?, where: String): Calibration? {
    if (data == null) return null
    val fields = takeFields(data, where, setOf("method", "sentences", "agreement"))
    val agreement =
        takeFigures(fields["agreement"], "$where.agreement", "a figure for each of at most 1000 methods")
    val method = takeText(fields["method"], "$where.method")
    if (method !in agreement) reject("$where.method", method, "one of the methods in agreement")
    return Calibration(method, takeLong(fields["sentences"], "$where.sentences", 1), agreement)
}

/** A manifest's `pruning`; JSON's null is null. */
internal fun pruning(data: Any?): Pruning? {
    if (data == null) return null
    val fields = takeFields(data, "pruning", setOf("heads", "feed_forward", "parameters_before", "sparsity"))
    val (heads, feedForward) = listOf("heads", "feed_forward").map { name ->
        takeList(fields[name], "pruning.$name").map { takeLong(it, "pruning.$name", 1) }
    }
    if (heads.isEmpty()) reject("pruning.heads", heads.toTypedArray(), "numbers of heads, one for each layer")
    if (heads.size != feedForward.size) {
        reject("pruning.feed_forward", feedForward.toTypedArray(), "${heads.size} numbers, one for each layer")
    }
    val before = takeLong(fields["parameters_before"], "pruning.parameters_before", 1)
    return Pruning(heads, feedForward, before, takeShare(fields["sparsity"], "pruning.sparsity"))
}

/** A manifest's `search`; JSON's null is null. */
internal fun search(data: Any?): Search? {
    if (data == null) return null
    val names = setOf("data", "rows", "figure", "float_value", "max_drop", "recovery_steps", "trials")
    val fields = takeFields(data, "search", names)
    return Search(
        data = takeText(fields["data"], "search.data"),
        rows = takeLong(fields["rows"], "search.rows", 1),
        figure = takeText(fields["figure"], "search.figure", listOf("accuracy", "correlation")),
        floatValue = takeNumber(fields["float_value"], "search.float_value", -1, 1),
        maxDrop = takeNumber(fields["max_drop"], "search.max_drop", 0, 100),
        recoverySteps = takeLong(fields["recovery_steps"], "search.recovery_steps", 0),
        trials = takeList(fields["trials"], "search.trials")
            .mapIndexed { index, each -> trial(each, "search.trials[$index]") },
    )
}

private fun trial(data: Any?, where: String): Trial {
    val names = setOf("backend", "recipe", "float_layers", "value", "p50_ms", "bytes", "recovered", "kept")
    val fields = takeFields(data, where, names)
    val (recovered, kept) = listOf("recovered", "kept").map { name ->
        fields[name] as? Boolean ?: reject("$where.$name", fields[name], "true or false")
    }
    return Trial(
        backend = takeText(fields["backend"], "$where.backend"),
        recipe = takeText(fields["recipe"], "$where.recipe"),
        floatLayers = takeTexts(fields["float_layers"], "$where.float_layers"),
        value = takeNumber(fields["value"], "$where.value", -1, 1),
        p50Ms = takeNumber(fields["p50_ms"], "$where.p50_ms", 0),
        bytes = takeLong(fields["bytes"], "$where.bytes", 1),
        recovered = recovered,
        kept = kept,
    )
}
