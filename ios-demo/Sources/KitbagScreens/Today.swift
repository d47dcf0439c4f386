import Foundation
import KitbagClient

/// What a person needs at once: three large buttons, the bag, and whether what was saved was sent.
final class Today: Screen {
    /// What a worker is told here; the rest stands in the history and the totals.
    private static let told: Set<String> = ["stock_below_zero", "conflicts", "no_hub", "waiting_long"]

    override func page() async throws -> Page {
        let shift = try app.shift()
        let words = try await app.vocabulary()
        var items = syncing(app, try await shift.kitbag.sync.status())
        if try await shift.kitbag.records.isCaptureOnly() {
            items.append(.words(words.capturesOnly()))
        } else {
            items.append(try await bag(words, shift))
        }
        for finding in try await shift.kitbag.health.findings(now: app.phone.platform.now())
        where Self.told.contains(finding.code) {
            items.append(.words(finding.inWords, tone: .warning, mark: .trouble))
        }
        let drafts = try await shift.kitbag.drafts.list()
        if !drafts.isEmpty { items.append(.heading(say("app-begun"))) }
        items += drafts.reversed().map { begun(words, $0) }
        items += [
            .button(say("app-referrals"), look: .quiet) { self.app.show(Referrals(self.app)) },
            .button(say("app-history"), look: .quiet) { self.app.show(History(self.app)) },
            .button(say("app-totals"), look: .quiet) { self.app.show(TotalsOf(self.app)) },
            .button(say("app-other_record"), look: .quiet) { self.app.show(OtherRecord(self.app)) },
            .button(say("app-more"), look: .quiet) { self.app.show(More(self.app)) },
        ]
        let foot: [Item] = [
            .button(say("app-give_naloxone"), look: .main, mark: .kit) {
                self.app.show(try await Recording.of(self.app, .distribution))
            },
            .button(say("app-overdose"), look: .main, mark: .reversal) { self.app.show(ReversalBegin(self.app)) },
            .button(say("app-referral"), look: .main, mark: .referral) {
                self.app.show(try await Recording.of(self.app, .referral))
            },
        ]
        return Page("today", speech.plain(shift.profile.label), items, foot, hasBack: false)
    }

    private func bag(_ words: Vocabulary, _ shift: OnShift) async throws -> Item {
        let stock = try await shift.kitbag.stock.now(app.phone.today(), team: shift.team)
        let own = stock.held.filter { $0.holder == "device:\(shift.device.text)" && $0.doses != 0 }
        let products = Dictionary(grouping: own, by: \.product).sorted { $0.key < $1.key }
        let said = products.map { product, batches in
            let kits = batches.compactMap(\.kits)
            let much =
                kits.count == batches.count
                ? speech.count("app-kits", kits.reduce(0, +)) : speech.count("app-doses", batches.map(\.doses).reduce(0, +))
            return "\(words.product(product)): \(much)"
        }
        let text = said.isEmpty ? say("app-bag_empty") : said.joined(separator: "\n")
        return .line(say("app-my_bag"), detail: text, tone: own.contains { $0.doses < 0 } ? .warning : .plain, mark: .bag)
    }

    private func begun(_ words: Vocabulary, _ draft: Draft) -> Item {
        if let correct = Correct.begun(app, draft) {
            let kind = words.kind(draft.form.kind).inWords
            return .line(kind, detail: say("app-correct_other"), mark: .waiting) { self.app.show(correct) }
        }
        func text(_ field: String) -> String? {
            if case .text(let text) = draft.form.answers[field] { text } else { nil }
        }
        let day = text("occurred_on").flatMap { CivilDate($0) }.map(speech.day)
        let detail = [day, text("occurred_time")].compactMap { $0 }.joined(separator: " ")
        return .line(words.kind(draft.form.kind).inWords, detail: detail.isEmpty ? nil : detail, mark: .waiting) {
            self.app.show(Begun(self.app, draft))
        }
    }
}

/// What was begun and is not saved: to go on, or to throw away.
final class Begun: Screen {
    private let draft: Draft

    init(_ app: App, _ draft: Draft) {
        self.draft = draft
        super.init(app)
    }

    override func page() async throws -> Page {
        let words = try await app.vocabulary()
        let fields = words.kind(draft.form.kind).fields.filter { $0.name != "utc_offset_min" }
        let items: [Item] = fields.compactMap { field in
            words.said(draft.form.kind, field, draft.form).map { .line(field.inWords, detail: $0) }
        }
        var foot: [Item] = [
            .button(say("app-throw_away"), look: .danger) {
                try await self.app.shift().kitbag.drafts.discard(self.draft.id)
                self.app.leave(self)
            }
        ]
        // Which of both it is, the person knows.
        if mayGoOn { foot.append(.button(say("app-finish_now")) { self.app.replace(try await self.rest()) }) }
        foot.append(
            .button(say("app-go_on"), look: .main) {
                let shift = try self.app.shift()
                let again: Screen =
                    if self.mayGoOn { Reversal(self.app, shift, self.draft.form, self.draft.id) } else { try await self.rest() }
                self.app.replace(again)
            })
        return Page("begun", words.kind(draft.form.kind).inWords, items, foot)
    }

    /// Whether it may be going on still: nobody said how it ended.
    private var mayGoOn: Bool { draft.form.kind == .reversal && draft.form.answers["outcome"] == nil }

    private func rest() async throws -> Screen { try await Recording(app, try app.shift(), draft.form, draft.id).begun() }
}

/// The kinds of record that a worker seldom makes, and those that a coordinator alone does.
final class OtherRecord: Screen {
    override func page() async throws -> Page {
        let words = try await app.vocabulary()
        let kinds: [Kind] = [.stockMovement, .training, .contact] + (try app.shift().isCoordinator ? [.target] : [])
        let items: [Item] = kinds.map { kind in
            .button(words.kind(kind).inWords) { self.app.replace(try await Recording.of(self.app, kind)) }
        }
        return Page("other_record", say("app-other_record"), items, isAtThumb: true)
    }
}

/// The state of sync in words, as it stands on the first screen and on its own.
@MainActor
func syncing(_ app: App, _ status: Status) -> [Item] {
    let (speech, now) = (app.speech, app.phone.platform.now())
    let waiting = max(status.waiting.records, status.waiting.entries > 0 ? 1 : 0)
    let show: Act = { app.show(Syncing(app)) }
    var items: [Item] = []
    if waiting > 0 {
        let text = status.waiting.since.map { speech.count("app-not_sent_since", waiting, speech.since($0, now)) }
        items.append(
            .line(
                text ?? speech.count("app-not_sent", waiting), detail: speech.say("app-safe_here"), tone: .warning,
                mark: .waiting, act: show))
    } else if let agreed = status.last.agreedAt {
        // A tick only where all of it is there.
        let isWhole = status.isSynced
        items.append(
            .line(
                speech.say("app-sent", speech.ago(agreed, now)), tone: isWhole ? .good : .plain,
                mark: isWhole ? .sent : .waiting, act: show))
    } else {
        items.append(.line(speech.say("app-never_synced"), tone: .warning, mark: .waiting, act: show))
    }
    if let failed = status.last.failed {
        items.append(.words(failed.inWords, tone: .warning, mark: .trouble))
        if let next = status.last.nextTry, next > now {
            items.append(.words(speech.say("app-tried_again", speech.since(next, now))))
        }
    }
    if status.clockIsOff { items.append(.words(speech.say("app-clock_off"), tone: .bad, mark: .trouble)) }
    if status.waiting.aside > 0 {
        let why = status.waiting.whyAside == .revoked ? "app-aside_revoked" : "app-aside"
        items.append(.words(speech.count(why, status.waiting.aside), tone: .bad, mark: .trouble))
    } else if !status.uncertified.isEmpty {
        items.append(.words(speech.say("app-uncertified"), tone: .bad, mark: .trouble))
    }
    return items
}
