import KitbagClient

/// This month and the last, by site, with what is known to be missing beside them.
final class TotalsOf: Screen {
    private static let shown: [(Kind, String)] = [
        (.distribution, "kits_distributed"), (.reversal, "reversals"), (.referral, "referrals_made"),
    ]
    /// So many sites have bars of their own on a phone's screen; the rest are one.
    private static let sites = 12

    private var isOwn = false

    override func page() async throws -> Page {
        let shift = try app.shift()
        let words = try await app.vocabulary()
        if try await shift.kitbag.records.isCaptureOnly() {
            // Zeros would be read as totals.
            let none = Item.words(say("app-capture_only_totals"), tone: .warning, mark: .trouble)
            return Page("totals", say("app-totals"), [none])
        }
        let by = ["kind", "site"] + (isOwn ? ["author"] : [])
        var query = Query(by: by)
        query.team = shift.team
        let two = try await shift.kitbag.totals.besideTheLast(app.phone.today(), .month, query)
        let own = isOwn ? try await person(shift) : nil
        var items: [Item] = [
            .option(say("app-whole_team"), isChosen: !isOwn) { self.isOwn = false },
            .option(say("app-only_mine"), isChosen: isOwn) { self.isOwn = true },
        ]
        items += missing(two.totals)
        for (kind, indicator) in Self.shown {
            items.append(.heading(words.kind(kind).indicatorsInWords[indicator] ?? indicator))
            items += bars(words, sums(two.totals, kind, indicator, own), sums(two.before, kind, indicator, own))
        }
        return Page("totals", say("app-totals"), items)
    }

    /// By whose key a person's records are summed up: that of the first device, which this one may continue.
    private func person(_ shift: OnShift) async throws -> String {
        let members = try await shift.kitbag.team.members(shift.team)
        let first = members.first { $0.device == shift.device && !$0.isRevoked }?.person
        return (members.first { $0.certificate == first }?.device ?? shift.device).text
    }

    /// By site.
    private func sums(_ totals: TotalsSeen, _ kind: Kind, _ indicator: String, _ own: String?) -> [String: Int64] {
        let lines = totals.lines.filter { $0.by[0] == kind.rawValue && (own == nil || $0.by[2] == own) }
        return Dictionary(lines.map { ($0.by[1], $0.sums[indicator] ?? 0) }, uniquingKeysWith: +)
    }

    private func bars(_ words: Vocabulary, _ now: [String: Int64], _ before: [String: Int64]) -> [Item] {
        let (all, allBefore) = (now.values.reduce(0, +), before.values.reduce(0, +))
        let most = (Array(now.values) + Array(before.values) + [all, allBefore]).max() ?? 0
        let sites = Set(now.keys).union(before.keys).sorted { (now[$0] ?? 0, $1) > (now[$1] ?? 0, $0) }
        func two(_ name: String, _ nameBefore: String, _ of: [String]) -> [Item] {
            func bar(_ text: String, _ sums: [String: Int64], _ isBefore: Bool) -> Item {
                let value = of.map { sums[$0] ?? 0 }.reduce(0, +)
                return .bar(text, value: value, most: most, said: speech.number(value), isBefore: isBefore)
            }
            return [bar(name, now, false), bar(nameBefore, before, true)]
        }
        let together = two(say("app-this_month"), say("app-last_month"), sites)
        if sites.count < 2 { return together }
        let each = sites.prefix(Self.sites).flatMap { site in
            let name = site.isEmpty ? say("app-no_site") : words.site(site)
            return two(name, say("app-of_last_month", name), [site])
        }
        let rest = Array(sites.dropFirst(Self.sites))
        if rest.isEmpty { return together + each }
        let name = speech.count("app-other_sites", rest.count)
        return together + each + two(name, say("app-of_last_month", name), rest)
    }

    /// What these numbers lack stands before them.
    private func missing(_ totals: TotalsSeen) -> [Item] {
        var items: [Item] = []
        let missing = totals.missing
        if missing.entries == 0, totals.waiting == 0 {
            items.append(.words(say("app-nothing_missing"), tone: .good, mark: .tick))
        }
        func warn(_ text: String) { items.append(.words(text, tone: .warning, mark: .trouble)) }
        if missing.entries > 0 {
            warn(speech.count("app-known_missing", missing.entries, speech.number(missing.devices)))
        }
        if totals.waiting > 0 { warn(speech.count("app-waiting_to_count", totals.waiting)) }
        let inDoubt = totals.inDoubt.values.reduce(0, +)
        if inDoubt > 0 { warn(speech.count("app-dates_in_doubt", inDoubt)) }
        if totals.ofSpans > 0 { items.append(.words(speech.count("app-of_spans", totals.ofSpans))) }
        return items
    }
}
