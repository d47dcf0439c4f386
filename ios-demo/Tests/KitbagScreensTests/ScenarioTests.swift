import Foundation
import KitbagClient
import XCTest

@testable import KitbagScreens
import func KitbagGenerated.beginScenario
import func KitbagGenerated.breakingWay
import func KitbagGenerated.setScenarioClock

/// The week that all languages play, from `scenario.json`, by the app's screens: what it exports is compared with Rust's.
@MainActor
final class ScenarioTests: XCTestCase {
    private var scenario: [String: Any] = [:]
    private var apps: [String: App] = [:]
    private var records: [String: RecordId] = [:]
    private var hub: HubAddress!
    private var team: TeamId!

    private nonisolated func word(_ kind: Kind) -> String { kind == .stockMovement ? "stock_movement" : kind.rawValue }

    private nonisolated func value(_ json: Any) -> Value {
        if let text = json as? String { return .text(text) }
        let number = json as! NSNumber
        // A JSON true is no 1.
        return String(cString: number.objCType) == "c" ? .flag(number.boolValue) : .number(number.int64Value)
    }

    private nonisolated func element(_ json: Any?) -> Element { (json as! [String: Any]).mapValues(value) }

    private func at(_ millis: Int64) {
        setScenarioClock(millis: millis)
        for app in apps.values { (app.phone.platform as! Pocket).time = Date(timeIntervalSince1970: Double(millis) / 1_000) }
    }

    /// Fills a form in, answer by answer.
    private func fill(_ recording: Recording, _ form: [String: Any]) async throws {
        func answer(_ change: (inout Form) -> Void) async throws {
            var changed = recording.form
            change(&changed)
            try await recording.answer(changed)
        }
        for (field, said) in form["fields"] as? [String: Any] ?? [:] { try await answer { $0.put(field, value(said)) } }
        for (field, said) in form["texts"] as? [String: String] ?? [:] { try await answer { $0.putText(field, said) } }
        for (list, all) in form["lists"] as? [String: [Any]] ?? [:] {
            try await answer { $0.put(list, elements: all.map(element)) }
        }
        if form["unknowns"] as? Bool == true { try await answer { $0.answerUnknowns() } }
    }

    private func kind(_ form: [String: Any]) -> Kind { Kind.allCases.first { word($0) == form["kind"] as? String }! }

    /// Taps what is on a screen, and waits for what that waits for.
    private func tap(_ screen: Screen, _ text: String) async throws {
        let page = try await screen.page()
        guard let act = page.act(text) else { return XCTFail("\(text) is not on \(page.name)") }
        try await act()
        while screen.waiting > 0 { try await Task.sleep(nanoseconds: 5_000_000) }
    }

    private func save(_ app: App, _ recording: Recording, _ name: String) async throws {
        guard try await recording.page().name == "review" else { return try await recording.discard() }
        try await tap(recording, app.speech.say("app-save"))
        records[name] = try await app.shift().kitbag.records.lastChanged(team)!
    }

    private func sync(_ app: App) async throws {
        let syncing = Syncing(app)
        app.show(syncing)
        try await tap(syncing, app.speech.say("app-sync_now"))
        app.home()
    }

    /// A way to the hub that breaks for good once so many bytes went to it.
    private func breakingAfter(_ bytes: UInt64) -> HubAddress {
        let parts = hub.text.split(separator: "/")
        let port = UInt16(parts[1].split(separator: ":")[1])!
        return HubAddress("kitbag://127.0.0.1:\(breakingWay(port: port, bytes: bytes))/\(parts[2])")
    }

    private func play(_ step: [String: Any]) async throws {
        func text(_ name: String) -> String { step[name] as? String ?? "" }
        func of(_ name: String) -> RecordId { records[text(name)]! }
        let app = apps[text("on")]!
        let shift = try app.shift()
        let words = try await app.vocabulary()
        func form() -> [String: Any] { (scenario["forms"] as! [String: [String: Any]])[text("form")]! }
        func said(_ kind: Kind, _ field: String, _ value: Value) -> String { words.said(words.field(kind, field)!, value) }
        switch text("do") {
        case "record":
            let recording = Recording(app, shift, Form(kind(form())), nil)
            do {
                try await fill(recording, form())
                try await save(app, recording, text("as"))
            } catch let wrong as KitbagError {
                try await recording.discard()
                throw wrong
            }
        case "draft": try await fill(Recording(app, shift, Form(kind(form())), nil), form())
        case "finish":
            let draft = try await shift.kitbag.drafts.list()[0]
            let begun = Begun(app, draft)
            app.show(begun)
            try await tap(begun, app.speech.say("app-go_on"))
            let recording = try await Recording(app, shift, draft.form, draft.id).begun()
            try await fill(recording, form())
            try await save(app, recording, text("as"))
        case "add":
            let event = element(step["element"])
            let next = NextStep(app, of("record"), "made")
            // The hub's clock is months ahead of the week's: no day is put for anybody.
            if case .text(let on) = event["on"] {
                for case .input(_, _, _, let typed) in try await next.page().items { try await typed(on) }
            }
            try await tap(next, said(.referral, "events.status", event["status"]!))
        case "correct":
            let correct = Correct(app, of("record"), text("field"))
            try await tap(correct, said(.reversal, text("field"), value(step["value"]!)))
        case "void": try await tap(Voiding(app, of("record")), said(.reversal, "void", .text(text("reason"))))
        case "undo": try await tap(RecordOf(app, of("record")), app.speech.say("app-undo_last"))
        case "bundle":
            try await tap(Syncing(app), app.speech.say("app-send_file"))
            try await tap(Syncing(apps[text("to")]!), app.speech.say("app-receive_file"))
        case "sync": try await sync(app)
        case "sync_dies":
            try await shift.kitbag.programme.setHub(breakingAfter(UInt64(step["bytes"] as! Int)))
            try await sync(app)
            try await shift.kitbag.programme.setHub(hub)
        // A coordinator's work, which is not on a worker's phone.
        case "revoke":
            let device = try apps[text("worker")]!.shift().device
            let member = try await shift.kitbag.team.members(team).first { $0.device == device }!
            _ = try await shift.kitbag.team.revoke(team, certificate: member.certificate)
        case "duplicate": try await shift.kitbag.records.markDuplicate(of("record"), of: of("of"))
        default: XCTFail("no step is \(text("do"))")
        }
    }

    private nonisolated func shown(_ value: Value) -> String {
        switch value {
        case .nothing: ""
        case .flag(let flag): String(flag)
        case .number(let number): String(number)
        case .text(let text): text
        case .sealed: "(sealed)"
        }
    }

    private nonisolated func fields(_ of: Element) -> String {
        of.map { "\($0)=\(shown($1))" }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.joined(separator: " ")
    }

    private func line(_ row: Row) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 0)!
        let midnight = DateComponents(year: row.day.year, month: row.day.month, day: row.day.day)
        let days = Int(calendar.date(from: midnight)!.timeIntervalSince1970 / 86_400)
        let millis = Int64((row.recordedAt.timeIntervalSince1970 * 1_000).rounded())
        var text = "\(row.id) \(word(row.kind)) \(row.author) \(days) \(row.state) \(millis)\n  \(fields(row.fields))\n"
        for (list, all) in row.lists.sorted(by: { $0.key < $1.key }) {
            for element in all { text += "  \(list): \(fields(element))\n" }
        }
        return text
    }

    private func export(_ name: String, to out: String) async throws {
        let kitbag = try apps[name]!.shift().kitbag
        var search = Search()
        (search.order, search.most) = (.day, 1_000)
        var text = try await kitbag.records.list(search).rows.map(line).joined()
        let totals = try await kitbag.totals.of(Query(by: ["kind", "site"]))
        for line in totals.lines {
            let sums = line.sums.map { "\($0)=\($1)" }.sorted().joined(separator: " ")
            text += "\(line.by.joined(separator: "/")) \(sums)\n"
        }
        text += "\(totals.missing.entries) \(totals.inDoubt.count) \(totals.waiting)\n"
        try text.write(toFile: "\(out)/\(name).txt", atomically: true, encoding: .utf8)
        _ = try await kitbag.bundles.export(team, .everything, to: "\(out)/\(name).kitbag")
    }

    private func hold(_ folder: URL, _ name: String, _ kitbag: Kitbag, _ opening: Opening) async throws {
        let platform = Pocket(folder.appendingPathComponent("held-" + name), carried: folder.appendingPathComponent("carried"))
        let phone = Phone(platform)
        let profile = try phone.add(name)
        _ = try await profile.opened(nil)
        let device = try await kitbag.programme.own().device
        phone.take(OnShift(profile, kitbag, opening, try await kitbag.team.own()[0], device))
        apps[name] = App(phone, try FileWords())
    }

    func testAWeek() async throws {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = package.deletingLastPathComponent().appendingPathComponent("bindings/scenario.json")
        scenario = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as! [String: Any]
        beginScenario(seed: (scenario["seed"] as! NSNumber).uint64Value)
        defer { beginScenario(seed: 0) }
        var now: Int64 = 1_772_438_400_000
        at(now)
        let folder = URL(fileURLWithPath: "/tmp/kitbag-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        func opening(_ name: String) -> Opening { Opening(path: "\(folder.path)/\(name).db", key: MadeUpKey()) }
        let root = try await Kitbag.found(opening("root"))
        let server = try Hub(folder.path + "/hub", root: try await root.programme.own().root)
        hub = server.address
        try await root.programme.setHub(hub)
        team = try await root.programme.newTeam()
        let desk = try await root.programme.makeCoordinator(team, opening("desk"))
        _ = try await root.sync.now()
        var open = [root, desk]
        for name in scenario["workers"] as! [String] {
            let invitation = try await desk.team.invite(team, .worker)
            let joining = try await Joining.ask(opening(name), invitation: invitation.text)
            try await invitation.asked()
            async let joined = joining.approved()
            try await desk.team.approve(digits: joining.code)
            open.append(try await joined)
            try await hold(folder, name, open.last!, opening(name))
        }
        try await hold(folder, "desk", desk, opening("desk"))
        for step in scenario["steps"] as! [[String: Any]] {
            now += Int64((step["hours"] as? Int ?? 0) * 3_600_000 + 60_000)
            at(now)
            do { try await play(step) } catch let failed as KitbagError {
                print("scenario: \(step["on"]!) \(step["do"]!) \(failed.code)")
            }
        }
        let out = package.appendingPathComponent("target/scenario").path
        try? FileManager.default.removeItem(atPath: out)
        try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
        for name in apps.keys { try await export(name, to: out) }
        XCTAssertEqual(apps.count, 4)
        open.forEach { $0.close() }
        server.end()
        try? FileManager.default.removeItem(at: folder)
    }
}
