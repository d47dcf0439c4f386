import KitbagScreens
import SwiftUI

/// A labelled field: the label stays above what is typed. Neither the keyboard nor the phone's filler learns from it.
struct InputView: View {
    let label: String
    let value: String
    let typing: Typing
    let typed: (String) -> Void
    @State private var text = ""
    /// What was typed and may not have come back yet.
    @State private var underway: Set<String> = []

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
        .onAppear { text = value }
        .onChange(of: text) { text in
            guard text != value else { return }
            underway.insert(text)
            typed(text)
        }
        .onChange(of: value) { value in follow(value) }
    }

    @ViewBuilder private var field: some View {
        switch typing {
        case .secret: SecureField("", text: $text).textContentType(.oneTimeCode)
        case .number, .digits: TextField("", text: $text).keyboardType(.numbersAndPunctuation).autocorrectionDisabled(true)
        case .long: TextField("", text: $text, axis: .vertical).autocorrectionDisabled(true)
        case .text: TextField("", text: $text).autocorrectionDisabled(true)
        }
    }

    /// Shows what the app made of it, as a field that was emptied; but not what somebody typed before what stands there now.
    private func follow(_ value: String) {
        if value != text, underway.contains(value) { return }
        underway = []
        text = value
    }
}
