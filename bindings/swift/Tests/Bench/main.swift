// What the boundary costs, for `cargo xtask bench`: `STORE`, on a store that it made.
import Foundation
@testable import KitbagClient
import func KitbagGenerated.savesInRust

struct Keystore: KeyProvider {
    func storeKey() throws -> Data { Data(repeating: 9, count: 32) }
}

func median(_ of: [Double]) -> Double { of.sorted()[of.count / 2] }

let saves = 100
let kitbag = try await Kitbag.open(Opening(path: CommandLine.arguments[1], key: Keystore()))
let team = try await kitbag.team.own()[0].team
var filled = Form(.reversal)
filled.put("site", "riverside")
filled.put("occurred_on", CivilDate(year: 2026, month: 3, day: 14))
filled.put("utc_offset_min", 0)
filled.put("outcome", "survived")
filled.answerUnknowns()
let form = filled

func ours() async throws -> Double {
    var took: [Double] = []
    for _ in 0..<saves {
        let began = DispatchTime.now().uptimeNanoseconds
        _ = try await kitbag.records.record(team, form)
        took.append(Double(DispatchTime.now().uptimeNanoseconds - began))
    }
    return median(took)
}

func theirs() async throws -> Double {
    let took = try await savesInRust(kitbag: kitbag.ffi, team: team.text, form: form.lowered, count: UInt32(saves))
    return median(took.map { Double($0) })
}

for _ in 0..<3 { _ = try await ours() }
// In turn with the same save in Rust: the median of five rounds' medians.
var ratios: [Double] = []
for _ in 0..<5 {
    let own = try await ours()
    ratios.append(own / (try await theirs()))
}
print("ratio \(median(ratios))")
try await kitbag.closeAndWait()
