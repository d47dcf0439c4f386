package org.kitbag

import java.time.Instant
import org.kitbag.ffi.Kitbag as FfiKitbag

/** A line of a report: a sum, or a share of one where there is something that it is of. */
public data class ReportLine(
    val indicator: String,
    /** What the receiver calls it. */
    val label: String,
    val by: String?,
    val code: String,
    val sum: Long?,
    val share: Double?,
)

/** A pack's report of a period. */
public data class Report(
    val pack: String,
    val version: Int,
    val source: String,
    val lines: List<ReportLine>,
    val totals: TotalsSeen,
)

/** What receivers of reports want. */
public class Reports internal constructor(private val ffi: FfiKitbag) {
    /** The report of one of the programme's packs, in a language. */
    public suspend fun ofPack(pack: String, query: Query, language: String): Report = crossing {
        val report = ffi.report(pack, query.lower(), language)
        val lines = report.lines.map { ReportLine(it.indicator, it.label, it.by, it.code, it.sum, it.share) }
        Report(report.pack, report.version.toInt(), report.source, lines, report.totals.lift())
    }
}

/** Something that a person can do something about. */
public data class Finding(
    /** Its stable code. */
    val code: String,
    val count: Long,
    /** The records that it is about, where it names them. */
    val records: List<RecordId>,
    /** What people read: what was found, and what to do. */
    val inWords: String,
)

/** What a check of the whole store found: it is sound where there are no faults. */
public data class Verified(val entries: Long, val unsigned: Long, val records: Long, val faults: List<String>)

/** What is known to exist of a device, and is not here. */
public data class MissingFrom(
    val device: DeviceKey,
    val entries: Long,
    /** Whether it claims more than is believed of one device. */
    val isDoubtful: Boolean,
)

/** What is wrong here that a person can do something about. */
public class Health internal constructor(private val ffi: FfiKitbag) {
    /** All that is found, as of one moment. */
    public suspend fun findings(now: Instant = Instant.now()): List<Finding> = crossing {
        ffi.findings(now.toEpochMilli()).map {
            Finding(it.code, it.count.toLong(), it.records.map(::RecordId), it.inWords)
        }
    }

    /** What is known to exist and is not here, by the device that wrote it; of one team or of all. */
    public suspend fun missing(team: TeamId? = null): List<MissingFrom> = crossing {
        ffi.missing(team?.text).map { MissingFrom(DeviceKey(it.device), it.entries.toLong(), it.isDoubtful) }
    }

    /** Checks all signatures, rows and sums. It takes long, and saves wait for it. */
    public suspend fun verify(): Verified = crossing {
        val of = ffi.verify()
        val faults = of.faults.map { it.name.lowercase() }
        Verified(of.entries.toLong(), of.unsigned.toLong(), of.records.toLong(), faults)
    }

    /** Builds what is derived anew from the entries. */
    public suspend fun rebuild(): Unit = crossing { ffi.rebuild() }
}
