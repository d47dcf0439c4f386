import Foundation
import XCTest

@testable import KitbagClient

/// A key behind a PIN.
final class ProtectedKeyTests: XCTestCase {
    func testAPinAndTheKeychainOpenAStoreTogetherAndWrongOnesWait() async throws {
        let world = try await World()
        let path = world.folder + "/phone.protected"
        let (one, two) = (Data(repeating: 1, count: 32), Data(repeating: 2, count: 32))
        let held = ProtectedKey(path: path)
        XCTAssertFalse(held.isMade)
        let key = try await held.make(secret: one)
        XCTAssertTrue(held.isMade)
        XCTAssertFalse(try held.needsPin())
        try await held.change(secret: one, pin: nil, newSecret: two, newPin: "135790")
        XCTAssertEqual([try held.needsPin(), try held.isUnder(one), try held.isUnder(two)], [true, false, true])
        let opened = try await held.open(secret: two, pin: "135790")
        XCTAssertEqual(opened, key)
        let codes = [
            await codeOf { try await held.open(secret: one, pin: "135790") },
            await codeOf { try await held.change(secret: two, pin: "135790", newSecret: two, newPin: "12345") },
            await codeOf { try await held.open(secret: Data(count: 3), pin: "135790") },
        ]
        XCTAssertEqual(codes, ["key_not_had", "pin_too_short", "argument"])
        for _ in 0..<5 {
            let code = await codeOf { try await held.open(secret: two, pin: "000000") }
            XCTAssertEqual(code, "pin_wrong")
        }
        let code = await codeOf { try await held.open(secret: two, pin: "135790") }
        XCTAssertEqual(code, "pin_wait")
        XCTAssertTrue((25...30).contains(held.wait), "\(held.wait)")
    }
}
