import KitbagClient

/// What is seldom needed.
final class More: Screen {
    override func page() async throws -> Page {
        var items: [Item] = [
            .button(say("app-switch"), mark: .person) { self.app.show(Shift(self.app)) },
            .button(say("app-sync")) { self.app.show(Syncing(self.app)) },
            .button(say("app-protection")) { self.app.show(Protection(self.app)) },
        ]
        if try app.shift().isCoordinator {
            items.append(.button(say("app-invite")) { self.app.show(Inviting(self.app)) })
        }
        items += [
            .button(say("app-about")) { self.app.show(About(self.app)) },
            .button(say("app-leave_team"), look: .danger) { self.app.show(Leaving(self.app)) },
        ]
        return Page("more", say("app-more"), items, isAtThumb: true)
    }
}

/// A PIN, and what keeps others out.
final class Protection: Screen {
    override func page() async throws -> Page {
        let shift = try app.shift()
        let profile = shift.profile
        let hasPin = profile.needsPin
        var items: [Item] = [
            .words(
                say(hasPin ? "app-has_pin" : "app-no_pin"), tone: hasPin ? .good : .warning, mark: hasPin ? .tick : .trouble),
            .button(say(hasPin ? "app-pin_change" : "app-pin_set")) { self.app.show(PinSetting(self.app, isRemoval: false)) },
        ]
        if hasPin {
            items += [
                .button(say("app-pin_remove"), look: .quiet) { self.app.show(PinSetting(self.app, isRemoval: true)) },
                .button(say("app-lock_now")) {
                    try await self.app.phone.lock()
                    self.app.begin(Unlock(self.app, profile))
                },
            ]
        }
        items.append(.heading(say("app-capture_only")))
        if try await shift.kitbag.records.isCaptureOnly() {
            items.append(.words(try await app.vocabulary().capturesOnly(), tone: .good, mark: .tick))
        } else if shift.isWorker {
            items.append(
                .button(say("app-capture_only_begin"), detail: say("app-capture_only_short")) {
                    self.app.show(Capturing(self.app))
                })
        } else {
            items.append(.words(say("app-capture_only_workers")))
        }
        items += [.heading(say("app-quick_exit")), .words(say("app-quick_exit_how"))]
        return Page("protection", say("app-protection"), items)
    }
}

/// Captures only from now on: said is what that means, and what a hub that was put back would then lack.
final class Capturing: Screen {
    override func page() async throws -> Page {
        let items: [Item] = [
            .words(say("app-capture_only_what")), .words(say("app-capture_only_no_totals")),
            .words(say("app-capture_only_hub"), tone: .warning, mark: .trouble),
            .words(say("app-capture_only_for_good"), tone: .warning, mark: .trouble),
        ]
        let begin = Item.button(say("app-capture_only_begin"), look: .danger) {
            try await self.app.shift().kitbag.records.captureOnly()
            self.app.leave(self)
        }
        return Page("capturing", say("app-capture_only"), items, [begin])
    }
}

/// Sets, changes or takes away a PIN.
final class PinSetting: Screen {
    private let isRemoval: Bool
    private var old = ""
    private var new = ""
    private var again = ""

    init(_ app: App, isRemoval: Bool) {
        self.isRemoval = isRemoval
        super.init(app)
    }

    override func page() async throws -> Page {
        let hasPin = try app.shift().profile.needsPin
        var items: [Item] = isRemoval ? [] : [.words(say("app-pin_what"))]
        if hasPin { items.append(.input(say("app-pin_old"), value: old, typing: .secret) { self.old = $0 }) }
        if !isRemoval {
            items += [
                .input(say("app-pin_new"), value: new, typing: .secret) { self.new = $0 },
                .input(say("app-pin_again"), value: again, typing: .secret) { self.again = $0 },
            ]
        }
        let name = say(isRemoval ? "app-pin_remove" : "app-pin_set")
        return Page("pin", name, items, [.button(name, look: .main) { try await self.set(hasPin) }])
    }

    private func set(_ hasPin: Bool) async throws {
        if !isRemoval, new != again { return app.say(say("app-pin_differs")) }
        try await app.shift().profile.changePin(hasPin ? old : nil, isRemoval ? nil : new)
        app.leave(self)
    }
}

/// Invites a device into the team: what a coordinator does.
final class Inviting: Screen {
    private var label = ""
    private var old: Member?
    private var shown: String?
    private var hasAsked = false
    private var digits = ""

    override func page() async throws -> Page {
        guard let shown else {
            let items: [Item] = working() + [
                .words(say("app-invite_how")), .input(say("app-name"), value: label) { self.label = $0 },
            ]
            return Page(
                "invite", say("app-invite"), items + (try await places()), [.button(say("app-next"), look: .main) { self.work { try await self.invite() } }])
        }
        if !hasAsked {
            return Page("invite_code", say("app-invite"), [.code(shown, about: say("app-invite_show"))])
        }
        let items: [Item] = working() + [
            .words(say("app-invite_digits")),
            .input(say("app-digits"), value: digits, typing: .digits) { self.digits = $0 },
        ]
        let letIn = Item.button(say("app-let_in"), look: .main) { self.work { try await self.approve() } }
        return Page("invite_digits", say("app-invite"), items, [letIn])
    }

    /// Whose old phone the new one takes the place of: it then corrects what that one recorded.
    private func places() async throws -> [Item] {
        let shift = try app.shift()
        let members = try await shift.kitbag.team.members(shift.team).filter { $0.role == .worker }
        var people: [Member] = []
        for member in members.reversed() where !people.contains(where: { $0.person == member.person }) { people.insert(member, at: 0) }
        if people.isEmpty { return [] }
        return [.heading(say("app-invite_place"))]
            + people.map { member in
                let name = member.label.map(speech.plain) ?? say("app-colleague")
                let since = speech.ago(member.joined, app.phone.platform.now())
                return .option(name, isChosen: old?.person == member.person, detail: since) {
                    self.old = self.old?.person == member.person ? nil : member
                }
            }
    }

    private func invite() async throws {
        let shift = try app.shift()
        let label = label.trimmed
        let invitation = try await shift.kitbag.team.invite(
            shift.team, .worker, continues: old?.certificate, label: label.isEmpty ? nil : label)
        shown = invitation.text
        meanwhile {
            do {
                try await invitation.asked()
                self.hasAsked = true
            } catch let failed as KitbagError {
                // Nobody asks by this one any more: another can be made.
                self.shown = nil
                throw failed
            }
        }
    }

    private func approve() async throws {
        try await app.shift().kitbag.team.approve(digits: digits.filter(\.isNumber))
        app.leave(self)
    }
}

/// Leaves the team: what is not sent would be lost, and keeps it from being left.
final class Leaving: Screen {
    private var wouldLose = false

    override func page() async throws -> Page {
        var items: [Item] = working() + [.words(say("app-leave_what"))]
        let begun = try await app.shift().kitbag.drafts.list().count
        if begun > 0 { items.append(.words(speech.count("app-leave_drafts", begun), tone: .warning, mark: .trouble)) }
        if wouldLose { items.append(.words(say("app-leave_sync_first"), tone: .bad, mark: .trouble)) }
        let leave = Item.button(say("app-leave_team"), look: .danger) { self.work { try await self.leave() } }
        return Page("leave", say("app-leave_team"), items, [leave])
    }

    private func leave() async throws {
        let shift = try app.shift()
        do {
            try await shift.kitbag.team.leave(shift.team)
        } catch let failed as KitbagError {
            if case .wouldLose = failed.kind { wouldLose = true }
            throw failed
        }
        // The team is left: what follows is done, whatever is seen meanwhile.
        try await Task {
            for draft in try await shift.kitbag.drafts.list() { try await shift.kitbag.drafts.discard(draft.id) }
            try await self.app.phone.lock()
            self.app.begin(try await Shift.first(self.app))
        }.value
    }
}

/// What is safe on a lost phone, and what is not.
final class About: Screen {
    /// How many sentences each part has.
    private static let parts: [(String, Tone, Mark, Int)] = [("safe", .good, .tick, 4), ("not_safe", .warning, .trouble, 4)]

    override func page() async throws -> Page {
        let items: [Item] = Self.parts.flatMap { part, tone, mark, sentences in
            [.heading(say("app-about_\(part)"))]
                + (1...sentences).map { .words(say("app-about_\(part)_\($0)"), tone: tone, mark: mark) }
        }
        return Page("about", say("app-about"), items)
    }
}
