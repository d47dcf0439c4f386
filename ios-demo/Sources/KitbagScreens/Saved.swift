import Foundation
import KitbagClient

/// It is saved: a tick, undo for ten seconds, and more of the same in a row.
final class Saved: Screen {
    /// How long what was saved may be undone by one tap, in seconds.
    static let undoFor: TimeInterval = 10
    private static let more: [Int64] = [1, 2, 3]

    private let shift: OnShift
    private let form: Form
    private var records: [RecordId]
    private var savedAt: TimeInterval
    private var isNew = true
    private var isUndone = false

    override var redrawnEach: Double { 1 }

    init(_ app: App, _ shift: OnShift, _ form: Form, _ record: RecordId) {
        (self.shift, self.form, records, savedAt) = (shift, form, [record], app.phone.platform.uptime())
        super.init(app)
    }

    override func page() async throws -> Page {
        var items: [Item] = [isUndone ? .words(say("app-undone")) : .done(speech.count("app-saved", records.count))]
        items.append(.words(say("app-safe_here")))
        if form.kind == .distribution, !isUndone {
            items.append(.heading(say("app-more_alike")))
            items += Self.more.map { more in
                .option(speech.count("app-more_like_this", more), isChosen: false) { try await self.again(more) }
            }
        }
        let left = Self.undoFor - (app.phone.platform.uptime() - savedAt)
        var foot: [Item] = []
        if !isUndone, left > 0 {
            let seconds = max(Int64(left), 1)
            foot.append(.button(speech.count("app-undo", seconds), look: .quiet) { try await self.undo() })
        }
        foot.append(.button(say("app-done"), look: .main) { self.app.home() })
        let title = try await app.vocabulary().kind(form.kind).inWords
        defer { isNew = false }
        return Page("saved", title, items, foot, isAtThumb: true, hasBack: false, isSaved: isNew)
    }

    private func again(_ more: Int64) async throws {
        // One after the other: each is durable, and each may be undone.
        for _ in 0..<more { records.append(try await shift.kitbag.records.record(shift.team, form)) }
        savedAt = app.phone.platform.uptime()
        isNew = true
    }

    private func undo() async throws {
        // The last first; what was undone is undone, wherever it stops.
        while let last = records.last {
            _ = try await shift.kitbag.records.undo(last)
            records.removeLast()
        }
        isUndone = true
    }

    override func back() async throws { app.home() }
}
