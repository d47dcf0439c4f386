import Foundation
import KitbagClient

/// A code with what people read of it.
struct Choice: Hashable {
    let code: String
    let text: String
}

/// What people read of kinds, fields and codes: the data dictionary's, and the programme's own.
struct Vocabulary {
    private let declarations: [KindDeclaration]
    private let packs: [Pack]
    private let speech: Speech
    private let device: DeviceKey

    init(_ declarations: [KindDeclaration], _ packs: [Pack], _ speech: Speech, _ device: DeviceKey) {
        (self.declarations, self.packs, self.speech, self.device) = (declarations, packs, speech, device)
    }

    private var language: String { speech.locale.language.languageCode?.identifier ?? "en" }

    func kind(_ kind: Kind) -> KindDeclaration { declarations.first { $0.kind == kind }! }

    /// A field of a kind; of a list's element as `list.field`.
    func field(_ kind: Kind, _ name: String) -> Field? {
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        guard let field = self.kind(kind).fields.first(where: { $0.name == parts.first }) else { return nil }
        guard case .elements(let fields) = field.shape, parts.count > 1 else { return field }
        return fields.first { $0.name == parts[1] }
    }

    /// What may be chosen for a field, in the order of the programme or of the data dictionary; none where it is typed.
    func choices(_ field: Field) -> [Choice] {
        let own = field.name == "indicator" ? indicators() : ofProgramme(field.name)
        return own.isEmpty ? field.codes.map { Choice(code: $0, text: field.codesInWords[$0] ?? $0) } : own
    }

    /// What can be wanted: whatever is counted.
    private func indicators() -> [Choice] {
        var seen = Set<String>()
        let all = declarations.flatMap { kind in
            kind.indicatorsInWords.sorted { $0.key < $1.key }.map { Choice(code: $0.key, text: $0.value) }
        }
        return all.filter { seen.insert($0.code).inserted }
    }

    private func ofProgramme(_ field: String) -> [Choice] {
        let all: [Choice] =
            switch field {
            case "site": choices(packs.flatMap(\.sites))
            case "receiving_service": choices(packs.flatMap(\.services))
            case "product": packs.flatMap(\.products).map { Choice(code: $0.code, text: label($0.labels, $0.code)) }
            default: choices(packs.flatMap { $0.lists[field] ?? [] })
            }
        var seen = Set<String>()
        return all.filter { seen.insert($0.code).inserted }
    }

    private func label(_ labels: [String: String], _ code: String) -> String {
        labels[language] ?? labels[""] ?? labels["en"] ?? code
    }

    private func choices(_ codes: [PackCode]) -> [Choice] { codes.map { Choice(code: $0.code, text: $0.label(language)) } }

    /// The products of the programme, or of the data dictionary.
    func products() -> [Choice] { field(.distribution, "product").map(choices) ?? [] }

    /// How a product is given.
    func route(_ product: String) -> String {
        if let known = packs.flatMap(\.products).first(where: { $0.code == product }) { return known.route }
        return switch product.split(separator: "_").first {
        case "nasal": "IN"
        case "intramuscular", "prefilled": "IM"
        default: "unknown"
        }
    }

    /// The reminders of the response, in the programme's own words.
    func steps() -> [Choice] { choices(packs.flatMap(\.response)) }

    /// That this phone captures only, and who wants it so.
    func capturesOnly() -> String {
        speech.say(packs.contains(where: \.captureOnly) ? "app-capture_only_programme" : "app-capture_only_now")
    }

    /// The sites of the programme.
    func sites() -> [Choice] { ofProgramme("site") }

    /// What people read of a site.
    func site(_ code: String) -> String { packs.flatMap(\.sites).first { $0.code == code }?.label(language) ?? code }

    /// What people read of a product.
    func product(_ code: String) -> String { field(.distribution, "product").map { said($0, .text(code)) } ?? code }

    /// Who holds stock.
    func holder(_ holder: String) -> String {
        if holder == "outside" { return speech.say("app-outside") }
        if holder == "device:\(device.text)" { return speech.say("app-my_bag") }
        return holder.hasPrefix("site:") ? site(String(holder.dropFirst(5))) : speech.say("app-colleague")
    }

    /// A value as people read it.
    func said(_ field: Field, _ value: Value) -> String {
        switch value {
        case .nothing: speech.say("app-no_answer")
        case .sealed: speech.say("app-sealed")
        case .flag(let flag): field.codesInWords[flag ? "yes" : "no"] ?? speech.say(flag ? "app-yes" : "app-no")
        case .number(let number): speech.number(number)
        case .text(let text):
            switch field.shape {
            case .holder: holder(text)
            case .date: CivilDate(text).map(speech.day) ?? text
            default: choices(field).first { $0.code == text }?.text ?? field.codesInWords[text] ?? speech.plain(text)
            }
        }
    }

    /// An answer of a form as people read it; of a set, all that is ticked; nil where there is none.
    func said(_ kind: Kind, _ field: Field, _ form: Form) -> String? {
        if let value = form.answers[field.name] { return said(field, value) }
        let start = field.name + "."
        let codes = form.answers.filter { $0.key.hasPrefix(start) }.sorted { $0.key < $1.key }
        if !codes.isEmpty {
            return codes.map { ofSet(field, String($0.key.dropFirst(start.count)), $0.value) }.joined(separator: ", ")
        }
        let elements = form.lists[field.name] ?? []
        return elements.isEmpty ? nil : elements.map { element(field, $0) }.joined(separator: "; ")
    }

    private func ofSet(_ field: Field, _ code: String, _ value: Value) -> String {
        let label = field.codesInWords[code] ?? code
        return switch value {
        case .number(let number): "\(label) \(speech.number(number))"
        case .text(let text): "\(label) \(speech.plain(text))"
        case .flag(false): "\(label): \(speech.say("app-no"))"
        default: label
        }
    }

    /// An element of a list as people read it.
    func element(_ list: Field, _ element: Element) -> String {
        guard case .elements(let fields) = list.shape else { return "" }
        return fields.compactMap { inner in element[inner.name].map { said(inner, $0) } }.joined(separator: ", ")
    }
}
