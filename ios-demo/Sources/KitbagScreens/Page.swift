/// What a person's tap does.
public typealias Act = @MainActor () async throws -> Void

/// How something is meant: never by colour alone, each has a mark of its own.
public enum Tone: Sendable { case plain, good, warning, bad }

/// How much a button stands out.
public enum Look: Sendable { case main, plain, quiet, danger }

/// The pictures beside words.
public enum Mark: Sendable { case kit, reversal, referral, bag, sent, waiting, trouble, tick, scan, person }

/// What may be typed.
public enum Typing: Sendable { case text, number, digits, secret, long }

/// One thing on a screen. A view draws each as it is; what it means was decided before.
public enum Item {
    /// A sentence.
    case words(String, tone: Tone = .plain, mark: Mark? = nil)
    /// What the items below it are about.
    case heading(String)
    /// Something to do.
    case button(String, look: Look = .plain, detail: String? = nil, mark: Mark? = nil, act: Act)
    /// An answer to choose.
    case option(String, isChosen: Bool, detail: String? = nil, act: Act)
    /// A line of a list, that leads somewhere where it has an act.
    case line(String, detail: String? = nil, tone: Tone = .plain, mark: Mark? = nil, act: Act? = nil)
    /// Something to type. What was typed is kept at each letter.
    case input(String, value: String, typing: Typing = .text, typed: @MainActor (String) async throws -> Void)
    /// A number to compare or to read aloud: very large, a digit at a time for a screen reader.
    case digits(String)
    /// A picture for another phone's camera, with what it is for.
    case code(String, about: String)
    /// A bar of a chart, with its number beside it; `most` is the longest of its chart.
    case bar(String, value: Int64, most: Int64, said: String, isBefore: Bool = false)
    /// How far something is.
    case progress(String, done: UInt64, all: UInt64)
    /// A very large button for a hand that shakes, with how often it was tapped.
    case tap(String, count: String, act: Act)
    /// It is done: a large tick, and words.
    case done(String)

    /// Its first words.
    public var text: String {
        switch self {
        case .words(let text, _, _), .heading(let text), .button(let text, _, _, _, _), .option(let text, _, _, _),
            .line(let text, _, _, _, _), .input(let text, _, _, _), .digits(let text), .code(let text, _),
            .bar(let text, _, _, _, _), .progress(let text, _, _), .tap(let text, _, _), .done(let text):
            text
        }
    }

    /// What it does when it is tapped.
    public var act: Act? {
        switch self {
        case .button(_, _, _, _, let act), .option(_, _, _, let act), .tap(_, _, let act): act
        case .line(_, _, _, _, let act): act
        default: nil
        }
    }
}

/// A screen as it is now.
public struct Page {
    /// Its name, for tests and pictures.
    public var name: String
    public var title: String
    /// From the top down.
    public var items: [Item]
    /// What stays in reach of the thumb, from the top down.
    public var foot: [Item] = []
    /// Whether the items stand at the bottom, in reach of the thumb: answers to a question.
    public var isAtThumb = false
    /// Whether a way back is shown.
    public var hasBack = true
    /// Whether a person is told by touch that something was saved.
    public var isSaved = false
    /// How many letters it knows of: what was typed since stands in its field alone.
    public internal(set) var heard: UInt64 = 0
    /// How many were made before it.
    public internal(set) var number: UInt64 = 0

    init(
        _ name: String, _ title: String, _ items: [Item], _ foot: [Item] = [], isAtThumb: Bool = false, hasBack: Bool = true,
        isSaved: Bool = false
    ) {
        (self.name, self.title, self.items, self.foot) = (name, title, items, foot)
        (self.isAtThumb, self.hasBack, self.isSaved) = (isAtThumb, hasBack, isSaved)
    }

    /// What can be tapped, by its words.
    public func act(_ text: String) -> Act? {
        (items + foot).first { $0.text == text && $0.act != nil }?.act
    }
}
