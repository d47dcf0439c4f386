package org.kitbag.demo.screens

import org.kitbag.Attention
import org.kitbag.Change
import org.kitbag.Delivery
import org.kitbag.DeviceKey
import org.kitbag.Draft
import org.kitbag.DraftId
import org.kitbag.ElementName
import org.kitbag.Field
import org.kitbag.Form
import org.kitbag.KitbagException
import org.kitbag.LiftedBy
import org.kitbag.Need
import org.kitbag.RecordId
import org.kitbag.Shape
import org.kitbag.State
import org.kitbag.Value
import org.kitbag.WholeRecord
import org.kitbag.Written

/** One record: its answers, what is to be settled, its history; corrected, voided, undone. */
class RecordOf(app: App, private val id: RecordId) : Screen(app) {
    override suspend fun page(): Page {
        val words = app.vocabulary()
        val record = app.shift().kitbag.records.get(id)
        val items = ArrayList<Item>()
        items += standing(record)
        // What is to be settled stands where nobody has to look for it.
        val fields = words.kind(record.kind).fields
        fields.flatMapTo(items) { settling(words, record, it) }
        for (field in fields.filter { it.name !in HIDDEN }) items += answered(words, record, field)
        items += Item.Heading(say("app-changes"))
        val names = app.shift().kitbag.team.names()
        record.history.mapTo(items) { change ->
            Item.Line(who(change.author, names), speech.ago(change.at, app.phone.platform.now()))
        }
        return Page("record", words.kind(record.kind).inWords, items, foot(record))
    }

    private suspend fun standing(record: WholeRecord): List<Item> {
        val items = ArrayList<Item>()
        if (record.state == State.VOID) items += Item.Words(say("app-void_now"), Tone.WARNING, Mark.TROUBLE)
        if (record.state == State.DUPLICATE) items += Item.Words(say("app-duplicate_now"), Tone.WARNING, Mark.TROUBLE)
        when (record.attention) {
            Attention.None -> {}
            Attention.Conflicted -> items += Item.Words(say("app-choose_value"), Tone.WARNING, Mark.TROUBLE)
            Attention.DateInDoubt -> items += Item.Words(say("app-date_in_doubt_what"), Tone.WARNING, Mark.TROUBLE)
            is Attention.Refused -> items += Item.Words(say(lifted()), Tone.BAD, Mark.TROUBLE)
        }
        when (record.delivery) {
            Delivery.Waiting -> items += Item.Words(say("app-waits_safe"), Tone.PLAIN, Mark.WAITING)
            Delivery.OnHub -> items += Item.Words(say("app-on_hub"), Tone.GOOD, Mark.SENT)
            is Delivery.Aside -> items += Item.Words(say("app-aside_one"), Tone.BAD, Mark.TROUBLE)
        }
        return items
    }

    private suspend fun lifted(): String {
        val refused = app.shift().kitbag.records.refused().firstOrNull { it.record == id }
        return when (refused?.liftedBy) {
            LiftedBy.COORDINATOR -> "app-refused_coordinator"
            LiftedBy.ARRIVAL -> "app-refused_arrival"
            LiftedBy.NOBODY, null -> "app-refused_nobody"
        }
    }

    /** Two values to choose from, of a field, of a code of a set, of an element: the last one counts until a person chose. */
    private fun settling(words: Vocabulary, record: WholeRecord, field: Field): List<Item> {
        val items = ArrayList<Item>()
        val own = record.fields.filterKeys { it == field.name || it.startsWith("${field.name}.") }
        for ((name, values) in own.filterValues { it.size > 1 }) {
            val code = name.substringAfter('.', "")
            val title = if (code.isEmpty()) field.inWords else "${field.inWords}: ${field.codesInWords[code] ?: code}"
            items += choice(words, title, field, values) { Change.Put(name, it) }
        }
        val inner = (field.shape as? Shape.Elements)?.fields.orEmpty()
        for (element in record.lists[field.name].orEmpty()) {
            for ((name, values) in element.fields.filterValues { it.size > 1 }) {
                val of = inner.firstOrNull { it.name == name } ?: continue
                items += choice(words, "${field.inWords}: ${of.inWords}", of, values) { Change.PutIn(field.name, element.name, name, it) }
            }
        }
        return items
    }

    private fun choice(words: Vocabulary, title: String, field: Field, values: List<Written>, change: (Value) -> Change): List<Item> {
        val options = values.mapIndexed { number, written ->
            val detail = if (number == values.lastIndex) say("app-counts_now") else null
            Item.Option(words.said(field, written.value), false, detail) { app.shift().kitbag.records.change(id, listOf(change(written.value))) }
        }
        return listOf<Item>(Item.Heading(title)) + options
    }

    private fun answered(words: Vocabulary, record: WholeRecord, field: Field): List<Item> {
        val items = ArrayList<Item>()
        val values = record.fields[field.name].orEmpty()
        if (values.size == 1 && values[0].value != Value.Nothing) {
            items += Item.Line(field.inWords, words.said(field, values[0].value)) { app.show(Correct(app, id, field.name)) }
        }
        val ofSet = record.fields.filterKeys { it.startsWith("${field.name}.") }.mapNotNull { (name, all) -> all.lastOrNull()?.let { name to it.value } }
        if (ofSet.isNotEmpty()) {
            val form = Form(record.kind, ofSet.toMap())
            items += Item.Line(field.inWords, words.said(record.kind, field, form)) { app.show(Correct(app, id, field.name)) }
        }
        record.lists[field.name].orEmpty().forEach { element ->
            val said = element.fields.mapNotNull { (name, all) -> all.lastOrNull()?.let { name to it.value } }.toMap()
            if (said["void"].let { it == null || it == Value.Nothing }) items += Item.Line(field.inWords, words.element(record.kind, field, said)) {
                app.show(Voiding(app, id, field.name to element.name))
            }
        }
        return items
    }

    private fun who(author: DeviceKey, names: Map<DeviceKey, String>) =
        if (author == app.shift().device) say("app-me") else names[author]?.let(speech::plain) ?: say("app-colleague")

    private fun foot(record: WholeRecord): List<Item> {
        if (record.state == State.VOID) {
            return listOf(Item.Button(say("app-clear_void")) { app.shift().kitbag.records.clearVoid(id) })
        }
        val isMine = record.history.lastOrNull()?.author == app.shift().device && record.history.size > 1
        val undo = Item.Button(say("app-undo_last"), Look.QUIET) { app.shift().kitbag.records.undo(id) }
        return listOfNotNull(
            undo.takeIf { isMine },
            Item.Button(say("app-void"), Look.DANGER) { app.show(Voiding(app, id)) },
            Item.Button(say("app-correct_other")) { app.show(CorrectOther(app, id)) },
        )
    }

    internal companion object {
        val HIDDEN = setOf("utc_offset_min", "void", "duplicate_of", "distinct", "import_key", "records_digest", "values")
    }
}

/** Why a record, or one element of a list of its, is to count nowhere: the reason is what voids it. */
class Voiding(app: App, private val id: RecordId, private val element: Pair<String, ElementName>? = null) : Screen(app) {
    override suspend fun page(): Page {
        val words = app.vocabulary()
        val record = app.shift().kitbag.records.get(id)
        val field = words.field(record.kind, "void")
        val items = field?.let(words::choices).orEmpty().filter { it.code != "undone" }.map { reason ->
            Item.Option(reason.text, false) {
                val records = app.shift().kitbag.records
                if (element == null) records.void(id, reason.code)
                else records.change(id, listOf(Change.PutIn(element.first, element.second, "void", Value.Text(reason.code))))
                app.leave(this)
            }
        }
        val what = element?.let { (list, name) -> said(words, record, list, name) } ?: say("app-void_what")
        return Page("voiding", say("app-void_why"), listOf<Item>(Item.Words(what)) + items, isAtThumb = true)
    }

    private fun said(words: Vocabulary, record: WholeRecord, list: String, name: ElementName): String? {
        val field = words.field(record.kind, list) ?: return null
        val element = record.lists[list].orEmpty().firstOrNull { it.name == name } ?: return null
        return words.element(record.kind, field, element.fields.mapNotNull { (inner, all) -> all.lastOrNull()?.let { inner to it.value } }.toMap())
    }
}

/** What else is to be corrected: the questions that have no answer. */
class CorrectOther(app: App, private val id: RecordId) : Screen(app) {
    override suspend fun page(): Page {
        val words = app.vocabulary()
        val record = app.shift().kitbag.records.get(id)
        val fields = words.kind(record.kind).fields.filter { it.name !in RecordOf.HIDDEN && it.shape !is Shape.Elements }
        val items = fields.map { field -> Item.Line(field.inWords, record[field.name]?.let { words.said(field, it) }) { app.replace(Correct(app, id, field.name)) } }
        return Page("correct_other", say("app-correct_other"), items)
    }
}

/** Corrects one answer of a record: the old one stays in its history. What is typed of it is a draft, which outlives the app. */
class Correct(
    app: App,
    private val id: RecordId,
    private val name: String,
    private var held: Form? = null,
    private var draft: DraftId? = null,
) : Screen(app) {
    private var begunFrom: Form? = null

    override suspend fun page(): Page {
        val words = app.vocabulary()
        val record = app.shift().kitbag.records.get(id)
        val field = words.field(record.kind, name) ?: return Page("correct", "", emptyList())
        val stands = Form(record.kind, record.fields.mapNotNull { (field, all) -> all.lastOrNull()?.let { field to it.value } }.toMap())
        // What a colleague answers meanwhile is not taken back by what was begun before.
        val before = begunFrom ?: stands
        val clockIsOff = app.shift().kitbag.sync.status().clockIsOff
        val hold: suspend (Form) -> Unit = {
            begunFrom = before
            held = it
            keep(it)
        }
        val question = Question(app, words, field, { held ?: before }, app.shift().device, clockIsOff, null, hold) { change(before, it) }
        val takeBack = field.need == Need.Optional && record[name] != null
        val items = listOf(Item.Words(say("app-correct_what"))) + question.items()
        return Page("correct", field.inWords, items, question.foot().filter { takeBack || it !is Item.Button || it.look == Look.MAIN }, isAtThumb = true)
    }

    private suspend fun keep(form: Form) {
        val marked = form.put(MARKED, "$MARK $id $name")
        draft = try {
            app.shift().kitbag.drafts.save(marked, draft)
        } catch (_: KitbagException.Invalid) {
            // Half a date is none yet: it is kept with the letter that makes it one.
            draft
        }
    }

    private suspend fun discard() {
        draft?.let { app.shift().kitbag.drafts.discard(it) }
        draft = null
    }

    override suspend fun back() {
        discard()
        super.back()
    }

    /** All that differs, at once. */
    private suspend fun change(before: Form, answered: Form) {
        val read = app.shift().kitbag.records.prepared(app.shift().team, answered)
        val names = (before.fields.keys + read.fields.keys).filter { it == name || it.startsWith("$name.") || (name == "supply_type" && it == "resupply_reason") }
        val changes = names.filter { before.fields[it] != read.fields[it] }.map { Change.Put(it, read.fields[it] ?: Value.Nothing) }
        if (changes.isNotEmpty()) app.shift().kitbag.records.change(id, changes)
        discard()
        app.leave(this)
    }

    companion object {
        /** Where a draft says that it is of a correction: a field that nobody answers by hand, and that is never saved so. */
        private const val MARKED = "import_key"
        private const val MARK = "correction"

        /** The correction that a draft is of; null where it is of a new record. */
        fun begun(app: App, draft: Draft): Correct? {
            val (mark, id, name) = (draft.form.answers[MARKED] as? Value.Text)?.text?.split(' ')?.takeIf { it.size == 3 } ?: return null
            return if (mark == MARK) Correct(app, RecordId(id), name, draft.form.takeBack(MARKED), draft.id) else null
        }
    }
}
