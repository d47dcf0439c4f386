package org.kitbag

import java.time.LocalDate
import org.kitbag.ffi.Kitbag as FfiKitbag

/** A batch that somebody holds. */
public data class Batch(
    val team: TeamId,
    /** `site:CODE`, `device:KEY` or `outside`. */
    val holder: String,
    val product: String,
    val lot: String,
    /** The month until which it is good, `yyyy-mm`; empty where nobody said. */
    val expiry: String,
    val doses: Long,
    /** Of these, doses that went out without a lot, and are counted where they would expire first; below 0, that came in so. */
    val lotNotSaid: Long,
    /** Whole kits, where the programme's pack says how many doses make one. */
    val kits: Long?,
    /** Doses beside whole kits. */
    val dosesBesideKits: Long?,
)

/** How long a holder's stock of a product lasts, by what went out in the last four weeks. */
public data class Lasting(
    val team: TeamId,
    val holder: String,
    val product: String,
    val doses: Long,
    val wentOut: Long,
    /** In days; null where nothing went out. */
    val days: Long?,
)

/** What is wrong with a stock. */
public enum class StockAlarm { BELOW_MINIMUM, EXPIRING, BELOW_ZERO }

/** A stock with which something is wrong. */
public data class Alarm(
    val what: StockAlarm,
    val holder: String,
    val product: String,
    val doses: Long,
    /** What people read beside whose stock of what it is, in the language of [Kitbag.setLanguage]. */
    val inWords: String,
)

/** All stock, what is wrong with it, and how long it lasts. */
public data class StockNow(val held: List<Batch>, val lasting: List<Lasting>, val alarms: List<Alarm>)

/** Who holds what. */
public class Stock internal constructor(private val ffi: FfiKitbag) {
    /** Who holds what, today. */
    public suspend fun now(today: LocalDate, team: TeamId? = null): StockNow =
        crossing { ffi.stock(team?.text, today.toString()).lift() }

    /** The records that name a lot: a recall's. */
    public suspend fun naming(lot: String, team: TeamId? = null): List<RecordId> =
        crossing { ffi.namingLot(team?.text, lot).map(::RecordId) }
}

private fun org.kitbag.ffi.StockSeen.lift() = StockNow(
    held.map { Batch(TeamId(it.team), it.holder, it.product, it.lot, it.expiry, it.doses, it.lotNotSaid, it.kits, it.dosesBesideKits) },
    lasting.map { Lasting(TeamId(it.team), it.holder, it.product, it.doses, it.wentOut, it.days) },
    alarms.map { said -> with(said.alarm) { Alarm(StockAlarm.valueOf(what.name), holder, product, doses, said.inWords) } },
)
