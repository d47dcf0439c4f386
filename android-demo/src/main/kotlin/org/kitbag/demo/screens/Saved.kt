package org.kitbag.demo.screens

import java.time.Duration
import org.kitbag.Form
import org.kitbag.Kind
import org.kitbag.RecordId

/** It is saved: a tick, undo for ten seconds, and more of the same in a row. */
class Saved(app: App, private val shift: OnShift, private val form: Form, record: RecordId) : Screen(app) {
    private val records = arrayListOf(record)
    private var savedAt: Duration = app.phone.platform.uptime()
    private var isNew = true
    private var isUndone = false

    override val redrawnEachMs get() = 1_000L

    override suspend fun page(): Page {
        val items = ArrayList<Item>()
        if (isUndone) items += Item.Words(say("app-undone"), Tone.PLAIN)
        else items += Item.Done(speech.count("app-saved", records.size.toLong()))
        items += Item.Words(say("app-safe_here"))
        if (form.kind == Kind.DISTRIBUTION && !isUndone) {
            items += Item.Heading(say("app-more_alike"))
            MORE.mapTo(items) { more -> Item.Option(speech.count("app-more_like_this", more), false) { again(more) } }
        }
        val left = UNDO - (app.phone.platform.uptime() - savedAt)
        val undo = Item.Button(speech.count("app-undo", left.seconds.coerceAtLeast(1)), Look.QUIET) { undo() }
        val done = Item.Button(say("app-done"), Look.MAIN) { app.home() }
        val isOpen = !isUndone && !left.isNegative && !left.isZero
        val isSaved = isNew
        isNew = false
        return Page("saved", app.vocabulary().kind(form.kind).inWords, items, listOfNotNull(undo.takeIf { isOpen }, done), true, false, isSaved)
    }

    private suspend fun again(more: Long) {
        // One after the other: each is durable, and each may be undone.
        repeat(more.toInt()) { records += shift.kitbag.records.record(shift.team, form) }
        savedAt = app.phone.platform.uptime()
        isNew = true
    }

    private suspend fun undo() {
        // The last first; what was undone is undone, wherever it stops.
        while (records.isNotEmpty()) {
            shift.kitbag.records.undo(records.last())
            records.removeLast()
        }
        isUndone = true
    }

    override suspend fun back() = app.home()

    companion object {
        /** How long what was saved may be undone by one tap. */
        val UNDO: Duration = Duration.ofSeconds(10)
        private val MORE = listOf(1L, 2L, 3L)
    }
}
