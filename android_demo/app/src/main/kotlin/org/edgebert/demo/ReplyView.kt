package org.edgebert.demo

import android.content.Context
import android.text.SpannableString
import android.text.Spanned
import android.text.style.BackgroundColorSpan
import android.view.View
import android.widget.LinearLayout
import android.widget.ProgressBar
import android.widget.TextView
import java.text.NumberFormat
import kotlin.math.roundToInt
import org.edgebert.Classification
import org.edgebert.LabelScore
import org.edgebert.MaskedWords
import org.edgebert.MultiLabel
import org.edgebert.QuestionAnswering
import org.edgebert.Regression
import org.edgebert.TokenClassification

/**
 * Replies as a person reads them: in [summary], which a screen reader says, the main thing; in [details] the rest.
 */
class ReplyView(private val summary: TextView, private val details: LinearLayout) {
    private val context: Context = summary.context
    private val percent = NumberFormat.getPercentInstance().apply { maximumFractionDigits = 1 }
    private val decimal = NumberFormat.getNumberInstance().apply { maximumFractionDigits = 3 }

    /** @param otherwise what is said where there is no reply. */
    fun show(reply: Reply?, otherwise: String) {
        val text = if (reply ==
            null
        ) {
            otherwise
        } else {
            listOf(mainThing(reply), reading(reply)).filter { it != "" }.joinToString("\n")
        }
        // To set the same text again would make a screen reader repeat it.
        if (summary.text.toString() != text) summary.text = text
        showMarked(reply)
        showBars(if (reply == null) Bars(emptyList(), 0) else bars(reply))
    }

    private fun mainThing(reply: Reply): String = when (reply) {
        is Reply.Similarity -> context.getString(R.string.similarity, decimal.format(reply.cosine))
        is Reply.Answered -> when (val answer = reply.answer) {
            is Classification -> labelled(answer.label, percent.format(answer.score))
            is MultiLabel ->
                if (answer.labels.isEmpty()) context.getString(R.string.no_labels) else answer.labels.joinToString()
            is Regression ->
                answer.values.entries.joinToString("\n") { (label, value) -> labelled(label, decimal.format(value)) }
            is TokenClassification -> found(answer)
            is QuestionAnswering ->
                if (answer.text ==
                    ""
                ) {
                    context.getString(R.string.no_reply)
                } else {
                    labelled(answer.text, percent.format(answer.score))
                }
            is MaskedWords -> answer.text
        }
    }

    private fun found(answer: TokenClassification): String {
        if (answer.entities.isEmpty()) return context.getString(R.string.no_entities)
        val entities = answer.entities.joinToString { context.getString(R.string.entity, it.text, it.label) }
        return context.getString(R.string.found, entities)
    }

    /** What of the text was read, if it was not all of it at once. */
    private fun reading(reply: Reply): String {
        val answer = (reply as? Reply.Answered)?.answer ?: return ""
        val parts = answer.windows
        return listOfNotNull(
            if (parts > 1) context.resources.getQuantityString(R.plurals.windows, parts, parts) else null,
            if (answer.truncated) context.getString(R.string.truncated) else null,
        ).joinToString(" ")
    }

    private fun showMarked(reply: Reply?) {
        val view = details.findViewById<TextView>(R.id.marked)
        val stretches = if (reply == null) emptyList() else marked(reply)
        view.showIf(stretches.isNotEmpty())
        if (reply !is Reply.Answered || stretches.isEmpty()) return
        val text = SpannableString(reply.text)
        for (stretch in stretches) {
            val color = BackgroundColorSpan(context.getColor(R.color.mark))
            text.setSpan(color, stretch.start, stretch.end, Spanned.SPAN_EXCLUSIVE_EXCLUSIVE)
        }
        view.text = text
    }

    private fun showBars(bars: Bars) {
        val holder = details.findViewById<LinearLayout>(R.id.bars)
        // Views are kept: a screen reader would lose its place with one that goes.
        while (holder.childCount > bars.shown.size) holder.removeViewAt(holder.childCount - 1)
        while (holder.childCount < bars.shown.size) View.inflate(context, R.layout.label_bar, holder)
        bars.shown.forEachIndexed { index, bar -> show(bar, holder.getChildAt(index)) }
        val more = details.findViewById<TextView>(R.id.more_bars)
        more.showIf(bars.more > 0)
        more.text = context.resources.getQuantityString(R.plurals.more_bars, bars.more, bars.more)
    }

    private fun show(bar: LabelScore, row: View) {
        val score = percent.format(bar.score)
        row.contentDescription = labelled(bar.label, score)
        row.findViewById<TextView>(R.id.label).text = bar.label
        row.findViewById<TextView>(R.id.score).text = score
        row.findViewById<ProgressBar>(R.id.bar).progress = (bar.score * MOST).roundToInt()
    }

    private fun labelled(label: String, value: String) = context.getString(R.string.label_score, label, value)

    private companion object {
        /** As label_bar.xml has it. */
        const val MOST = 1000
    }
}
