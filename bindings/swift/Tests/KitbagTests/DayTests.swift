import Foundation
import XCTest

@testable import KitbagClient

/// A worker's day, over a real hub with TLS.
final class DayTests: XCTestCase {
    func testADay() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        let roles = try await phone.team.own().map(\.role)
        XCTAssertEqual(roles, [.worker])
        let changed = phone.changes.makeAsyncIterator()
        let first = await changed.next()
        XCTAssertTrue(first?.isMany ?? false, "a screen begins with it")
        var form = try await phone.records.begin(world.team, .reversal, today: today, utcOffsetMinutes: 60)
        XCTAssertEqual(form.fields["occurred_on"], .text("2026-03-14"))
        form.put("site", "riverside")
        form.put("outcome", "survived")
        form.answerUnknowns()
        let id = try await phone.records.record(world.team, form)
        let noticed = await changed.next()
        XCTAssertEqual(noticed?.records, [id])
        let page = try await phone.records.list(Search(kind: .reversal))
        XCTAssertEqual(page.count, 1)
        XCTAssertEqual(page.rows[0].delivery, .waiting)
        XCTAssertEqual(page.rows[0].day, today)
        XCTAssertEqual(page.rows[0].fields["site"], .text("riverside"))
        let before = try await phone.sync.status()
        XCTAssertFalse(before.isSynced)
        let run = try phone.sync.start(deadline: 60)
        for await progress in run.progress { XCTAssertLessThan(progress.toSend, 1_000) }
        let agreement = try await run.ended()
        XCTAssertEqual(agreement, .whole)
        let delivery = try await phone.records.get(id).delivery
        XCTAssertEqual(delivery, .onHub)
        // Two values written apart, and one of them chosen.
        try await world.desk.sync.now()
        try await world.desk.records.correct(id, "outcome", "died")
        try await phone.records.correct(id, "outcome", "unknown")
        try await world.desk.sync.now()
        try await phone.sync.now()
        let apart = try await phone.records.get(id)
        XCTAssertEqual(apart.attention, .conflicted)
        XCTAssertEqual(Set(apart.fields["outcome"]!.map(\.value)), [.text("died"), .text("unknown")])
        try await phone.records.correct(id, "outcome", "survived")
        try await phone.sync.now()
        try await world.desk.sync.now()
        for kitbag in [phone, world.desk] {
            let totals = try await kitbag.totals.of(Query(by: ["site"]))
            XCTAssertEqual(totals.lines.map(\.by), [["riverside"]])
            XCTAssertEqual(totals.lines[0].sums["reversals"], 1)
            XCTAssertEqual(totals.missing.entries, 0)
        }
        let synced = try await world.desk.team.membersAndLastSync(world.team)
        XCTAssertEqual(synced.filter { $0.lastSynced != nil }.count, 2)
        let complete = try await world.desk.totals.completeness(team: world.team, from: today, to: today)
        XCTAssertEqual(complete.counts["records"], 1)
        let verified = try await phone.health.verify()
        XCTAssertEqual(verified.faults, [])
    }

    func testADraftOutlivesTheStoreAndBecomesOneRecord() async throws {
        let world = try await World()
        var phone = try await world.phone("phone")
        var form = Form(.reversal)
        form.put("site", "riverside")
        form.putText("occurred_time", "21:05")
        let draft = try await phone.drafts.save(form)
        try await phone.closeAndWait()
        phone = try await Kitbag.open(world.opening("phone"))
        let kept = try await phone.drafts.list()
        XCTAssertEqual(kept.map(\.id), [draft])
        form = kept[0].form
        XCTAssertEqual(form.fields["occurred_time"], .text("21:05"))
        form.put("occurred_on", today)
        form.put("utc_offset_min", 0)
        form.put("outcome", "survived")
        form.answerUnknowns()
        let id = try await phone.drafts.finish(draft, world.team, form)
        let left = try await phone.drafts.list()
        XCTAssertEqual(left, [])
        let state = try await phone.records.get(id).state
        XCTAssertEqual(state, .counted)
    }

    func testTheWordsAreThePackagesOwn() async throws {
        XCTAssertEqual(words.localizedString(forKey: "kind-reversal", value: nil, table: nil), "Overdose reversal")
        XCTAssertEqual(message("kind-reversal"), "Overdose reversal")
        XCTAssertTrue(Set(words.localizations).isSuperset(of: ["en", "es", "fr", "ar", "uk"]))
        let reversal = try await declarations(language: "fr").first { $0.kind == .reversal }!
        XCTAssertEqual(reversal.inWords, message("kind-reversal", language: "fr"))
        XCTAssertNotEqual(reversal.inWords, "Overdose reversal")
        XCTAssertTrue(reversal.fields.contains { $0.name == "outcome" && $0.codes.contains("survived") })
    }

    func testABundleBringsWhatAColleagueRecorded() async throws {
        let world = try await World()
        let (ana, ben) = (try await world.phone("ana"), try await world.phone("ben"))
        let id = try await ana.records.record(world.team, reversal())
        let file = world.folder + "/ana.kitbag"
        let written = try await ana.bundles.export(world.team, .waiting, to: file)
        XCTAssertGreaterThan(written.entries, 0)
        let taken = try await ben.bundles.import(from: file)
        XCTAssertGreaterThan(taken.newEntries, 0)
        let listed = try await ben.records.list().rows.map(\.id)
        XCTAssertEqual(listed, [id])
    }

    func testAPhoneThatCapturesOnlyKeepsNothingThatWasSent() async throws {
        let world = try await World()
        let joined = try await world.phone("ana")
        _ = try await joined.records.record(world.team, reversal())
        let dropped = try await joined.records.captureOnly()
        XCTAssertEqual(dropped, 0)
        _ = try await joined.sync.now()
        // For a moment it may be undone; the next time that the app opens it is gone.
        let before = try await joined.records.list().rows.count
        XCTAssertEqual(before, 1)
        try await joined.closeAndWait()
        let phone = try await Kitbag.open(world.opening("ana"))
        let then = try await phone.records.captureOnly()
        XCTAssertEqual(then, 1)
        let after = try await phone.records.list().rows.count
        XCTAssertEqual(after, 0)
        let isOnly = try await phone.records.isCaptureOnly()
        XCTAssertTrue(isOnly)
        do {
            try await world.desk.records.captureOnly()
            XCTFail("a coordinator keeps what it holds")
        } catch let error as KitbagError {
            XCTAssertEqual(error.code, "role")
        }
    }
}
