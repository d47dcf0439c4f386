import Foundation
import KitbagClient

extension String {
    var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}

/// Joins a programme: an invitation is scanned or pasted, six digits are compared.
final class Join: Screen {
    private let profile: Profile
    private let pin: String?
    private var waits: Task<Void, Never>?
    private var invitation = ""
    private var asked: (joining: Joining, opening: Opening)?
    private var failedOnce = false

    init(_ app: App, _ profile: Profile, _ pin: String? = nil) {
        (self.profile, self.pin) = (profile, pin)
        super.init(app)
    }

    override func page() async throws -> Page {
        if let asked { return digits(asked.joining) }
        let items: [Item] = working() + [
            .words(say("app-join_how")),
            .input(say("app-invitation"), value: invitation, typing: .long) { self.invitation = $0 },
            .words(say("app-join_old_phone")),
        ]
        let scan = Item.button(say("app-scan"), mark: .scan) {
            self.meanwhile {
                guard let text = try await self.app.phone.platform.scan(), !Task.isCancelled else { return }
                self.ask(text)
            }
        }
        let join = Item.button(say("app-join"), look: .main) { self.ask(self.invitation) }
        return Page("join", say("app-join_title"), items, [scan, join], hasBack: !app.isAtFirst)
    }

    private func ask(_ text: String) {
        invitation = text.trimmed
        if invitation.isEmpty { return app.say(say("app-invitation_missing")) }
        work {
            let asked = try await self.app.phone.join(self.profile, self.invitation, self.pin)
            // Whoever left meanwhile joins nothing any more.
            if self.isLeft { return }
            self.asked = asked
            self.wait()
        }
    }

    private func wait() {
        guard let asked else { return }
        waits?.cancel()
        waits = meanwhile {
            do {
                let kitbag = try await asked.joining.approved()
                // Whoever left in the last moment enters nothing.
                if self.isLeft || Task.isCancelled { return try await kitbag.closeAndWait() }
                try await self.app.phone.enter(self.profile, asked.opening, kitbag)
                self.app.begin(Today(self.app))
            } catch let failed as KitbagError {
                // It may be approved later: the digits stay, and so does the way to wait on.
                self.failedOnce = true
                throw failed
            }
        }
    }

    private func digits(_ joining: Joining) -> Page {
        let role = say(joining.role == .coordinator ? "app-join_as_coordinator" : "app-join_as_worker")
        let items: [Item] = [.words(say("app-digits_how")), .digits(joining.code), .words(role)]
        let again = Item.button(say("app-wait_on"), look: .main) {
            self.failedOnce = false
            self.wait()
        }
        let other = Item.button(say("app-other_invitation"), look: .quiet) {
            self.failedOnce = false
            self.left()
        }
        return Page("join_digits", say("app-digits_title"), items, failedOnce ? [other, again] : [other], hasBack: false)
    }

    override func left() {
        super.left()
        // Whoever joined holds the store already; whoever leaves gives up.
        asked = nil
    }
}
