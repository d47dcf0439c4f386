import Foundation
import KitbagClient

/// Referrals that are open, the latest first, each with its next step.
final class Referrals: Screen {
    private static let shown = 50
    /// After these nothing is awaited.
    private static let closed: Set<String> = ["completed", "declined", "rejected", "dropped_out", "lost"]

    private var added: RecordId?
    private var addedAt: TimeInterval = 0
    private var isNew = false

    override var redrawnEach: Double { added == nil ? 30 : 1 }

    override func page() async throws -> Page {
        let words = try await app.vocabulary()
        let items = try await open(words).map { line(words, $0) }
        let add = Item.button(say("app-referral"), look: .main, mark: .referral) {
            self.app.show(try await Recording.of(self.app, .referral))
        }
        let captures = try await app.shift().kitbag.records.isCaptureOnly()
        let none: [Item] = [.words(captures ? words.capturesOnly() : say("app-no_open_referrals"))]
        defer { isNew = false }
        return Page("referrals", say("app-referrals"), saved() + (items.isEmpty ? none : items), [add], isSaved: isNew)
    }

    /// An event was saved: it may be undone for a moment.
    private func saved() -> [Item] {
        let left = Saved.undoFor - (app.phone.platform.uptime() - addedAt)
        guard let record = added, left > 0 else {
            added = nil
            return []
        }
        return [
            .done(speech.count("app-saved", 1)),
            .button(speech.count("app-undo", max(Int64(left), 1)), look: .quiet) {
                _ = try await self.app.shift().kitbag.records.undo(record)
                self.added = nil
            },
        ]
    }

    private func note(_ record: RecordId) {
        (added, addedAt, isNew) = (record, app.phone.platform.uptime(), true)
    }

    private func open(_ words: Vocabulary) async throws -> [Row] {
        var found: [Row] = []
        var search = Search(kind: .referral, team: try app.shift().team)
        search.state = .counted
        while found.count < Self.shown {
            let page = try await app.shift().kitbag.records.list(search)
            found += page.rows.filter { !Self.closed.contains(Self.status(words, $0)) }
            guard let older = page.older else { break }
            search.olderThan = older
        }
        return Array(found.prefix(Self.shown))
    }

    private func line(_ words: Vocabulary, _ row: Row) -> Item {
        func said(_ name: String) -> String? {
            guard let field = words.field(.referral, name), let value = row.fields[name] else { return nil }
            return words.said(field, value)
        }
        let status = Self.status(words, row)
        let where_ = words.field(.referral, "events.status").map { words.said($0, .text(status)) }
        let detail = [said("receiving_service"), where_, speech.day(row.day)].compactMap { $0 }.joined(separator: " · ")
        return .line(said("service") ?? words.kind(.referral).inWords, detail: detail, mark: .referral) {
            self.app.show(NextStep(self.app, row.id, status, saved: { self.note($0) }))
        }
    }

    /// Where a referral stands, as the data dictionary has it: at its latest event; a tie goes to the one further along.
    static func status(_ words: Vocabulary, _ row: Row) -> String {
        func text(_ event: Element, _ field: String) -> String {
            if case .text(let text) = event[field] { text } else { "" }
        }
        let order = words.field(.referral, "events.status")?.codes ?? []
        func place(_ event: Element) -> Int { order.firstIndex(of: text(event, "status")) ?? -1 }
        let events = (row.lists["events"] ?? []).filter { $0["void"] == nil }
        let latest = events.max { (text($0, "on"), place($0)) < (text($1, "on"), place($1)) }
        return latest.map { text($0, "status") } ?? "unknown"
    }
}

/// What happened next: one tap for what is likely, two for the rest.
final class NextStep: Screen {
    /// After each status what mostly comes next, the likeliest nearest to the thumb.
    private static let likely: [String: [String]] = [
        "offered": ["declined", "accepted", "made"],
        "made": ["rejected", "no_show", "attended", "accepted"],
        "accepted": ["no_show", "attended"],
        "no_show": ["lost", "attended"],
        "attended": ["dropped_out", "completed", "in_service"],
        "in_service": ["dropped_out", "completed"],
    ]

    private let record: RecordId
    private let status: String
    /// Is told of what was saved.
    private let saved: @MainActor (RecordId) -> Void
    private var isUnfolded = false
    private var day = ""

    init(_ app: App, _ record: RecordId, _ status: String, saved: @escaping @MainActor (RecordId) -> Void = { _ in }) {
        (self.record, self.status, self.saved) = (record, status, saved)
        super.init(app)
    }

    override func page() async throws -> Page {
        let words = try await app.vocabulary()
        let all = words.field(.referral, "events.status").map(words.choices) ?? []
        let choices = all.filter { $0.code != status }
        let likely = Self.likely[status] ?? Self.likely["offered"] ?? []
        let shown = isUnfolded ? choices : likely.compactMap { code in choices.first { $0.code == code } }
        let items: [Item] = shown.map { choice in
            .option(choice.text, isChosen: false) { try await self.add(choice.code) }
        }
        var foot: [Item] = [
            .button(say("app-see_record"), look: .quiet) { self.app.replace(RecordOf(self.app, self.record)) }
        ]
        if !isUnfolded { foot.append(.button(say("app-something_else"), look: .quiet) { self.isUnfolded = true }) }
        return Page("next_step", say("app-what_happened"), try await asked(words) + items, foot, isAtThumb: true)
    }

    private func isClockOff() async throws -> Bool { try await app.shift().kitbag.sync.status().clockIsOff }

    /// A clock that is wrong knows no day: it is asked.
    private func asked(_ words: Vocabulary) async throws -> [Item] {
        guard try await isClockOff() else { return [] }
        let on = words.field(.referral, "events.on")?.inWords ?? ""
        return [
            .words(say("app-clock_off"), tone: .warning, mark: .trouble),
            .input(say("app-typed_date", on), value: day) { self.day = $0 },
        ]
    }

    private func add(_ code: String) async throws {
        // Whoever shakes taps twice: one event happened.
        if isLeft { return }
        let isOff = try await isClockOff()
        guard let on = isOff ? CivilDate(day.trimmed) : app.phone.today() else { return app.say(say("app-clock_off")) }
        let event: Element = ["status": .text(code), "on": .text(on.description)]
        _ = try await app.shift().kitbag.records.change(record, [.add(list: "events", element: event)])
        saved(record)
        app.leave(self)
    }
}
