import Foundation
import KitbagClient

/// The state of sync: how far it is, what went wrong and when it is tried again; by file and by picture where there is no hub.
final class Syncing: Screen {
    /// What a code begins with that another phone hears.
    static let announced = "kitbag-announce:"

    private var progress: KitbagClient.Progress?
    private var run: SyncRun?
    private var isRunning: Bool { run != nil }
    private var ended: Item?

    override func page() async throws -> Page {
        let shift = try app.shift()
        var items = syncing(app, try await shift.kitbag.sync.status()).map { item in
            if case .line(let text, let detail, let tone, let mark, _) = item {
                Item.line(text, detail: detail, tone: tone, mark: mark)
            } else {
                item
            }
        }
        if isRunning {
            let (done, all) = progress.map { ($0.sent + $0.received, $0.toSend + $0.toReceive) } ?? (0, 0)
            let text = all == 0 ? say("app-syncing") : say("app-progress", speech.number(done), speech.number(all))
            items.append(.progress(text, done: done, all: all))
        }
        if let ended { items.append(ended) }
        items.append(background(shift))
        items += [
            .heading(say("app-without_hub")),
            .button(say("app-send_file"), detail: say("app-send_file_what")) { try await self.send(shift) },
        ]
        if try await shift.kitbag.records.isCaptureOnly() {
            items.append(.words(say("app-send_file_captured"), tone: .warning, mark: .trouble))
        }
        items += [
            .button(say("app-receive_file"), detail: say("app-receive_file_what")) { self.receive(shift) },
            .button(say("app-announce"), detail: say("app-announce_what")) { self.app.show(Announcing(self.app)) },
            .button(say("app-hear"), detail: say("app-hear_what"), mark: .scan) { self.hear(shift) },
        ]
        let now = Item.button(say(isRunning ? "app-stop" : "app-sync_now"), look: .main) {
            if self.isRunning { self.stop() } else { try self.sync(shift) }
        }
        return Page("sync", say("app-sync"), items, [now])
    }

    private func background(_ shift: OnShift) -> Item {
        if shift.profile.needsPin { return .words(say("app-background_pin")) }
        guard let ran = shift.profile.ranAt else { return .words(say("app-background_never")) }
        return .words(say("app-background_ran", speech.ago(ran, app.phone.platform.now())))
    }

    private func sync(_ shift: OnShift) throws {
        (ended, progress) = (nil, nil)
        let begun = try shift.kitbag.sync.start()
        run = begun
        meanwhile {
            defer { if self.run === begun { self.run = nil } }
            do {
                for await progress in begun.progress {
                    self.progress = progress
                    await self.app.redraw()
                }
                self.ended = self.said(try await begun.ended())
            } catch let failed as KitbagError {
                // What somebody stopped did not go wrong.
                if self.run === begun { throw failed }
            }
        }
    }

    /// It ends where nobody else wants it; what was acknowledged stays so.
    private func stop() {
        let stopped = run
        run = nil
        stopped?.cancel()
    }

    private func said(_ agreement: Agreement) -> Item {
        switch agreement {
        case .whole, .caughtUp: .words(say("app-synced"), tone: .good, mark: .sent)
        case .without: .words(say("app-uncertified"), tone: .bad, mark: .trouble)
        case .partial(let waiting): .words(speech.count("app-not_sent", waiting), tone: .warning, mark: .waiting)
        }
    }

    private func send(_ shift: OnShift) async throws {
        let file = shift.profile.bundle()
        let written = try await shift.kitbag.bundles.export(shift.team, .waiting, to: file.path)
        if written.entries == 0 { _ = try await shift.kitbag.bundles.export(shift.team, .everything, to: file.path) }
        // Another app's screen may stay for long: neither a tap nor the lock waits for it.
        meanwhile {
            defer { try? FileManager.default.removeItem(at: file) }
            let isSent = try await self.app.phone.platform.send(file)
            self.ended = isSent ? .words(self.say("app-file_written"), tone: .good, mark: .tick) : nil
        }
    }

    private func receive(_ shift: OnShift) {
        meanwhile {
            guard let file = try await self.app.phone.platform.receive() else { return }
            defer { try? FileManager.default.removeItem(at: file) }
            // Whoever locked it meanwhile takes nothing in.
            try Task.checkCancellation()
            let taken = try await shift.kitbag.bundles.import(from: file.path)
            self.ended =
                taken.turnedAway > 0
                ? .words(self.speech.count("app-turned_away", taken.turnedAway), tone: .warning, mark: .trouble)
                : .words(self.speech.count("app-file_taken", taken.newEntries), tone: .good, mark: .tick)
        }
    }

    private func hear(_ shift: OnShift) {
        meanwhile {
            guard let seen = try await self.app.phone.platform.scan(), !Task.isCancelled else { return }
            guard seen.hasPrefix(Self.announced),
                let announcement = Data(fromUrlSafe: String(seen.dropFirst(Self.announced.count)))
            else { return self.app.say(self.say("app-not_announced")) }
            try await shift.kitbag.team.hear(announcement)
            self.ended = .words(self.say("app-heard"), tone: .good, mark: .tick)
        }
    }
}

/// Shows what this device's log reaches, for another phone's camera.
final class Announcing: Screen {
    override func page() async throws -> Page {
        let announced = try await app.shift().kitbag.team.announce(try app.shift().team)
        let code = Syncing.announced + announced.urlSafe
        return Page("announcing", say("app-announce"), [.code(code, about: say("app-announce_how"))])
    }
}

extension Data {
    /// Base 64 with the letters of addresses, unpadded: as Android's app writes it.
    fileprivate var urlSafe: String {
        base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
    }

    fileprivate init?(fromUrlSafe text: String) {
        let plain = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        self.init(base64Encoded: plain + String(repeating: "=", count: (4 - plain.count % 4) % 4))
    }
}
