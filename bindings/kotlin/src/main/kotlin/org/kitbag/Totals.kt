package org.kitbag

import java.time.LocalDate
import org.kitbag.ffi.TotalsOf
import org.kitbag.ffi.Kitbag as FfiKitbag

/** Of which records, and how split; what is null does not narrow. */
public data class Query(
    val team: TeamId? = null,
    val site: String? = null,
    val kind: Kind? = null,
    /** From this day on. */
    val from: LocalDate? = null,
    /** Up to this day, inclusive. */
    val to: LocalDate? = null,
    /** `day`, `week`, `month`, `quarter`, `year`, `site`, `team`, `author`, `kind`, or a coded field. */
    val by: List<String> = emptyList(),
) {
    internal fun lower() = TotalsOf(team?.text, site, kind?.lower(), from?.toString(), to?.toString(), by)
}

/** A line of totals: the parts that it was split by, each indicator's sum, and each share of which there is something. */
public data class TotalsLine(val by: List<String>, val sums: Map<String, Long>, val shares: Map<String, Double>)

/** What is known to exist and is not here yet. */
public data class KnownMissing(
    val entries: Long,
    /** From how many devices. */
    val devices: Long,
    /** Whether a device claims more than is believed of one. */
    val isDoubtful: Boolean,
)

/** Totals with what they lack: show one never without the other. */
public data class TotalsSeen(
    val lines: List<TotalsLine>,
    val missing: KnownMissing,
    /** How many records have a date that may be wrong, by the year of that date: they count there. */
    val inDoubt: Map<Int, Long>,
    /** How many records stand for a span of days: each counts on its last. */
    val ofSpans: Long,
    /** Entries held that wait to be judged or for others. */
    val waiting: Long,
    /** How often logs forked. */
    val forks: Long,
)

/** A period beside the one before it. */
public data class TwoPeriods(val name: String, val totals: TotalsSeen, val nameBefore: String, val before: TotalsSeen)

/** How long a period is. Fiscal years begin as the programme's code packs say, else with April. */
public enum class Period {
    DAY,
    WEEK,
    /** An epidemiological week (MMWR), from Sunday on. */
    EPI_WEEK,
    MONTH,
    QUARTER,
    YEAR,
    FISCAL_YEAR,
    ;

    internal fun lower(): org.kitbag.ffi.Period = when (this) {
        DAY -> org.kitbag.ffi.Period.Day
        WEEK -> org.kitbag.ffi.Period.Week
        EPI_WEEK -> org.kitbag.ffi.Period.EpiWeek
        MONTH -> org.kitbag.ffi.Period.Month
        QUARTER -> org.kitbag.ffi.Period.Quarter
        YEAR -> org.kitbag.ffi.Period.Year
        FISCAL_YEAR -> org.kitbag.ffi.Period.FiscalYear(4u)
    }
}

/** How complete the records of a span of days are, as the hub says it. */
public data class Completeness(
    val from: String,
    val to: String,
    /** By name: devices enrolled, devices that synced, records, those that came late, … */
    val counts: Map<String, Long>,
    /** Whether the hub has taken in all that it received. */
    val settled: Boolean,
    /** An observer's counts are rounded down to this. */
    val roundedDownTo: Long?,
)

/** What a programme wants to reach in a period, and how far it is. */
public data class Target(
    val id: RecordId,
    val team: TeamId,
    val site: String?,
    val indicator: String,
    val period: String,
    val value: Long,
    val reached: Long,
)

/** Totals. */
public class Totals internal constructor(private val ffi: FfiKitbag) {
    /** The totals asked for. */
    public suspend fun of(query: Query = Query()): TotalsSeen = crossing { ffi.totals(query.lower()).lift() }

    /** The totals of the period in which a day lies, beside those of the one before. */
    public suspend fun besideTheLast(day: LocalDate, period: Period, query: Query = Query()): TwoPeriods = crossing {
        val two = ffi.twoPeriods(day.toString(), period.lower(), query.lower())
        TwoPeriods(two.name, two.totals.lift(), two.nameBefore, two.before.lift())
    }

    /** How complete a span of days is; asks the hub. */
    public suspend fun completeness(team: TeamId?, from: LocalDate, to: LocalDate): Completeness = waiting { cancel ->
        val of = ffi.completeness(team?.text, from.toString(), to.toString(), cancel)
        val counts = of.counts.mapValues { it.value.toLong() }
        Completeness(of.from, of.to, counts, of.settled, of.roundedDownTo?.toLong())
    }

    /** What the programme wants to reach, and how far it is. */
    public suspend fun targets(team: TeamId? = null): List<Target> = crossing {
        ffi.targets(team?.text).map {
            Target(RecordId(it.id), TeamId(it.team), it.site, it.indicator, it.period, it.value, it.reached)
        }
    }
}

internal fun org.kitbag.ffi.TotalsSeen.lift() = TotalsSeen(
    lines.map { TotalsLine(it.by, it.sums, it.shares) },
    KnownMissing(missing.entries.toLong(), missing.devices.toLong(), missing.isDoubtful),
    inDoubt.mapValues { it.value.toLong() },
    ofSpans.toLong(),
    waiting.toLong(),
    forks.toLong(),
)
