import Foundation
internal import KitbagGenerated

/// Why a record counts, or counts nowhere.
public enum State: Hashable, Sendable {
    /// It counts.
    case counted
    /// It is void.
    case void
    /// Another record of the same event counts in its place.
    case duplicate

    init(_ of: KitbagGenerated.State) {
        self =
            switch of {
            case .counted: .counted
            case .void: .void
            case .duplicate: .duplicate
            }
    }

    var lowered: KitbagGenerated.State {
        switch self {
        case .counted: .counted
        case .void: .void
        case .duplicate: .duplicate
        }
    }
}

/// Why the hub does not carry what it was sent.
public enum Reason: Hashable, Sendable {
    /// The device, or who certified it, was revoked.
    case revoked
    /// The device has no certificate there.
    case noCertificate
    /// For a reason of a newer version.
    case other(UInt8)

    init(_ of: KitbagGenerated.Reason) {
        self =
            switch of {
            case .revoked: .revoked
            case .noCertificate: .noCertificate
            case .other(let code): .other(code)
            }
    }
}

/// Whether the hub has all of a record that is here.
public enum Delivery: Hashable, Sendable {
    /// Not yet.
    case waiting
    /// It has.
    case onHub
    /// It was sent, and the hub does not carry it.
    case aside(Reason)

    init(_ of: KitbagGenerated.Delivery) {
        self =
            switch of {
            case .waiting: .waiting
            case .onHub: .onHub
            case .aside(let reason): .aside(Reason(reason))
            }
    }
}

/// Why something of a record does not count.
public enum Refusal: Hashable, Sendable {
    case ended, revoked, schema, role, needs

    init(_ of: KitbagGenerated.Refusal) {
        self =
            switch of {
            case .ended: .ended
            case .revoked: .revoked
            case .schema: .schema
            case .role: .role
            case .needs: .needs
            }
    }
}

/// Whether a record needs a person.
public enum Attention: Hashable, Sendable {
    /// It does not.
    case none
    /// Two values were written apart.
    case conflicted
    /// It counts, and its date may be wrong.
    case dateInDoubt
    /// Something of it does not count.
    case refused(Refusal)

    init(_ of: KitbagGenerated.Attention) {
        self =
            switch of {
            case .none: .none
            case .conflicted: .conflicted
            case .dateInDoubt: .dateInDoubt
            case .refused(let refusal): .refused(Refusal(refusal))
            }
    }
}

/// A row of a list.
public struct Row: Hashable, Sendable, Identifiable {
    public let id: RecordId
    public let kind: Kind
    public let team: TeamId
    /// The device that created it.
    public let author: DeviceKey
    /// When it was recorded, by its author's clock.
    public let recordedAt: Date
    /// On which day it happened.
    public let day: CivilDate
    public let state: State
    /// How many fields have two values written apart.
    public let conflicts: UInt64
    /// The winning answers, by field.
    public let fields: [String: Value]
    /// The elements of its lists.
    public let lists: [String: [Element]]
    public let delivery: Delivery
    public let attention: Attention

    init(_ of: Listed) {
        id = RecordId(of.row.id)
        kind = Kind(of.row.answers.kind)
        team = TeamId(of.row.team)
        author = DeviceKey(of.row.author)
        recordedAt = Date(millis: of.row.recordedAt)
        day = CivilDate(epochDay: of.row.day)
        state = State(of.row.state)
        conflicts = of.row.conflicts
        fields = of.row.answers.fields.mapValues(Value.init)
        lists = of.row.answers.lists.mapValues { $0.map { $0.mapValues(Value.init) } }
        delivery = Delivery(of.delivery)
        attention = Attention(of.attention)
    }
}

/// A place in a list: behind it the next page goes on.
public struct Place: Hashable, Sendable {
    let day: Int64
    let recordedAt: Int64
    let number: Int64

    init(_ of: ListPlace) { (day, recordedAt, number) = (of.day, of.recordedAt, of.number) }

    var lowered: ListPlace { ListPlace(day: day, recordedAt: recordedAt, number: number) }
}

/// A page of a list.
public struct Page: Hashable, Sendable {
    public let rows: [Row]
    /// For ``Search/olderThan``; nil where there is nothing more.
    public let older: Place?
    /// For ``Search/newerThan``; nil where none is known to be.
    public let newer: Place?
    /// How many records there are on all pages.
    public let count: UInt64

    init(_ of: CountedList) {
        rows = of.page.rows.map(Row.init)
        (older, newer) = (of.page.older.map(Place.init), of.page.newer.map(Place.init))
        count = of.count
    }
}

/// In which order a list stands, the latest first.
public enum Order: Hashable, Sendable {
    /// As they came here.
    case arrival
    /// As people recorded them.
    case recording
    /// As they happened.
    case day

    var lowered: KitbagGenerated.Order {
        switch self {
        case .arrival: .arrival
        case .recording: .recording
        case .day: .day
        }
    }
}

/// Which records are looked for; what is nil or empty does not narrow.
public struct Search: Hashable, Sendable {
    public var team: TeamId?
    public var kind: Kind?
    public var author: DeviceKey?
    public var state: State?
    /// Only with fields that have two values written apart.
    public var conflicted = false
    /// Only what counts with a date that may be wrong.
    public var dateInDoubt = false
    /// Only what needs a person.
    public var needsPerson = false
    /// Only from this day on: of the event or, by recording, of that, in UTC.
    public var from: CivilDate?
    /// Up to this day, inclusive.
    public var to: CivilDate?
    /// Only where each of these fields has this answer, as text.
    public var answers: [String: String] = [:]
    public var order = Order.arrival
    public var olderThan: Place?
    public var newerThan: Place?
    /// The most records of one page, 1 at least.
    public var most = 50

    public init(kind: Kind? = nil, team: TeamId? = nil, dateInDoubt: Bool = false) {
        (self.kind, self.team, self.dateInDoubt) = (kind, team, dateInDoubt)
    }

    var lowered: Sought {
        Sought(
            team: team?.text, kind: kind?.lowered, author: author?.text, state: state?.lowered,
            conflicted: conflicted, dateInDoubt: dateInDoubt, needsPerson: needsPerson, from: from?.description, to: to?.description,
            answers: answers, order: order.lowered, olderThan: olderThan?.lowered,
            newerThan: newerThan?.lowered, most: UInt64(max(0, most)))
    }
}

/// A value, with the entry that wrote it.
public struct Written: Hashable, Sendable {
    public let value: Value
    public let by: EntryId

    init(_ of: WrittenValue) { (value, by) = (Value(of.value), EntryId(of.by)) }
}

/// An element of a list, with its name.
public struct NamedElement: Hashable, Sendable {
    public let name: ElementName
    public let fields: [String: [Written]]

    init(_ of: KitbagGenerated.NamedElement) {
        (name, fields) = (ElementName(of.name), of.fields.mapValues { $0.map(Written.init) })
    }
}

/// Who changed what, when.
public struct HistoryEntry: Hashable, Sendable {
    public let entry: EntryId
    public let author: DeviceKey
    public let byCoordinator: Bool
    public let at: Date
    public let changes: [Change]

    init(_ of: KitbagGenerated.HistoryEntry) {
        (entry, author, byCoordinator) = (EntryId(of.entry), DeviceKey(of.author), of.byCoordinator)
        (at, changes) = (Date(millis: of.at), of.changes.map(Change.init))
    }
}

/// A record as a screen shows it, with its history. Of several values of a field the last one wins.
public struct WholeRecord: Hashable, Sendable, Identifiable {
    public let id: RecordId
    public let kind: Kind
    public let team: TeamId
    public let author: DeviceKey
    public let recordedAt: Date
    public let fields: [String: [Written]]
    public let lists: [String: [NamedElement]]
    public let history: [HistoryEntry]
    /// Why it counts, or counts nowhere; nil while it is not judged.
    public let state: State?
    public let delivery: Delivery
    public let attention: Attention

    init(_ of: KitbagGenerated.WholeRecord) {
        (id, kind, team) = (RecordId(of.id), Kind(of.kind), TeamId(of.team))
        (author, recordedAt) = (DeviceKey(of.author), Date(millis: of.recordedAt))
        fields = of.fields.mapValues { $0.map(Written.init) }
        lists = of.lists.mapValues { $0.map(NamedElement.init) }
        history = of.history.map(HistoryEntry.init)
        (state, delivery, attention) = (of.state.map(State.init), Delivery(of.delivery), Attention(of.attention))
    }

    /// The winning value of a field.
    public subscript(field: String) -> Value? { fields[field]?.last?.value }
}

/// Who can make count what does not.
public enum LiftedBy: Hashable, Sendable {
    case coordinator, arrival, nobody

    init(_ of: KitbagGenerated.LiftedBy) {
        self =
            switch of {
            case .coordinator: .coordinator
            case .arrival: .arrival
            case .nobody: .nobody
            }
    }
}

/// Something of a record that does not count.
public struct RefusedRecord: Hashable, Sendable {
    public let record: RecordId
    public let team: TeamId
    public let author: DeviceKey
    public let refusal: Refusal
    public let entries: UInt64
    public let liftedBy: LiftedBy

    init(_ of: KitbagGenerated.RefusedRecord) {
        (record, team) = (RecordId(of.of.record), TeamId(of.of.team))
        (author, refusal) = (DeviceKey(of.of.author), Refusal(of.of.refusal))
        (entries, liftedBy) = (of.of.entries, LiftedBy(of.liftedBy))
    }
}

/// Two records that look like one event.
public struct Suspected: Hashable, Sendable {
    /// Why they do.
    public enum Why: Hashable, Sendable {
        case savedTwice, importedTwice, seenByTwo

        var lowered: KitbagGenerated.Why {
            switch self {
            case .savedTwice: .savedTwice
            case .importedTwice: .importedTwice
            case .seenByTwo: .seenByTwo
            }
        }
    }

    public let one: RecordId
    public let other: RecordId
    public let why: Why

    init(_ of: KitbagGenerated.Suspected) {
        (one, other) = (RecordId(of.one), RecordId(of.other))
        why =
            switch of.why {
            case .savedTwice: .savedTwice
            case .importedTwice: .importedTwice
            case .seenByTwo: .seenByTwo
            }
    }
}

/// Records: saved, corrected, looked for. When a call that saves returns, it is durable; if it throws, nothing was saved.
public struct Records: Sendable {
    let ffi: KitbagGenerated.Kitbag

    /// A form with the day, and what this device answered last time where that is mostly the same.
    public func begin(_ team: TeamId, _ kind: Kind, today: CivilDate, utcOffsetMinutes: Int) async throws -> Form {
        try await crossing {
            Form(
                try await ffi.begin(
                    team: team.text, kind: kind.lowered, today: today.description,
                    utcOffsetMin: Int64(utcOffsetMinutes)))
        }
    }

    /// What a form will be saved as: with what the programme or this device knows filled in.
    public func prepared(_ team: TeamId, _ form: Form) async throws -> Form {
        try await crossing { Form(try await ffi.prepared(team: team.text, form: form.lowered)) }
    }

    /// All that keeps a form from being saved: one fault for each field.
    public func faults(_ team: TeamId, _ form: Form) async throws -> [Fault] {
        try await crossing { try await ffi.faults(team: team.text, form: form.lowered).map(Fault.init) }
    }

    /// Saves a record.
    public func record(_ team: TeamId, _ form: Form) async throws -> RecordId {
        try await crossing { RecordId(try await ffi.record(team: team.text, form: form.lowered)) }
    }

    /// Changes a record by several changes at once: all of them, or none.
    @discardableResult
    public func change(_ id: RecordId, _ changes: [Change]) async throws -> EntryId {
        try await crossing { EntryId(try await ffi.change(id: id.text, changes: changes.map(\.lowered))) }
    }

    /// Gives a field another value; the old one stays in the history.
    @discardableResult
    public func correct(_ id: RecordId, _ field: String, _ value: Value) async throws -> EntryId {
        try await change(id, [.put(field: field, value: value)])
    }

    /// Gives a field another code, date or text.
    @discardableResult
    public func correct(_ id: RecordId, _ field: String, _ text: String) async throws -> EntryId {
        try await correct(id, field, .text(text))
    }

    /// Voids a record, with a reason of the data dictionary: it counts nowhere from then on.
    @discardableResult
    public func void(_ id: RecordId, reason: String) async throws -> EntryId {
        try await crossing { EntryId(try await ffi.void(id: id.text, reason: reason)) }
    }

    /// Takes a void back.
    @discardableResult
    public func clearVoid(_ id: RecordId) async throws -> EntryId {
        try await crossing { EntryId(try await ffi.clearVoid(id: id.text)) }
    }

    /// Says that a record is of the same event as another one.
    @discardableResult
    public func markDuplicate(_ id: RecordId, of other: RecordId) async throws -> EntryId {
        try await crossing { EntryId(try await ffi.markDuplicate(id: id.text, of: other.text)) }
    }

    /// Undoes this device's last change of a record.
    @discardableResult
    public func undo(_ id: RecordId) async throws -> EntryId {
        try await crossing { EntryId(try await ffi.undo(id: id.text)) }
    }

    /// A record with its history.
    public func get(_ id: RecordId) async throws -> WholeRecord {
        try await crossing { WholeRecord(try await ffi.lookAt(id: id.text)) }
    }

    /// The record that this device changed last in a team: what *undo* is about.
    public func lastChanged(_ team: TeamId) async throws -> RecordId? {
        try await crossing { try await ffi.lastChanged(team: team.text).map(RecordId.init) }
    }

    /// A page of the records looked for.
    public func list(_ search: Search = Search()) async throws -> Page {
        try await crossing { Page(try await ffi.list(sought: search.lowered)) }
    }

    /// What of records does not count, why, and who can lift it.
    public func refused() async throws -> [RefusedRecord] {
        try await crossing { try await ffi.refused().map(RefusedRecord.init) }
    }

    /// Pairs of records that look like one event.
    public func suspectedDuplicates(skip: UInt64 = 0) async throws -> [Suspected] {
        try await crossing { try await ffi.suspectedDuplicates(skip: skip).map(Suspected.init) }
    }

    /// Links all pairs that are suspected by one reason, as far as this device may. Returns how many it linked.
    public func linkSuspected(_ why: Suspected.Why) async throws -> UInt64 {
        try await crossing { try await ffi.linkSuspected(why: why.lowered) }
    }

    /// From now on, and for good, this device captures only: what the hub has of its records can no longer be read here, and
    /// no colleague's come in. Should the hub be put back to an older copy, it lacks what was dropped here until another
    /// device that has it syncs. Returns of how many records the contents were dropped. It fails with `role` where others
    /// rely on what this device holds.
    @discardableResult
    public func captureOnly() async throws -> UInt64 { try await crossing { try await ffi.captureOnly() } }

    /// Whether this device captures only, as its owner or the programme chose.
    public func isCaptureOnly() async throws -> Bool { try await crossing { try await ffi.isCaptureOnly() } }

    /// Says of two records that look like one event that they are two: they are suspected no more.
    public func keepApart(_ id: RecordId, _ other: RecordId) async throws {
        try await crossing { try await ffi.keepApart(id: id.text, other: other.text) }
    }
}

/// A draft.
public struct Draft: Hashable, Sendable, Identifiable {
    public let id: DraftId
    public let form: Form
}

/// Drafts: durable, never sent, never counted.
public struct Drafts: Sendable {
    let ffi: KitbagGenerated.Kitbag

    /// Saves a new draft, or what one says now.
    @discardableResult
    public func save(_ form: Form, as id: DraftId? = nil) async throws -> DraftId {
        try await crossing { DraftId(number: try await ffi.saveDraft(id: id?.number, form: form.lowered)) }
    }

    /// All drafts, the latest last.
    public func list() async throws -> [Draft] {
        try await crossing {
            try await ffi.drafts().map { Draft(id: DraftId(number: $0.id), form: Form($0.form)) }
        }
    }

    /// Makes a record of a draft as its form stands now: it is saved and the draft gone, or neither.
    public func finish(_ id: DraftId, _ team: TeamId, _ form: Form) async throws -> RecordId {
        try await crossing {
            RecordId(try await ffi.finishDraft(id: id.number, team: team.text, form: form.lowered))
        }
    }

    /// Throws a draft away.
    public func discard(_ id: DraftId) async throws {
        try await crossing { try await ffi.discardDraft(id: id.number) }
    }
}
