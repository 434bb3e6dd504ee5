package org.edgebert.demo

import android.app.Activity
import android.app.AlertDialog
import android.content.ActivityNotFoundException
import android.content.Context
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.text.Editable
import android.text.TextWatcher
import android.view.View
import android.widget.AdapterView
import android.widget.ArrayAdapter
import android.widget.Button
import android.widget.CheckBox
import android.widget.EditText
import android.widget.Spinner
import android.widget.TextView
import java.io.File
import java.text.NumberFormat
import java.util.concurrent.Executors
import org.edgebert.EdgeBert

/** Texts and answers to them, and which model gives these. */
class MainActivity : Activity() {
    private lateinit var kept: Kept
    private lateinit var first: EditText
    private lateinit var second: EditText
    private lateinit var bundles: Spinner
    private lateinit var threads: Spinner
    private lateinit var replyView: ReplyView
    private var dialog: AlertDialog? = null
    private var offeredBundles: List<BundleName> = emptyList()
    private val offeredThreads = threadCounts(Runtime.getRuntime().availableProcessors())

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.main)
        keepInsideBars(findViewById(R.id.root))
        first = findViewById(R.id.first)
        second = findViewById(R.id.second)
        bundles = findViewById(R.id.bundle)
        threads = findViewById(R.id.threads)
        replyView = ReplyView(findViewById(R.id.summary), findViewById(R.id.details))
        val retained = lastNonConfigurationInstance as? Kept
        kept = retained ?: Kept(applicationContext)
        offerThreads(savedInstanceState?.getInt(THREADS) ?: DEFAULT_THREADS)
        offerBundles(savedInstanceState?.getString(BUNDLE)?.let { BundleName.Imported(it) } ?: BundleName.Shipped)
        listenToButtons()
        ProcessStart.take()
        if (savedInstanceState == null) import(offered(intent))
        if (retained == null && savedInstanceState?.getBoolean(IMPORTING) == true) say(getString(R.string.import_lost))
    }

    override fun onPostCreate(savedInstanceState: Bundle?) {
        super.onPostCreate(savedInstanceState)
        // Fields have their texts back by now, which are asked once, not as if they were typed.
        kept.conversation.ask(question())
        choose()
        listenToFields()
        kept.conversation.onChange = { show(it) }
        kept.importer.onChange = { show(it) }
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        import(offered(intent))
    }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        (chosenBundle() as? BundleName.Imported)?.let { outState.putString(BUNDLE, it.file) }
        outState.putInt(THREADS, chosenThreads())
        outState.putBoolean(IMPORTING, kept.importer.state is ImportState.Running)
    }

    override fun onRetainNonConfigurationInstance(): Any = kept

    override fun onDestroy() {
        kept.conversation.onChange = null
        kept.importer.onChange = null
        dialog?.dismiss()
        if (!isChangingConfigurations) kept.close()
        super.onDestroy()
    }

    override fun onActivityResult(requestCode: Int, resultCode: Int, data: Intent?) {
        super.onActivityResult(requestCode, resultCode, data)
        if (requestCode == PICK && resultCode == RESULT_OK) import(data?.data)
    }

    private fun listenToButtons() {
        findViewById<Button>(R.id.example).setOnClickListener { fillInExample() }
        findViewById<Button>(R.id.clear).setOnClickListener {
            first.setText("")
            second.setText("")
            first.requestFocus()
        }
        findViewById<CheckBox>(R.id.compare).setOnClickListener { show(kept.conversation.shown) }
        findViewById<Button>(R.id.import_bundle).setOnClickListener { pick() }
        findViewById<Button>(R.id.cancel_import).setOnClickListener {
            kept.importer.cancel()
            say(getString(R.string.import_cancelled))
        }
        findViewById<Button>(R.id.remove_bundle).setOnClickListener { askToRemove() }
        findViewById<Button>(R.id.benchmark).setOnClickListener { startBenchmark() }
    }

    private fun listenToFields() {
        val watcher = object : TextWatcher {
            override fun beforeTextChanged(text: CharSequence?, start: Int, count: Int, after: Int) = Unit

            override fun onTextChanged(text: CharSequence?, start: Int, before: Int, count: Int) = Unit

            override fun afterTextChanged(text: Editable?) {
                kept.conversation.ask(question())
                showIfFull()
            }
        }
        first.addTextChangedListener(watcher)
        second.addTextChangedListener(watcher)
        val chooser = object : AdapterView.OnItemSelectedListener {
            override fun onItemSelected(parent: AdapterView<*>?, view: View?, position: Int, id: Long) = choose()

            override fun onNothingSelected(parent: AdapterView<*>?) = Unit
        }
        bundles.onItemSelectedListener = chooser
        threads.onItemSelectedListener = chooser
        showIfFull()
    }

    private fun question(): Question {
        val asksTwo = findViewById<View>(R.id.second_field).visibility == View.VISIBLE
        return Question(first.text.toString(), if (asksTwo) second.text.toString() else "")
    }

    private fun choose() {
        val bundle = chosenBundle()
        kept.conversation.choose(Choice(bundle, chosenThreads()))
        findViewById<View>(R.id.remove_bundle).showIf(bundle is BundleName.Imported)
    }

    private fun chosenBundle(): BundleName =
        offeredBundles.getOrNull(bundles.selectedItemPosition) ?: BundleName.Shipped

    private fun chosenThreads(): Int = offeredThreads.getOrNull(threads.selectedItemPosition) ?: DEFAULT_THREADS

    private fun offerBundles(chosen: BundleName) {
        offeredBundles = listOf(BundleName.Shipped) + kept.store.imported()
        offer(bundles, offeredBundles.map { nameOf(it) }, offeredBundles.indexOf(chosen))
    }

    private fun offerThreads(chosen: Int) {
        val format = NumberFormat.getIntegerInstance()
        offer(threads, offeredThreads.map { format.format(it) }, offeredThreads.indexOf(chosen))
    }

    private fun offer(spinner: Spinner, names: List<String>, chosen: Int) {
        val adapter = ArrayAdapter(this, android.R.layout.simple_spinner_item, names)
        adapter.setDropDownViewResource(android.R.layout.simple_spinner_dropdown_item)
        spinner.adapter = adapter
        spinner.setSelection(maxOf(chosen, 0))
    }

    private fun nameOf(bundle: BundleName): String = when (bundle) {
        is BundleName.Shipped -> getString(R.string.bundle_shipped)
        is BundleName.Imported -> bundle.file.removeSuffix(".edgebert")
    }

    private fun show(shown: Shown) {
        val model = shown.model
        findViewById<View>(R.id.loading).visibility = if (shown.loading) View.VISIBLE else View.INVISIBLE
        findViewById<View>(R.id.example).isEnabled = model != null
        if (model != null) showFields(model)
        replyView.show(shown.reply, withoutReply(shown))
        findViewById<TextView>(R.id.summary).setTextColor(
            getColor(if (shown.problem == null) R.color.text else R.color.problem),
        )
        findViewById<TextView>(R.id.figures).text = figures(shown)
        findViewById<TextView>(R.id.model_facts).text =
            if (model == null) "" else getString(R.string.model_facts, model.task, model.backend, model.recipe)
        findViewById<View>(R.id.benchmark).isEnabled = model != null
    }

    private fun showFields(model: ModelFacts) {
        val hadTwo = findViewById<View>(R.id.second_field).visibility == View.VISIBLE
        val compare = findViewById<CheckBox>(R.id.compare)
        compare.showIf(model.secondText == SecondText.OPTIONAL)
        val hasTwo = model.secondText == SecondText.REQUIRED ||
            (model.secondText == SecondText.OPTIONAL && compare.isChecked)
        findViewById<View>(R.id.second_field).showIf(hasTwo)
        val asksQuestion = example(model) == Example.QUESTION
        findViewById<TextView>(R.id.first_label).text = when {
            asksQuestion -> getString(R.string.first_text_question)
            model.maskText != null -> getString(R.string.first_text_masked, model.maskText)
            else -> getString(R.string.first_text)
        }
        findViewById<TextView>(R.id.second_label).text =
            getString(if (asksQuestion) R.string.second_text_question else R.string.second_text)
        if (hadTwo != hasTwo) kept.conversation.ask(question())
    }

    /** What stands where the answer will be. */
    private fun withoutReply(shown: Shown): String {
        val model = shown.model
        val problem = shown.problem
        return when {
            shown.loading -> getString(R.string.loading)
            model == null -> if (problem == null) "" else getString(R.string.model_problem, problem)
            problem != null -> getString(R.string.answer_problem, problem)
            model.maskText != null -> getString(R.string.welcome_masked, model.maskText)
            model.secondText == SecondText.REQUIRED -> getString(R.string.welcome_pair)
            else -> getString(R.string.welcome)
        }
    }

    private fun figures(shown: Shown): String {
        val bytes = shown.residentBytes ?: return ""
        val memory = decimal(bytes / 1e6, 0)
        val milliseconds = shown.milliseconds ?: return getString(R.string.figures_memory, memory)
        return getString(R.string.figures, decimal(milliseconds, 1), memory)
    }

    private fun showIfFull() {
        val most = resources.getInteger(R.integer.most_characters)
        val note = findViewById<TextView>(R.id.text_full)
        note.showIf(first.length() >= most || second.length() >= most)
        note.text = getString(R.string.text_full, most)
    }

    private fun fillInExample() {
        val model = kept.conversation.shown.model ?: return
        when (example(model)) {
            Example.SENTENCE -> fillIn(getString(R.string.example_first))
            Example.PAIR -> fillIn(getString(R.string.example_first), getString(R.string.example_second))
            Example.QUESTION ->
                fillIn(getString(R.string.example_first_question), getString(R.string.example_second_question))
            Example.NAMES -> fillIn(getString(R.string.example_first_names))
            Example.MASKED -> fillIn(getString(R.string.example_first_masked, model.maskText))
        }
    }

    private fun fillIn(one: String, other: String = "") {
        first.setText(one)
        second.setText(other)
        first.setSelection(one.length)
    }

    private fun pick() {
        val intent = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("*/*")
        try {
            startActivityForResult(intent, PICK)
        } catch (_: ActivityNotFoundException) {
            say(getString(R.string.import_no_picker))
        }
    }

    private fun import(uri: Uri?) {
        if (uri != null) kept.importer.import(ContentFile(applicationContext.contentResolver, uri))
    }

    private fun show(state: ImportState) {
        findViewById<View>(R.id.import_bundle).isEnabled = state !is ImportState.Running
        findViewById<View>(R.id.cancel_import).showIf(state is ImportState.Running)
        when (state) {
            is ImportState.None -> Unit
            is ImportState.Running -> say(getString(R.string.importing))
            is ImportState.Imported -> {
                say(getString(R.string.imported, nameOf(state.bundle)))
                offerBundles(state.bundle)
                choose()
                kept.importer.dismiss()
            }
            is ImportState.Refused -> say(reason(state.refusal))
        }
    }

    private fun reason(refusal: Refusal): String = when (refusal) {
        is Refusal.NoBundle -> getString(R.string.import_no_bundle, refusal.message)
        is Refusal.TooLarge -> getString(R.string.import_too_large, refusal.mostBytes / 1_000_000)
        is Refusal.DiskFull -> getString(R.string.import_disk_full)
        is Refusal.Unreadable -> getString(R.string.import_unreadable, refusal.message)
    }

    private fun say(text: String) {
        val status = findViewById<TextView>(R.id.import_status)
        status.text = text
        status.showIf(true)
    }

    private fun askToRemove() {
        val bundle = chosenBundle() as? BundleName.Imported ?: return
        dialog = AlertDialog.Builder(this)
            .setMessage(getString(R.string.remove_question, nameOf(bundle)))
            .setNegativeButton(R.string.keep, null)
            .setPositiveButton(R.string.remove) { _, _ ->
                kept.store.remove(bundle)
                offerBundles(BundleName.Shipped)
                choose()
            }
            .show()
    }

    private fun startBenchmark() {
        val model = kept.conversation.shown.model ?: return
        val intent = Intent(this, BenchmarkActivity::class.java)
            .putExtra(BenchmarkRequest.BACKEND, model.backend)
            .putExtra(BenchmarkRequest.RECIPE, model.recipe)
            .putExtra(BenchmarkRequest.THREADS, chosenThreads())
        (chosenBundle() as? BundleName.Imported)?.let {
            intent.putExtra(BenchmarkRequest.BUNDLE, kept.store.file(it).path)
        }
        startActivity(intent)
    }

    private fun decimal(value: Double, digits: Int): String =
        NumberFormat.getNumberInstance().apply { maximumFractionDigits = digits }.format(value)

    /** What stays while the activity is made anew, because the phone was turned, for one. */
    private class Kept(context: Context) {
        val store = BundleStore(File(context.filesDir, "bundles"))
        private val main = mainExecutor()
        val importer = Importer(store, main)
        val conversation = Conversation(Executors.newSingleThreadScheduledExecutor(), main) { choice ->
            val model = when (val bundle = choice.bundle) {
                is BundleName.Shipped ->
                    context.assets.open(SHIPPED_BUNDLE).use { EdgeBert.load(it, threads = choice.threads) }
                is BundleName.Imported -> EdgeBert.load(store.file(bundle), threads = choice.threads)
            }
            ModelAnswerer(model)
        }

        fun close() {
            importer.close()
            conversation.close()
        }
    }

    private companion object {
        const val PICK = 1
        const val BUNDLE = "bundle"
        const val THREADS = "threads"
        const val IMPORTING = "importing"
        const val DEFAULT_THREADS = 1
    }
}

/** The bundle that comes with the app: the asset that the build puts there. */
internal const val SHIPPED_BUNDLE = "model.edgebert"
