import Foundation
import Synchronization
import XCTest

@testable import KitbagClient

/// docs/integrating.md quotes the parts between the marks, and this runs them.
final class PageTests: XCTestCase {
    private let keystore = MadeUpKey()

    private func joined(
        _ path: String, _ invitation: String, _ show: @escaping @Sendable (String) -> Void
    ) async throws -> Kitbag {
        // [ask]
        let joining = try await Joining.ask(Opening(path: path, key: keystore), invitation: invitation)
        show(joining.code)  // six digits, large: the coordinator types them
        // [approved]
        let kitbag = try await joining.approved()  // waits ten minutes at most; cancel it when the screen goes
        let team = try await kitbag.team.own()[0].team
        // [end]
        XCTAssertEqual(joining.team, team)
        return kitbag
    }

    func testADayAsThePageShowsIt() async throws {
        let world = try await World()
        let path = world.opening("phone").path
        let invitation = try await world.desk.team.invite(world.team, .worker)
        let kitbag = try await joined(path, invitation.text) { code in
            Task { try await world.desk.team.approve(digits: code) }
        }
        let team = world.team
        let refreshed = Mutex(0)
        @Sendable func refresh() async { refreshed.withLock { $0 += 1 } }
        // [changes]
        let watching = Task { for await changed in kitbag.changes where changed.sums { await refresh() } }
        // [record]
        var form = try await kitbag.records.begin(team, .reversal, today: today, utcOffsetMinutes: 60)
        form.put("site", "riverside")
        form.put("outcome", "survived")
        form.answerUnknowns()
        let id = try await kitbag.records.record(team, form)  // durable now
        // [draft]
        let draft = try await kitbag.drafts.save(form)  // survives the app's death
        _ = try await kitbag.drafts.finish(draft, team, form)
        // [read]
        let page = try await kitbag.records.list(Search(kind: .reversal))
        for row in page.rows { print(row.day, row.fields["site"] ?? .nothing, row.delivery) }
        let totals = try await kitbag.totals.of(Query(by: ["site"]))
        let missing = totals.missing.entries  // beside every number
        // [sync]
        try await kitbag.sync.now()  // cancelling the task cancels the sync, without a loss
        let status = try await kitbag.sync.status()
        print(status.isSynced ? "synced" : "\(status.waiting.records) wait: \(status.last.failed?.inWords ?? "")")
        // [background]
        try await kitbag.suspend()
        _ = try await Sync.inBackground(Opening(path: path, key: keystore), deadline: 25)
        try await kitbag.resume()
        // [errors]
        Kitbag.setLanguage("fr")
        do {
            _ = try await kitbag.records.record(team, Form(.reversal))
        } catch let error as KitbagError {
            if case .invalid(let faults) = error.kind {
                for fault in faults { print("\(fault.field): \(fault.inWords)") }  // beside its field
            } else {
                print("\(error.code): \(error.inWords)")
            }
        }
        // [end]
        Kitbag.setLanguage("en")
        XCTAssertTrue(status.isSynced)
        XCTAssertTrue(page.rows.contains { $0.id == id })
        XCTAssertEqual(missing, 0)
        XCTAssertEqual(totals.lines[0].sums["reversals"], 2)
        watching.cancel()
        await watching.value
        XCTAssertGreaterThan(refreshed.withLock { $0 }, 0)
    }

    func testThePageQuotesWhatRuns() throws {
        func plain(_ text: String) -> [String] {
            text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        }
        let own = try String(contentsOfFile: #filePath, encoding: .utf8)
        let parts = own.components(separatedBy: "        // [").dropFirst().map { part in
            part.components(separatedBy: "]\n")
        }.filter { $0[0] != "end" && $0[0].allSatisfy(\.isLetter) }
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<5 { root.deleteLastPathComponent() }
        let page = try String(contentsOf: root.appendingPathComponent("docs/integrating.md"), encoding: .utf8)
        let quoted = page.components(separatedBy: "```swift\n").dropFirst().map {
            plain($0.components(separatedBy: "```")[0])
        }
        for part in parts {
            let lines = plain(part.dropFirst().joined(separator: "]\n"))
            XCTAssertTrue(quoted.contains(lines), "docs/integrating.md does not quote \(part[0])")
        }
        XCTAssertEqual(parts.count, quoted.count, "and nothing else")
    }
}
