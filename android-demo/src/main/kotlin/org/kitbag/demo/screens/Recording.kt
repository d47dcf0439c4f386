package org.kitbag.demo.screens

import org.kitbag.DraftId
import org.kitbag.Fault
import org.kitbag.Field
import org.kitbag.Form
import org.kitbag.Kind
import org.kitbag.KitbagException
import org.kitbag.Shape
import org.kitbag.Value

/**
 * Records something by one question a screen. Asked is what saving would find missing, in the order of the data dictionary;
 * what was answered last time and mostly stays so is there already. Each answer is in a draft before the next question.
 */
class Recording(app: App, private val shift: OnShift, private var form: Form, private var draft: DraftId?) : Screen(app) {
    private val kind: Kind get() = form.kind
    private val asked = ArrayList<String>()
    private var current: String? = null
    private var isUnfolded = false

    /** The first question, before it is shown. */
    suspend fun begin(): Recording {
        proceed()
        return this
    }

    /** The form as it stands. */
    val filled: Form get() = form

    override suspend fun page(): Page {
        val words = app.vocabulary()
        return current?.let { question(words, it) } ?: review(words)
    }

    private suspend fun faults(): List<Fault> {
        val order = app.vocabulary().kind(kind).fields.map(Field::name)
        val faults = try {
            shift.kitbag.records.faults(shift.team, form.sinceFirstDose())
        } catch (invalid: KitbagException.Invalid) {
            // What cannot be read at all is wrong as well.
            invalid.faults
        }
        return faults.sortedBy { order.indexOf(it.field.substringBefore('.')) }
    }

    /** The next question that is not answered; none is the review. */
    private suspend fun proceed() {
        val missing = faults().firstOrNull()?.field?.substringBefore('.')
        current = missing
        if (missing != null && missing !in asked) asked += missing
    }

    private suspend fun question(words: Vocabulary, name: String): Page {
        val field = words.field(kind, name) ?: return review(words)
        val items = ArrayList<Item>()
        known(words)?.let { items += Item.Words(it) }
        val wrong = faults().firstOrNull { it.field.substringBefore('.') == name && it.code !in OPEN }
        if (wrong != null) items += Item.Words(wrong.inWords, Tone.BAD, Mark.TROUBLE)
        val clockIsOff = shift.kitbag.sync.status().clockIsOff
        if (clockIsOff && field.shape == Shape.Date) items += Item.Words(say("app-clock_off"), Tone.WARNING, Mark.TROUBLE)
        val product = if (name == "administrations") lastProduct(app, shift) else null
        val question = Question(app, words, field, { form }, shift.device, clockIsOff, product, ::hold, ::answer)
        items += question.items()
        return Page("question", field.inWords, items, question.foot(), isAtThumb = true)
    }

    /** What is known already, in a line: a person sees what was taken from last time. */
    private fun known(words: Vocabulary): String? {
        val fields = words.kind(kind).fields.filter { it.name in SHOWN && form.answers[it.name] != null }
        return fields.joinToString(" · ") { words.said(it, form.answers.getValue(it.name)) }.ifEmpty { null }
    }

    /** Takes an answer in, and goes on to the next question: what was typed and does not fit is asked again. */
    suspend fun answer(answered: Form) {
        val before = current
        hold(answered)
        proceed()
        // What is asked again says why.
        if (before != null && current == before) faults().firstOrNull()?.let { app.say(Trouble(it.inWords)) }
    }

    /** Keeps what is answered so far: it is durable before anything else is shown. */
    private suspend fun hold(answered: Form) {
        form = answered
        try {
            draft = shift.kitbag.drafts.save(form, draft)
        } catch (invalid: KitbagException.Invalid) {
            // Half a date is none yet: all else is kept, and it with the letter that makes it one.
            draft = shift.kitbag.drafts.save(invalid.faults.fold(form) { rest, fault -> rest.takeBack(fault.field) }, draft)
        }
    }

    private suspend fun review(words: Vocabulary): Page {
        val form = form.sinceFirstDose()
        val fields = words.kind(kind).fields.filter { it.name !in HIDDEN }
        val (answered, open) = fields.partition { words.said(kind, it, form) != null }
        val items = ArrayList<Item>()
        answered.mapTo(items) { field -> Item.Line(field.inWords, words.said(kind, field, form)) { change(field) } }
        if (isUnfolded) open.mapTo(items) { field -> Item.Line(field.inWords, say("app-no_answer")) { change(field) } }
        else if (open.isNotEmpty()) items += Item.Button(say("app-more_questions"), Look.QUIET) { isUnfolded = true }
        val foot = listOf(Item.Button(say("app-save"), Look.MAIN, mark = Mark.TICK) { save() })
        return Page("review", words.kind(kind).inWords, items, foot, isAtThumb = !isUnfolded)
    }

    private fun change(field: Field) {
        current = field.name
        if (field.name !in asked) asked += field.name
    }

    private suspend fun save() {
        val kept = draft ?: shift.kitbag.drafts.save(form).also { draft = it }
        val whole = form.sinceFirstDose()
        val record = shift.kitbag.drafts.finish(kept, shift.team, whole)
        app.replace(Saved(app, shift, whole, record))
    }

    override suspend fun back() {
        val at = current?.let(asked::indexOf) ?: asked.size
        if (at > 0) current = asked[at - 1] else super.back()
    }

    /** Throws away what was begun. */
    suspend fun discard() {
        draft?.let { shift.kitbag.drafts.discard(it) }
        app.leave(this)
    }

    companion object {
        /** What only says that there is no answer yet. */
        private val OPEN = setOf("required", "one_of")

        /** What was taken from last time, as the line above a question shows it. */
        private val SHOWN = setOf("site", "channel", "product", "occurred_on", "service", "movement")

        /** What nobody answers by hand. */
        private val HIDDEN =
            setOf("utc_offset_min", "void", "duplicate_of", "distinct", "import_key", "doses_per_kit", "records_digest", "values")

        /** What this person handed out last; null where that is not known here. */
        suspend fun lastProduct(app: App, shift: OnShift): String? {
            val begun = shift.kitbag.records.begin(shift.team, Kind.DISTRIBUTION, app.phone.today(), app.phone.offsetMinutes())
            return (begun.answers["product"] as? Value.Text)?.text
        }

        /** Begins a record of a kind, with what was answered last time. */
        suspend fun of(app: App, kind: Kind): Recording {
            val shift = app.shift()
            val form = shift.kitbag.records.begin(shift.team, kind, app.phone.today(), app.phone.offsetMinutes())
            return Recording(app, shift, fromTheBag(app, shift, form), null).begin()
        }

        /** What is in the bag is what is handed out, until somebody said otherwise. */
        suspend fun fromTheBag(app: App, shift: OnShift, form: Form): Form {
            if (form.kind !in setOf(Kind.DISTRIBUTION, Kind.REVERSAL) || "taken_from" in form.answers) return form
            val bag = "device:${shift.device.text}"
            val held = shift.kitbag.stock.now(app.phone.today(), shift.team).held
            return if (held.any { it.holder == bag && it.doses > 0 }) form.put("taken_from", bag) else form
        }
    }
}
