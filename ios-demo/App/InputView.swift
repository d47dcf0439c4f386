import Foundation
import KitbagScreens
import SwiftUI

/// A labelled field: the label stays above what is typed. Neither the keyboard nor the phone's filler learns from it.
struct InputView: View {
    let label: String
    let value: String
    let typing: Typing
    /// Which page says so, and whether it knows of the last letter.
    let page: UInt64
    let isCurrent: Bool
    let typed: (String) -> Void
    @State private var text = ""
    /// What the app knows of it.
    @State private var known = ""

    var body: some View {
        VStack(alignment: .leading, spacing: 4) {
            Text(label).font(.callout).foregroundColor(.secondary).accessibilityHidden(true)
            field
                .font(.title3)
                .frame(minHeight: 56)
                .padding(.horizontal, 12)
                .background(RoundedRectangle(cornerRadius: 10).stroke(Color.secondary, lineWidth: 2))
                .accessibilityLabel(label)
        }
        .onAppear { (text, known) = (value, value) }
        .onChange(of: text) { text in
            // What the app put there itself is no news to it.
            guard text != known else { return }
            known = text
            typed(text)
        }
        .onChange(of: page) { _ in follow() }
    }

    /// Shows what the app made of it, as a field that was emptied. A space at the end may be followed by a word.
    private func follow() {
        let spaces = CharacterSet.whitespacesAndNewlines
        guard isCurrent, text.trimmingCharacters(in: spaces) != value.trimmingCharacters(in: spaces) else { return }
        (known, text) = (value, value)
    }

    @ViewBuilder private var field: some View {
        switch typing {
        case .secret: SecureField("", text: $text).textContentType(.oneTimeCode)
        case .number, .digits: TextField("", text: $text).keyboardType(.numbersAndPunctuation).autocorrectionDisabled(true)
        case .long: TextField("", text: $text, axis: .vertical).autocorrectionDisabled(true)
        case .text: TextField("", text: $text).autocorrectionDisabled(true)
        }
    }
}
