// A phone as a program of its own, for `bindings/meeting.sh`: `STORE COMMAND …`.
import Foundation
import KitbagClient

struct Keystore: KeyProvider {
    func storeKey() throws -> Data { Data((0..<32).map { UInt8($0 * 7) }) }
}

let arguments = CommandLine.arguments
let (store, command) = (arguments[1], arguments[2])
let opening = Opening(path: store, key: Keystore())
if command == "join" {
    let invitation = try String(contentsOfFile: arguments[3], encoding: .utf8)
    let joining = try await Joining.ask(opening, invitation: invitation)
    FileHandle.standardOutput.write(Data((joining.code + "\n").utf8))
    try await joining.approved().closeAndWait()
    exit(0)
}
let kitbag = try await Kitbag.open(opening)
let team = try await kitbag.team.own()[0].team
switch command {
case "record":
    for _ in 0..<Int(arguments[4])! {
        var form = Form(.reversal)
        form.put("site", arguments[3])
        form.put("occurred_on", CivilDate(year: 2026, month: 3, day: 14))
        form.put("utc_offset_min", 0)
        form.put("outcome", "survived")
        form.answerUnknowns()
        _ = try await kitbag.records.record(team, form)
    }
case "export": _ = try await kitbag.bundles.export(team, .everything, to: arguments[3])
case "import": _ = try await kitbag.bundles.import(from: arguments[3])
case "sync":
    guard try await kitbag.sync.now() == .whole else { exit(2) }
case "show":
    var search = Search()
    search.most = 1_000
    let rows = try await kitbag.records.list(search).rows.map { row in
        guard case .text(let site)? = row.fields["site"] else { return "\(row.id)" }
        return "\(row.id) \(site) \(row.state)"
    }
    rows.sorted().forEach { print($0) }
    let lines = try await kitbag.totals.of().lines
    print("reversals \(lines.reduce(0) { $0 + ($1.sums["reversals"] ?? 0) })")
default: exit(3)
}
try await kitbag.closeAndWait()
