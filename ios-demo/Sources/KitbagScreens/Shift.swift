import KitbagClient

/// Who is on shift: one tap to choose, and a PIN where there is one.
final class Shift: Screen {
    override func page() async throws -> Page {
        let now = app.phone.onShift?.profile
        let profiles: [Item] = app.phone.profiles().map { profile in
            let detail: String? =
                if profile === now { say("app-on_shift_now") } else if !profile.hasStore { say("app-not_joined") } else if profile
                    .needsPin
                { say("app-with_pin") } else { nil }
            return .line(speech.plain(profile.label), detail: detail, mark: .person) { try await Shift.enter(self.app, profile) }
        }
        let add = Item.button(say("app-add_person")) { self.app.show(Naming(self.app)) }
        return Page("shift", say("app-who"), profiles, [add], isAtThumb: true, hasBack: now != nil)
    }

    /// The first screen: with one profile and no PIN it is no question.
    static func first(_ app: App) async throws -> Screen {
        let profiles = app.phone.profiles()
        guard profiles.count == 1, let only = profiles.first else { return profiles.isEmpty ? Naming(app) : Shift(app) }
        if !only.hasStore { return Join(app, only) }
        if only.needsPin { return Unlock(app, only) }
        do {
            try await app.phone.unlock(only, nil)
            return Today(app)
        } catch let failed as KitbagError {
            return Closed(app, only, nil, failed)
        } catch is SecretGone {
            return KeyGone(app, only)
        } catch is NoTeam {
            return Join(app, only)
        }
    }

    /// The first screen once the phone was locked: nothing opens by itself.
    static func locked(_ app: App) -> Screen {
        let profiles = app.phone.profiles()
        if profiles.count == 1, let only = profiles.first, only.needsPin { return Unlock(app, only) }
        return Shift(app)
    }

    /// Goes to a profile, by its PIN where it has one.
    static func enter(_ app: App, _ profile: Profile) async throws {
        if let now = app.phone.onShift, now.profile === profile { return app.begin(Today(app)) }
        // Whoever hands the phone over leaves nothing open behind the next one's screens.
        try await app.phone.lock()
        app.begin(Shift(app))
        if !profile.hasStore {
            app.show(Join(app, profile))
        } else if profile.needsPin {
            app.show(Unlock(app, profile))
        } else {
            try await opened(app, profile, nil)
        }
    }

    /// Opens a profile's store; where that fails, says why and what to do.
    static func opened(_ app: App, _ profile: Profile, _ pin: String?) async throws {
        do {
            try await app.phone.unlock(profile, pin)
            app.begin(Today(app))
        } catch is NoTeam {
            app.show(Join(app, profile, pin))
        } catch is SecretGone {
            app.show(KeyGone(app, profile))
        } catch let failed as KitbagError where !failed.code.hasPrefix("pin_") {
            app.show(Closed(app, profile, pin, failed))
        }
    }
}

/// Names a new profile.
final class Naming: Screen {
    private var label = ""

    override func page() async throws -> Page {
        let items: [Item] = [.words(say("app-name_why")), .input(say("app-name"), value: label) { self.label = $0 }]
        let next = Item.button(say("app-next"), look: .main) {
            let label = self.label.trimmed
            if label.isEmpty { return self.app.say(self.say("app-name_missing")) }
            let new = try self.app.phone.add(label)
            if self.app.phone.onShift == nil { return self.app.replace(Join(self.app, new)) }
            try await Shift.enter(self.app, new)
        }
        let about = Item.button(say("app-about"), look: .quiet) { self.app.show(About(self.app)) }
        return Page("naming", say("app-name_title"), items, [about, next], hasBack: !app.isAtFirst)
    }
}

/// Asks for a PIN; wrong ones wait ever longer, and nothing is ever wiped.
final class Unlock: Screen {
    private let profile: Profile
    private var pin = ""
    override var redrawnEach: Double { 1 }

    init(_ app: App, _ profile: Profile) {
        self.profile = profile
        super.init(app)
    }

    override func page() async throws -> Page {
        let wait = profile.key.wait
        var items: [Item] = [.words(speech.plain(profile.label), mark: .person)]
        if wait > 0 { items.append(.words(waiting(wait), tone: .warning, mark: .waiting)) }
        items.append(.input(say("app-pin"), value: pin, typing: .secret) { self.pin = $0 })
        let open = Item.button(say("app-unlock"), look: .main) {
            let typed = self.pin
            self.pin = ""
            try await Shift.opened(self.app, self.profile, typed)
        }
        let forgotten = Item.button(say("app-pin_forgotten"), look: .quiet) { self.app.show(PinForgotten(self.app)) }
        let others = Item.button(say("app-who"), look: .quiet) { self.app.begin(Shift(self.app)) }
        return Page("unlock", say("app-locked"), items, [forgotten, others, open], hasBack: !app.isAtFirst)
    }

    private func waiting(_ wait: Double) -> String {
        let seconds = Int64(wait.rounded(.up))
        return seconds < 60
            ? speech.count("app-pin_wait_seconds", seconds) : speech.count("app-pin_wait_minutes", (seconds + 59) / 60)
    }
}

/// What can be done where nobody knows the PIN.
final class PinForgotten: Screen {
    override func page() async throws -> Page {
        let items: [Item] = ["try", "sent", "new"].map { .words(say("app-pin_forgotten_\($0)")) }
        let add = Item.button(say("app-add_person")) { self.app.show(Naming(self.app)) }
        return Page("pin_forgotten", say("app-pin_forgotten"), items, [add])
    }
}

/// The keychain has lost what opened a profile.
final class KeyGone: Screen {
    private let profile: Profile

    init(_ app: App, _ profile: Profile) {
        self.profile = profile
        super.init(app)
    }

    override func page() async throws -> Page {
        let items: [Item] = [
            .words(speech.plain(profile.label), mark: .person), .words(say("app-key_gone"), tone: .bad, mark: .trouble),
            .words(say("app-key_gone_next")),
        ]
        let foot: [Item] = [
            .button(say("app-add_person")) { self.app.show(Naming(self.app)) },
            .button(say("app-try_again"), look: .main) {
                self.app.leave(self)
                try await Shift.enter(self.app, self.profile)
            },
        ]
        return Page("key_gone", say("app-key_gone_title"), items, foot, hasBack: !app.isAtFirst)
    }
}

/// A store that does not open: why, and what to do.
final class Closed: Screen {
    private let profile: Profile
    private let pin: String?
    private let failed: KitbagError

    init(_ app: App, _ profile: Profile, _ pin: String?, _ failed: KitbagError) {
        (self.profile, self.pin, self.failed) = (profile, pin, failed)
        super.init(app)
    }

    override func page() async throws -> Page {
        var items: [Item] = [
            .words(speech.plain(profile.label), mark: .person), .words(failed.inWords, tone: .bad, mark: .trouble),
        ]
        var foot: [Item] = [.button(say("app-who"), look: .quiet) { self.app.begin(Shift(self.app)) }]
        // Its key was opened: what it does not open was damaged at its beginning.
        if failed.kind == .damaged || failed.kind == .wrongKey {
            items.append(.words(say("app-recover_what")))
            foot.append(
                .button(say("app-recover"), look: .main) {
                    let salvaged = try await self.app.phone.recover(self.profile, self.pin)
                    self.app.begin(Today(self.app))
                    self.app.say(self.speech.count("app-recovered", salvaged))
                })
        } else {
            foot.append(
                .button(say("app-try_again"), look: .main) {
                    self.app.leave(self)
                    try await Shift.opened(self.app, self.profile, self.pin)
                })
        }
        return Page("closed", say("app-not_opened"), items, foot, hasBack: !app.isAtFirst)
    }
}
