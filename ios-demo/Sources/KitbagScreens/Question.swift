import KitbagClient

/// One question: what may be chosen or typed, and what becomes of the form by it.
@MainActor
final class Question {
    /// As many as a thumb chooses from; above this, a number may be typed, too.
    private static let few: Int64 = 5
    /// How a referral begins.
    private static let beginnings: Set<String> = ["offered", "made", "accepted", "attended", "declined"]

    private let app: App
    private let words: Vocabulary
    private let field: Field
    /// The form as it stands.
    private let current: @MainActor () -> Form
    private let device: DeviceKey
    private let clockIsOff: Bool
    /// What this person handed out last: what is in the bag is what is given.
    private let product: String?
    /// Keeps what is ticked or typed so far.
    private let hold: @MainActor (Form) async throws -> Void
    /// Keeps the answer, and goes on.
    private let answer: @MainActor (Form) async throws -> Void

    init(
        _ app: App, _ words: Vocabulary, _ field: Field, _ current: @escaping @MainActor () -> Form, _ device: DeviceKey,
        clockIsOff: Bool, product: String? = nil,
        hold: @escaping @MainActor (Form) async throws -> Void, answer: @escaping @MainActor (Form) async throws -> Void
    ) {
        (self.app, self.words, self.field, self.current, self.product) = (app, words, field, current, product)
        (self.device, self.clockIsOff, self.hold, self.answer) = (device, clockIsOff, hold, answer)
    }

    private var speech: Speech { app.speech }
    private var form: Form { current() }

    private func with(_ change: (inout Form) -> Void) -> Form {
        var changed = form
        change(&changed)
        return changed
    }

    /// What may be chosen.
    func items() -> [Item] {
        switch field.shape {
        case .code, .numberOrUnknown: codes()
        case .number(let min, let max): numbers(min, max)
        case .codeSet: set()
        case .counts: counts()
        case .holder: holders()
        case .elements: elements()
        case .date: days() + typed()
        case .month, .period, .time, .text, .record: typed()
        }
    }

    /// What goes on where choosing is not enough; nothing where it is.
    func foot() -> [Item] {
        var foot: [Item] = []
        if field.need == .optional, form.answers[field.name] != nil {
            foot.append(
                .button(speech.say("app-take_back"), look: .quiet) {
                    try await self.answer(self.with { $0.takeBack(self.field.name) })
                })
        }
        if needsNext {
            foot.append(.button(speech.say("app-next"), look: .main) { try await self.answer(self.form) })
        }
        return foot
    }

    private var needsNext: Bool {
        switch field.shape {
        case .code: words.choices(field).isEmpty
        case .numberOrUnknown, .holder, .elements: false
        case .number(_, let max): max > Self.few
        default: true
        }
    }

    private func codes() -> [Item] {
        let choices = words.choices(field)
        if choices.isEmpty { return typed() }
        // A resupply and its reason are one tap.
        if field.name == "supply_type" { return supply(choices) }
        return choices.map { option($0.text, $0.code) }
    }

    private func option(_ text: String, _ code: String) -> Item {
        .option(text, isChosen: form.answers[field.name] == .text(code)) {
            try await self.answer(self.with { $0.put(self.field.name, code) })
        }
    }

    private func supply(_ choices: [Choice]) -> [Item] {
        guard let reasons = words.field(form.kind, "resupply_reason") else { return [] }
        return choices.flatMap { choice -> [Item] in
            if choice.code != "resupply" {
                return [
                    .option(choice.text, isChosen: form.answers["supply_type"] == .text(choice.code)) {
                        try await self.answer(
                            self.with {
                                $0.put("supply_type", choice.code)
                                $0.takeBack("resupply_reason")
                            })
                    }
                ]
            }
            return words.choices(reasons).map { reason in
                .option(
                    speech.say("app-resupply", reason.text), isChosen: form.answers["resupply_reason"] == .text(reason.code)
                ) {
                    try await self.answer(
                        self.with {
                            $0.put("supply_type", "resupply")
                            $0.put("resupply_reason", reason.code)
                        })
                }
            }
        }
    }

    private func numbers(_ min: Int64, _ max: Int64) -> [Item] {
        let last = Swift.min(max, Self.few)
        let first = Swift.max(min, 1)
        let few: [Item] =
            first > last
            ? []
            : (first...last).map { number in
                .option(speech.number(number), isChosen: form.answers[field.name] == .number(number)) {
                    try await self.answer(self.with { $0.put(self.field.name, .number(number)) })
                }
            }
        return few + (max > Self.few ? typed() : [])
    }

    private func days() -> [Item] {
        if clockIsOff { return [] }
        let today = app.phone.today()
        let yesterday = CivilDate(app.phone.platform.now().addingTimeInterval(-86_400), in: speech.calendar)
        return [("app-today", today), ("app-yesterday", yesterday)].map { name, day in
            .option(
                speech.say(name), isChosen: form.answers[field.name] == .text(day.description), detail: speech.day(day)
            ) {
                try await self.answer(self.with { $0.put(self.field.name, day) })
            }
        }
    }

    private func set() -> [Item] {
        words.choices(field).map { choice in
            let name = "\(field.name).\(choice.code)"
            let isTicked = form.answers[name] == .flag(true)
            return .option(choice.text, isChosen: isTicked) {
                try await self.hold(self.with { if isTicked { $0.takeBack(name) } else { $0.put(name, true) } })
            }
        }
    }

    private func counts() -> [Item] {
        words.choices(field).map { choice in
            let name = "\(field.name).\(choice.code)"
            return .input(choice.text, value: text(name), typing: .number) { try await self.type(name, $0) }
        }
    }

    private func text(_ name: String) -> String {
        switch form.answers[name] {
        case .text(let text): text
        case .number(let number): String(number)
        default: ""
        }
    }

    private func holders() -> [Item] {
        var all = ["device:\(device.text)"]
        if case .text(let own) = form.answers["site"] { all.append("site:\(own)") }
        for site in words.sites().map({ "site:\($0.code)" }) where !all.contains(site) { all.append(site) }
        return (all + ["outside"]).map { option(words.holder($0), $0) }
    }

    private func elements() -> [Item] {
        switch field.name {
        case "administrations": administrations()
        case "events": events()
        default: []
        }
    }

    private func administrations() -> [Item] {
        let product = product ?? words.products().first?.code ?? "unknown"
        func one(_ doses: Value) -> Form {
            with {
                $0.put(
                    "administrations",
                    elements: [
                        [
                            "product": .text(product), "route": .text(words.route(product)), "doses": doses,
                            "source": .text("this_programme"),
                        ]
                    ])
            }
        }
        let few: [Item] = (1...Self.few).map { doses in
            .option(speech.count("app-doses", doses), isChosen: false) { try await self.answer(one(.number(doses))) }
        }
        return few + [
            .option(speech.say("app-doses_unknown"), isChosen: false) { try await self.answer(one(.text("unknown"))) },
            .option(speech.say("app-none_given"), isChosen: false) {
                try await self.answer(
                    self.with {
                        $0.put("administrations", elements: [])
                        $0.put("none_given_reason", "unknown")
                    })
            },
        ]
    }

    private func events() -> [Item] {
        guard let status = words.field(form.kind, "events.status") else { return [] }
        return words.choices(status).filter { Self.beginnings.contains($0.code) }.map { choice in
            .option(choice.text, isChosen: false) {
                let on = self.form.answers["occurred_on"] ?? .text(self.app.phone.today().description)
                let event: Element = ["status": .text(choice.code), "on": on]
                try await self.answer(self.with { $0.put("events", elements: [event]) })
            }
        }
    }

    private func typed() -> [Item] {
        let typing: Typing =
            switch field.shape {
            case .number, .numberOrUnknown: .number
            case .text: .long
            default: .text
            }
        let hint =
            switch field.shape {
            case .date: speech.say("app-typed_date", field.inWords)
            case .month: speech.say("app-typed_month", field.inWords)
            case .time: speech.say("app-typed_time", field.inWords)
            default: field.inWords
            }
        return [.input(hint, value: text(field.name), typing: typing) { try await self.type(self.field.name, $0) }]
    }

    private func type(_ name: String, _ text: String) async throws {
        try await hold(with { if text.trimmed.isEmpty { $0.takeBack(name) } else { $0.putText(name, text.trimmed) } })
    }
}
