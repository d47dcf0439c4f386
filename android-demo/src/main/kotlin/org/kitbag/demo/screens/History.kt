package org.kitbag.demo.screens

import org.kitbag.Attention
import org.kitbag.Delivery
import org.kitbag.DeviceKey
import org.kitbag.Kind
import org.kitbag.Order
import org.kitbag.Place
import org.kitbag.Row
import org.kitbag.Search
import org.kitbag.State

/** What was recorded, the latest first; narrowed by a kind, by whose it is, by what needs a person, by a day. */
class History(app: App, private var search: Search = Search(order = Order.RECORDING, most = ROWS)) : Screen(app) {
    private val before = ArrayList<Place?>()
    private var isSearching = false
    private var day = ""

    override suspend fun page(): Page {
        val shift = app.shift()
        val words = app.vocabulary()
        val page = shift.kitbag.records.list(search.copy(team = shift.team))
        val names = shift.kitbag.team.names()
        val items = ArrayList<Item>()
        if (isSearching) items += narrowing(words, shift)
        if (shift.kitbag.records.isCaptureOnly()) items += Item.Words(words.capturesOnly())
        items += Item.Words(speech.count("app-records_found", page.count))
        page.rows.mapTo(items) { row -> line(words, row, names, shift.device) }
        val older = page.older
        if (older != null) items += Item.Button(say("app-older"), Look.QUIET) {
            before += search.olderThan
            search = search.copy(olderThan = older)
        }
        if (before.isNotEmpty()) items += Item.Button(say("app-newer"), Look.QUIET) { search = search.copy(olderThan = before.removeLast()) }
        val look = Item.Button(say(if (isSearching) "app-search_close" else "app-search"), Look.PLAIN) { isSearching = !isSearching }
        return Page("history", say("app-history"), items, listOf(look))
    }

    private fun narrowing(words: Vocabulary, shift: OnShift): List<Item> {
        val kinds = listOf(Kind.DISTRIBUTION, Kind.REVERSAL, Kind.REFERRAL, Kind.STOCK_MOVEMENT, Kind.TRAINING, Kind.CONTACT)
        val items = ArrayList<Item>()
        kinds.mapTo(items) { kind ->
            Item.Option(words.kind(kind).inWords, search.kind == kind) { narrow(search.copy(kind = if (search.kind == kind) null else kind)) }
        }
        items += Item.Option(say("app-only_mine"), search.author != null) {
            narrow(search.copy(author = if (search.author == null) shift.device else null))
        }
        items += Item.Option(say("app-only_needing"), search.needsPerson) { narrow(search.copy(needsPerson = !search.needsPerson)) }
        items += Item.Input(say("app-typed_date", say("app-from_day")), day) { typed ->
            day = typed
            val from = runCatching { java.time.LocalDate.parse(typed.trim()) }.getOrNull()
            if (from != null || typed.isBlank()) {
                narrow(search.copy(from = from))
                app.redraw()
            }
        }
        return items
    }

    private fun narrow(narrowed: Search) {
        before.clear()
        search = narrowed.copy(olderThan = null)
    }

    private fun line(words: Vocabulary, row: Row, names: Map<DeviceKey, String>, own: DeviceKey): Item {
        val by = if (row.author == own) say("app-me") else names[row.author]?.let(speech::aside) ?: say("app-colleague")
        val (told, tone, mark) = told(row)
        val site = row.fields["site"]?.let { value -> words.field(row.kind, "site")?.let { words.said(it, value) } }
        val detail = listOfNotNull(speech.day(row.day), site, by, told).joinToString(" · ")
        return Item.Line(words.kind(row.kind).inWords, detail, tone, mark) { app.show(RecordOf(app, row.id)) }
    }

    private fun told(row: Row): Triple<String?, Tone, Mark?> = when {
        row.state == State.VOID -> Triple(say("app-state_void"), Tone.PLAIN, null)
        row.state == State.DUPLICATE -> Triple(say("app-state_duplicate"), Tone.PLAIN, null)
        row.attention is Attention.Conflicted -> Triple(say("app-two_values"), Tone.WARNING, Mark.TROUBLE)
        row.attention is Attention.DateInDoubt -> Triple(say("app-date_in_doubt"), Tone.WARNING, Mark.TROUBLE)
        row.attention is Attention.Refused -> Triple(say("app-refused"), Tone.BAD, Mark.TROUBLE)
        row.delivery is Delivery.Aside -> Triple(say("app-refused"), Tone.BAD, Mark.TROUBLE)
        row.delivery is Delivery.Waiting -> Triple(say("app-waits"), Tone.PLAIN, Mark.WAITING)
        else -> Triple(null, Tone.PLAIN, Mark.SENT)
    }

    private companion object {
        const val ROWS = 30
    }
}
