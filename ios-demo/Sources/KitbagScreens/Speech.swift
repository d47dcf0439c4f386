import Foundation
import KitbagClient

/// The app's words, as the platform keeps them: one text for each name of `locales/app`.
public protocol Words: Sendable {
    /// A text, with what is filled in, in the order of its names in English.
    func say(_ name: String, _ filled: [String]) -> String
    /// A text that varies by a number.
    func count(_ name: String, _ number: Int64, _ filled: [String]) -> String
    /// The language in which they are.
    var locale: Locale { get }
}

/// Words with dates and numbers in them, as a person says them.
public struct Speech: Sendable {
    let words: any Words
    public let zone: TimeZone

    public var locale: Locale { words.locale }

    public func say(_ name: String, _ filled: String...) -> String { words.say(name, filled) }

    public func count<Number: BinaryInteger>(_ name: String, _ number: Number, _ filled: String...) -> String {
        words.count(name, Int64(clamping: number), filled)
    }

    /// A number, with the digits of the language.
    public func number<Number: BinaryInteger>(_ number: Number) -> String {
        let format = NumberFormatter()
        format.locale = locale
        format.numberStyle = .decimal
        return format.string(from: NSNumber(value: Int64(clamping: number))) ?? String(number)
    }

    /// What somebody typed, as a line that hides nothing: without what turns the direction of writing or cannot be seen, and
    /// no longer than a screen.
    public func plain(_ text: String) -> String {
        let seen = text.unicodeScalars.filter { scalar in
            let isUnseen: Bool =
                switch scalar.properties.generalCategory {
                case .format, .control, .lineSeparator, .paragraphSeparator: true
                default: false
                }
            return !isUnseen && !Self.lines.contains(scalar)
        }
        let plain = String(String.UnicodeScalarView(seen))
        return plain.count <= Self.long ? plain : plain.prefix(Self.long) + "…"
    }

    private static let lines: Set<Unicode.Scalar> = ["\u{115F}", "\u{1160}", "\u{3164}", "\u{FFA0}"]
    private static let long = 300

    /// The same among other words: its direction is its own.
    public func aside(_ text: String) -> String { "\u{2068}\(plain(text))\u{2069}" }

    /// A day of the year.
    public func day(_ day: CivilDate) -> String {
        var parts = DateComponents(year: day.year, month: day.month, day: day.day, hour: 12)
        parts.timeZone = zone
        guard let date = calendar.date(from: parts) else { return day.description }
        return formatted(date) { $0.dateStyle = .medium }
    }

    /// A time of the day.
    public func time(_ at: Date) -> String { formatted(at) { $0.timeStyle = .short } }

    /// How long ago something was: minutes, hours, the day of the week, the date.
    public func ago(_ at: Date, _ now: Date) -> String {
        let minutes = Int64((now.timeIntervalSince(at) / 60).rounded(.down))
        let days = days(at, now)
        // A clock that was set back says nothing of how long ago it was.
        if minutes < -1 { return say("app-on_day", day(CivilDate(at, in: calendar))) }
        if minutes < 1 { return say("app-just_now") }
        if minutes < 60 { return count("app-minutes_ago", minutes) }
        return switch days {
        case 0: say("app-today_at", time(at))
        case 1: say("app-yesterday_at", time(at))
        default: say("app-on_day", dayOfThePast(at, days))
        }
    }

    /// Since when something is so: a time today, a day of the week, a date.
    public func since(_ at: Date, _ now: Date) -> String {
        let days = days(at, now)
        return days <= 0 ? time(at) : dayOfThePast(at, days)
    }

    var calendar: Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        return calendar
    }

    private func days(_ at: Date, _ now: Date) -> Int {
        let (from, to) = (calendar.startOfDay(for: at), calendar.startOfDay(for: now))
        return calendar.dateComponents([.day], from: from, to: to).day ?? 0
    }

    private func dayOfThePast(_ at: Date, _ days: Int) -> String {
        days < 7 ? formatted(at) { $0.dateFormat = "EEEE" } : day(CivilDate(at, in: calendar))
    }

    private func formatted(_ date: Date, _ style: (DateFormatter) -> Void) -> String {
        let format = DateFormatter()
        (format.locale, format.timeZone) = (locale, zone)
        style(format)
        return format.string(from: date)
    }
}
