package org.kitbag.demo.screens

import org.kitbag.Kind
import org.kitbag.Period
import org.kitbag.Query
import org.kitbag.TotalsSeen
import org.kitbag.TwoPeriods

/** This month and the last, by site, with what is known to be missing beside them. */
class TotalsOf(app: App, private var isOwn: Boolean = false) : Screen(app) {
    override suspend fun page(): Page {
        val shift = app.shift()
        val words = app.vocabulary()
        val by = if (isOwn) listOf("site", "author") else listOf("site")
        val items = ArrayList<Item>()
        if (shift.kitbag.records.isCaptureOnly()) {
            // Zeros would be read as totals.
            return Page("totals", say("app-totals"), listOf(Item.Words(say("app-capture_only_totals"), Tone.WARNING, Mark.TROUBLE)))
        }
        items += Item.Option(say("app-whole_team"), !isOwn) { isOwn = false }
        items += Item.Option(say("app-only_mine"), isOwn) { isOwn = true }
        val own = person(shift).takeIf { isOwn }
        var seen: TwoPeriods? = null
        for ((kind, indicator) in SHOWN) {
            val two = shift.kitbag.totals.besideTheLast(app.phone.today(), Period.MONTH, Query(team = shift.team, kind = kind, by = by))
            seen = two
            val name = words.kind(kind).indicatorsInWords[indicator] ?: indicator
            items += Item.Heading(name)
            items += bars(words, two, indicator, own)
        }
        seen?.let { items.addAll(2, missing(it.totals)) }
        return Page("totals", say("app-totals"), items)
    }

    /** By whose key a person's records are summed up: that of the first device, which this one may continue. */
    private suspend fun person(shift: OnShift): String {
        val members = shift.kitbag.team.members(shift.team)
        val first = members.firstOrNull { it.device == shift.device && !it.isRevoked }?.person
        return (members.firstOrNull { it.certificate == first }?.device ?: shift.device).text
    }

    private fun bars(words: Vocabulary, two: TwoPeriods, indicator: String, own: String?): List<Item> {
        val sums = { totals: TotalsSeen ->
            totals.lines.filter { own == null || it.by[1] == own }.associate { it.by[0] to (it.sums[indicator] ?: 0) }
        }
        val (now, before) = sums(two.totals) to sums(two.before)
        val sites = (now.keys + before.keys).sortedByDescending { now[it] ?: 0 }
        val most = (now.values + before.values + listOf(now.values.sum(), before.values.sum())).maxOrNull() ?: 0
        val bar = { text: String, of: Map<String, Long>, site: String?, isBefore: Boolean ->
            val value = if (site == null) of.values.sum() else of[site] ?: 0
            Item.Bar(text, value, most, speech.number(value), isBefore)
        }
        val all = listOf(
            bar(say("app-this_month"), now, null, false),
            bar(say("app-last_month"), before, null, true),
        )
        if (sites.size < 2) return all
        return all + sites.take(SITES).flatMap { site ->
            val name = words.site(site).ifEmpty { say("app-no_site") }
            listOf(bar(name, now, site, false), bar(say("app-of_last_month", name), before, site, true))
        }
    }

    /** What these numbers lack stands before them. */
    private fun missing(totals: TotalsSeen): List<Item> {
        val items = ArrayList<Item>()
        val missing = totals.missing
        if (missing.entries == 0L && totals.waiting == 0L) items += Item.Words(say("app-nothing_missing"), Tone.GOOD, Mark.TICK)
        if (missing.entries > 0) items += Item.Words(speech.count("app-known_missing", missing.entries, speech.number(missing.devices)), Tone.WARNING, Mark.TROUBLE)
        if (totals.waiting > 0) items += Item.Words(speech.count("app-waiting_to_count", totals.waiting), Tone.WARNING, Mark.TROUBLE)
        val inDoubt = totals.inDoubt.values.sum()
        if (inDoubt > 0) items += Item.Words(speech.count("app-dates_in_doubt", inDoubt), Tone.WARNING, Mark.TROUBLE)
        if (totals.ofSpans > 0) items += Item.Words(speech.count("app-of_spans", totals.ofSpans))
        return items
    }

    private companion object {
        val SHOWN = listOf(Kind.DISTRIBUTION to "kits_distributed", Kind.REVERSAL to "reversals", Kind.REFERRAL to "referrals_made")
        /** So many sites on a phone's screen; the dashboard has them all. */
        const val SITES = 12
    }
}
