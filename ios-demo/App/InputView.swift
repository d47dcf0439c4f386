import Foundation
import KitbagScreens
import SwiftUI

/// A labelled field: the label stays above what is typed. Neither the keyboard nor the phone's filler learns from it.
struct InputView: View {
    let label: String
    let value: String
    let typing: Typing
    /// Which page says so, and of how many letters it knows.
    let page: UInt64
    let heard: UInt64
    /// How many were typed until now.
    let typedSoFar: () -> UInt64
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
        // What it is called with is of the page that is new; what stands around it is of the one before.
        .onChange(of: Told(page: page, heard: heard, value: value)) { told in follow(told) }
    }

    /// Shows what the app made of it, as a field that was emptied. A space at the end may be followed by a word.
    private func follow(_ told: Told) {
        let spaces = CharacterSet.whitespacesAndNewlines
        // One that was made before the last letter was heard knows nothing of it.
        guard told.heard == typedSoFar(), text.trimmingCharacters(in: spaces) != told.value.trimmingCharacters(in: spaces)
        else { return }
        (known, text) = (told.value, told.value)
    }

    /// What a page says of a field.
    private struct Told: Equatable {
        let page: UInt64
        let heard: UInt64
        let value: String
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
