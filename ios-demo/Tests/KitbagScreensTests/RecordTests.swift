import KitbagClient
import XCTest

@testable import KitbagScreens

/// What becomes of records after they were saved, by the app's screens.
@MainActor
final class RecordTests: XCTestCase {
    private func begun(_ work: (World, Hand) async throws -> Void) async throws {
        let world = try await World()
        let hand = try Hand(world)
        try await hand.join()
        try await work(world, hand)
        try await hand.leave()
        world.end()
    }

    func testAReferralGoesOnInTwoTaps() async throws {
        try await begun { world, hand in
            try await hand.tap("Referral").at("question").tap("Riverside").tap("Buprenorphine").tap("After an overdose")
            try await hand.tap("Today").tap("Accompanied").tap("North clinic").tap("Made").at("review").tap("Save").at("saved")
            try await hand.tap("Done").at("today").tap("Open referrals").at("referrals")
            _ = hand.countedTaps()
            try await hand.tap("Buprenorphine").at("next_step").tap("Attended").at("referrals").see("Attended")
            let taps = hand.countedTaps()
            print("taps: an event of a referral \(taps)")
            XCTAssertEqual(taps, 2)
            try await hand.tap("Buprenorphine").at("next_step").tap("Something else").tap("Completed").see("No referral is open.")
            try await hand.until("the events do not arrive") {
                try await world.atDesk().first?.lists["events"]?.count == 3
            }
        }
    }

    func testWhatWasSavedIsCorrectedAndVoided() async throws {
        try await begun { world, hand in
            try await hand.distribute()
            try await hand.tap("History").at("history").tap("Distribution").at("record").tap("Kits").at("correct").tap("4")
            try await hand.at("record").tap("Correct an answer").at("correct_other").tap("Age").at("correct").tap("25–34")
            try await hand.at("record").see("25–34")
            try await hand.until("the corrections do not arrive") { try await world.atDesk().first?.fields["age_band"] != nil }
            let row = try await world.atDesk()[0]
            XCTAssertEqual(row.fields["kits"], .number(4))
            try await hand.tap("Void it").at("voiding").tap("Entered in error").at("record").see("Void: it counts nowhere.")
            try await hand.tap("Let it count again").see("The hub has it.")
        }
    }

    func testTwoAnswersAreShownToChooseFrom() async throws {
        try await begun { world, hand in
            try await hand.distribute()
            try await hand.until("it does not arrive") { try await world.atDesk().count == 1 }
            let id = try await world.atDesk()[0].id
            world.hub.end()
            _ = try await world.desk.records.correct(id, "kits", .number(7))
            try await hand.tap("History").at("history").tap("Distribution").at("record").tap("Kits").at("correct").tap("5")
            try await hand.at("record").back().back()
            world.hub = try world.hub.again()
            _ = try await world.desk.sync.now()
            try await hand.at("today").tap("More").at("more").tap("Sync").at("sync").tap("Sync now").see("hold the same")
            try await hand.back().back().at("today").see("two values").tap("History").at("history").see("Two answers")
            try await hand.tap("Distribution").at("record").see("Counts now").tap("7")
            try await hand.until("both stay") { !hand.sees("Counts now") }
            let record = try await hand.shift().kitbag.records.get(id)
            XCTAssertEqual(record.fields["kits"]?.map(\.value), [.number(7)])
        }
    }

    func testKitsIntoTheBagAreSeenInItAndHandedOutOfIt() async throws {
        try await begun { world, hand in
            try await hand.see("Nothing is noted.").tap("Record something else").at("other_record").tap("Stock movement")
            try await hand.at("question").tap("Riverside").tap("Issued to a worker").type("Kits", "12").tap("Next")
            try await hand.tap("Riverside").tap("In the bag").at("review").see("12").tap("Save").at("saved").tap("Done")
            try await hand.at("today").see("Nasal spray 4 mg: 12 kits").distribute()
            try await hand.see("Nasal spray 4 mg: 11 kits")
        }
    }

    func testACoordinatorSaysWhatIsWanted() async throws {
        let world = try await World()
        let hand = try Hand(world)
        try await hand.join(as: .coordinator)
        try await hand.tap("Record something else").at("other_record").tap("Target").at("question").tap("Riverside")
        try await hand.tap("Kits distributed").tap("Team").type("Period", "2026").tap("Next").type("Value", "1200").tap("Next")
        try await hand.at("review").see("1200").tap("Save").at("saved")
        let row = try await hand.shift().kitbag.records.list(Search()).rows[0]
        XCTAssertEqual(row.fields["indicator"], .text("kits_distributed"))
        XCTAssertEqual(row.fields["value"], .number(1200))
        try await hand.leave()
        world.end()
    }

    func testOtherKindsAreRecordedToo() async throws {
        try await begun { world, hand in
            try await hand.tap("Record something else").at("other_record").tap("Training").at("question").see("Riverside")
            try await hand.tap("Riverside").back().back().at("today").see("Begun").tap("Training").at("begun")
            try await hand.tap("Throw away").at("today")
            XCTAssertFalse(hand.sees("Begun"))
        }
    }

    func testDosesAreCountedFromTheFirst() async throws {
        try await begun { world, hand in
            try await hand.tap("Overdose reversed").at("reversal_begin").tap("It is happening now").at("reversal")
            hand.platform.slept += 5 * 60
            try await hand.tap("Dose given").see("after")
            hand.platform.slept += 3 * 60
            try await hand.tap("Dose given")
            hand.platform.slept += 292 * 60
            try await hand.tap("Dose given").see("3 doses").tap("It is over: answer the rest").at("question").tap("Riverside")
            try await hand.tap("Seen by who reports").tap("Peer worker").tap("Street or park").tap("Yes").tap("Survived")
            try await hand.at("review").tap("Save").at("saved")
            let row = try await hand.shift().kitbag.records.list(Search()).rows[0]
            let minutes = row.lists["administrations"]!.map { dose -> Int64? in
                if case .number(let minute) = dose["minute"] { minute } else { nil }
            }
            XCTAssertEqual(minutes, [0, 3, nil])
        }
    }

    func testEachSiteCountsInTheTotals() async throws {
        let sites = 15
        let more = (1...sites).map { "{ code = \"s\($0)\", label = { en = \"Site \($0)\" } }," }.joined()
        let world = try await World(pack: World.pack.replacingOccurrences(of: "sites = [", with: "sites = [" + more))
        let hand = try Hand(world)
        try await hand.join()
        let shift = try hand.shift()
        for number in 1...sites {
            var form = Form(.distribution)
            form.put("occurred_on", hand.app.phone.today())
            form.put("utc_offset_min", 0)
            form.put("site", "s\(number)")
            let answers = [
                "recipient_role": "at_risk", "supply_type": "first", "channel": "event", "training": "brief",
                "product": "nasal_4mg", "kits": "\(number)", "doses_per_kit": "2",
            ]
            for (field, text) in answers { form.putText(field, text) }
            form.answerUnknowns()
            _ = try await shift.kitbag.records.record(shift.team, form)
        }
        try await hand.tap("Totals").at("totals").see("3 other sites").tap("Only mine").see("3 other sites")
        var bars: [(String, Int64)] = []
        for case .bar(let text, let value, _, _, false) in hand.app.page.items { bars.append((text, value)) }
        let first = bars.prefix { $0.0 != "This month" || bars[0] == $0 }
        XCTAssertEqual(first.first?.1, Int64(sites * (sites + 1) / 2))
        XCTAssertEqual(first.dropFirst().map(\.1).reduce(0, +), Int64(sites * (sites + 1) / 2))
        try await hand.leave()
        world.end()
    }
}
