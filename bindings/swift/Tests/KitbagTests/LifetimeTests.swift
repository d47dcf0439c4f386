import Foundation
import Synchronization
import XCTest

@testable import KitbagClient
import func KitbagGenerated.panicInACall

/// Opening, closing, forgetting, cancelling, listening.
final class LifetimeTests: XCTestCase {
    private func until(_ what: String, _ holds: () async throws -> Bool) async throws {
        let last = Date().addingTimeInterval(20)
        while try await !holds() {
            guard Date() < last else { return XCTFail(what) }
            try await Task.sleep(nanoseconds: 20_000_000)
        }
    }

    /// The files of a store that this process holds open: Linux says it.
    private func held(_ name: String) -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return all.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + $0) }
            .filter { $0.contains(name) }
    }

    private func threads() -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return all.compactMap { try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8) }
            .filter { $0.hasPrefix("kitbag-") }
    }

    func testAfterClosingEveryCallSaysClosed() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        let listened = Task { for await _ in phone.changes {} }
        try await Task.sleep(nanoseconds: 100_000_000)
        let kept = try phone.sync.keep()
        phone.close()
        let codes = [
            await codeOf { try await phone.records.record(world.team, reversal()) },
            await codeOf { try await phone.records.list() }, await codeOf { try await phone.sync.now() },
            await codeOf { try phone.sync.keep() }, await codeOf { try await phone.resume() },
        ]
        XCTAssertEqual(codes, Array(repeating: "closed", count: 5))
        phone.close()
        try await phone.closeAndWait()
        await listened.value
        for await _ in phone.changes { XCTFail("nothing changes any more") }
        kept.now()
        try await until("its files are let go") { self.held(world.folder).allSatisfy { !$0.contains("phone") } }
        _ = try await Kitbag.open(world.opening("phone"))
    }

    func testSuspendedItHoldsNoFileAndResumedItGoesOn() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        _ = try await phone.records.record(world.team, reversal())
        let path = world.folder + "/phone"
        XCTAssertNotEqual(held(path), [])
        try await phone.suspend()
        XCTAssertEqual(held(path), [])
        let suspended = await codeOf { try await phone.records.list() }
        XCTAssertEqual(suspended, "suspended")
        // Meanwhile a background task has the store.
        let agreement = try await Sync.inBackground(world.opening("phone"), deadline: 30)
        XCTAssertEqual(agreement, .whole)
        try await phone.resume()
        let delivery = try await phone.records.list().rows.map(\.delivery)
        XCTAssertEqual(delivery, [.onHub])
        let inUse = await codeOf { try await Sync.inBackground(world.opening("phone"), deadline: 5) }
        XCTAssertEqual(inUse, "in_use")
        phone.close()
        try await phone.closeAndWait()
        XCTAssertEqual(held(path), [])
        let reading = try await Kitbag.openToRead(world.opening("phone"))
        try await reading.suspend()
        try await reading.resume()
        let count = try await reading.records.list().count
        XCTAssertEqual(count, 1)
    }

    /// Gives the key once, and then waits for the phone to be unlocked.
    private final class LockedKey: KeyProvider, @unchecked Sendable {
        let asked = Mutex(0)
        let release = DispatchSemaphore(value: 0)

        func storeKey() throws -> Data {
            let times = asked.withLock { count in
                count += 1
                return count
            }
            if times > 1 { _ = release.wait(timeout: .now() + 60) }
            return Data(repeating: 7, count: 32)
        }
    }

    func testAKeystoreIsAskedOnceAndKeepsNobodyFromLettingGo() async throws {
        let world = try await World()
        try await world.phone("phone").closeAndWait()
        let key = LockedKey()
        let phone = try await Kitbag.open(Opening(path: world.folder + "/phone.db", key: key))
        for _ in 0..<10 {
            async let one = phone.records.list()
            async let other = phone.records.list()
            _ = try await (one, other)
        }
        XCTAssertEqual(key.asked.withLock { $0 }, 1)
        // The phone is locked while the app comes to the front, and goes again.
        try await phone.suspend()
        let resuming = Task { await codeOf { try await phone.resume() } }
        try await until("it asks") { key.asked.withLock { $0 } == 2 }
        let began = Date()
        try await phone.suspend()
        let code = await resuming.value
        XCTAssertEqual(code, "suspended")
        try await phone.closeAndWait()
        XCTAssertLessThan(Date().timeIntervalSince(began), 5)
        XCTAssertEqual(held(world.folder + "/phone"), [])
        key.release.signal()
    }

    func testClosingEndsWhatWaitsForAHub() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        let silent = try Listening(says: nil)
        let pins = world.hub.address.text.split(separator: "/").last!
        try await phone.programme.setHub(HubAddress("kitbag://127.0.0.1:\(silent.port)/\(pins)"))
        let waits = Task { await codeOf { try await phone.totals.completeness(team: nil, from: today, to: today) } }
        try await Task.sleep(nanoseconds: 200_000_000)
        let began = Date()
        try await phone.closeAndWait()
        let code = await waits.value
        XCTAssertEqual(code, "closed")
        XCTAssertLessThan(Date().timeIntervalSince(began), 5)
    }

    func testWhatIsForgottenIsFreed() async throws {
        let world = try await World()
        try await world.phone("phone").closeAndWait()
        let before = threads()
        // A thread that one of ours wakes up into being has its name: Swift's pool is filled from where a call is answered.
        let pool = ProcessInfo.processInfo.activeProcessorCount + 1
        for _ in 0...pool {
            do {
                let phone = try await Kitbag.open(world.opening("phone"))
                _ = try await phone.records.list()
                _ = try phone.sync.start()
            }
            try await until("a store that nobody holds is let go") { self.held(world.folder + "/phone").isEmpty }
        }
        // One that each store leaves behind is more than the pool has.
        try await until("no thread is left behind beside \(before.sorted())") {
            self.threads().count <= before.count + pool
        }
        XCTAssertLessThanOrEqual(threads().count, before.count + pool, "\(threads().sorted())")
    }

    func testAPartKeepsItsStore() async throws {
        let world = try await World()
        try await world.phone("phone").closeAndWait()
        let records = try await Kitbag.open(world.opening("phone")).records
        let count = try await records.list().count
        XCTAssertEqual(count, 0)
        let endless = try await Kitbag.found(world.opening("another")).health.findings(now: .distantFuture)
        XCTAssertTrue(endless.contains { $0.code == "no_hub" })
    }

    func testWhoeverIsCancelledIsToldOfNoRecordThatIsNotThere() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        var said: [RecordId] = []
        for micros in stride(from: 0, to: 1_500, by: 10) {
            let saving = Task { try await phone.records.record(world.team, reversal()) }
            usleep(UInt32(micros))
            saving.cancel()
            if let id = try? await saving.value { said.append(id) }
        }
        XCTAssertFalse(said.isEmpty)
        var search = Search()
        search.most = 1_000
        let there = Set(try await phone.records.list(search).rows.map(\.id))
        XCTAssertTrue(there.isSuperset(of: said))
        XCTAssertLessThanOrEqual(there.count, 150)
    }

    func testASyncThatIsCancelledEndsAtOnceAndTheNextGoesOn() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        let silent = try Listening(says: nil)
        let pins = world.hub.address.text.split(separator: "/").last!
        try await phone.programme.setHub(HubAddress("kitbag://127.0.0.1:\(silent.port)/\(pins)"))
        _ = try await phone.records.record(world.team, reversal())
        let syncing = Task { try await phone.sync.now() }
        try await Task.sleep(nanoseconds: 100_000_000)
        // A second one joins the first, and goes on when that is cancelled.
        let second = try phone.sync.start()
        let joined = Task { await codeOf { try await second.ended() } }
        try await Task.sleep(nanoseconds: 100_000_000)
        let began = Date()
        syncing.cancel()
        let ended = await syncing.result
        XCTAssertThrowsError(try ended.get()) { XCTAssertTrue($0 is CancellationError, "\($0)") }
        XCTAssertLessThan(Date().timeIntervalSince(began), 5)
        let watching = Task { for await _ in second.progress {} }
        let late = await codeOf { try await phone.sync.now(deadline: 0.2) }
        XCTAssertEqual(late, "out_of_time", "its own deadline, and nobody else's")
        watching.cancel()
        await watching.value
        second.cancel()
        let code = await joined.value
        XCTAssertEqual(code, "cancelled")
        // So does a call that waits for the hub.
        let waits = Task { try await phone.totals.completeness(team: nil, from: today, to: today) }
        try await Task.sleep(nanoseconds: 100_000_000)
        waits.cancel()
        let waited = await waits.result
        XCTAssertThrowsError(try waited.get()) { XCTAssertTrue($0 is CancellationError, "\($0)") }
        XCTAssertLessThan(Date().timeIntervalSince(began), 5)
        try await phone.programme.setHub(world.hub.address)
        let agreement = try await phone.sync.now()
        XCTAssertEqual(agreement, .whole)
    }

    func testAListenerThatIsSlowOrGoneHarmsNobody() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        let noticed = Mutex(Set<RecordId>())
        let (released, release) = AsyncStream<Void>.makeStream()
        let slow = Task {
            for await changed in phone.changes {
                noticed.withLock { $0.formUnion(changed.records) }
                for await _ in released { break }
            }
        }
        let gone = Task { for await _ in phone.changes {} }
        try await Task.sleep(nanoseconds: 200_000_000)
        gone.cancel()
        await gone.value
        var saved: Set<RecordId> = []
        for _ in 0..<20 { saved.insert(try await phone.records.record(world.team, reversal())) }
        release.finish()
        // All that came meanwhile, in one summary.
        try await until("none is lost") { [saved] in noticed.withLock { $0 } == saved }
        slow.cancel()
        await slow.value
    }

    func testALogSinkThatBlocksHoldsNobodyUp() async throws {
        let world = try await World()
        let lines = Mutex([String]())
        let release = DispatchSemaphore(value: 0)
        Logs.to { _, module, line in
            lines.withLock { $0.append("\(module) \(line)") }
            _ = release.wait(timeout: .now() + 60)
        }
        for _ in 0..<3 { _ = await codeOf { try await crossing { try await panicInACall() } } }
        let phone = try await world.phone("phone")
        for _ in 0..<5 { _ = try await phone.records.record(world.team, reversal()) }
        let count = try await phone.records.list().count
        XCTAssertEqual(count, 5)
        for _ in 0..<100 { release.signal() }
        try await until("lines come") { lines.withLock { $0.count } >= 2 }
        XCTAssertFalse(lines.withLock { $0 }.contains { $0.contains("riverside") })
        Logs.to(nil)
    }
}
