package org.kitbag.demo.screens

import java.time.Duration
import java.time.LocalDate
import org.kitbag.Change
import org.kitbag.Element
import org.kitbag.Kind
import org.kitbag.RecordId
import org.kitbag.Row
import org.kitbag.Search
import org.kitbag.State
import org.kitbag.Value

/** Referrals that are open, the latest first, each with its next step. */
class Referrals(app: App) : Screen(app) {
    private var added: RecordId? = null
    private var addedAt: Duration = Duration.ZERO
    private var isNew = false

    override val redrawnEachMs get() = if (added == null) 30_000L else 1_000L

    override suspend fun page(): Page {
        val words = app.vocabulary()
        val items = open(words).map { row -> line(words, row) }
        val none = if (app.shift().kitbag.records.isCaptureOnly()) words.capturesOnly() else say("app-no_open_referrals")
        val shown = saved() + items.ifEmpty { listOf(Item.Words(none)) }
        val add = Item.Button(say("app-referral"), Look.MAIN, mark = Mark.REFERRAL) { app.show(Recording.of(app, Kind.REFERRAL)) }
        val isSaved = isNew
        isNew = false
        return Page("referrals", say("app-referrals"), shown, listOf(add), isSaved = isSaved)
    }

    /** An event was saved: it may be undone for a moment. */
    private fun saved(): List<Item> {
        val record = added ?: return emptyList()
        val left = Saved.UNDO - (app.phone.platform.uptime() - addedAt)
        if (left <= Duration.ZERO) added = null
        if (added == null) return emptyList()
        val undo = Item.Button(speech.count("app-undo", left.seconds.coerceAtLeast(1)), Look.QUIET) {
            app.shift().kitbag.records.undo(record)
            added = null
        }
        return listOf(Item.Done(speech.count("app-saved", 1)), undo)
    }

    private fun note(record: RecordId) {
        added = record
        addedAt = app.phone.platform.uptime()
        isNew = true
    }

    private suspend fun open(words: Vocabulary): List<Row> {
        val found = ArrayList<Row>()
        var search = Search(team = app.shift().team, kind = Kind.REFERRAL, state = State.COUNTED)
        while (found.size < SHOWN) {
            val page = app.shift().kitbag.records.list(search)
            page.rows.filterTo(found) { status(words, it) !in CLOSED }
            search = search.copy(olderThan = page.older ?: break)
        }
        return found.take(SHOWN)
    }

    private fun line(words: Vocabulary, row: Row): Item {
        val service = words.field(Kind.REFERRAL, "service")?.let { field -> row.fields["service"]?.let { words.said(field, it) } }
        val to = words.field(Kind.REFERRAL, "receiving_service")?.let { field -> row.fields["receiving_service"]?.let { words.said(field, it) } }
        val status = words.field(Kind.REFERRAL, "events.status")?.let { words.said(it, Value.Text(status(words, row))) }
        val detail = listOfNotNull(to, status, speech.day(row.day)).joinToString(" · ")
        return Item.Line(service ?: words.kind(Kind.REFERRAL).inWords, detail, mark = Mark.REFERRAL) { app.show(NextStep(app, row.id, status(words, row), ::note)) }
    }

    companion object {
        private const val SHOWN = 50

        /** After these nothing is awaited. */
        private val CLOSED = setOf("completed", "declined", "rejected", "dropped_out", "lost")

        /** Where a referral stands, as the data dictionary has it: at its latest event; a tie goes to the one further along. */
        fun status(words: Vocabulary, row: Row): String {
            fun Element.text(field: String) = (this[field] as? Value.Text)?.text.orEmpty()
            val order = words.field(Kind.REFERRAL, "events.status")?.codes.orEmpty()
            val events = row.lists["events"].orEmpty().filter { it["void"] == null }
            return events.maxWithOrNull(compareBy({ it.text("on") }, { order.indexOf(it.text("status")) }))?.text("status") ?: "unknown"
        }
    }
}

/** What happened next: one tap for what is likely, two for the rest. */
class NextStep(
    app: App,
    private val record: RecordId,
    private val status: String,
    /** Is told of what was saved. */
    private val saved: (RecordId) -> Unit = {},
) : Screen(app) {
    private var isUnfolded = false
    private var day = ""

    override suspend fun page(): Page {
        val words = app.vocabulary()
        val choices = words.field(Kind.REFERRAL, "events.status")?.let(words::choices).orEmpty().filter { it.code != status }
        val likely = LIKELY[status] ?: LIKELY.getValue("offered")
        val shown = if (isUnfolded) choices else likely.mapNotNull { code -> choices.firstOrNull { it.code == code } }
        val items = asked(words) + shown.map { choice -> Item.Option(choice.text, false) { add(choice.code) } }
        val other = Item.Button(say("app-something_else"), Look.QUIET) { isUnfolded = true }
        val whole = Item.Button(say("app-see_record"), Look.QUIET) { app.replace(RecordOf(app, record)) }
        return Page("next_step", say("app-what_happened"), items, listOfNotNull(whole, other.takeIf { !isUnfolded }), isAtThumb = true)
    }

    private suspend fun isClockOff() = app.shift().kitbag.sync.status().clockIsOff

    /** A clock that is wrong knows no day: it is asked. */
    private suspend fun asked(words: Vocabulary): List<Item> {
        if (!isClockOff()) return emptyList()
        val on = words.field(Kind.REFERRAL, "events.on")?.inWords.orEmpty()
        return listOf(
            Item.Words(say("app-clock_off"), Tone.WARNING, Mark.TROUBLE),
            Item.Input(say("app-typed_date", on), day) { day = it },
        )
    }

    private suspend fun add(code: String) {
        // Whoever shakes taps twice: one event happened.
        if (isLeft) return
        val on = if (isClockOff()) day.trim() else app.phone.today().toString()
        if (runCatching { LocalDate.parse(on) }.isFailure) return app.say(Trouble(say("app-clock_off")))
        val event = mapOf("status" to Value.Text(code), "on" to Value.Text(on))
        app.shift().kitbag.records.change(record, listOf(Change.Add("events", event)))
        saved(record)
        app.leave(this)
    }

    private companion object {
        /** After each status what mostly comes next, the likeliest nearest to the thumb. */
        val LIKELY = mapOf(
            "offered" to listOf("declined", "accepted", "made"),
            "made" to listOf("rejected", "no_show", "attended", "accepted"),
            "accepted" to listOf("no_show", "attended"),
            "no_show" to listOf("lost", "attended"),
            "attended" to listOf("dropped_out", "completed", "in_service"),
            "in_service" to listOf("dropped_out", "completed"),
        )
    }
}
