import Foundation
import XCTest

@testable import KitbagClient

/// Persons, names, dates that may be wrong, and two that are two.
final class PersonTests: XCTestCase {
    private func joined(
        _ world: World, _ name: String, continues: EntryId? = nil, label: String? = nil
    ) async throws -> Kitbag {
        let invitation = try await world.desk.team.invite(world.team, .worker, continues: continues, label: label)
        let joining = try await Joining.ask(world.opening(name), invitation: invitation.text)
        try await invitation.asked()
        async let joined = joining.approved()
        try await world.desk.team.approve(digits: joining.code)
        return try await joined
    }

    func testANewPhoneIsTheSamePersonAndIsCalledByItsName() async throws {
        let world = try await World()
        let old = try await joined(world, "old", label: "Ana's phone")
        let id = try await old.records.record(world.team, reversal("unknown"))
        try await old.sync.now()
        let earlier = try await world.desk.team.members(world.team).first { $0.label == "Ana's phone" }!
        let new = try await joined(world, "new", continues: earlier.certificate, label: "Ana's new phone")
        try await new.sync.now()
        try await new.records.correct(id, "outcome", "survived")
        try await new.sync.now()
        try await world.desk.sync.now()
        let members = try await world.desk.team.members(world.team).filter { $0.person == earlier.person }
        XCTAssertEqual(Set(members.map(\.label)), ["Ana's phone", "Ana's new phone"])
        XCTAssertTrue(members.allSatisfy { $0.joined.timeIntervalSince1970 > 1_700_000_000 })
        let totals = try await world.desk.totals.of(Query(by: ["author"]))
        XCTAssertEqual(totals.lines.map(\.by), [[earlier.device.text]])
        try await world.desk.team.setLabel(earlier.certificate, "Lost in May")
        let names = try await world.desk.team.names()
        XCTAssertTrue(names.values.contains("Lost in May"))
        do {
            try await world.desk.team.setLabel(earlier.certificate, String(repeating: "x", count: 10_000))
            XCTFail("a label of 10,000 characters")
        } catch is KitbagError {}
    }

    func testADateCountsWhateverItIsAndTwoThatAreTwoAreSuspectedNoMore() async throws {
        let world = try await World()
        let phone = try await world.phone("phone")
        var far = reversal()
        far.put("occurred_on", CivilDate(year: 2199, month: 1, day: 1))
        _ = try await phone.records.record(world.team, far)
        let totals = try await phone.totals.of(Query(by: ["fiscal_year"]))
        XCTAssertEqual(totals.lines.map(\.by), [["2198/99"]])
        XCTAssertEqual(totals.inDoubt, [2199: 1])
        let doubted = try await phone.records.list(Search(dateInDoubt: true))
        XCTAssertEqual(doubted.count, 1)
        XCTAssertEqual(totals.ofSpans, 0)
        var span = reversal()
        span.put("occurred_on", CivilDate(year: 2026, month: 2, day: 20))
        span.put("through", CivilDate(year: 2026, month: 3, day: 5))
        _ = try await phone.records.record(world.team, span)
        let year = (CivilDate(year: 2026, month: 1, day: 1), CivilDate(year: 2026, month: 12, day: 31))
        let months = try await phone.totals.of(Query(from: year.0, to: year.1, by: ["month"]))
        XCTAssertEqual(months.lines.map(\.by), [["2026-03"]])
        XCTAssertEqual(months.ofSpans, 1)
        let missing = try await phone.health.missing(team: world.team)
        XCTAssertEqual(missing.reduce(0) { $0 + $1.entries }, months.missing.entries)
        let one = try await phone.records.record(world.team, reversal())
        let two = try await phone.records.record(world.team, reversal())
        let suspected = try await phone.records.suspectedDuplicates()
        XCTAssertEqual(suspected.count, 1)
        try await phone.records.keepApart(one, two)
        let left = try await phone.records.suspectedDuplicates()
        XCTAssertEqual(left.count, 0)
        _ = try await phone.records.record(world.team, reversal())
        let linked = try await phone.records.linkSuspected(.savedTwice)
        XCTAssertGreaterThan(linked, 0)
    }

    func testTheOffsetIsThatOfTheDay() throws {
        let kyiv = try XCTUnwrap(TimeZone(identifier: "Europe/Kyiv") ?? TimeZone(identifier: "Europe/Kiev"))
        let offsets: [(String, Int?, Int64)] = [
            ("2026-01-15", nil, 120), ("2026-07-15", nil, 180), ("2026-03-29", 3, 120), ("2026-10-25", 3, 180),
            ("2026-10-25", 4, 120),
        ]
        for (day, hour, minutes) in offsets {
            var form = Form(.reversal)
            form.on(CivilDate(day)!, hour: hour, minute: 30, in: kyiv)
            XCTAssertEqual(form.fields["utc_offset_min"], .number(minutes), "\(day) \(hour ?? 12)")
        }
    }
}
