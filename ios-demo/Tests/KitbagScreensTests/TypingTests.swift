import Foundation
import KitbagClient
import XCTest

@testable import KitbagScreens
import func KitbagGenerated.beginScenario
import func KitbagGenerated.setScenarioClock

/// What was typed is what is seen, kept and saved; what a wrong clock says is nothing.
@MainActor
final class TypingTests: XCTestCase {
    private func begun(_ work: (World, Hand) async throws -> Void) async throws {
        let world = try await World()
        let hand = try Hand(world)
        try await hand.join()
        try await work(world, hand)
        try await hand.leave()
        world.end()
    }

    func testANumberTypedDigitByDigitIsSeenAndSaved() async throws {
        try await begun { world, hand in
            try await hand.tap("Record something else").at("other_record").tap("Training").at("question").tap("Riverside")
            try await hand.tap("Group").type("People trained", "12")
            XCTAssertEqual(hand.typed("People trained"), "12")
            try await hand.tap("Next").type("People supplied", "7").tap("Next").at("review").see("12").see("7")
            try await hand.tap("People trained").at("question")
            XCTAssertEqual(hand.typed("People trained"), "12")
            try await hand.tap("Next").at("review").tap("Save").at("saved")
            let row = try await hand.shift().kitbag.records.list(Search()).rows[0]
            XCTAssertEqual(row.fields["people_trained"], .number(12))
            XCTAssertEqual(row.fields["people_supplied"], .number(7))
        }
    }

    func testACorrectionThatWasBegunOutlivesTheApp() async throws {
        try await begun { world, hand in
            let shift = try hand.shift()
            _ = try await shift.kitbag.records.record(shift.team, World.training())
            try await hand.tap("History").at("history").tap("Training").at("record").tap("People trained").at("correct")
            try await hand.type("People trained", "34")
            try await hand.leave()
            try hand.reopen()
            try await hand.at("today").see("Begun").tap("Training").at("correct")
            XCTAssertEqual(hand.typed("People trained"), "34")
            try await hand.tap("Next").at("today")
            let rows = try await hand.shift().kitbag.records.list(Search()).rows
            XCTAssertEqual(rows[0].fields["people_trained"], .number(34))
            let drafts = try await hand.shift().kitbag.drafts.list()
            XCTAssertEqual(drafts.count, 0)
        }
    }

    func testWithAWrongClockNothingIsDatedByIt() async throws {
        beginScenario(seed: 4)
        setScenarioClock(millis: 1_690_000_000_000)
        defer { beginScenario(seed: 0) }
        try await begun { world, hand in
            try await hand.see("The phone’s clock is wrong.").tap("Referral").at("question").tap("Riverside")
            try await hand.type("Date (yyyy-mm-dd)", "2026-11-27").tap("Next").tap("Buprenorphine").tap("After an overdose")
            try await hand.tap("Today").tap("Accompanied").tap("North clinic").tap("Made").at("review").tap("Save").at("saved")
            let row = try await hand.shift().kitbag.records.list(Search()).rows[0]
            XCTAssertEqual(row.lists["events"]?.first?["on"], .text("2026-11-27"))
            try await hand.tap("Done").at("today").tap("Overdose reversed").tap("It is happening now").at("reversal")
            try await hand.tap("Dose given").see("1 dose")
            hand.platform.slept += 7 * 60
            try await hand.tap("Dose given").see("after 7 minutes").back().at("today").tap("Overdose reversal").at("begun")
            try await hand.tap("Go on").at("reversal").tap("Dose given").see("3 doses").tap("It is over: answer the rest")
            let draft = try await hand.shift().kitbag.drafts.list()[0].form
            let minutes = draft.sinceFirstDose().lists["administrations"]!.map { dose -> Int64? in
                if case .number(let minute) = dose["minute"] { minute } else { nil }
            }
            XCTAssertEqual(minutes, [0, 7, nil])
        }
    }

    func testTwoAnswersOfACodeOfASetAreShownToChooseFrom() async throws {
        try await begun { world, hand in
            let shift = try hand.shift()
            var form = Form(.contact)
            form.put("site", "riverside")
            form.put("occurred_on", hand.app.phone.today())
            form.put("utc_offset_min", 0)
            for (field, text) in ["channel": "street_outreach", "people": "1", "supplies.condoms": "5"] { form.putText(field, text) }
            form.answerUnknowns()
            let id = try await shift.kitbag.records.record(shift.team, form)
            _ = try await shift.kitbag.sync.now()
            _ = try await world.desk.sync.now()
            hand.app.phone.keepNoMore()
            _ = try await world.desk.records.correct(id, "supplies.condoms", .number(30))
            _ = try await shift.kitbag.records.correct(id, "supplies.condoms", .number(6))
            _ = try await world.desk.sync.now()
            _ = try await shift.kitbag.sync.now()
            try await hand.tap("History").at("history").see("Two answers").tap("Contact").at("record").see("Counts now")
            try await hand.tap("6")
            try await hand.until("both stay") { !hand.sees("Counts now") }
        }
    }

    func testADoseThatWasNoneIsTakenBackAndAnEventIsUndone() async throws {
        try await begun { world, hand in
            let shift = try hand.shift()
            var form = Form(.reversal)
            form.put("site", "riverside")
            form.put("occurred_on", hand.app.phone.today())
            form.put("utc_offset_min", 0)
            form.put("outcome", "survived")
            let dose: Element = [
                "product": .text("nasal_4mg"), "route": .text("IN"), "source": .text("this_programme"), "doses": .number(1),
            ]
            form.put("administrations", elements: [dose, dose])
            form.answerUnknowns()
            _ = try await shift.kitbag.records.record(shift.team, form)
            try await hand.tap("History").at("history").tap("Overdose reversal").at("record").tap("Naloxone given")
            try await hand.at("voiding").see("Into the nose").tap("Entered in error").at("record")
            let row = try await shift.kitbag.records.list(Search()).rows[0]
            XCTAssertEqual(row.lists["administrations"]?.filter { $0["void"] == nil }.count, 1)
            try await hand.back().back().at("today").tap("Referral").at("question").tap("Riverside").tap("Buprenorphine")
            try await hand.tap("After an overdose").tap("Today").tap("Accompanied").tap("North clinic").tap("Made").at("review")
            try await hand.tap("Save").at("saved").tap("Done").at("today").tap("Open referrals").at("referrals")
            try await hand.tap("Buprenorphine").at("next_step").tap("Rejected").at("referrals").see("No referral is open.")
            let undo = hand.texts().first { $0.hasPrefix("Undo") }!
            try await hand.see("Saved.").tap(undo).see("Buprenorphine")
        }
    }
}
