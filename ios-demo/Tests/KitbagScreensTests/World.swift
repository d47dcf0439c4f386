import Foundation
import KitbagClient
import XCTest

@testable import KitbagScreens

/// The app's words, from the files that Apple's tools read; plurals by English's rules.
final class FileWords: Words {
    let locale = Locale(identifier: "en_US")
    private let texts: [String: String]
    private let plurals: [String: [String: String]]

    init() throws {
        let folder = URL(fileURLWithPath: ProcessInfo.processInfo.environment["KITBAG_WORDS"]!)
            .appendingPathComponent("en.lproj")
        var texts: [String: String] = [:]
        let lines = try String(contentsOf: folder.appendingPathComponent("App.strings"), encoding: .utf8)
        for line in lines.split(separator: "\n") where line.hasPrefix("\"") {
            let parts = line.dropFirst().dropLast(2).components(separatedBy: "\" = \"")
            texts[parts[0]] = parts[1].replacingOccurrences(of: "\\\"", with: "\"").replacingOccurrences(of: "\\\\", with: "\\")
        }
        self.texts = texts
        let dictionary = try Data(contentsOf: folder.appendingPathComponent("App.stringsdict"))
        let all = try PropertyListSerialization.propertyList(from: dictionary, format: nil) as! [String: [String: Any]]
        plurals = all.mapValues { $0["number"] as! [String: String] }
    }

    func say(_ name: String, _ filled: [String]) -> String {
        guard let text = texts[name] else {
            XCTFail("no word is called \(name)")
            return name
        }
        return fill(text, filled)
    }

    func count(_ name: String, _ number: Int64, _ filled: [String]) -> String {
        guard let forms = plurals[name], let text = forms[number == 1 ? "one" : "other"] else {
            XCTFail("no word that varies is called \(name)")
            return name
        }
        let said = text.replacingOccurrences(of: "%ld", with: "\(number)").replacingOccurrences(of: "%1$ld", with: "\(number)")
        return fill(said, [""] + filled)
    }

    private func fill(_ text: String, _ filled: [String]) -> String {
        var said = text
        for (at, one) in filled.enumerated() { said = said.replacingOccurrences(of: "%\(at + 1)$@", with: one) }
        return filled.isEmpty ? said : said.replacingOccurrences(of: "%%", with: "%")
    }
}

/// A phone without a screen: files go from hand to hand, the keychain is a dictionary.
@MainActor
final class Pocket: Platform {
    let folder: URL
    let zone = TimeZone(identifier: "UTC")!
    var time: Date?
    var secrets: [String: Data] = [:]
    var hasForgotten = false
    var carried: URL
    var seen: String?
    let isInDevelopment = false

    init(_ folder: URL, carried: URL) {
        (self.folder, self.carried) = (folder, carried)
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func secret(_ name: String) throws -> Data {
        if hasForgotten { throw SecretGone() }
        let secret = secrets[name] ?? Data((0..<32).map { _ in UInt8.random(in: 0...255) })
        secrets[name] = secret
        return secret
    }

    func now() -> Date { time ?? Date() }

    /// How long it has been on beyond what passed since.
    var slept: TimeInterval = 0

    func uptime() -> TimeInterval { ProcessInfo.processInfo.systemUptime + slept }

    func send(_ file: URL) async throws -> Bool {
        try? FileManager.default.removeItem(at: carried)
        try FileManager.default.copyItem(at: file, to: carried)
        return true
    }

    /// Whether a person who was asked for a file takes their time.
    var isThinking = false

    func receive() async throws -> URL? {
        while isThinking { try await Task.sleep(nanoseconds: 5_000_000) }
        let file = folder.appendingPathComponent("received")
        try? FileManager.default.removeItem(at: file)
        try FileManager.default.copyItem(at: carried, to: file)
        return file
    }

    func scan() async -> String? { seen }
}

/// A key as a keychain would keep it; made up.
struct MadeUpKey: KeyProvider {
    func storeKey() throws -> Data { Data(repeating: 7, count: 32) }
}

/// A hub of its own on loopback, which ends with its standard input.
final class Hub: @unchecked Sendable {
    private let process = Process()
    private let input = Pipe()
    private let folder: String
    private let root: DeviceKey
    let address: HubAddress

    init(_ folder: String, root: DeviceKey, listen: String = "127.0.0.1:0") throws {
        (self.folder, self.root) = (folder, root)
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: ProcessInfo.processInfo.environment["KITBAG_COMMAND"]!)
        process.arguments = ["hub", "run", "--folder", folder, "--listen", listen, "--root", root.text, "--until-stdin-ends"]
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

    /// The same hub again, at the same place.
    func again() throws -> Hub { try Hub(folder, root: root, listen: String(address.text.split(separator: "/")[1])) }

    func end() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    deinit { end() }
}

/// A programme with a hub and a coordinator's desk, made up.
@MainActor
final class World {
    /// A programme's own codes, made up.
    static let pack = """
        name = "harbour-town"
        version = 1
        source = "made up for the app's tests"
        sites = [
          { code = "riverside", label = { en = "Riverside" } },
          { code = "harbour", label = { en = "Harbour" } },
        ]
        services = [{ code = "clinic-north", label = { en = "North clinic" } }]

        [[products]]
        code = "nasal_4mg"
        label = { en = "Nasal spray 4 mg" }
        route = "IN"
        mg_per_dose = 4.0
        doses_per_kit = 2
        """

    let folder: URL
    let root: Kitbag
    let desk: Kitbag
    let team: TeamId
    var hub: Hub

    init(pack: String = World.pack) async throws {
        folder = URL(fileURLWithPath: "/tmp/kitbag-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        root = try await Kitbag.found(Opening(path: folder.path + "/root.db", key: MadeUpKey()))
        hub = try Hub(folder.path + "/hub", root: try await root.programme.own().root)
        try await root.programme.setHub(hub.address)
        try await root.programme.publishPack(toml: pack)
        team = try await root.programme.newTeam()
        desk = try await root.programme.makeCoordinator(team, Opening(path: folder.path + "/desk.db", key: MadeUpKey()))
        _ = try await root.sync.now()
        _ = try await desk.sync.now()
    }

    /// Another worker's phone.
    func phone(_ name: String) async throws -> Kitbag {
        let invitation = try await desk.team.invite(team, .worker, label: name)
        let joining = try await Joining.ask(
            Opening(path: "\(folder.path)/\(name).db", key: MadeUpKey()), invitation: invitation.text)
        try await invitation.asked()
        async let joined = joining.approved()
        try await desk.team.approve(digits: joining.code)
        return try await joined
    }

    /// A training, whole.
    static func training() -> Form {
        var form = Form(.training)
        form.put("site", "riverside")
        form.put("occurred_on", CivilDate(Date(), in: Calendar(identifier: .gregorian)))
        form.put("utc_offset_min", 0)
        for (field, text) in ["mode": "group", "people_trained": "3", "people_supplied": "0"] { form.putText(field, text) }
        form.answerUnknowns()
        return form
    }

    /// What the hub has of the team, as the desk sees it.
    func atDesk() async throws -> [Row] {
        _ = try await desk.sync.now()
        return try await desk.records.list(Search(team: team)).rows
    }

    func end() {
        root.close()
        desk.close()
        hub.end()
        try? FileManager.default.removeItem(at: folder)
    }
}

/// A hand that holds the phone: it reads what a page says, taps and types, and counts its taps.
@MainActor
final class Hand {
    let world: World
    let platform: Pocket
    private(set) var app: App
    private(set) var taps = 0

    init(_ world: World, _ name: String = "phone") throws {
        self.world = world
        platform = Pocket(world.folder.appendingPathComponent(name), carried: world.folder.appendingPathComponent("carried"))
        app = App(Phone(platform), try FileWords())
        app.start()
    }

    func countedTaps() -> Int {
        defer { taps = 0 }
        return taps
    }

    func say(_ name: String) -> String { app.speech.say(name) }

    /// Lets the app work, until this holds.
    func until(_ what: String, _ holds: () async throws -> Bool) async throws {
        let end = Date().addingTimeInterval(20)
        while !(try await holds()) {
            if Date() > end {
                XCTFail("\(what); seen is \(app.page.name): \(texts().joined(separator: " | "))")
                throw CancellationError()
            }
            try await Task.sleep(nanoseconds: 3_000_000)
        }
    }

    func texts() -> [String] {
        let page = app.page
        return [page.title] + (page.items + page.foot).map { item in
            switch item {
            case .button(let text, _, let detail, _, _), .option(let text, _, let detail, _), .line(let text, let detail, _, _, _):
                [text, detail].compactMap { $0 }.joined(separator: "\n")
            case .tap(let text, let count, _): "\(text)\n\(count)"
            default: item.text
            }
        }
    }

    @discardableResult
    func at(_ name: String) async throws -> Hand {
        try await until("there is no page \(name)") { self.app.page.name == name }
        return self
    }

    @discardableResult
    func see(_ text: String) async throws -> Hand {
        try await until("nobody sees \"\(text)\"") { self.texts().contains { $0.contains(text) } }
        return self
    }

    @discardableResult
    func tap(_ text: String) async throws -> Hand {
        try await until("nothing to tap says \"\(text)\"") { self.app.page.act(text) != nil }
        await app.tap(app.page.act(text)!)?.value
        taps += 1
        return self
    }

    @discardableResult
    func type(_ label: String, _ text: String) async throws -> Hand {
        func field() -> (@MainActor (String) async throws -> Void)? {
            for case .input(label, _, _, let typed) in app.page.items { return typed }
            return nil
        }
        try await until("no field is called \"\(label)\"") { field() != nil }
        // Letter by letter, as a thumb does, with what the app makes of each between.
        var so = ""
        for letter in text.count <= 24 ? Array(text).map(String.init) : [text] {
            so += letter
            if let typed = field() { await app.typed(so, typed).value }
            if text.count <= 24 { await app.redraw() }
        }
        return self
    }

    /// What a field says.
    func typed(_ label: String) -> String? {
        for case .input(label, let value, _, _) in app.page.items { return value }
        return nil
    }

    @discardableResult
    func back() async throws -> Hand {
        await app.back()?.value
        return self
    }

    /// Joins the programme by the desk's invitation, or the root's, which alone makes coordinators.
    func join(_ name: String = "Ana", isFirst: Bool = true, as role: Role = .worker) async throws {
        if isFirst { try await at("naming") }
        try await type(say("app-name"), name).tap(say("app-next")).at("join")
        let inviter = role == .coordinator ? world.root : world.desk
        let invitation = try await inviter.team.invite(world.team, role, label: name)
        try await type(say("app-invitation"), invitation.text).tap(say("app-join")).at("join_digits")
        try await invitation.asked()
        for case .digits(let code) in app.page.items { try await inviter.team.approve(digits: code) }
        try await at("today")
    }

    /// Who is on shift, with their store.
    func shift() throws -> OnShift { try XCTUnwrap(app.phone.onShift) }

    func sees(_ text: String) -> Bool { texts().contains { $0.contains(text) } }

    /// A usual distribution, as the first time asks for it.
    func distribute() async throws {
        try await tap("Naloxone given").at("question").tap("Riverside").tap("Person at risk").tap("First supply")
        try await tap("Street outreach").tap("1").tap("Brief").at("review").tap("Save").at("saved").tap("Done").at("today")
    }

    /// Sets a PIN, from the first screen to that of the protection.
    func setPin() async throws {
        try await tap("More").at("more").tap("Protection").at("protection").tap("Set a PIN").at("pin")
        try await type("New PIN", "246810").type("New PIN, once more", "246810").tap("Set a PIN").at("protection")
    }

    /// The app ends: what it held is let go. Its files stay as they lie.
    func leave() async throws {
        app.end()
        try await app.phone.lock()
    }

    /// The app is opened again.
    func reopen(isStarted: Bool = true) throws {
        app = App(Phone(platform), try FileWords())
        if isStarted { app.start() }
    }
}
