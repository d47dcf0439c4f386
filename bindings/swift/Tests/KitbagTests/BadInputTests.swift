import Foundation
import Glibc
import Synchronization
import XCTest

@testable import KitbagClient
import func KitbagGenerated.panicInACall

/// Whatever an app gives, or a phone does: an error of ours, and nothing else is harmed.
final class BadInputTests: XCTestCase {
    private func errorOf<T>(_ call: () async throws -> T) async -> KitbagError? {
        do {
            _ = try await call()
            return nil
        } catch {
            return error as? KitbagError
        }
    }

    func testEachArgumentThatCannotBeReadIsNamed() async throws {
        let world = try await World()
        let (desk, team) = (world.desk, world.team)
        let calls: [(String, @Sendable () async throws -> Void)] = [
            ("team", { _ = try await desk.records.record(TeamId("no id"), reversal()) }),
            ("record", { _ = try await desk.records.get(RecordId("no id")) }),
            ("entry", { _ = try await desk.team.revoke(team, certificate: EntryId("no id")) }),
            ("hub", { try await desk.programme.setHub(HubAddress("no hub")) }),
            (
                "most",
                {
                    var search = Search()
                    search.most = 0
                    _ = try await desk.records.list(search)
                }
            ),
            ("by", { _ = try await desk.totals.of(Query(by: ["weather"])) }),
            ("date", { _ = try await desk.stock.now(CivilDate(year: 2026, month: 13, day: 1)) }),
            ("device", { _ = try await desk.team.setAside(team, DeviceKey("no id")) }),
            ("announcement", { try await desk.team.hear(Data(count: 9)) }),
            ("path", { _ = try await Kitbag.open(Opening(path: "", key: MadeUpKey())) }),
            ("path", { _ = try await Kitbag.found(Opening(path: "a\0b", key: MadeUpKey())) }),
            ("path", { _ = try await Kitbag.openToRead(Opening(path: world.folder, key: MadeUpKey())) }),
            (
                "wether",
                {
                    var search = Search()
                    search.answers = ["wether": "rain"]
                    _ = try await desk.records.list(search)
                }
            ),
            (
                "device",
                {
                    var search = Search()
                    search.author = DeviceKey("no id")
                    _ = try await desk.records.list(search)
                }
            ),
        ]
        for (argument, call) in calls {
            let error = await errorOf(call)
            XCTAssertEqual(error?.kind, .notUsable(argument: argument))
            XCTAssertEqual(error?.code, "argument")
            XCTAssertNotEqual(error?.inWords, "")
        }
        let invitation = await errorOf { try await Joining.ask(world.opening("new"), invitation: "no") }
        XCTAssertEqual(invitation?.code, "not_an_invitation")
        let pack = await errorOf { try await world.root.programme.publishPack(toml: "][") }
        XCTAssertEqual(pack?.code, "pack")
        let file = await errorOf { try await desk.bundles.import(from: "/no/such/file") }
        XCTAssertEqual(file?.code, "file")
        let record = await errorOf { try await desk.records.get(RecordId(String(repeating: "0", count: 32))) }
        XCTAssertEqual(record?.kind, .notFound)
    }

    func testAFormIsRefusedWithEveryFaultInTheAppsLanguage() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        var form = Form(.reversal)
        form.put("site", " ")
        form.put("weather", "rain")
        form.putText("occurred_time", "9 pm")
        form.put("outcome", 4)
        Kitbag.setLanguage("fr")
        let error = await errorOf { [form] in try await phone.records.record(world.team, form) }
        Kitbag.setLanguage("en")
        guard case .invalid(let faults) = error?.kind else { return XCTFail("\(error as Any)") }
        let codes = Dictionary(uniqueKeysWithValues: faults.map { ($0.field, $0.code) })
        XCTAssertEqual(codes["weather"], "unknown_field")
        XCTAssertEqual(codes["occurred_time"], "shape")
        XCTAssertEqual(codes["site"], "shape")
        XCTAssertEqual(codes["outcome"], "shape")
        XCTAssertEqual(codes["occurred_on"], "required")
        XCTAssertTrue(faults.allSatisfy { !$0.inWords.isEmpty })
        XCTAssertTrue(faults.contains { $0.inWords.contains("heure") || $0.inWords.contains("date") })
        let said = try await phone.records.faults(world.team, form)
        XCTAssertEqual(Set(said.map(\.field)), Set(codes.keys))
        let count = try await phone.records.list().count
        XCTAssertEqual(count, 0)
    }

    func testWhatAListHidesIsNeverWrittenInTheTextsPlace() async throws {
        let world = try await World()
        var form = reversal()
        form.put("note", "she knows the way")
        let id = try await world.desk.records.record(world.team, form)
        let row = try await world.desk.records.list().rows[0]
        XCTAssertEqual(row.fields["note"], .sealed)
        form.put("note", Value.sealed)
        let hidden = form
        let corrected = await errorOf { try await world.desk.records.correct(id, "note", .sealed) }
        let changed = await errorOf {
            try await world.desk.records.change(id, row.fields.map { Change.put(field: $0.key, value: $0.value) })
        }
        let recorded = await errorOf { try await world.desk.records.record(world.team, hidden) }
        for refused in [corrected, changed, recorded] {
            guard case .invalid(let faults) = refused?.kind else { return XCTFail("\(refused as Any)") }
            XCTAssertTrue(faults.contains { $0.field == "note" && $0.code == "shape" }, "\(faults)")
        }
        let note = try await world.desk.records.get(id).fields["note"]?.last?.value
        XCTAssertEqual(note, .text("she knows the way"))
    }

    func testNoDateIsTooMuch() async throws {
        let world = try await World()
        for seconds in [Double.nan, .infinity, -.infinity, 1e300] {
            _ = try await world.desk.health.findings(now: Date(timeIntervalSince1970: seconds))
        }
    }

    func testAKeyThatIsWrongShortOrCannotBeHadChangesNoByte() async throws {
        struct Locked: KeyProvider {
            struct IsLocked: Error {}
            func storeKey() throws -> Data { throw IsLocked() }
        }
        let world = try await World()
        try await world.phone("phone").closeAndWait()
        let path = world.opening("phone").path
        let before = FileManager.default.contents(atPath: path)
        let cases: [(String, any KeyProvider)] = [
            ("wrong_key", MadeUpKey(bytes: Data(repeating: 8, count: 32))),
            ("not_a_key", MadeUpKey(bytes: Data(count: 31))), ("key_not_had", Locked()),
        ]
        for (code, key) in cases {
            let error = await errorOf { try await Kitbag.open(Opening(path: path, key: key)) }
            XCTAssertEqual(error?.code, code)
        }
        XCTAssertEqual(before, FileManager.default.contents(atPath: path))
        _ = try await Kitbag.open(world.opening("phone"))
    }

    func testAKeystoreThatBlocksHoldsNobodyUp() async throws {
        struct Blocking: KeyProvider {
            let asked = DispatchSemaphore(value: 0)
            let release = DispatchSemaphore(value: 0)
            func storeKey() throws -> Data {
                asked.signal()
                _ = release.wait(timeout: .now() + 60)
                // Once released, it stays so.
                release.signal()
                return Data(repeating: 7, count: 32)
            }
        }
        let world = try await World()
        let phone = try await world.phone("phone")
        let none = await codeOf { try await Kitbag.open(world.opening("none")) }
        XCTAssertEqual(none, "no_store")
        _ = try await phone.records.record(world.team, reversal())
        for name in ["other", "third"] { try await world.phone(name).closeAndWait() }
        let (one, other) = (Blocking(), Blocking())
        let path = world.folder + "/other.db"
        let opening = Task { try await Kitbag.open(Opening(path: path, key: one)) }
        let agreement = try await phone.sync.now()
        XCTAssertEqual(agreement, .whole)
        // A task in the background ends though its keystore does not answer.
        let began = Date()
        let late = await errorOf {
            try await Sync.inBackground(Opening(path: world.folder + "/third.db", key: other), deadline: 0.2)
        }
        XCTAssertEqual(late?.code, "out_of_time")
        XCTAssertLessThan(Date().timeIntervalSince(began), 10)
        one.release.signal()
        other.release.signal()
        let count = try await opening.value.records.list().count
        XCTAssertEqual(count, 0)
    }

    func testABundleIsThereWholeOrAsItWasBefore() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        _ = try await phone.records.record(world.team, reversal())
        let card = world.folder + "/card"
        _ = try await phone.bundles.export(world.team, .everything, to: card)
        let before = FileManager.default.contents(atPath: card)
        // A card on which nothing new can be made.
        try FileManager.default.createDirectory(atPath: card + ".part", withIntermediateDirectories: false)
        _ = try await phone.records.record(world.team, reversal())
        let refused = await errorOf { try await phone.bundles.export(world.team, .everything, to: card) }
        XCTAssertEqual(refused?.code, "file")
        XCTAssertEqual(before, FileManager.default.contents(atPath: card))
        try FileManager.default.removeItem(atPath: card + ".part")
        _ = try await phone.bundles.export(world.team, .everything, to: card)
        let taken = try await world.desk.bundles.import(from: card)
        XCTAssertEqual(taken.turnedAway, 0)
        let count = try await world.desk.records.list().count
        XCTAssertEqual(count, 2)
    }

    func testNoBundleTakesThePlaceOfAnotherFile() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        _ = try await phone.records.record(world.team, reversal())
        let photo = world.folder + "/photo"
        _ = FileManager.default.createFile(atPath: photo, contents: Data("not to be lost".utf8))
        for other in ["phone.db", "phone.db-wal", "phone.db.outbox.log", "photo"].map({ world.folder + "/" + $0 }) {
            let refused = await errorOf { try await phone.bundles.export(world.team, .everything, to: other) }
            XCTAssertEqual(refused?.code, "file", other)
        }
        XCTAssertEqual(FileManager.default.contents(atPath: photo), Data("not to be lost".utf8))
        try await phone.closeAndWait()
        let count = try await Kitbag.open(world.opening("phone")).records.list().count
        XCTAssertEqual(count, 1)
    }

    func testADateIsADayOfTheCalendar() {
        XCTAssertEqual(CivilDate("2024-02-29"), CivilDate(year: 2024, month: 2, day: 29))
        for text in ["2026-99-99", "2026-02-29", "a-2026-1-1", "2026-3-14", "", "2026-03-14-01", "1900-02-29"] {
            XCTAssertNil(CivilDate(text), text)
        }
    }

    func testADamagedStoreSaysSoAndIsRecovered() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        let id = try await phone.records.record(world.team, reversal())
        try await phone.closeAndWait()
        let path = world.opening("phone").path
        var bytes = FileManager.default.contents(atPath: path)!
        for page in stride(from: 4_196, to: bytes.count - 64, by: 4_096) {
            bytes.replaceSubrange(page..<page + 64, with: Data(count: 64))
        }
        try bytes.write(to: URL(fileURLWithPath: path))
        let damaged = await errorOf { try await Kitbag.open(world.opening("phone")).records.list() }
        XCTAssertEqual(damaged?.kind, .damaged)
        let recovered = try await Kitbag.recover(world.opening("phone"))
        XCTAssertNotNil(recovered.aside)
        try await recovered.kitbag.sync.now()
        let found = try await recovered.kitbag.records.list().rows.map(\.id)
        XCTAssertEqual(found, [id])
    }

    func testAFullDiskRefusesASaveAndLosesNone() async throws {
        let disk = ProcessInfo.processInfo.environment["KITBAG_SMALL_DISK"]!
        let world = try await World()
        let invitation = try await world.desk.team.invite(world.team, .worker)
        let opening = Opening(path: disk + "/phone.db", key: MadeUpKey())
        let joining = try await Joining.ask(opening, invitation: invitation.text)
        async let joined = joining.approved()
        try await world.desk.team.approve(digits: joining.code)
        let phone = try await joined
        let (free, filler) = (try freeBytes(disk), disk + "/filler")
        _ = FileManager.default.createFile(atPath: filler, contents: Data(count: max(0, free - 65_536)))
        var saved: UInt64 = 0
        while true {
            let error = await errorOf { try await phone.records.record(world.team, reversal()) }
            if let error {
                XCTAssertEqual(error.kind, .storageFull)
                break
            }
            saved += 1
        }
        try FileManager.default.removeItem(atPath: filler)
        _ = try await phone.records.record(world.team, reversal())
        let count = try await phone.records.list().count
        XCTAssertEqual(count, saved + 1)
        try await phone.closeAndWait()
        for file in try FileManager.default.contentsOfDirectory(atPath: disk) {
            try FileManager.default.removeItem(atPath: disk + "/" + file)
        }
    }

    private func freeBytes(_ disk: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfFileSystem(forPath: disk)
        return (attributes[.systemFreeSize] as? NSNumber)?.intValue ?? 0
    }

    func testAHubThatIsDownSilentOrAnotherEndsASyncWithItsReason() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        _ = try await phone.records.record(world.team, reversal())
        let pins = world.hub.address.text.split(separator: "/").last!
        // Nobody listens there.
        try await phone.programme.setHub(HubAddress("kitbag://127.0.0.1:1/\(pins)"))
        let down = await errorOf { try await phone.sync.now() }
        XCTAssertEqual(down?.code, "no_answer")
        // It takes connections and says nothing; another one says what no hub says.
        let silent = try Listening(says: nil)
        try await phone.programme.setHub(HubAddress("kitbag://127.0.0.1:\(silent.port)/\(pins)"))
        let late = await errorOf { try await phone.sync.now(deadline: 0.3) }
        XCTAssertEqual(late?.code, "out_of_time")
        let lying = try Listening(says: [UInt8](repeating: 22, count: 999))
        try await phone.programme.setHub(HubAddress("kitbag://127.0.0.1:\(lying.port)/\(pins)"))
        let lied = await errorOf { try await phone.sync.now(deadline: 20) }
        XCTAssertTrue(["not_the_hub", "no_answer"].contains(lied?.code), "\(lied as Any)")
        let other = try Hub(world.folder + "/other", root: try await world.root.programme.own().root)
        let port = other.address.text.split(separator: "/")[1].split(separator: ":")[1]
        try await phone.programme.setHub(HubAddress("kitbag://127.0.0.1:\(port)/\(pins)"))
        let notTheHub = await errorOf { try await phone.sync.now() }
        XCTAssertEqual(notTheHub?.code, "not_the_hub")
        let last = try await phone.sync.status().last.failed
        XCTAssertEqual(last?.code, "not_the_hub")
        XCTAssertGreaterThan(last?.inWords.count ?? 0, 20)
        try await phone.programme.setHub(world.hub.address)
        let agreement = try await phone.sync.now(deadline: .infinity)
        XCTAssertEqual(agreement, .whole)
    }

    func testASyncThatDiesAnywhereLosesNothingAndTheNextGoesOn() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        var saved: Set<RecordId> = []
        for _ in 0..<20 { saved.insert(try await phone.records.record(world.team, reversal())) }
        var died = 0
        for bytes in stride(from: UInt64(100), to: 40_000, by: 150) {
            try await phone.programme.setHub(world.hub.address.breakingAfter(bytes))
            guard let error = await errorOf({ try await phone.sync.now() }) else { break }
            XCTAssertEqual(error.code, "no_answer")
            died += 1
        }
        XCTAssertGreaterThanOrEqual(died, 5)
        try await phone.programme.setHub(world.hub.address)
        let agreement = try await phone.sync.now()
        XCTAssertEqual(agreement, .whole)
        var search = Search()
        search.most = 100
        let deliveries = try await phone.records.list(search).rows.map(\.delivery)
        XCTAssertEqual(deliveries, Array(repeating: .onHub, count: 20))
        try await world.desk.sync.now()
        let there = Set(try await world.desk.records.list(search).rows.map(\.id))
        XCTAssertEqual(there, saved)
    }

    func testAHubThatForgotIsToldAgain() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        let first = try await phone.records.record(world.team, reversal())
        try await phone.sync.now()
        // With its own key, and as it was a day ago: what it acknowledged since it says it never saw.
        world.hub.end()
        let (hub, kept, root) = (world.folder + "/hub", world.folder + "/kept", try await world.root.programme.own().root)
        try FileManager.default.copyItem(atPath: hub, toPath: kept)
        let before = try Hub(hub, root: root, listen: world.hub.address.listens)
        let second = try await phone.records.record(world.team, reversal())
        let agreed = try await phone.sync.now()
        XCTAssertEqual(agreed, .whole)
        before.end()
        try FileManager.default.removeItem(atPath: hub)
        try FileManager.default.copyItem(atPath: kept, toPath: hub)
        let after = try Hub(hub, root: root, listen: world.hub.address.listens)
        let again = try await phone.sync.now()
        XCTAssertEqual(again, .whole)
        try await world.desk.sync.now()
        let there = Set(try await world.desk.records.list().rows.map(\.id))
        XCTAssertEqual(there, [first, second])
        after.end()
    }

    func testAPanicEndsOneCallAlone() async throws {
        let world = try await World()
        let inACall = await errorOf { try await crossing { try await panicInACall() } }
        XCTAssertEqual(inACall?.code, "panicked")
        let count = try await world.desk.records.list().count
        XCTAssertEqual(count, 0)
    }

    func testAThousandThreadsSaveAndNoneIsLost() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        let saved = Mutex(Set<RecordId>())
        let done = DispatchGroup()
        for _ in 0..<1_000 {
            done.enter()
            let thread = Thread {
                Task {
                    if let id = try? await phone.records.record(world.team, reversal()) {
                        _ = saved.withLock { $0.insert(id) }
                    }
                    done.leave()
                }
            }
            thread.stackSize = 1 << 18
            thread.start()
        }
        await withCheckedContinuation { all in done.notify(queue: .global()) { all.resume() } }
        XCTAssertEqual(saved.withLock { $0.count }, 1_000)
        let count = try await phone.records.list().count
        XCTAssertEqual(count, 1_000)
    }
}

/// Takes connections on loopback and says the same to all, or nothing.
final class Listening: @unchecked Sendable {
    private let socket: Int32
    private(set) var port: UInt16 = 0

    init(says bytes: [UInt8]?) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = socket
        try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                guard bind(socket, $0, size) == 0, listen(socket, 8) == 0, getsockname(socket, $0, &size) == 0 else {
                    throw CocoaError(.fileReadUnknown)
                }
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard let bytes else { return }
        Thread.detachNewThread {
            while true {
                let connection = accept(socket, nil, nil)
                if connection < 0 { return }
                _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
                Glibc.close(connection)
            }
        }
    }

    deinit {
        shutdown(socket, Int32(SHUT_RDWR))
        Glibc.close(socket)
    }
}
