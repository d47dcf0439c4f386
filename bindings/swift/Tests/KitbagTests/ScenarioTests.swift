import Foundation
import Synchronization
import XCTest

@testable import KitbagClient
import func KitbagGenerated.beginScenario
import func KitbagGenerated.setScenarioClock

/// A worker's week, from `scenario.json`: what it observes and exports is compared with what Rust and Kotlin do.
final class ScenarioTests: XCTestCase {
    /// What a device noticed and nobody looked at yet.
    private final class Noticed: Sendable {
        private let all = Mutex([Changed]())
        private let task = Mutex<Task<Void, Never>?>(nil)

        init(_ kitbag: Kitbag) {
            let iterator = kitbag.changes.makeAsyncIterator()
            let listening = Task { while let changed = await iterator.next() { self.add(changed) } }
            task.withLock { $0 = listening }
        }

        private func add(_ changed: Changed) { all.withLock { $0.append(changed) } }

        /// All of it, once it is quiet.
        func take() async throws -> [Changed] {
            var count = -1
            while all.withLock({ $0.count }) != count {
                count = all.withLock { $0.count }
                try await Task.sleep(nanoseconds: 100_000_000)
            }
            return all.withLock { all in
                defer { all = [] }
                return all
            }
        }

        func end() { task.withLock { $0?.cancel() } }
    }

    private var scenario: [String: Any] = [:]
    private var devices: [String: Kitbag] = [:]
    private var noticed: [String: Noticed] = [:]
    private var records: [String: RecordId] = [:]
    private var drafts: [String: DraftId] = [:]
    private var observed = ""

    private func hold(_ name: String, _ kitbag: Kitbag) {
        (devices[name], noticed[name]) = (kitbag, Noticed(kitbag))
    }

    private func look(_ step: Int, _ said: String) async throws {
        observed += "\(step) \(said)\n"
        for name in devices.keys.sorted() {
            let all = try await noticed[name]!.take()
            if !all.isEmpty { observed += "  \(name): \(line(all))\n" }
        }
    }

    private func word(_ kind: Kind) -> String { kind == .stockMovement ? "stock_movement" : kind.rawValue }

    private func line(_ all: [Changed]) -> String {
        var words = Set(all.flatMap(\.records).map(\.text)).sorted()
        words += Set(all.flatMap { $0.kinds.map(word) }).sorted()
        let flags: [(String, (Changed) -> Bool)] = [
            ("many", \.isMany), ("sums", \.sums), ("delivery", \.delivery), ("attention", \.attention),
            ("state", \.state),
        ]
        return (words + flags.filter { all.contains(where: $0.1) }.map(\.0)).joined(separator: " ")
    }

    private func value(_ json: Any) -> Value {
        if let text = json as? String { return .text(text) }
        let number = json as! NSNumber
        // A JSON true is no 1.
        return isFlag(number) ? .flag(number.boolValue) : .number(number.int64Value)
    }

    private func isFlag(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }

    private func element(_ json: Any?) -> Element { (json as! [String: Any]).mapValues(value) }

    private func form(_ json: [String: Any]) -> Form {
        var form = Form(Kind.allCases.first { word($0) == json["kind"] as? String }!)
        for (field, said) in json["fields"] as? [String: Any] ?? [:] { form.put(field, value(said)) }
        for (field, said) in json["texts"] as? [String: String] ?? [:] { form.putText(field, said) }
        for (list, all) in json["lists"] as? [String: [Any]] ?? [:] {
            for said in all { form.add(list, element(said)) }
        }
        if json["unknowns"] as? Bool == true { form.answerUnknowns() }
        return form
    }

    private func play(_ world: World, _ step: [String: Any]) async throws {
        func text(_ name: String) -> String { step[name] as? String ?? "" }
        func of(_ name: String) -> RecordId { records[text(name)]! }
        let on = devices[text("on")]!
        func filled() -> Form { form((scenario["forms"] as! [String: [String: Any]])[text("form")]!) }
        switch text("do") {
        case "record": records[text("as")] = try await on.records.record(world.team, filled())
        case "draft": drafts[text("as")] = try await on.drafts.save(filled())
        case "finish":
            records[text("as")] = try await on.drafts.finish(drafts[text("draft")]!, world.team, filled())
        case "add":
            try await on.records.change(of("record"), [.add(list: text("list"), element: element(step["element"]))])
        case "correct": try await on.records.correct(of("record"), text("field"), value(step["value"]!))
        case "void": try await on.records.void(of("record"), reason: text("reason"))
        case "undo": try await on.records.undo(of("record"))
        case "duplicate": try await on.records.markDuplicate(of("record"), of: of("of"))
        case "bundle":
            let file = world.folder + "/carried.kitbag"
            _ = try await on.bundles.export(world.team, .waiting, to: file)
            _ = try await devices[text("to")]!.bundles.import(from: file)
        case "sync": try await on.sync.now()
        case "sync_dies":
            try await on.programme.setHub(world.hub.address.breakingAfter(UInt64(step["bytes"] as! Int)))
            let ended = await Task { try await on.sync.now() }.result
            try await on.programme.setHub(world.hub.address)
            _ = try ended.get()
        case "revoke":
            let device = try await devices[text("worker")]!.programme.own().device
            let member = try await on.team.members(world.team).first { $0.device == device }!
            _ = try await on.team.revoke(world.team, certificate: member.certificate)
        default: XCTFail("no step is \(text("do"))")
        }
    }

    private func shown(_ value: Value) -> String {
        switch value {
        case .nothing: ""
        case .flag(let flag): String(flag)
        case .number(let number): String(number)
        case .text(let text): text
        case .sealed: "(sealed)"
        }
    }

    private func fields(_ of: Element) -> String {
        of.map { "\($0)=\(shown($1))" }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.joined(separator: " ")
    }

    private func row(_ row: Row) -> String {
        let days = Calendar.utc.dateComponents([.day], from: Date(timeIntervalSince1970: 0), to: row.day.midnight).day!
        var text = "\(row.id) \(word(row.kind)) \(row.author) \(days) \(row.state) \(row.recordedAt.millis)\n"
        text += "  \(fields(row.fields))\n"
        for (list, all) in row.lists.sorted(by: { $0.key < $1.key }) {
            for element in all { text += "  \(list): \(fields(element))\n" }
        }
        return text
    }

    private func export(_ team: TeamId, _ name: String, to out: String) async throws {
        let kitbag = devices[name]!
        var search = Search()
        (search.order, search.most) = (.day, 1_000)
        var text = try await kitbag.records.list(search).rows.map(row).joined()
        let totals = try await kitbag.totals.of(Query(by: ["kind", "site"]))
        for line in totals.lines {
            let sums = line.sums.map { "\($0)=\($1)" }.sorted().joined(separator: " ")
            text += "\(line.by.joined(separator: "/")) \(sums)\n"
        }
        text += "\(totals.missing.entries) \(totals.inDoubt.count) \(totals.waiting)\n"
        try text.write(toFile: "\(out)/\(name).txt", atomically: true, encoding: .utf8)
        _ = try await kitbag.bundles.export(team, .everything, to: "\(out)/\(name).kitbag")
    }

    func testAWeek() async throws {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = package.deletingLastPathComponent().appendingPathComponent("scenario.json")
        scenario = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as! [String: Any]
        beginScenario(seed: (scenario["seed"] as! NSNumber).uint64Value)
        defer { beginScenario(seed: 0) }
        var now: Int64 = 1_772_438_400_000
        setScenarioClock(millis: now)
        let world = try await World()
        for name in scenario["workers"] as! [String] { hold(name, try await world.phone(name)) }
        hold("desk", world.desk)
        for (number, step) in (scenario["steps"] as! [[String: Any]]).enumerated() {
            now += Int64((step["hours"] as? Int ?? 0) * 3_600_000 + 60_000)
            setScenarioClock(millis: now)
            var code = "ok"
            do { try await play(world, step) } catch let error as KitbagError { code = error.code }
            try await look(number, "\(step["on"]!) \(step["do"]!) \(code)")
        }
        let out = package.appendingPathComponent("target/scenario").path
        try? FileManager.default.removeItem(atPath: out)
        try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
        try observed.write(toFile: out + "/observed.txt", atomically: true, encoding: .utf8)
        for name in devices.keys { try await export(world.team, name, to: out) }
        XCTAssertEqual(observed.split(separator: "\n").filter { $0.hasSuffix(" ok") }.count, 33, observed)
        for one in noticed.values { one.end() }
    }
}

extension Calendar {
    fileprivate static var utc: Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 0)!
        return calendar
    }
}

extension CivilDate {
    fileprivate var midnight: Date {
        Calendar.utc.date(from: DateComponents(year: year, month: month, day: day))!
    }
}
