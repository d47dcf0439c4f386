package org.kitbag.demo.screens

import java.time.Instant
import org.kitbag.Draft
import org.kitbag.Kind
import org.kitbag.Reason
import org.kitbag.Status
import org.kitbag.Value

/** What a person needs at once: three large buttons, the bag, and whether what was saved was sent. */
class Today(app: App) : Screen(app) {
    override suspend fun page(): Page {
        val shift = app.shift()
        val words = app.vocabulary()
        val items = ArrayList<Item>()
        items += syncing(app, shift.kitbag.sync.status())
        if (shift.kitbag.records.isCaptureOnly()) items += Item.Words(words.capturesOnly()) else items += bag(words, shift)
        shift.kitbag.health.findings(app.phone.platform.now()).filter { it.code in TOLD }.mapTo(items) { Item.Words(it.inWords, Tone.WARNING, Mark.TROUBLE) }
        val drafts = shift.kitbag.drafts.list()
        if (drafts.isNotEmpty()) items += Item.Heading(say("app-begun"))
        drafts.asReversed().mapTo(items) { draft -> begun(words, draft) }
        items += Item.Button(say("app-referrals"), Look.QUIET) { app.show(Referrals(app)) }
        items += Item.Button(say("app-history"), Look.QUIET) { app.show(History(app)) }
        items += Item.Button(say("app-totals"), Look.QUIET) { app.show(TotalsOf(app)) }
        items += Item.Button(say("app-other_record"), Look.QUIET) { app.show(OtherRecord(app)) }
        items += Item.Button(say("app-more"), Look.QUIET) { app.show(More(app)) }
        val foot = listOf(
            Item.Button(say("app-give_naloxone"), Look.MAIN, mark = Mark.KIT) { app.show(Recording.of(app, Kind.DISTRIBUTION)) },
            Item.Button(say("app-overdose"), Look.MAIN, mark = Mark.REVERSAL) { app.show(ReversalBegin(app)) },
            Item.Button(say("app-referral"), Look.MAIN, mark = Mark.REFERRAL) { app.show(Recording.of(app, Kind.REFERRAL)) },
        )
        return Page("today", speech.plain(shift.profile.label), items, foot, hasBack = false)
    }

    private suspend fun bag(words: Vocabulary, shift: OnShift): Item {
        val stock = shift.kitbag.stock.now(app.phone.today(), shift.team)
        val own = stock.held.filter { it.holder == "device:${shift.device.text}" && it.doses != 0L }
        val said = own.groupBy { it.product }.map { (product, batches) ->
            val kits = batches.mapNotNull { it.kits }.takeIf { it.size == batches.size }?.sum()
            val much = if (kits != null) speech.count("app-kits", kits) else speech.count("app-doses", batches.sumOf { it.doses })
            "${words.product(product)}: $much"
        }
        val isWrong = own.any { it.doses < 0 }
        val text = if (said.isEmpty()) say("app-bag_empty") else said.joinToString("\n")
        return Item.Line(say("app-my_bag"), text, if (isWrong) Tone.WARNING else Tone.PLAIN, Mark.BAG)
    }

    private fun begun(words: Vocabulary, draft: Draft): Item {
        Correct.begun(app, draft)?.let { correct ->
            return Item.Line(words.kind(draft.form.kind).inWords, say("app-correct_other"), mark = Mark.WAITING) { app.show(correct) }
        }
        val time = (draft.form.answers["occurred_time"] as? Value.Text)?.text
        val day = (draft.form.answers["occurred_on"] as? Value.Text)?.text
        val detail = listOfNotNull(day?.let { runCatching { speech.day(java.time.LocalDate.parse(it)) }.getOrNull() }, time).joinToString(" ")
        return Item.Line(words.kind(draft.form.kind).inWords, detail.ifEmpty { null }, mark = Mark.WAITING) { app.show(Begun(app, draft)) }
    }

    private companion object {
        /** What a worker is told here; the rest stands in the history and the totals. */
        val TOLD = setOf("stock_below_zero", "conflicts", "no_hub", "waiting_long")
    }
}

/** What was begun and is not saved: to go on, or to throw away. */
class Begun(app: App, private val draft: Draft) : Screen(app) {
    override suspend fun page(): Page {
        val words = app.vocabulary()
        val fields = words.kind(draft.form.kind).fields
        val items = fields.mapNotNull { field ->
            words.said(draft.form.kind, field, draft.form)?.takeIf { field.name != "utc_offset_min" }?.let { Item.Line(field.inWords, it) }
        }
        val foot = listOf(
            Item.Button(say("app-throw_away"), Look.DANGER) {
                app.shift().kitbag.drafts.discard(draft.id)
                app.leave(this)
            },
            // Which of both it is, the person knows.
            Item.Button(say("app-finish_now")) { app.replace(rest()) }.takeIf { mayGoOn() },
            Item.Button(say("app-go_on"), Look.MAIN) { app.replace(if (mayGoOn()) Reversal(app, app.shift(), draft.form, draft.id) else rest()) },
        ).filterNotNull()
        return Page("begun", words.kind(draft.form.kind).inWords, items, foot)
    }

    /** Whether it may be going on still: nobody said how it ended. */
    private fun mayGoOn() = draft.form.kind == Kind.REVERSAL && "outcome" !in draft.form.answers

    private suspend fun rest() = Recording(app, app.shift(), draft.form, draft.id).begin()
}

/** The kinds of record that a worker seldom makes, and those that a coordinator alone does. */
class OtherRecord(app: App) : Screen(app) {
    override suspend fun page(): Page {
        val words = app.vocabulary()
        val kinds = listOf(Kind.STOCK_MOVEMENT, Kind.TRAINING, Kind.CONTACT) +
            if (app.shift().isCoordinator) listOf(Kind.TARGET) else emptyList()
        val items = kinds.map { kind -> Item.Button(words.kind(kind).inWords) { app.replace(Recording.of(app, kind)) } }
        return Page("other_record", say("app-other_record"), items, isAtThumb = true)
    }
}

/** The state of sync in words, as it stands on the first screen and on its own. */
fun syncing(app: App, status: Status): List<Item> {
    val (speech, now) = app.speech to app.phone.platform.now()
    val items = ArrayList<Item>()
    val waiting = maxOf(status.waiting.records, if (status.waiting.entries > 0) 1 else 0)
    items += when {
        waiting > 0 -> Item.Line(waits(app, waiting, status.waiting.since, now), speech.say("app-safe_here"), Tone.WARNING, Mark.WAITING) { app.show(Syncing(app)) }
        status.last.agreedAt == null -> Item.Line(speech.say("app-never_synced"), null, Tone.WARNING, Mark.WAITING) { app.show(Syncing(app)) }
        else -> {
            // A tick only where all of it is there.
            val (tone, mark) = if (status.isSynced) Tone.GOOD to Mark.SENT else Tone.PLAIN to Mark.WAITING
            Item.Line(speech.say("app-sent", speech.ago(status.last.agreedAt!!, now)), null, tone, mark) { app.show(Syncing(app)) }
        }
    }
    status.last.failed?.let { items += Item.Words(it.inWords, Tone.WARNING, Mark.TROUBLE) }
    status.last.nextTry?.takeIf { status.last.failed != null && it > now }?.let { items += Item.Words(speech.say("app-tried_again", speech.since(it, now))) }
    if (status.clockIsOff) items += Item.Words(speech.say("app-clock_off"), Tone.BAD, Mark.TROUBLE)
    if (status.waiting.aside > 0) {
        val why = if (status.waiting.whyAside == Reason.Revoked) "app-aside_revoked" else "app-aside"
        items += Item.Words(speech.count(why, status.waiting.aside), Tone.BAD, Mark.TROUBLE)
    } else if (status.uncertified.isNotEmpty()) items += Item.Words(speech.say("app-uncertified"), Tone.BAD, Mark.TROUBLE)
    return items
}

private fun waits(app: App, waiting: Long, since: Instant?, now: Instant): String {
    val speech = app.speech
    return if (since == null) speech.count("app-not_sent", waiting) else speech.count("app-not_sent_since", waiting, speech.since(since, now))
}
