import Foundation
import KitbagClient
import KitbagScreens

/// The words of `locales/app`, as the app's bundle has them: `App.strings`, and `App.stringsdict` of what varies by a number.
struct BundleWords: Words {
    private static let table = "App"

    /// The language in which they are, with the formats of the phone's region.
    let locale: Locale

    init() {
        let language = Bundle.main.preferredLocalizations.first ?? "en"
        let region = Locale.current.region?.identifier
        locale = Locale(identifier: region.map { "\(language)_\($0)" } ?? language)
        Kitbag.setLanguage(language)
    }

    private func format(_ name: String) -> String {
        Bundle.main.localizedString(forKey: name, value: nil, table: Self.table)
    }

    func say(_ name: String, _ filled: [String]) -> String {
        filled.isEmpty ? format(name) : String(format: format(name), locale: locale, arguments: filled.map(NSString.init(string:)))
    }

    func count(_ name: String, _ number: Int64, _ filled: [String]) -> String {
        let arguments: [any CVarArg] = [Int(number)] + filled.map(NSString.init(string:))
        return String(format: format(name), locale: locale, arguments: arguments)
    }
}
