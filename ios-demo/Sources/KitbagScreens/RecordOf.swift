import KitbagClient

/// One record: its answers, what is to be settled, its history; corrected, voided, undone.
final class RecordOf: Screen {
    static let hidden: Set<String> = [
        "utc_offset_min", "void", "duplicate_of", "distinct", "import_key", "records_digest", "values",
    ]

    private let id: RecordId

    init(_ app: App, _ id: RecordId) {
        self.id = id
        super.init(app)
    }

    override func page() async throws -> Page {
        let words = try await app.vocabulary()
        let record = try await app.shift().kitbag.records.get(id)
        var items = try await standing(record)
        // What is to be settled stands where nobody has to look for it.
        let fields = words.kind(record.kind).fields
        for field in fields { items += settling(words, record, field) }
        for field in fields where !Self.hidden.contains(field.name) { items += answered(words, record, field) }
        items.append(.heading(say("app-changes")))
        let names = try await app.shift().kitbag.team.names()
        let own = try app.shift().device
        items += record.history.map { change in
            let who = change.author == own ? say("app-me") : names[change.author].map(speech.plain) ?? say("app-colleague")
            return .line(who, detail: speech.ago(change.at, app.phone.platform.now()))
        }
        return Page("record", words.kind(record.kind).inWords, items, foot(record, own))
    }

    private func standing(_ record: WholeRecord) async throws -> [Item] {
        var items: [Item] = []
        if record.state == .void { items.append(.words(say("app-void_now"), tone: .warning, mark: .trouble)) }
        if record.state == .duplicate { items.append(.words(say("app-duplicate_now"), tone: .warning, mark: .trouble)) }
        switch record.attention {
        case .none: break
        case .conflicted: items.append(.words(say("app-choose_value"), tone: .warning, mark: .trouble))
        case .dateInDoubt: items.append(.words(say("app-date_in_doubt_what"), tone: .warning, mark: .trouble))
        case .refused: items.append(.words(say(try await lifted()), tone: .bad, mark: .trouble))
        }
        switch record.delivery {
        case .waiting: items.append(.words(say("app-waits_safe"), mark: .waiting))
        case .onHub: items.append(.words(say("app-on_hub"), tone: .good, mark: .sent))
        case .aside: items.append(.words(say("app-aside_one"), tone: .bad, mark: .trouble))
        }
        return items
    }

    private func lifted() async throws -> String {
        let refused = try await app.shift().kitbag.records.refused().first { $0.record == id }
        return switch refused?.liftedBy {
        case .coordinator: "app-refused_coordinator"
        case .arrival: "app-refused_arrival"
        case .nobody, nil: "app-refused_nobody"
        }
    }

    /// Two values to choose from, of a field, of a code of a set, of an element: the last one counts until a person chose.
    private func settling(_ words: Vocabulary, _ record: WholeRecord, _ field: Field) -> [Item] {
        var items: [Item] = []
        let own = record.fields.filter { $0.key == field.name || $0.key.hasPrefix(field.name + ".") }
        for (name, values) in own.sorted(by: { $0.key < $1.key }) where values.count > 1 {
            let code = String(name.dropFirst(field.name.count + 1))
            let title = code.isEmpty ? field.inWords : "\(field.inWords): \(field.codesInWords[code] ?? code)"
            items += choice(words, title, field, values) { .put(field: name, value: $0) }
        }
        guard case .elements(let inner) = field.shape else { return items }
        for element in record.lists[field.name] ?? [] {
            for of in inner {
                let values = element.fields[of.name] ?? []
                guard values.count > 1 else { continue }
                items += choice(words, "\(field.inWords): \(of.inWords)", of, values) {
                    .putIn(list: field.name, element: element.name, field: of.name, value: $0)
                }
            }
        }
        return items
    }

    private func choice(
        _ words: Vocabulary, _ title: String, _ field: Field, _ values: [Written], _ change: @escaping (Value) -> Change
    ) -> [Item] {
        [.heading(title)]
            + values.enumerated().map { at, written in
                let detail = at == values.count - 1 ? say("app-counts_now") : nil
                return .option(words.said(field, written.value), isChosen: false, detail: detail) {
                    _ = try await self.app.shift().kitbag.records.change(self.id, [change(written.value)])
                }
            }
    }

    private func answered(_ words: Vocabulary, _ record: WholeRecord, _ field: Field) -> [Item] {
        var items: [Item] = []
        let correct: Act = { self.app.show(Correct(self.app, self.id, field.name)) }
        let values = record.fields[field.name] ?? []
        if values.count == 1, let value = values.first?.value, value != .nothing {
            items.append(.line(field.inWords, detail: words.said(field, value), act: correct))
        }
        var ofSet = Form(record.kind)
        for (name, all) in record.fields where name.hasPrefix(field.name + ".") {
            if let last = all.last { ofSet.put(name, last.value) }
        }
        if !ofSet.fields.isEmpty, let said = words.said(record.kind, field, ofSet) {
            items.append(.line(field.inWords, detail: said, act: correct))
        }
        for element in record.lists[field.name] ?? [] {
            let said = element.fields.compactMapValues { $0.last?.value }
            if said["void"] == nil || said["void"] == .nothing {
                items.append(
                    .line(field.inWords, detail: words.element(field, said)) {
                        self.app.show(Voiding(self.app, self.id, (field.name, element.name)))
                    })
            }
        }
        return items
    }

    private func foot(_ record: WholeRecord, _ own: DeviceKey) -> [Item] {
        if record.state == .void {
            return [.button(say("app-clear_void")) { _ = try await self.app.shift().kitbag.records.clearVoid(self.id) }]
        }
        var foot: [Item] = []
        if record.history.count > 1, record.history.last?.author == own {
            foot.append(
                .button(say("app-undo_last"), look: .quiet) {
                    _ = try await self.app.shift().kitbag.records.undo(self.id)
                })
        }
        return foot + [
            .button(say("app-void"), look: .danger) { self.app.show(Voiding(self.app, self.id)) },
            .button(say("app-correct_other")) { self.app.show(CorrectOther(self.app, self.id)) },
        ]
    }
}

/// Why a record, or one element of a list of its, is to count nowhere: the reason is what voids it.
final class Voiding: Screen {
    private let id: RecordId
    private let element: (list: String, name: ElementName)?

    init(_ app: App, _ id: RecordId, _ element: (list: String, name: ElementName)? = nil) {
        (self.id, self.element) = (id, element)
        super.init(app)
    }

    override func page() async throws -> Page {
        let words = try await app.vocabulary()
        let record = try await app.shift().kitbag.records.get(id)
        let reasons = words.field(record.kind, "void").map(words.choices) ?? []
        let items: [Item] = reasons.filter { $0.code != "undone" }.map { reason in
            .option(reason.text, isChosen: false) {
                let records = try self.app.shift().kitbag.records
                if let (list, name) = self.element {
                    let void = Change.putIn(list: list, element: name, field: "void", value: .text(reason.code))
                    _ = try await records.change(self.id, [void])
                } else {
                    _ = try await records.void(self.id, reason: reason.code)
                }
                self.app.leave(self)
            }
        }
        var what = say("app-void_what")
        if let (list, name) = element, let field = words.field(record.kind, list),
            let of = record.lists[list]?.first(where: { $0.name == name })
        {
            what = words.element(field, of.fields.compactMapValues { $0.last?.value })
        }
        return Page("voiding", say("app-void_why"), [.words(what)] + items, isAtThumb: true)
    }
}

/// What else is to be corrected: the questions that have no answer.
final class CorrectOther: Screen {
    private let id: RecordId

    init(_ app: App, _ id: RecordId) {
        self.id = id
        super.init(app)
    }

    override func page() async throws -> Page {
        let words = try await app.vocabulary()
        let record = try await app.shift().kitbag.records.get(id)
        let fields = words.kind(record.kind).fields.filter { field in
            if case .elements = field.shape { return false }
            return !RecordOf.hidden.contains(field.name)
        }
        let items: [Item] = fields.map { field in
            .line(field.inWords, detail: record[field.name].map { words.said(field, $0) }) {
                self.app.replace(Correct(self.app, self.id, field.name))
            }
        }
        return Page("correct_other", say("app-correct_other"), items)
    }
}

/// Corrects one answer of a record: the old one stays in its history. What is typed of it is a draft, which outlives the app.
final class Correct: Screen {
    private let id: RecordId
    private let name: String
    private var held: Form?
    private var begunFrom: Form?
    private var draft: DraftId?
    /// Where a draft says that it is of a correction: a field that nobody answers by hand, and that is never saved so.
    private static let marked = "import_key"
    private static let mark = "correction"

    init(_ app: App, _ id: RecordId, _ name: String, _ held: Form? = nil, _ draft: DraftId? = nil) {
        (self.id, self.name, self.held, self.draft) = (id, name, held, draft)
        super.init(app)
    }

    /// The correction that a draft is of; nil where it is of a new record.
    static func begun(_ app: App, _ draft: Draft) -> Correct? {
        guard case .text(let said) = draft.form.answers[marked] else { return nil }
        let parts = said.split(separator: " ").map(String.init)
        guard parts.count == 3, parts[0] == mark else { return nil }
        var form = draft.form
        form.takeBack(marked)
        return Correct(app, RecordId(parts[1]), parts[2], form, draft.id)
    }

    private func keep(_ form: Form) async throws {
        var marked = form
        marked.put(Self.marked, "\(Self.mark) \(id) \(name)")
        do {
            draft = try await app.shift().kitbag.drafts.save(marked, as: draft)
        } catch let failed as KitbagError {
            // Half a date is none yet: it is kept with the letter that makes it one.
            guard case .invalid = failed.kind else { throw failed }
        }
    }

    private func discard() async throws {
        if let draft { try await app.shift().kitbag.drafts.discard(draft) }
        draft = nil
    }

    override func back() async throws {
        try await discard()
        try await super.back()
    }

    override func page() async throws -> Page {
        let words = try await app.vocabulary()
        let record = try await app.shift().kitbag.records.get(id)
        guard let field = words.field(record.kind, name) else { return Page("correct", "", []) }
        var before = Form(record.kind)
        for (name, all) in record.fields { if let last = all.last { before.put(name, last.value) } }
        // What a colleague answers meanwhile is not taken back by what was begun before.
        let old = begunFrom ?? before
        let clockIsOff = try await app.shift().kitbag.sync.status().clockIsOff
        let question = Question(
            app, words, field, { self.held ?? old }, try app.shift().device, clockIsOff: clockIsOff,
            hold: {
                (self.begunFrom, self.held) = (old, $0)
                try await self.keep($0)
            },
            answer: { try await self.change(old, $0) })
        // What must be answered is not taken back.
        let mayTakeBack = field.need == .optional && record[name] != nil
        let foot = question.foot().filter { if case .button(_, .main, _, _, _) = $0 { true } else { mayTakeBack } }
        return Page("correct", field.inWords, [.words(say("app-correct_what"))] + question.items(), foot, isAtThumb: true)
    }

    /// All that differs, at once.
    private func change(_ before: Form, _ answered: Form) async throws {
        let shift = try app.shift()
        let read = try await shift.kitbag.records.prepared(shift.team, answered)
        let names = Set(before.fields.keys).union(read.fields.keys).filter {
            $0 == name || $0.hasPrefix(name + ".") || (name == "supply_type" && $0 == "resupply_reason")
        }
        let changes: [Change] = names.sorted().filter { before.fields[$0] != read.fields[$0] }.map {
            .put(field: $0, value: read.fields[$0] ?? .nothing)
        }
        if !changes.isEmpty { _ = try await shift.kitbag.records.change(id, changes) }
        try await discard()
        app.leave(self)
    }
}
