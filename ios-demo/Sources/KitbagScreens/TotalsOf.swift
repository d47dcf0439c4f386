import KitbagClient

/// This month and the last, by site, with what is known to be missing beside them.
final class TotalsOf: Screen {
    private static let shown: [(Kind, String)] = [
        (.distribution, "kits_distributed"), (.reversal, "reversals"), (.referral, "referrals_made"),
    ]
    /// So many sites on a phone's screen; the dashboard has them all.
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
        var items: [Item] = []
        var seen: TotalsSeen?
        for (kind, indicator) in Self.shown {
            var query = Query(by: isOwn ? ["site", "author"] : ["site"])
            (query.team, query.kind) = (shift.team, kind)
            let two = try await shift.kitbag.totals.besideTheLast(app.phone.today(), .month, query)
            seen = two.totals
            items.append(.heading(words.kind(kind).indicatorsInWords[indicator] ?? indicator))
            items += bars(words, two, indicator, isOwn ? shift.device.text : nil)
        }
        let whose: [Item] = [
            .option(say("app-whole_team"), isChosen: !isOwn) { self.isOwn = false },
            .option(say("app-only_mine"), isChosen: isOwn) { self.isOwn = true },
        ]
        return Page("totals", say("app-totals"), whose + (seen.map(missing) ?? []) + items)
    }

    private func bars(_ words: Vocabulary, _ two: TwoPeriods, _ indicator: String, _ own: String?) -> [Item] {
        func sums(_ totals: TotalsSeen) -> [String: Int64] {
            let lines = totals.lines.filter { own == nil || $0.by[1] == own }
            return Dictionary(lines.map { ($0.by[0], $0.sums[indicator] ?? 0) }, uniquingKeysWith: +)
        }
        let (now, before) = (sums(two.totals), sums(two.before))
        let (all, allBefore) = (now.values.reduce(0, +), before.values.reduce(0, +))
        let most = (Array(now.values) + Array(before.values) + [all, allBefore]).max() ?? 0
        func bar(_ text: String, _ value: Int64, _ isBefore: Bool) -> Item {
            .bar(text, value: value, most: most, said: speech.number(value), isBefore: isBefore)
        }
        let together = [bar(say("app-this_month"), all, false), bar(say("app-last_month"), allBefore, true)]
        let sites = Set(now.keys).union(before.keys).sorted { (now[$0] ?? 0, $1) > (now[$1] ?? 0, $0) }
        if sites.count < 2 { return together }
        return together
            + sites.prefix(Self.sites).flatMap { site in
                let name = site.isEmpty ? say("app-no_site") : words.site(site)
                return [
                    bar(name, now[site] ?? 0, false), bar(say("app-of_last_month", name), before[site] ?? 0, true),
                ]
            }
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
