import Foundation
import struct Foundation.Data
internal import KitbagGenerated

/// The kinds of record.
public enum Kind: String, CaseIterable, Sendable {
    case distribution, reversal, referral, stockMovement, training, contact, target, report
}

/// What a field says.
public enum Value: Hashable, Sendable {
    /// Nothing: in a change, takes an answer back.
    case nothing
    /// Yes or no: a code of a set.
    case flag(Bool)
    /// A whole number.
    case number(Int64)
    /// A code, a date, or a text.
    case text(String)
    /// A text that this device cannot read, or that a list does not show: there is one.
    case sealed
}

/// A form's answers to one element of a list.
public typealias Element = [String: Value]

/// A record as somebody fills it in: a plain value. What is wrong with it, ``Records/faults(_:_:)`` says, and saving it.
public struct Form: Hashable, Sendable {
    /// The kind of record that it becomes.
    public let kind: Kind
    /// Answers by field; of a set, and of numbers by code, `field.code`.
    public private(set) var fields: [String: Value]
    /// Elements of lists: the administrations of a reversal, the events of a referral.
    public private(set) var lists: [String: [Element]]
    private var texts: [String: String] = [:]
    private var unknowns = false

    /// A form with no answer yet.
    public init(_ kind: Kind) {
        (self.kind, fields, lists) = (kind, [:], [:])
    }

    /// Answers a field.
    public mutating func put(_ field: String, _ value: Value) {
        fields[field] = value
        texts[field] = nil
    }

    /// Answers a field with a code, a date or a text.
    public mutating func put(_ field: String, _ text: String) { put(field, .text(text)) }

    /// Answers a field with a date.
    public mutating func put(_ field: String, _ date: CivilDate) { put(field, .text(date.description)) }

    /// Answers a field with a number.
    public mutating func put(_ field: String, _ number: Int) { put(field, .number(Int64(number))) }

    /// Answers a field with a yes or no.
    public mutating func put(_ field: String, _ flag: Bool) { put(field, .flag(flag)) }

    /// Puts the day, the time where it is known, and how far local time was ahead of UTC then: of a time that comes twice
    /// that of the first, of one that is passed over that of the hour before.
    public mutating func on(
        _ day: CivilDate, hour: Int? = nil, minute: Int = 0, in zone: TimeZone = .current
    ) {
        put("occurred_on", day)
        if let hour { put("occurred_time", String(format: "%02d:%02d", hour, minute)) }
        let local = Double(day.epochDay) * 86_400 + Double((hour ?? 12) * 3_600 + minute * 60)
        // As if it were UTC: what holds a day before holds until the zone changes.
        func offset(_ seconds: Double) -> Double {
            Double(zone.secondsFromGMT(for: Date(timeIntervalSince1970: seconds)))
        }
        let (before, after) = (offset(local - 86_400), offset(local + 86_400))
        func fits(_ ahead: Double) -> Bool { offset(local - ahead) == ahead }
        put("utc_offset_min", Int((!fits(before) && fits(after) ? after : before) / 60))
    }

    /// Ticks a code of a set.
    public mutating func tick(_ set: String, _ code: String) { put("\(set).\(code)", .flag(true)) }

    /// Answers a field with what somebody typed, read as the field has it.
    public mutating func putText(_ field: String, _ text: String) {
        texts[field] = text
        fields[field] = nil
    }

    /// All answers by field, those that were typed as they were typed: what a screen shows.
    public var answers: [String: Value] { fields.merging(texts.mapValues(Value.text)) { answer, _ in answer } }

    /// Takes an answer back.
    public mutating func takeBack(_ field: String) {
        fields[field] = nil
        texts[field] = nil
    }

    /// Adds an element to a list.
    public mutating func add(_ list: String, _ element: Element) { lists[list, default: []].append(element) }

    /// Puts these elements in the place of a list's.
    public mutating func put(_ list: String, elements: [Element]) { lists[list] = elements.isEmpty ? nil : elements }

    /// Answers *unknown* wherever an answer is required, is open, and may be unknown: "I do not know" for a whole form.
    public mutating func answerUnknowns() { unknowns = true }

    init(_ of: FilledForm) {
        kind = Kind(of.kind)
        fields = of.fields.mapValues(Value.init)
        lists = of.lists.mapValues { $0.map { $0.mapValues(Value.init) } }
    }

    var lowered: FilledForm {
        FilledForm(
            kind: kind.lowered, fields: fields.mapValues(\.lowered), texts: texts,
            lists: lists.mapValues { $0.map { $0.mapValues(\.lowered) } }, unknowns: unknowns)
    }
}

/// The name of a list's element.
public struct ElementName: Hashable, Sendable {
    public let entry: EntryId
    public let index: UInt32

    init(_ of: KitbagGenerated.ElementName) { (entry, index) = (EntryId(of.entry), of.index) }

    var lowered: KitbagGenerated.ElementName { .init(entry: entry.text, index: index) }
}

/// A change of a record.
public enum Change: Hashable, Sendable {
    /// Gives a field another value; the old one stays in the history.
    case put(field: String, value: Value)
    /// Gives a field of a list's element another value; `void` with a reason takes the element out.
    case putIn(list: String, element: ElementName, field: String, value: Value)
    /// Adds an element to a list.
    case add(list: String, element: Element)

    init(_ of: KitbagGenerated.Change) {
        switch of {
        case .put(let field, let value): self = .put(field: field, value: Value(value))
        case .putIn(let list, let element, let field, let value):
            self = .putIn(list: list, element: ElementName(element), field: field, value: Value(value))
        case .add(let list, let element): self = .add(list: list, element: element.mapValues(Value.init))
        }
    }

    var lowered: KitbagGenerated.Change {
        switch self {
        case .put(let field, let value): .put(field: field, value: value.lowered)
        case .putIn(let list, let element, let field, let value):
            .putIn(list: list, element: element.lowered, field: field, value: value.lowered)
        case .add(let list, let element): .add(list: list, element: element.mapValues(\.lowered))
        }
    }
}

extension Kind {
    init(_ of: KitbagGenerated.Kind) {
        self =
            switch of {
            case .distribution: .distribution
            case .reversal: .reversal
            case .referral: .referral
            case .stockMovement: .stockMovement
            case .training: .training
            case .contact: .contact
            case .target: .target
            case .report: .report
            }
    }

    var lowered: KitbagGenerated.Kind {
        switch self {
        case .distribution: .distribution
        case .reversal: .reversal
        case .referral: .referral
        case .stockMovement: .stockMovement
        case .training: .training
        case .contact: .contact
        case .target: .target
        case .report: .report
        }
    }
}

extension Value {
    init(_ of: KitbagGenerated.Value) {
        self =
            switch of {
            case .null: .nothing
            case .bool(let flag): .flag(flag)
            case .int(let number): .number(number)
            case .text(let text): .text(text)
            case .bytes: .sealed
            }
    }

    var lowered: KitbagGenerated.Value {
        switch self {
        case .nothing: .null
        case .flag(let flag): .bool(flag)
        case .number(let number): .int(number)
        case .text(let text): .text(text)
        case .sealed: .bytes(Data())
        }
    }
}
