import Foundation
import KitbagClient

/// Whether the overdose is going on, or was told of afterwards.
final class ReversalBegin: Screen {
    override func page() async throws -> Page {
        Page(
            "reversal_begin", say("app-overdose"), [.words(say("app-call_first"), tone: .warning, mark: .trouble)],
            [
                .button(say("app-is_over")) { self.app.replace(try await Recording.of(self.app, .reversal)) },
                .button(say("app-goes_on"), look: .main, mark: .reversal) {
                    self.app.replace(try await Reversal.begun(self.app))
                },
            ], isAtThumb: true)
    }
}

/// A reversal while it is going on: one big tap for each dose, what to do as reminders, the rest later. All of it is a draft,
/// which outlives the app and the phone's battery.
final class Reversal: Screen {
    private static let steps = ["ems_called", "rescue_breathing", "wait", "recovery_position", "stayed_with_person"]
    private static let responses: Set<String> = [
        "rescue_breathing", "chest_compressions", "recovery_position", "oxygen", "stayed_with_person",
    ]

    private let shift: OnShift
    private var form: Form
    private var draft: DraftId
    /// When it began, where that was since the app started.
    private let begunAt: TimeInterval?
    /// As the data dictionary has it.
    private static let minuteMax: Int64 = 240

    override var redrawnEach: Double { 10 }
    /// Both hands are at work.
    override var locksAfter: TimeInterval { 30 * 60 }

    init(_ app: App, _ shift: OnShift, _ form: Form, _ draft: DraftId, begunAt: TimeInterval? = nil) {
        (self.shift, self.form, self.draft, self.begunAt) = (shift, form, draft, begunAt)
        super.init(app)
    }

    /// Begins one now; it is durable before it is shown.
    static func begun(_ app: App) async throws -> Reversal {
        let shift = try app.shift()
        let (day, clock) = (app.phone.today(), app.phone.clock())
        var form = try await shift.kitbag.records.begin(
            shift.team, .reversal, today: day, utcOffsetMinutes: app.phone.offsetMinutes())
        // A clock that is known to be wrong says no date for anybody: it is asked later.
        if form.answers["occurred_on"] != nil {
            form.on(day, hour: clock.hour, minute: clock.minute, in: app.phone.platform.zone)
        }
        form = try await Recording.fromTheBag(app, shift, form)
        let draft = try await shift.kitbag.drafts.save(form)
        return Reversal(app, shift, form, draft, begunAt: app.phone.platform.uptime())
    }

    private var given: [Element] { form.lists["administrations"] ?? [] }

    override func page() async throws -> Page {
        let words = try await app.vocabulary()
        let given = given
        var items: [Item] = try await minute().map { [.words(speech.count("app-minutes_since_start", $0))] } ?? []
        for (at, dose) in given.enumerated() {
            var minute: String?
            if case .number(let number) = dose["minute"] { minute = speech.count("app-after_minutes", number) }
            items.append(
                .line(say("app-dose_number", speech.number(at + 1)), detail: minute, tone: .good, mark: .tick))
        }
        items.append(.heading(say("app-steps")))
        items += steps(words).map(step)
        if !given.isEmpty {
            items.append(
                .button(say("app-take_back_dose"), look: .quiet) { try await self.take(Array(self.given.dropLast())) })
        }
        let finish = Item.button(say("app-finish_now")) {
            self.app.replace(try await Recording(self.app, self.shift, self.form, self.draft).begun())
        }
        let tap = Item.tap(say("app-dose_given"), count: speech.count("app-doses", given.count)) {
            try await self.give(words)
        }
        return Page("reversal", say("app-goes_on"), items, [finish, tap])
    }

    /// The programme's own reminders; where it has none, what a bystander is asked to do.
    private func steps(_ words: Vocabulary) -> [Choice] {
        let own = words.steps()
        return own.isEmpty ? Self.steps.map { Choice(code: $0, text: say("app-step_\($0)")) } : own
    }

    private func field(_ step: String) -> (name: String, value: Value)? {
        if step == "ems_called" { return ("ems_called", .text("yes")) }
        return Self.responses.contains(step) ? ("other_response.\(step)", .flag(true)) : nil
    }

    /// What is ticked is recorded; where the record has no place for it, it is a reminder alone.
    private func step(_ step: Choice) -> Item {
        guard let (name, value) = field(step.code) else { return .line(step.text) }
        let isTicked = form.answers[name] == value
        return .option(step.text, isChosen: isTicked) {
            var changed = self.form
            if isTicked { changed.takeBack(name) } else { changed.put(name, value) }
            try await self.keep(changed)
        }
    }

    private func give(_ words: Vocabulary) async throws {
        let last = try await Recording.lastProduct(app, shift)
        let product = last ?? words.products().first?.code ?? "unknown"
        var dose: Element = [
            "product": .text(product), "route": .text(words.route(product)), "doses": .number(1),
            "source": .text("this_programme"),
        ]
        // No number rather than a wrong one.
        if let minute = try await minute(), minute <= Self.minuteMax { dose["minute"] = .number(minute) }
        try await take(given + [dose])
    }

    private func take(_ given: [Element]) async throws {
        var changed = form
        changed.put("administrations", elements: given)
        try await keep(changed)
    }

    private func keep(_ changed: Form) async throws {
        form = changed
        draft = try await shift.kitbag.drafts.save(form, as: draft)
    }

    /// How many minutes since it began: by what no clock that is set changes while the app lives, by the clock where it began
    /// before that; nil where that is not known.
    private func minute() async throws -> Int64? {
        if let begunAt { return Int64((app.phone.platform.uptime() - begunAt) / 60) }
        if try await shift.kitbag.sync.status().clockIsOff { return nil }
        guard case .text(let day) = form.answers["occurred_on"], case .text(let time) = form.answers["occurred_time"],
            case .number(let offset) = form.answers["utc_offset_min"], let date = CivilDate(day)
        else { return nil }
        let parts = time.split(separator: ":").compactMap { Int($0) }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: Int(offset) * 60) ?? .current
        guard parts.count == 2,
            let began = calendar.date(
                from: DateComponents(
                    year: date.year, month: date.month, day: date.day, hour: parts[0], minute: parts[1]))
        else { return nil }
        let passed = app.phone.platform.now().timeIntervalSince(began)
        return passed < 0 ? nil : Int64(passed / 60)
    }
}

extension Form {
    /// The form as it is saved: the data dictionary counts a dose's minutes from the first dose, the draft from the beginning.
    func sinceFirstDose() -> Form {
        let given = lists["administrations"] ?? []
        func minute(_ dose: Element) -> Int64? { if case .number(let number) = dose["minute"] { number } else { nil } }
        let first = given.first.flatMap(minute)
        if first == 0 || given.isEmpty { return self }
        var since = self
        since.put(
            "administrations",
            elements: given.map { dose in
                var dose = dose
                // Where it is not known when the first was given, no other has a minute after it.
                if let after = minute(dose), let first, after >= first {
                    dose["minute"] = .number(after - first)
                } else {
                    dose["minute"] = nil
                }
                return dose
            })
        return since
    }
}
