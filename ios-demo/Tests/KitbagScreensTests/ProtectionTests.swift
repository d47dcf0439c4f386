import KitbagClient
import XCTest

@testable import KitbagScreens

/// Who can read what on a phone that was left, handed over, or taken.
@MainActor
final class ProtectionTests: XCTestCase {
    private func begun(pack: String = World.pack, _ work: (World, Hand) async throws -> Void) async throws {
        let world = try await World(pack: pack)
        let hand = try Hand(world)
        try await hand.join()
        try await work(world, hand)
        try await hand.leave()
        world.end()
    }

    func testAPhoneLeftOnATableLocksThoughAnotherAppIsOpen() async throws {
        try await begun { world, hand in
            try await hand.setPin()
            try await hand.back().back().at("today").tap("More").at("more").tap("Sync").at("sync")
            hand.platform.slept += 4 * 60
            hand.app.came()
            hand.platform.isThinking = true
            try await hand.tap("Receive a file").at("sync")
            hand.platform.slept += 6 * 60
            hand.app.came()
            XCTAssertEqual(hand.app.page.name, "locking")
            try await hand.at("unlock").until("the store is open") { hand.app.phone.onShift == nil }
            hand.platform.isThinking = false
            try await hand.type("PIN", "246810").tap("Unlock").at("today")
        }
    }

    func testAScreenThatLooksEachSecondLocksByItself() async throws {
        try await begun { world, hand in
            try await hand.setPin()
            try await hand.back().back().at("today").tap("Naloxone given").at("question").tap("Riverside")
            try await hand.tap("Person at risk").tap("First supply").tap("Street outreach").tap("1").tap("Brief").at("review")
            try await hand.tap("Save").at("saved")
            hand.platform.slept += 6 * 60
            try await hand.at("unlock")
        }
    }

    func testWhileAnOverdoseGoesOnItStaysOpenForHalfAnHour() async throws {
        try await begun { world, hand in
            try await hand.setPin()
            try await hand.back().back().at("today").tap("Overdose reversed").tap("It is happening now").at("reversal")
            hand.platform.slept += 29 * 60
            hand.app.came()
            try await hand.tap("Dose given").at("reversal").see("1 dose")
            hand.app.phone.touch()
            hand.platform.slept += 31 * 60
            hand.app.came()
            try await hand.at("unlock").type("PIN", "246810").tap("Unlock").at("today").see("Begun")
        }
    }

    func testFromAnothersPinNoWayLeadsBackToWhoWasOnShift() async throws {
        try await begun { world, hand in
            try await hand.setPin()
            try await hand.back().tap("Somebody else’s shift").at("shift").tap("Add a person").at("naming")
            try await hand.join("Ben", isFirst: false)
            try await hand.tap("More").at("more").tap("Somebody else’s shift").at("shift").tap("Ana").at("unlock")
            XCTAssertNil(hand.app.phone.onShift)
            try await hand.tap("PIN forgotten").at("pin_forgotten").see("Nothing is ever wiped.").back().at("unlock")
            try await hand.back().at("shift")
            XCTAssertTrue(hand.app.isAtFirst)
            try await hand.tap("Ben").at("today").see("Ben")
        }
    }

    func testAQuickExitWinsWhereverAnUnlockingIs() async throws {
        try await begun { world, hand in
            try await hand.setPin()
            try await hand.tap("Lock now").at("unlock")
            for delay in [0, 5, 20, 40, 60, 80, 120, 200] as [UInt64] {
                try await hand.type("PIN", "246810")
                let tapped = hand.app.tap(hand.app.page.act("Unlock")!)
                try await Task.sleep(nanoseconds: delay * 1_000_000)
                hand.app.lockAtOnce()
                await tapped?.value
                try await hand.at("unlock").until("after \(delay) ms the store is open") { hand.app.phone.onShift == nil }
            }
            try await hand.type("PIN", "246810").tap("Unlock").at("today")
        }
    }

    func testAJoinThatWasLeftTakesThePhoneFromNobody() async throws {
        try await begun { world, hand in
            try await hand.tap("More").at("more").tap("Somebody else’s shift").at("shift").tap("Add a person").at("naming")
            try await hand.type("Name on this phone", "Ben").tap("Next").at("join")
            let invitation = try await world.desk.team.invite(world.team, .worker, label: "Ben")
            try await hand.type("Invitation", invitation.text)
            await hand.app.tap(hand.app.page.act("Join")!)?.value
            hand.app.lockAtOnce()
            try await hand.at("shift").tap("Ana").at("today").tap("Naloxone given").at("question")
            try await Task.sleep(nanoseconds: 1_000_000_000)
            try await hand.tap("Riverside").at("question")
            XCTAssertEqual(hand.app.phone.onShift?.profile.label, "Ana")
        }
    }

    func testAProgrammeThatWantsCaptureOnlyIsNamed() async throws {
        try await begun(pack: "capture_only = true\n" + World.pack) { world, hand in
            try await hand.see("Your programme wants this phone to capture only").distribute()
            try await hand.until("it does not arrive") { try await world.atDesk().count == 1 }
            try await hand.tap("More").at("more").tap("Sync").at("sync").see("its file is taken in only by a phone that synced")
            try await hand.leave()
            try hand.reopen()
            try await hand.at("today").tap("History").at("history").see("0 records").back().at("today").tap("Totals")
            try await hand.at("totals").see("it has no totals")
        }
    }

    func testAWorkerChoosesToCaptureOnly() async throws {
        try await begun { world, hand in
            try await hand.tap("More").at("more").tap("Protection").at("protection").tap("Keep nothing that was sent")
            try await hand.at("capturing").see("Should the hub lose its newest data").tap("Keep nothing that was sent")
            try await hand.at("protection").see("This phone captures only")
        }
    }

    func testWhoeverLeavesLeavesNothingThatWasBegun() async throws {
        try await begun { world, hand in
            try await hand.tap("Naloxone given").at("question").tap("Riverside").back().back().at("today").see("Begun")
            try await hand.tap("More").at("more").tap("Leave the team").at("leave").see("1 record was begun and not saved.")
            world.hub.end()
            try await hand.tap("Leave the team").see("The hub did not answer.")
            world.hub = try world.hub.again()
            try await hand.tap("Leave the team").at("join")
        }
    }

    func testAQuickExitLocks() async throws {
        try await begun { world, hand in
            try await hand.setPin()
            hand.app.lockAtOnce()
            XCTAssertEqual(hand.app.page.name, "locking")
            try await hand.at("unlock").until("the store is open") { hand.app.phone.onShift == nil }
        }
    }

    func testAboutSaysWhatIsSafeAndWhatIsNot() async throws {
        try await begun { world, hand in
            try await hand.tap("More").at("more").tap("What is safe, and what is not").at("about").see("Not safe")
        }
    }
}
