import KitbagClient
import XCTest

@testable import KitbagScreens

/// A worker's day by the app's screens, over the real library and a real hub.
@MainActor
final class DayTests: XCTestCase {
    func testAUsualDistributionTakesSixTaps() async throws {
        let world = try await World()
        let hand = try Hand(world)
        try await hand.join()
        try await hand.distribute()
        _ = hand.countedTaps()
        try await hand.tap("Naloxone given").at("question").tap("Family or friend")
        try await hand.tap("Resupply: Used on another person").tap("2").tap("Trained before").at("review").tap("Save").at("saved")
        let taps = hand.countedTaps()
        print("taps: distribution \(taps)")
        XCTAssertLessThanOrEqual(taps, 6)
        try await hand.see("Saved.").tap("3 more like this").see("4 saved.")
        let undo = hand.texts().first { $0.hasPrefix("Undo") }!
        try await hand.tap(undo).see("Undone.").tap("Done").at("today")
        try await hand.until("what was saved does not arrive") { try await world.atDesk().count == 5 }
        let counted = try await world.atDesk().filter { $0.state == .counted }
        XCTAssertEqual(counted.count, 1)
        try await hand.leave()
        world.end()
    }

    func testAReversalOutlivesTheApp() async throws {
        let world = try await World()
        let hand = try Hand(world)
        try await hand.join()
        try await hand.tap("Overdose reversed").tap("It is happening now").at("reversal").tap("Dose given")
        try await hand.tap("Call an ambulance").tap("Dose given").see("2 doses")
        try await hand.leave()
        try hand.reopen()
        try await hand.at("today").see("Begun").tap("Overdose reversal").at("begun").see("Into the nose").tap("Go on")
        try await hand.at("reversal").see("2 doses").tap("It is over: answer the rest").at("question").tap("Riverside")
        try await hand.tap("Seen by who reports").tap("Peer worker").tap("Street or park").tap("Survived").at("review")
        try await hand.tap("Save").at("saved").tap("Done").at("today")
        try await hand.until("what was saved does not arrive") { try await world.atDesk().count == 1 }
        let reversal = try await world.atDesk()[0]
        XCTAssertEqual(reversal.lists["administrations"]?.count, 2)
        XCTAssertEqual(reversal.fields["ems_called"], .text("yes"))
        XCTAssertNotNil(reversal.fields["occurred_time"])
        try await hand.leave()
        world.end()
    }

    func testAPinLocksAndWrongOnesWait() async throws {
        let world = try await World()
        let hand = try Hand(world)
        try await hand.join()
        try await hand.tap("More").at("more").tap("Protection").at("protection").tap("Set a PIN").at("pin")
        try await hand.type("New PIN", "246810").type("New PIN, once more", "2468").tap("Set a PIN")
        try await hand.see("The two new PINs differ.").type("New PIN, once more", "246810").tap("Set a PIN").at("protection")
        try await hand.tap("Lock now").at("unlock")
        for number in 0..<5 { try await hand.type("PIN", "11111\(number)").tap("Unlock") }
        try await hand.see("Wait 30 seconds.").type("PIN", "246810").tap("Unlock").see("Too many wrong PINs.")
        XCTAssertNil(hand.app.phone.onShift)
        try await hand.leave()
        world.end()
    }

    func testWithNoSignalItSaysWhatWaits() async throws {
        let world = try await World()
        let hand = try Hand(world)
        try await hand.join()
        world.hub.end()
        try await hand.distribute()
        try await hand.tap("More").at("more").tap("Sync").at("sync").tap("Sync now").see("The hub did not answer.")
        try await hand.see("not sent yet").see("It is tried again at")
        world.hub = try world.hub.again()
        try await hand.tap("Sync now").see("The hub and this phone hold the same.")
        let rows = try await world.atDesk()
        XCTAssertEqual(rows.count, 1)
        try await hand.leave()
        world.end()
    }

    func testAKeyThatIsGoneIsSaid() async throws {
        let world = try await World()
        let hand = try Hand(world)
        try await hand.join()
        try await hand.leave()
        hand.platform.hasForgotten = true
        try hand.reopen()
        try await hand.at("key_gone").see("Nothing here was deleted.")
        hand.platform.hasForgotten = false
        try await hand.tap("Try again").at("today")
        try await hand.leave()
        world.end()
    }
}
