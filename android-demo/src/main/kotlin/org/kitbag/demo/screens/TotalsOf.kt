package org.kitbag.demo.screens

import org.kitbag.Kind
import org.kitbag.Period
import org.kitbag.Query
import org.kitbag.TotalsSeen

/** This month and the last, by site, with what is known to be missing beside them. */
class TotalsOf(app: App, private var isOwn: Boolean = false) : Screen(app) {
    override suspend fun page(): Page {
        val shift = app.shift()
        val words = app.vocabulary()
        val items = ArrayList<Item>()
        if (shift.kitbag.records.isCaptureOnly()) {
            // Zeros would be read as totals.
            return Page("totals", say("app-totals"), listOf(Item.Words(say("app-capture_only_totals"), Tone.WARNING, Mark.TROUBLE)))
        }
        items += Item.Option(say("app-whole_team"), !isOwn) { isOwn = false }
        items += Item.Option(say("app-only_mine"), isOwn) { isOwn = true }
        val own = person(shift).takeIf { isOwn }
        val by = listOf("kind", "site") + if (isOwn) listOf("author") else emptyList()
        val two = shift.kitbag.totals.besideTheLast(app.phone.today(), Period.MONTH, Query(team = shift.team, by = by))
        items += missing(two.totals)
        for ((kind, indicator) in SHOWN) {
            items += Item.Heading(words.kind(kind).indicatorsInWords[indicator] ?: indicator)
            items += bars(words, sums(two.totals, kind, indicator, own), sums(two.before, kind, indicator, own))
        }
        return Page("totals", say("app-totals"), items)
    }

    /** By whose key a person's records are summed up: that of the first device, which this one may continue. */
    private suspend fun person(shift: OnShift): String {
        val members = shift.kitbag.team.members(shift.team)
        val first = members.firstOrNull { it.device == shift.device && !it.isRevoked }?.person
        return (members.firstOrNull { it.certificate == first }?.device ?: shift.device).text
    }

    /** By site. */
    private fun sums(totals: TotalsSeen, kind: Kind, indicator: String, own: String?): Map<String, Long> = totals.lines
        .filter { it.by[0] == kind.name.lowercase() && (own == null || it.by[2] == own) }
        .associate { it.by[1] to (it.sums[indicator] ?: 0) }

    private fun bars(words: Vocabulary, now: Map<String, Long>, before: Map<String, Long>): List<Item> {
        val sites = (now.keys + before.keys).sortedByDescending { now[it] ?: 0 }
        val most = (now.values + before.values + listOf(now.values.sum(), before.values.sum())).maxOrNull() ?: 0
        val two = { name: String, nameBefore: String, of: Collection<String> ->
            val bar = { text: String, sums: Map<String, Long>, isBefore: Boolean ->
                val value = of.sumOf { sums[it] ?: 0 }
                Item.Bar(text, value, most, speech.number(value), isBefore)
            }
            listOf(bar(name, now, false), bar(nameBefore, before, true))
        }
        val all = two(say("app-this_month"), say("app-last_month"), sites)
        if (sites.size < 2) return all
        val each = sites.take(SITES).flatMap { site ->
            val name = words.site(site).ifEmpty { say("app-no_site") }
            two(name, say("app-of_last_month", name), listOf(site))
        }
        val rest = sites.drop(SITES)
        if (rest.isEmpty()) return all + each
        val name = speech.count("app-other_sites", rest.size.toLong())
        return all + each + two(name, say("app-of_last_month", name), rest)
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
        /** So many sites have bars of their own on a phone's screen; the rest are one. */
        const val SITES = 12
    }
}
