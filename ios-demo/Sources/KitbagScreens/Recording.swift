import KitbagClient

/// Records something by one question a screen. Asked is what saving would find missing, in the order of the data dictionary;
/// what was answered last time and mostly stays so is there already. Each answer is in a draft before the next question.
final class Recording: Screen {
    /// What was taken from last time, as the line above a question shows it.
    private static let shown: Set<String> = ["site", "channel", "product", "occurred_on", "service", "movement"]
    /// What only says that there is no answer yet.
    private static let open: Set<String> = ["required", "one_of"]
    /// What nobody answers by hand.
    private static let hidden: Set<String> = [
        "utc_offset_min", "void", "duplicate_of", "distinct", "import_key", "doses_per_kit", "records_digest", "values",
    ]

    private let shift: OnShift
    /// The form as it stands.
    private(set) var form: Form
    private var draft: DraftId?
    private var asked: [String] = []
    private var current: String?
    private var isUnfolded = false

    init(_ app: App, _ shift: OnShift, _ form: Form, _ draft: DraftId?) {
        (self.shift, self.form, self.draft) = (shift, form, draft)
        super.init(app)
    }

    /// Begins a record of a kind, with what was answered last time.
    static func of(_ app: App, _ kind: Kind) async throws -> Recording {
        let shift = try app.shift()
        let form = try await shift.kitbag.records.begin(
            shift.team, kind, today: app.phone.today(), utcOffsetMinutes: app.phone.offsetMinutes())
        return try await Recording(app, shift, try await fromTheBag(app, shift, form), nil).begun()
    }

    /// What is in the bag is what is handed out, until somebody said otherwise.
    static func fromTheBag(_ app: App, _ shift: OnShift, _ form: Form) async throws -> Form {
        guard form.kind == .distribution || form.kind == .reversal, form.answers["taken_from"] == nil else { return form }
        let bag = "device:\(shift.device.text)"
        let held = try await shift.kitbag.stock.now(app.phone.today(), team: shift.team).held
        guard held.contains(where: { $0.holder == bag && $0.doses > 0 }) else { return form }
        var filled = form
        filled.put("taken_from", bag)
        return filled
    }

    /// What this person handed out last; nil where that is not known here.
    static func lastProduct(_ app: App, _ shift: OnShift) async throws -> String? {
        let begun = try await shift.kitbag.records.begin(
            shift.team, .distribution, today: app.phone.today(), utcOffsetMinutes: app.phone.offsetMinutes())
        if case .text(let product) = begun.fields["product"] { return product }
        return nil
    }

    /// The first question, before it is shown.
    func begun() async throws -> Recording {
        try await proceed()
        return self
    }

    override func page() async throws -> Page {
        let words = try await app.vocabulary()
        guard let current, let field = words.field(form.kind, current) else { return review(words) }
        return try await question(words, field)
    }

    private func faults() async throws -> [Fault] {
        let order = try await app.vocabulary().kind(form.kind).fields.map(\.name)
        func place(_ fault: Fault) -> Int { order.firstIndex(of: outer(fault.field)) ?? -1 }
        do {
            return try await shift.kitbag.records.faults(shift.team, form.sinceFirstDose()).sorted { place($0) < place($1) }
        } catch let failed as KitbagError {
            // What cannot be read at all is wrong as well.
            guard case .invalid(let faults) = failed.kind else { throw failed }
            return faults.sorted { place($0) < place($1) }
        }
    }

    private func outer(_ name: String) -> String { String(name.prefix { $0 != "." }) }

    /// The next question that is not answered; none is the review.
    private func proceed() async throws {
        current = try await faults().first.map { outer($0.field) }
        if let current, !asked.contains(current) { asked.append(current) }
    }

    private func question(_ words: Vocabulary, _ field: Field) async throws -> Page {
        var items: [Item] = []
        if let known = known(words) { items.append(.words(known)) }
        let wrong = try await faults().first { outer($0.field) == field.name && !Self.open.contains($0.code) }
        if let wrong { items.append(.words(wrong.inWords, tone: .bad, mark: .trouble)) }
        let clockIsOff = try await shift.kitbag.sync.status().clockIsOff
        if clockIsOff, field.shape == .date { items.append(.words(say("app-clock_off"), tone: .warning, mark: .trouble)) }
        let product = field.name == "administrations" ? try await Self.lastProduct(app, shift) : nil
        let question = Question(
            app, words, field, { self.form }, shift.device, clockIsOff: clockIsOff, product: product, hold: { try await self.hold($0) },
            answer: { try await self.answer($0) })
        return Page("question", field.inWords, items + question.items(), question.foot(), isAtThumb: true)
    }

    /// What is known already, in a line: a person sees what was taken from last time.
    private func known(_ words: Vocabulary) -> String? {
        let said = words.kind(form.kind).fields.filter { Self.shown.contains($0.name) }.compactMap { field in
            form.answers[field.name].map { words.said(field, $0) }
        }
        return said.isEmpty ? nil : said.joined(separator: " · ")
    }

    /// Takes an answer in, and goes on to the next question: what was typed and does not fit is asked again.
    func answer(_ answered: Form) async throws {
        let before = current
        try await hold(answered)
        try await proceed()
        // What is asked again says why.
        if before != nil, current == before, let fault = try await faults().first { app.say(fault.inWords) }
    }

    /// Keeps what is answered so far: it is durable before anything else is shown.
    private func hold(_ answered: Form) async throws {
        form = answered
        do {
            draft = try await shift.kitbag.drafts.save(form, as: draft)
        } catch let failed as KitbagError {
            guard case .invalid(let faults) = failed.kind else { throw failed }
            // Half a date is none yet: all else is kept, and it with the letter that makes it one.
            var rest = form
            faults.forEach { rest.takeBack($0.field) }
            draft = try await shift.kitbag.drafts.save(rest, as: draft)
        }
    }

    private func review(_ words: Vocabulary) -> Page {
        let form = form.sinceFirstDose()
        let fields = words.kind(form.kind).fields.filter { !Self.hidden.contains($0.name) }
        var items: [Item] = []
        var open: [Field] = []
        for field in fields {
            guard let said = words.said(form.kind, field, form) else {
                open.append(field)
                continue
            }
            items.append(.line(field.inWords, detail: said) { self.change(field) })
        }
        if isUnfolded {
            items += open.map { field in .line(field.inWords, detail: say("app-no_answer")) { self.change(field) } }
        } else if !open.isEmpty {
            items.append(.button(say("app-more_questions"), look: .quiet) { self.isUnfolded = true })
        }
        let save = Item.button(say("app-save"), look: .main, mark: .tick) { try await self.save() }
        return Page("review", words.kind(form.kind).inWords, items, [save], isAtThumb: !isUnfolded)
    }

    private func change(_ field: Field) {
        current = field.name
        if !asked.contains(field.name) { asked.append(field.name) }
    }

    private func save() async throws {
        if draft == nil { draft = try await shift.kitbag.drafts.save(form) }
        guard let draft else { return }
        let whole = form.sinceFirstDose()
        let record = try await shift.kitbag.drafts.finish(draft, shift.team, whole)
        app.replace(Saved(app, shift, whole, record))
    }

    override func back() async throws {
        let at = current.flatMap { asked.firstIndex(of: $0) } ?? asked.count
        if at > 0 { current = asked[at - 1] } else { try await super.back() }
    }

    /// Throws away what was begun.
    func discard() async throws {
        if let draft { try await shift.kitbag.drafts.discard(draft) }
        app.leave(self)
    }
}
