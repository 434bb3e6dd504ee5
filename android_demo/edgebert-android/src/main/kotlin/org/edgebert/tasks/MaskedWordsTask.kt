package org.edgebert.tasks

import org.edgebert.LabelScore
import org.edgebert.Mask
import org.edgebert.MaskedWords
import org.edgebert.Matrix
import org.edgebert.tokenization.Text

/**
 * Logits [tokens, vocabulary] of each window → tokens for each mask.
 *
 * Windows are asked for one after another, so that they need not be held together.
 */
internal fun maskedWords(reading: Reading, outputs: List<Matrix>, request: Request): MaskedWords {
    val text = (reading.text as Text.Single).text
    val masks = places(reading)
        .filter { reading.encodings[it.window].ids[it.position] == request.tokenizer.mask }
        .map { place ->
            val scores = softmax(outputs[place.window].row(place.position))
            // Equal scores: the lower token first.
            val top = highest(scores, request.options.topK)
                .map { token -> LabelScore(stripped(request.tokenizer.decoded(token)), scores[token]) }
            Mask(place.start, place.end, top)
        }
    val filled = StringBuilder()
    var end = 0
    for (mask in masks) {
        filled.append(text, end, mask.start).append(mask.top[0].label)
        end = mask.end
    }
    filled.append(text, end, text.length)
    return MaskedWords(filled.toString(), masks, reading.truncated, reading.windows)
}

private fun stripped(text: String): String = text.substring(withoutSpaces(text, 0, text.length))
