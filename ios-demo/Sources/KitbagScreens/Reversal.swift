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
    private var ticked: Set<String> = []

    override var redrawnEach: Double { 10 }

    init(_ app: App, _ shift: OnShift, _ form: Form, _ draft: DraftId) {
        (self.shift, self.form, self.draft) = (shift, form, draft)
        super.init(app)
    }

    /// Begins one now; it is durable before it is shown.
    static func begun(_ app: App) async throws -> Reversal {
        let shift = try app.shift()
        let (day, clock) = (app.phone.today(), app.phone.clock())
        var form = try await shift.kitbag.records.begin(
            shift.team, .reversal, today: day, utcOffsetMinutes: app.phone.offsetMinutes())
        form.on(day, hour: clock.hour, minute: clock.minute, in: app.phone.platform.zone)
        return Reversal(app, shift, form, try await shift.kitbag.drafts.save(form))
    }

    private var given: [Element] { form.lists["administrations"] ?? [] }

    override func page() async throws -> Page {
        let words = try await app.vocabulary()
        let given = given
        var items: [Item] = [.words(speech.count("app-minutes_since_start", minute()))]
        for (at, dose) in given.enumerated() {
            var minute: Int64 = 0
            if case .number(let number) = dose["minute"] { minute = number }
            items.append(
                .line(
                    say("app-dose_number", speech.number(at + 1)), detail: speech.count("app-after_minutes", minute),
                    tone: .good, mark: .tick))
        }
        items.append(.heading(say("app-steps")))
        items += steps(words).map { step in
            .option(step.text, isChosen: isTicked(step.code)) { try await self.tick(step.code) }
        }
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

    private func isTicked(_ step: String) -> Bool {
        field(step).map { form.fields[$0.name] == $0.value } ?? ticked.contains(step)
    }

    private func tick(_ step: String) async throws {
        guard let noted = field(step) else {
            if ticked.remove(step) == nil { ticked.insert(step) }
            return
        }
        var changed = form
        if isTicked(step) { changed.takeBack(noted.name) } else { changed.put(noted.name, noted.value) }
        try await keep(changed)
    }

    private func give(_ words: Vocabulary) async throws {
        let last = try await lastProduct()
        let product = last ?? words.products().first?.code ?? "unknown"
        let dose: Element = [
            "product": .text(product), "route": .text(words.route(product)), "doses": .number(1),
            "minute": .number(min(max(minute(), 0), 240)), "source": .text("this_programme"),
        ]
        try await take(given + [dose])
    }

    /// What this person hands out: what is in the bag is what is given.
    private func lastProduct() async throws -> String? {
        let begun = try await shift.kitbag.records.begin(
            shift.team, .distribution, today: app.phone.today(), utcOffsetMinutes: app.phone.offsetMinutes())
        if case .text(let product) = begun.fields["product"] { return product }
        return nil
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

    /// How many minutes since it began; what a clock that was set makes negative is none.
    private func minute() -> Int64 {
        guard case .text(let day) = form.fields["occurred_on"], case .text(let time) = form.fields["occurred_time"],
            case .number(let offset) = form.fields["utc_offset_min"], let date = CivilDate(day)
        else { return 0 }
        let parts = time.split(separator: ":").compactMap { Int($0) }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: Int(offset) * 60) ?? .current
        guard parts.count == 2,
            let began = calendar.date(
                from: DateComponents(
                    year: date.year, month: date.month, day: date.day, hour: parts[0], minute: parts[1]))
        else { return 0 }
        return max(Int64(app.phone.platform.now().timeIntervalSince(began) / 60), 0)
    }
}
