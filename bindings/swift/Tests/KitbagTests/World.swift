import Foundation
import XCTest

@testable import KitbagClient
import func KitbagGenerated.breakingWay

let today = CivilDate(year: 2026, month: 3, day: 14)

/// A key as a keychain would keep it; made up.
struct MadeUpKey: KeyProvider {
    var bytes = Data(repeating: 7, count: 32)
    func storeKey() throws -> Data { bytes }
}

/// A hub of its own on loopback, which ends with its standard input.
final class Hub: @unchecked Sendable {
    private let process = Process()
    private let input = Pipe()
    let address: HubAddress

    init(_ folder: String, root: DeviceKey, listen: String = "127.0.0.1:0") throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: ProcessInfo.processInfo.environment["KITBAG_COMMAND"]!)
        process.arguments = [
            "hub", "run", "--folder", folder, "--listen", listen, "--root", root.text, "--until-stdin-ends",
        ]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var said = ""
        while !said.contains("listening on ") || !said.hasSuffix("\n") {
            let bytes = output.fileHandleForReading.availableData
            guard !bytes.isEmpty else { throw CocoaError(.fileReadUnknown) }
            said += String(decoding: bytes, as: UTF8.self)
        }
        let line = said.split(separator: "\n").first { $0.hasPrefix("listening on ") }!
        address = HubAddress(String(line.dropFirst("listening on ".count)))
    }

    func end() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    deinit { end() }
}

extension HubAddress {
    /// Where a hub of this address listens.
    var listens: String { String(text.split(separator: "/")[1]) }

    /// A way to this hub that breaks for good once so many bytes went to it.
    func breakingAfter(_ bytes: UInt64) -> HubAddress {
        let port = UInt16(listens.split(separator: ":")[1])!
        return HubAddress("kitbag://127.0.0.1:\(breakingWay(port: port, bytes: bytes))/\(text.split(separator: "/")[2])")
    }
}

/// A programme with a hub and a coordinator, in a folder of its own.
final class World: Sendable {
    let folder: String
    let root: Kitbag
    let hub: Hub
    let team: TeamId
    let desk: Kitbag

    init() async throws {
        let folder = "/tmp/kitbag-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        root = try await Kitbag.found(Opening(path: folder + "/root.db", key: MadeUpKey()))
        hub = try Hub(folder + "/hub", root: try await root.programme.own().root)
        try await root.programme.setHub(hub.address)
        team = try await root.programme.newTeam()
        desk = try await root.programme.makeCoordinator(team, Opening(path: folder + "/desk.db", key: MadeUpKey()))
        try await root.sync.now()
        self.folder = folder
    }

    deinit {
        root.close()
        desk.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func opening(_ name: String) -> Opening { Opening(path: "\(folder)/\(name).db", key: MadeUpKey()) }

    /// A worker's phone, which joined by an invitation and six digits.
    func phone(_ name: String) async throws -> Kitbag {
        let invitation = try await desk.team.invite(team, .worker)
        let joining = try await Joining.ask(opening(name), invitation: invitation.text)
        try await invitation.asked()
        async let joined = joining.approved()
        try await desk.team.approve(digits: joining.code)
        return try await joined
    }
}

/// A whole reversal.
func reversal(_ outcome: String = "survived", site: String = "riverside") -> Form {
    var form = Form(.reversal)
    form.put("site", site)
    form.put("occurred_on", today)
    form.put("utc_offset_min", 0)
    form.put("outcome", outcome)
    form.answerUnknowns()
    return form
}

/// How an error of Kitbag's is coded; fails where there is none.
func codeOf<T>(_ call: () async throws -> T) async -> String? {
    do {
        _ = try await call()
        return nil
    } catch let error as KitbagError {
        return error.code
    } catch {
        return "\(error)"
    }
}
