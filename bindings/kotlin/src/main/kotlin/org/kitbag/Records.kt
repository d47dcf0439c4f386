package org.kitbag

import java.time.Instant
import java.time.LocalDate
import org.kitbag.ffi.Sought
import org.kitbag.ffi.Kitbag as FfiKitbag

/** Why a record counts, or counts nowhere. */
public enum class State {
    /** It counts. */
    COUNTED,

    /** It is void. */
    VOID,

    /** Another record of the same event counts in its place. */
    DUPLICATE,
}

/** Why the hub does not carry what it was sent. */
public sealed interface Reason {
    /** The device, or who certified it, was revoked. */
    public data object Revoked : Reason

    /** The device has no certificate there. */
    public data object NoCertificate : Reason

    /** For a reason of a newer version. */
    public data class Other(val code: Int) : Reason
}

/** Whether the hub has all of a record that is here. */
public sealed interface Delivery {
    /** Not yet. */
    public data object Waiting : Delivery

    /** It has. */
    public data object OnHub : Delivery

    /** It was sent, and the hub does not carry it. */
    public data class Aside(val reason: Reason) : Delivery
}

/** Why something of a record does not count. */
public enum class Refusal { ENDED, REVOKED, SCHEMA, ROLE, NEEDS }

/** Whether a record needs a person. */
public sealed interface Attention {
    /** It does not. */
    public data object None : Attention

    /** Two values were written apart. */
    public data object Conflicted : Attention

    /** It counts, and its date may be wrong. */
    public data object DateInDoubt : Attention

    /** Something of it does not count. */
    public data class Refused(val refusal: Refusal) : Attention
}

/** A row of a list. */
public data class Row(
    val id: RecordId,
    val kind: Kind,
    val team: TeamId,
    /** The device that created it. */
    val author: DeviceKey,
    /** When it was recorded, by its author's clock. */
    val recordedAt: Instant,
    /** On which day it happened. */
    val day: LocalDate,
    val state: State,
    /** How many fields have two values written apart. */
    val conflicts: Long,
    /** The winning answers, by field. */
    val fields: Map<String, Value>,
    /** The elements of its lists. */
    val lists: Map<String, List<Element>>,
    val delivery: Delivery,
    val attention: Attention,
)

/** A place in a list: behind it the next page goes on. */
public data class Place internal constructor(internal val day: Long, internal val recordedAt: Long, internal val number: Long)

/** A page of a list. */
public data class Page(
    val rows: List<Row>,
    /** For [Search.olderThan]; null where there is nothing more. */
    val older: Place?,
    /** For [Search.newerThan]; null where none is known to be. */
    val newer: Place?,
    /** How many records there are on all pages. */
    val count: Long,
)

/** In which order a list stands, the latest first. */
public enum class Order {
    /** As they came here. */
    ARRIVAL,

    /** As people recorded them. */
    RECORDING,

    /** As they happened. */
    DAY,
}

/** Which records are looked for; what is null or empty does not narrow. */
public data class Search(
    val team: TeamId? = null,
    val kind: Kind? = null,
    val author: DeviceKey? = null,
    val state: State? = null,
    /** Only with fields that have two values written apart. */
    val conflicted: Boolean = false,
    /** Only what counts with a date that may be wrong. */
    val dateInDoubt: Boolean = false,
    /** Only what needs a person. */
    val needsPerson: Boolean = false,
    /** Only from this day on: of the event or, by recording, of that, in UTC. */
    val from: LocalDate? = null,
    /** Up to this day, inclusive. */
    val to: LocalDate? = null,
    /** Only where each of these fields has this answer, as text. */
    val answers: Map<String, String> = emptyMap(),
    val order: Order = Order.ARRIVAL,
    val olderThan: Place? = null,
    val newerThan: Place? = null,
    /** The most records of one page, 1 at least. */
    val most: Int = 50,
) {
    internal fun lower() = Sought(
        team?.text,
        kind?.lower(),
        author?.text,
        state?.let { org.kitbag.ffi.State.valueOf(it.name) },
        conflicted,
        dateInDoubt,
        needsPerson,
        from?.toString(),
        to?.toString(),
        answers.mapValues { (field, text) -> text.wellFormed(field) }.mapKeys { it.key.wellFormed("field") },
        org.kitbag.ffi.Order.valueOf(order.name),
        olderThan?.lower(),
        newerThan?.lower(),
        most.coerceAtLeast(0).toULong(),
    )
}

/** A value, with the entry that wrote it. */
public data class Written(val value: Value, val by: EntryId)

/** An element of a list, with its name. */
public data class NamedElement(val name: ElementName, val fields: Map<String, List<Written>>)

/** Who changed what, when. */
public data class HistoryEntry(
    val entry: EntryId,
    val author: DeviceKey,
    val byCoordinator: Boolean,
    val at: Instant,
    val changes: List<Change>,
)

/** A record as a screen shows it, with its history. Of several values of a field the last one wins. */
public data class WholeRecord(
    val id: RecordId,
    val kind: Kind,
    val team: TeamId,
    val author: DeviceKey,
    val recordedAt: Instant,
    val fields: Map<String, List<Written>>,
    val lists: Map<String, List<NamedElement>>,
    val history: List<HistoryEntry>,
    /** Why it counts, or counts nowhere; null while it is not judged. */
    val state: State?,
    val delivery: Delivery,
    val attention: Attention,
) {
    /** The winning value of a field. */
    public operator fun get(field: String): Value? = fields[field]?.lastOrNull()?.value
}

/** Who can make count what does not. */
public enum class LiftedBy { COORDINATOR, ARRIVAL, NOBODY }

/** Something of a record that does not count. */
public data class RefusedRecord(
    val record: RecordId,
    val team: TeamId,
    val author: DeviceKey,
    val refusal: Refusal,
    val entries: Long,
    val liftedBy: LiftedBy,
)

/** Why two records look like one event. */
public enum class Why { SAVED_TWICE, IMPORTED_TWICE, SEEN_BY_TWO }

/** Two records that look like one event. */
public data class Suspected(val one: RecordId, val other: RecordId, val why: Why)

/** Records: saved, corrected, looked for. When a call that saves returns, it is durable; if it throws, nothing was saved. */
public class Records internal constructor(private val ffi: FfiKitbag) {
    /** A form with the day, and what this device answered last time where that is mostly the same. */
    public suspend fun begin(team: TeamId, kind: Kind, today: LocalDate, utcOffsetMinutes: Int): Form =
        crossing { ffi.begin(team.text, kind.lower(), today.toString(), utcOffsetMinutes.toLong()).lift() }

    /** What a form will be saved as: with what the programme or this device knows filled in. */
    public suspend fun prepared(team: TeamId, form: Form): Form =
        crossing { ffi.prepared(team.text, form.lower()).lift() }

    /** All that keeps a form from being saved: one fault for each field. */
    public suspend fun faults(team: TeamId, form: Form): List<Fault> =
        crossing { ffi.faults(team.text, form.lower()).map { it.lift() } }

    /** Saves a record. */
    public suspend fun record(team: TeamId, form: Form): RecordId = crossing { RecordId(ffi.record(team.text, form.lower())) }

    /** Changes a record by several changes at once: all of them, or none. */
    public suspend fun change(id: RecordId, changes: List<Change>): EntryId =
        crossing { EntryId(ffi.change(id.text, changes.map { it.lower() })) }

    /** Gives a field another value; the old one stays in the history. */
    public suspend fun correct(id: RecordId, field: String, value: Value): EntryId =
        change(id, listOf(Change.Put(field, value)))

    /** Gives a field another code, date or text. */
    public suspend fun correct(id: RecordId, field: String, text: String): EntryId = correct(id, field, Value.Text(text))

    /** Voids a record, with a reason of the data dictionary: it counts nowhere from then on. */
    public suspend fun void(id: RecordId, reason: String): EntryId = crossing { EntryId(ffi.void(id.text, reason.wellFormed("reason"))) }

    /** Takes a void back. */
    public suspend fun clearVoid(id: RecordId): EntryId = crossing { EntryId(ffi.clearVoid(id.text)) }

    /** Says that a record is of the same event as another one. */
    public suspend fun markDuplicate(id: RecordId, of: RecordId): EntryId =
        crossing { EntryId(ffi.markDuplicate(id.text, of.text)) }

    /** Undoes this device's last change of a record. */
    public suspend fun undo(id: RecordId): EntryId = crossing { EntryId(ffi.undo(id.text)) }

    /** A record with its history. */
    public suspend fun get(id: RecordId): WholeRecord = crossing { ffi.lookAt(id.text).lift() }

    /** The record that this device changed last in a team: what *undo* is about. */
    public suspend fun lastChanged(team: TeamId): RecordId? = crossing { ffi.lastChanged(team.text)?.let(::RecordId) }

    /** A page of the records looked for. */
    public suspend fun list(search: Search = Search()): Page = crossing { ffi.list(search.lower()).lift() }

    /** What of records does not count, why, and who can lift it. */
    public suspend fun refused(): List<RefusedRecord> = crossing { ffi.refused().map { it.lift() } }

    /** Pairs of records that look like one event. */
    public suspend fun suspectedDuplicates(skip: Long = 0): List<Suspected> = crossing {
        ffi.suspectedDuplicates(skip.coerceAtLeast(0).toULong())
            .map { Suspected(RecordId(it.one), RecordId(it.other), Why.valueOf(it.why.name)) }
    }

    /** Links all pairs that are suspected by one reason, as far as this device may. Returns how many it linked. */
    public suspend fun linkSuspected(why: Why): Long =
        crossing { ffi.linkSuspected(org.kitbag.ffi.Why.valueOf(why.name)).toLong() }

    /**
     * From now on, and for good, this device captures only: what the hub has of its records can no longer be read here, and
     * no colleague's come in. Should the hub be put back to an older copy, it lacks what was dropped here until another device
     * that has it syncs. Returns of how many records the contents were dropped. It fails with `role` where others rely on
     * what this device holds.
     */
    public suspend fun captureOnly(): Long = crossing { ffi.captureOnly().toLong() }

    /** Whether this device captures only, as its owner or the programme chose. */
    public suspend fun isCaptureOnly(): Boolean = crossing { ffi.isCaptureOnly() }

    /** Says of two records that look like one event that they are two: they are suspected no more. */
    public suspend fun keepApart(id: RecordId, other: RecordId): Unit = crossing { ffi.keepApart(id.text, other.text) }
}

/** A draft. */
public data class Draft(val id: DraftId, val form: Form)

/** Drafts: durable, never sent, never counted. */
public class Drafts internal constructor(private val ffi: FfiKitbag) {
    /** Saves a new draft, or what one says now. */
    public suspend fun save(form: Form, id: DraftId? = null): DraftId =
        crossing { DraftId(ffi.saveDraft(id?.number?.toULong(), form.lower()).toLong()) }

    /** All drafts, the latest last. */
    public suspend fun list(): List<Draft> =
        crossing { ffi.drafts().map { Draft(DraftId(it.id.toLong()), it.form.lift()) } }

    /** Makes a record of a draft as its form stands now: it is saved and the draft gone, or neither. */
    public suspend fun finish(id: DraftId, team: TeamId, form: Form): RecordId =
        crossing { RecordId(ffi.finishDraft(id.number.toULong(), team.text, form.lower())) }

    /** Throws a draft away. */
    public suspend fun discard(id: DraftId): Unit = crossing { ffi.discardDraft(id.number.toULong()) }
}

private fun Place.lower() = org.kitbag.ffi.ListPlace(day, recordedAt, number)

private fun org.kitbag.ffi.ListPlace.lift() = Place(day, recordedAt, number)

private fun org.kitbag.ffi.CountedList.lift() =
    Page(page.rows.map { it.lift() }, page.older?.lift(), page.newer?.lift(), count.toLong())

private fun org.kitbag.ffi.Listed.lift() = Row(
    RecordId(row.id),
    row.answers.kind.lift(),
    TeamId(row.team),
    DeviceKey(row.author),
    Instant.ofEpochMilli(row.recordedAt),
    LocalDate.ofEpochDay(row.day),
    State.valueOf(row.state.name),
    row.conflicts.toLong(),
    row.answers.fields.lift(),
    row.answers.lists.mapValues { (_, elements) -> elements.map { it.lift() } },
    delivery.lift(),
    attention.lift(),
)

internal fun org.kitbag.ffi.Reason.lift(): Reason = when (this) {
    org.kitbag.ffi.Reason.Revoked -> Reason.Revoked
    org.kitbag.ffi.Reason.NoCertificate -> Reason.NoCertificate
    is org.kitbag.ffi.Reason.Other -> Reason.Other(v1.toInt())
}

private fun org.kitbag.ffi.Delivery.lift(): Delivery = when (this) {
    org.kitbag.ffi.Delivery.Waiting -> Delivery.Waiting
    org.kitbag.ffi.Delivery.OnHub -> Delivery.OnHub
    is org.kitbag.ffi.Delivery.Aside -> Delivery.Aside(v1.lift())
}

private fun org.kitbag.ffi.Attention.lift(): Attention = when (this) {
    org.kitbag.ffi.Attention.None -> Attention.None
    org.kitbag.ffi.Attention.Conflicted -> Attention.Conflicted
    org.kitbag.ffi.Attention.DateInDoubt -> Attention.DateInDoubt
    is org.kitbag.ffi.Attention.Refused -> Attention.Refused(Refusal.valueOf(v1.name))
}

private fun Map<String, List<org.kitbag.ffi.WrittenValue>>.liftWritten() =
    mapValues { (_, values) -> values.map { Written(it.value.lift(), EntryId(it.by)) } }

private fun org.kitbag.ffi.WholeRecord.lift() = WholeRecord(
    RecordId(id),
    kind.lift(),
    TeamId(team),
    DeviceKey(author),
    Instant.ofEpochMilli(recordedAt),
    fields.liftWritten(),
    lists.mapValues { (_, all) -> all.map { NamedElement(it.name.lift(), it.fields.liftWritten()) } },
    history.map { change ->
        HistoryEntry(
            EntryId(change.entry),
            DeviceKey(change.author),
            change.byCoordinator,
            Instant.ofEpochMilli(change.at),
            change.changes.map { it.lift() },
        )
    },
    state?.let { State.valueOf(it.name) },
    delivery.lift(),
    attention.lift(),
)

private fun org.kitbag.ffi.RefusedRecord.lift() = RefusedRecord(
    RecordId(of.record),
    TeamId(of.team),
    DeviceKey(of.author),
    Refusal.valueOf(of.refusal.name),
    of.entries.toLong(),
    LiftedBy.valueOf(liftedBy.name),
)
