package org.edgebert.tasks

import org.edgebert.Regression

/** Raw outputs of one text, one a label; there is nothing to rank. */
internal fun regression(outputs: FloatArray, reading: Reading, request: Request): Regression {
    val values = request.labels.mapIndexed { index, label -> label to outputs[index].toDouble() }.toMap()
    return Regression(outputs[0].toDouble(), values, reading.truncated, reading.windows)
}
