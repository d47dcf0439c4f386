import Foundation
internal import KitbagGenerated

/// What a field holds.
public indirect enum Shape: Hashable, Sendable {
    case code, codeSet
    case counts(min: Int64, max: Int64)
    case date, month, period, time
    case number(min: Int64, max: Int64)
    case numberOrUnknown(min: Int64, max: Int64)
    case holder, text, record
    case elements([Field])

    init(_ of: FieldShape) {
        self =
            switch of {
            case .code: .code
            case .codeSet: .codeSet
            case .counts(let min, let max): .counts(min: min, max: max)
            case .date: .date
            case .month: .month
            case .period: .period
            case .time: .time
            case .int(let min, let max): .number(min: min, max: max)
            case .intOrUnknown(let min, let max): .numberOrUnknown(min: min, max: max)
            case .holder: .holder
            case .text: .text
            case .record: .record
            case .elements(let fields): .elements(fields.map(Field.init))
            }
    }
}

/// Whether a record is complete without a field.
public enum Need: Hashable, Sendable {
    case required
    case requiredIf(field: String, codes: [String])
    case optional

    init(_ of: FieldNeed) {
        self =
            switch of {
            case .required: .required
            case .requiredIf(let field, let codes): .requiredIf(field: field, codes: codes)
            case .optional: .optional
            }
    }
}

/// A field of a form.
public struct Field: Hashable, Sendable {
    public let name: String
    public let shape: Shape
    public let need: Need
    public let codes: [String]
    /// What people read.
    public let inWords: String
    /// What people read of each code. A programme's own codes have labels in its ``Pack``s.
    public let codesInWords: [String: String]

    init(_ of: FieldDeclaration) {
        (name, shape, need) = (of.name, Shape(of.shape), Need(of.need))
        (codes, inWords, codesInWords) = (of.codes, of.inWords, of.codesInWords)
    }
}

/// A kind of record, with its fields in the order in which a form asks them.
public struct KindDeclaration: Hashable, Sendable {
    public let kind: Kind
    public let name: String
    public let inWords: String
    public let fields: [Field]
    public let indicators: [String]
    public let indicatorsInWords: [String: String]

    init(_ of: KitbagGenerated.KindDeclaration) {
        (kind, name, inWords) = (Kind(of.kind), of.name, of.inWords)
        fields = of.fields.map(Field.init)
        (indicators, indicatorsInWords) = (of.indicators, of.indicatorsInWords)
    }
}

/// All kinds, with words in a language: asked once and kept. Screens are built of them.
public func declarations(language: String) async throws -> [KindDeclaration] {
    try await crossing { try await KitbagGenerated.declarations(language: language).map(KindDeclaration.init) }
}

/// All of Kitbag's words as `Localizable.strings`, in English, Spanish, French, Arabic and Ukrainian: for texts that an app
/// puts together itself. `kind-reversal`, `field-outcome`, `error-would_lose`, …
public var words: Bundle { KitbagGenerated.words }

/// What people read of a message's id, as in Kitbag's files of words, in a language or in that of
/// ``Kitbag/setLanguage(_:)``; the id where there is none.
public func message(_ id: String, language: String? = nil) -> String {
    (try? KitbagGenerated.message(language: language, id: id)) ?? id
}

/// How much a log line matters.
public enum LogLevel: Hashable, Sendable {
    case error, warn, info, debug

    init(_ of: KitbagGenerated.LogLevel) {
        self =
            switch of {
            case .error: .error
            case .warn: .warn
            case .info: .info
            case .debug: .debug
            }
    }
}

/// Kitbag's logs, which never hold what a record says.
public enum Logs {
    /// From now on this closure takes the lines, on a thread of its own: who blocks holds nobody up. Nil takes none.
    public static func to(_ sink: (@Sendable (LogLevel, _ module: String, _ line: String) -> Void)?) {
        setLogSink(sink: sink.map(Sink.init))
    }

    /// How many lines were dropped, as the sink did not take them.
    public static var dropped: UInt64 { droppedLogLines() }

    private final class Sink: LogSink {
        private let sink: @Sendable (LogLevel, String, String) -> Void
        init(_ sink: @escaping @Sendable (LogLevel, String, String) -> Void) { self.sink = sink }

        func log(level: KitbagGenerated.LogLevel, module: String, line: String) {
            sink(LogLevel(level), module, line)
        }
    }
}
