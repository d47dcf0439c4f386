import KitbagClient

/// What was recorded, the latest first; narrowed by a kind, by whose it is, by what needs a person, by a day.
final class History: Screen {
    private static let rows = 30
    private static let kinds: [Kind] = [.distribution, .reversal, .referral, .stockMovement, .training, .contact]

    private var search: Search
    private var before: [Place?] = []
    private var isSearching = false
    private var day = ""

    override init(_ app: App) {
        search = Search()
        (search.order, search.most) = (.recording, Self.rows)
        super.init(app)
    }

    override func page() async throws -> Page {
        let shift = try app.shift()
        let words = try await app.vocabulary()
        search.team = shift.team
        let page = try await shift.kitbag.records.list(search)
        let names = try await shift.kitbag.team.names()
        var items: [Item] = isSearching ? narrowing(words, shift) : []
        if try await shift.kitbag.records.isCaptureOnly() { items.append(.words(words.capturesOnly())) }
        items.append(.words(speech.count("app-records_found", page.count)))
        items += page.rows.map { line(words, $0, names, shift.device) }
        if let older = page.older {
            items.append(
                .button(say("app-older"), look: .quiet) {
                    self.before.append(self.search.olderThan)
                    self.search.olderThan = older
                })
        }
        if !before.isEmpty {
            items.append(.button(say("app-newer"), look: .quiet) { self.search.olderThan = self.before.removeLast() })
        }
        let look = Item.button(say(isSearching ? "app-search_close" : "app-search")) { self.isSearching.toggle() }
        return Page("history", say("app-history"), items, [look])
    }

    private func narrowing(_ words: Vocabulary, _ shift: OnShift) -> [Item] {
        let kinds: [Item] = Self.kinds.map { kind in
            .option(words.kind(kind).inWords, isChosen: search.kind == kind) {
                self.narrow { $0.kind = $0.kind == kind ? nil : kind }
            }
        }
        return kinds + [
            .option(say("app-only_mine"), isChosen: search.author != nil) {
                self.narrow { $0.author = $0.author == nil ? shift.device : nil }
            },
            .option(say("app-only_needing"), isChosen: search.needsPerson) { self.narrow { $0.needsPerson.toggle() } },
            .input(say("app-typed_date", say("app-from_day")), value: day) { typed in
                self.day = typed
                let from = CivilDate(typed.trimmed)
                guard from != nil || typed.trimmed.isEmpty else { return }
                self.narrow { $0.from = from }
                await self.app.redraw()
            },
        ]
    }

    private func narrow(_ by: (inout Search) -> Void) {
        before = []
        by(&search)
        search.olderThan = nil
    }

    private func line(_ words: Vocabulary, _ row: Row, _ names: [DeviceKey: String], _ own: DeviceKey) -> Item {
        let by = row.author == own ? say("app-me") : names[row.author].map(speech.aside) ?? say("app-colleague")
        let (told, tone, mark) = told(row)
        let site = row.fields["site"].flatMap { value in words.field(row.kind, "site").map { words.said($0, value) } }
        let detail = [speech.day(row.day), site, by, told].compactMap { $0 }.joined(separator: " · ")
        return .line(words.kind(row.kind).inWords, detail: detail, tone: tone, mark: mark) {
            self.app.show(RecordOf(self.app, row.id))
        }
    }

    private func told(_ row: Row) -> (String?, Tone, Mark?) {
        if row.state == .void { return (say("app-state_void"), .plain, nil) }
        if row.state == .duplicate { return (say("app-state_duplicate"), .plain, nil) }
        switch row.attention {
        case .conflicted: return (say("app-two_values"), .warning, .trouble)
        case .dateInDoubt: return (say("app-date_in_doubt"), .warning, .trouble)
        case .refused: return (say("app-refused"), .bad, .trouble)
        case .none: break
        }
        return switch row.delivery {
        case .aside: (say("app-refused"), .bad, .trouble)
        case .waiting: (say("app-waits"), .plain, .waiting)
        case .onHub: (nil, .plain, .sent)
        }
    }
}
