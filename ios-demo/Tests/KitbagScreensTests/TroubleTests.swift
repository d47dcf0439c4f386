#if canImport(Glibc)
    import Glibc
#endif
import Foundation
import KitbagClient
import XCTest

@testable import KitbagScreens
import func KitbagGenerated.beginScenario
import func KitbagGenerated.setScenarioClock

/// What can go wrong, each with its line or screen, and what to do; and what a team does without the hub.
@MainActor
final class TroubleTests: XCTestCase {
    private func begun(_ work: (World, Hand) async throws -> Void) async throws {
        let world = try await World()
        let hand = try Hand(world)
        try await hand.join()
        try await work(world, hand)
        try await hand.leave()
        world.end()
    }

    private func atSync(_ hand: Hand) async throws { try await hand.tap("More").at("more").tap("Sync").at("sync") }

    func testAnInvitationThatIsNoneOrWasUsedSaysSo() async throws {
        let world = try await World()
        let hand = try Hand(world)
        try await hand.at("naming").tap("Next").type("Name on this phone", "Ana").tap("Next").at("join")
        try await hand.tap("Join").see("Scan an invitation or paste its text first.")
        hand.platform.seen = "nothing of the kind"
        try await hand.tap("Scan").see("This is not an invitation, or not a whole one.")
        let used = try await world.desk.team.invite(world.team, .worker)
        let other = Opening(path: world.folder.path + "/other.db", key: MadeUpKey())
        _ = try await Joining.ask(other, invitation: used.text)
        try await hand.type("Invitation", used.text).tap("Join").see("This invitation was used, or is older than ten minutes.")
        try await hand.leave()
        world.end()
    }

    func testARevokedPhoneKeepsWhatItSavesAndSaysSo() async throws {
        try await begun { world, hand in
            let own = try hand.shift().device
            let member = try await world.desk.team.members(world.team).first { $0.device == own }!
            _ = try await world.desk.team.revoke(world.team, certificate: member.certificate)
            try await hand.distribute()
            try await atSync(hand)
            try await hand.tap("Sync now").see("not in the team").back().back().at("today").tap("History").at("history")
            try await hand.see("1 record").see("Does not count").tap("Distribution").at("record").see("The hub does not count it.")
        }
    }

    func testADamagedStoreIsRecoveredAndKept() async throws {
        try await begun { world, hand in
            try await hand.distribute()
            try await hand.until("it does not arrive") { try await world.atDesk().count == 1 }
            try await hand.leave()
            let store = hand.platform.folder.appendingPathComponent("profiles/1/store.db")
            try Data(repeating: 0x55, count: 16_384).write(to: store)
            try hand.reopen()
            try await hand.at("closed").see("The key does not open the store.").tap("Recover").at("today").see("Recovered")
            try await hand.until("the hub brings nothing") { try await hand.shift().kitbag.records.list(Search()).count == 1 }
        }
    }

    func testAHubThatIsNoneIsSentNothing() async throws {
        try await begun { world, hand in
            world.hub.end()
            let root = try await world.root.programme.own().root
            let place = String(world.hub.address.text.split(separator: "/")[1])
            let liar = try Hub(world.folder.path + "/liar", root: root, listen: place)
            try await hand.distribute()
            try await atSync(hand)
            try await hand.tap("Sync now").see("What answered is not the hub; nothing was sent.")
            liar.end()
        }
    }

    func testAFileCarriesWhatWaitsAndOneOfAnotherTeamIsNamed() async throws {
        try await begun { world, hand in
            world.hub.end()
            try await hand.distribute()
            try await atSync(hand)
            try await hand.tap("Send by file").see("The file is written.")
            let taken = try await world.desk.bundles.import(from: hand.platform.carried.path)
            XCTAssertGreaterThan(taken.newEntries, 0)
            _ = try await world.desk.records.record(world.team, World.training())
            _ = try await world.desk.bundles.export(world.team, .waiting, to: hand.platform.carried.path)
            try await hand.tap("Receive a file").see("Taken in")
            try Data("no bundle".utf8).write(to: hand.platform.carried)
            try await hand.tap("Receive a file").see("This is not a bundle that this version reads.")
            // What is no bundle is not written over.
            try FileManager.default.removeItem(at: hand.platform.carried)
            let other = try await World()
            _ = try await other.desk.records.record(other.team, World.training())
            _ = try await other.desk.bundles.export(other.team, .everything, to: hand.platform.carried.path)
            try await hand.tap("Receive a file").see("This bundle is for a team whose key this device does not have.")
            other.end()
        }
    }

    func testAPictureSaysWhatIsStillToCome() async throws {
        try await begun { world, hand in
            let colleague = try await world.phone("Ben")
            try await atSync(hand)
            try await hand.tap("Sync now").see("hold the same")
            world.hub.end()
            _ = try await colleague.records.record(world.team, World.training())
            hand.platform.seen = "an address"
            try await hand.tap("Scan what a colleague has").see("This is not what another phone shows")
            let shown = try await colleague.team.announce(world.team).base64EncodedString()
            hand.platform.seen =
                "kitbag-announce:" + shown.replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
                .replacingOccurrences(of: "=", with: "")
            try await hand.tap("Scan what a colleague has").see("Heard.").tap("Show what I have").at("announcing")
            try await hand.back().back().back().at("today").tap("Totals").at("totals").see("known to exist")
            colleague.close()
        }
    }

    func testACoordinatorLetsANewPhoneInInThePlaceOfAnOldOne() async throws {
        let world = try await World()
        let old = try await world.phone("Ben")
        let record = try await old.records.record(world.team, World.training())
        _ = try await old.sync.now()
        let hand = try Hand(world)
        try await hand.join(as: .coordinator)
        // Another coordinator hands the team's key on, with which names are read.
        _ = try await world.desk.sync.now()
        hand.app.phone.syncNow()
        try await hand.tap("More").at("more").tap("Invite somebody").at("invite").type("Name on this phone", "Ben again")
        try await hand.tap("Ben").tap("Next").at("invite_code")
        var code = ""
        for case .code(let text, _) in hand.app.page.items { code = text }
        let joining = try await Joining.ask(
            Opening(path: world.folder.path + "/new.db", key: MadeUpKey()), invitation: code)
        try await hand.at("invite_digits").type("Six digits", "000000").tap("Let in").see("No device that asked")
        async let joined = joining.approved()
        try await hand.type("Six digits", joining.code).tap("Let in").at("more")
        let new = try await joined
        _ = try await new.sync.now()
        // It takes the place: what the old one recorded is its own to correct.
        _ = try await new.records.correct(record, "people_trained", .number(4))
        new.close()
        old.close()
        try await hand.leave()
        world.end()
    }

    func testAClockThatIsYearsBehindIsSaidAndTheDayIsAsked() async throws {
        beginScenario(seed: 3)
        setScenarioClock(millis: 1_690_000_000_000)
        defer { beginScenario(seed: 0) }
        try await begun { world, hand in
            try await hand.see("The phone’s clock is wrong.").tap("Naloxone given").at("question").tap("Riverside")
            try await hand.see("Date (yyyy-mm-dd)").type("Date (yyyy-mm-dd)", "2026-13-40").tap("Next").see("cannot hold this")
            try await hand.type("Date (yyyy-mm-dd)", "2026-11-27").tap("Next").see("Recipient")
        }
    }

    func testWhatWaitsIsSentInTheBackground() async throws {
        try await begun { world, hand in
            world.hub.end()
            try await hand.distribute()
            try await hand.leave()
            world.hub = try world.hub.again()
            let phone = Phone(hand.platform)
            try await phone.syncInBackground(phone.profiles()[0], deadline: 20)
            let rows = try await world.atDesk()
            XCTAssertEqual(rows.count, 1)
            try hand.reopen()
            try await hand.at("today")
            try await atSync(hand)
            try await hand.see("It ran by itself last just now.")
        }
    }

    func testAPersonWhoOpensTheAppWaitsForNoJob() async throws {
        try await begun { world, hand in
            // A hub that takes the call and says nothing holds the job until its deadline.
            let silent = try Silent()
            defer { silent.end() }
            let address = world.hub.address.text
            let place = String(address.split(separator: "/")[1])
            let quiet = address.replacingOccurrences(of: place, with: "127.0.0.1:\(silent.port)")
            try await hand.shift().kitbag.programme.setHub(HubAddress(quiet))
            try await hand.leave()
            try hand.reopen(isStarted: false)
            let phone = hand.app.phone
            let job = Task { try? await phone.syncInBackground(phone.profiles()[0], deadline: 60) }
            try await hand.until("the job calls nobody") { silent.wasCalled }
            hand.app.start()
            try await hand.at("today")
            _ = await job.value
        }
    }
}

/// What takes calls, and never answers.
final class Silent {
    private let socket: Int32
    let port: UInt16

    init() throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = socket
        let (bound, port) = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { at in
                let bound = bind(socket, at, length) == 0 && listen(socket, 4) == 0
                getsockname(socket, at, &length)
                return (bound, UnsafeRawPointer(at).assumingMemoryBound(to: sockaddr_in.self).pointee.sin_port)
            }
        }
        guard bound else { throw CocoaError(.fileReadUnknown) }
        self.port = UInt16(bigEndian: port)
    }

    /// Whether somebody waits to be answered.
    var wasCalled: Bool {
        var waits = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&waits, 1, 0) > 0
    }

    func end() { close(socket) }
}
