import KitbagScreens
import SwiftUI

/// One item, as its page means it.
struct ItemView: View {
    let seen: Seen
    let item: Item
    /// The least height of what a thumb taps, in points; grows with the type.
    @ScaledMetric private var thumb: CGFloat = 56

    @ViewBuilder var body: some View {
        switch item {
        case .words(let text, let tone, let mark): words(text, tone, mark)
        case .heading(let text): Text(text).font(.headline).padding(.top, 12).accessibilityAddTraits(.isHeader)
        case .button(let text, let look, let detail, let mark, let act): button(text, look, detail, mark, act)
        case .option(let text, let isChosen, let detail, let act): option(text, isChosen, detail, act)
        case .line(let text, let detail, let tone, let mark, let act): line(text, detail, tone, mark, act)
        case .input(let label, let value, let typing, let typed):
            let page = seen.page
            InputView(
                label: label, value: value, typing: typing, page: page.number, heard: page.heard,
                typedSoFar: { seen.app.typed }
            ) { seen.typed($0, typed) }
        case .digits(let text): digits(text)
        case .code(let text, let about): CodeView(text: text, about: about)
        case .bar(let text, let value, let most, let said, let isBefore):
            BarView(text: text, part: most > 0 ? Double(value) / Double(most) : 0, said: said, isBefore: isBefore)
        case .progress(let text, let done, let all): progress(text, done, all)
        case .tap(let text, let count, let act): tap(text, count, act)
        case .done(let text): done(text)
        }
    }

    private func words(_ text: String, _ tone: Tone, _ mark: Mark?) -> some View {
        HStack(alignment: .firstTextBaseline, spacing: 12) {
            if let mark { Image(systemName: mark.symbol).accessibilityHidden(true) }
            Text(text).bold(tone == .bad)
        }
        .font(.body)
        .foregroundColor(tone.colour)
        .accessibilityElement(children: .combine)
    }

    /// A text with what it says beside it.
    private func two(_ text: String, _ detail: String?) -> some View {
        VStack(alignment: .leading, spacing: 4) {
            Text(text)
            if let detail { Text(detail).font(.callout).foregroundColor(.secondary) }
        }
        .multilineTextAlignment(.leading)
        .frame(maxWidth: .infinity, alignment: .leading)
    }

    private func button(_ text: String, _ look: Look, _ detail: String?, _ mark: Mark?, _ act: @escaping Act) -> some View {
        let isMain = look == .main
        return Button {
            seen.tap(act)
        } label: {
            HStack(spacing: 12) {
                if let mark = mark ?? (look == .danger ? .trouble : nil) {
                    Image(systemName: mark.symbol).accessibilityHidden(true)
                }
                two(text, detail).font(isMain ? .title3 : .body)
            }
            .bold(isMain)
            .underline(look == .quiet)
            .foregroundColor(isMain ? .white : look == .danger ? .red : .primary)
            .padding(.horizontal, 16)
            .frame(minHeight: isMain ? thumb * 1.2 : thumb)
            .background(ground(isMain ? .accentColor : .clear, look == .danger ? .red : look == .plain ? .secondary : .clear))
        }
        .buttonStyle(.plain)
    }

    private func option(_ text: String, _ isChosen: Bool, _ detail: String?, _ act: @escaping Act) -> some View {
        Button {
            seen.tap(act)
        } label: {
            HStack(spacing: 12) {
                two(text, detail)
                if isChosen { Image(systemName: Mark.tick.symbol).accessibilityHidden(true) }
            }
            .padding(.horizontal, 16)
            .frame(minHeight: thumb)
            .background(ground(isChosen ? .accentColor.opacity(0.2) : .clear, isChosen ? .accentColor : .secondary))
        }
        .buttonStyle(.plain)
        .accessibilityAddTraits(isChosen ? .isSelected : [])
    }

    @ViewBuilder
    private func line(_ text: String, _ detail: String?, _ tone: Tone, _ mark: Mark?, _ act: Act?) -> some View {
        let shown = HStack(spacing: 12) {
            if let mark { Image(systemName: mark.symbol).accessibilityHidden(true) }
            two(text, detail)
        }
        .foregroundColor(tone.colour)
        if let act {
            Button {
                seen.tap(act)
            } label: {
                shown.padding(.horizontal, 16).frame(minHeight: thumb).background(ground(.clear, .secondary))
            }
            .buttonStyle(.plain)
        } else {
            shown.padding(.vertical, 4).accessibilityElement(children: .combine)
        }
    }

    private func ground(_ fill: Color, _ line: Color) -> some View {
        RoundedRectangle(cornerRadius: 10).fill(fill).overlay(RoundedRectangle(cornerRadius: 10).stroke(line, lineWidth: 2))
    }

    private func digits(_ text: String) -> some View {
        Text(text.prefix(3) + " " + text.dropFirst(3))
            .font(.system(size: 52, weight: .bold, design: .monospaced))
            .frame(maxWidth: .infinity)
            .environment(\.layoutDirection, .leftToRight)
            // One by one: whoever hears them compares them.
            .accessibilityLabel(text.map(String.init).joined(separator: " "))
    }

    private func progress(_ text: String, _ done: UInt64, _ all: UInt64) -> some View {
        VStack(alignment: .leading, spacing: 4) {
            Text(text)
            if all == 0 { ProgressView() } else { ProgressView(value: Double(done), total: Double(all)) }
        }
        .accessibilityElement(children: .combine)
    }

    private func tap(_ text: String, _ count: String, _ act: @escaping Act) -> some View {
        Button {
            // What the hand feels was heard.
            if seen.tap(act) { UIImpactFeedbackGenerator(style: .heavy).impactOccurred() }
        } label: {
            VStack(spacing: 8) {
                Text(text).font(.largeTitle).bold()
                Text(count).font(.title2)
            }
            .foregroundColor(.white)
            .frame(maxWidth: .infinity, minHeight: thumb * 2.7)
            .background(ground(.accentColor, .clear))
        }
        .buttonStyle(.plain)
    }

    private func done(_ text: String) -> some View {
        HStack(spacing: 12) {
            Image(systemName: Mark.tick.symbol).accessibilityHidden(true)
            Text(text).bold()
        }
        .font(.title2)
        .foregroundColor(Tone.good.colour)
        .frame(minHeight: thumb * 1.3)
        .accessibilityElement(children: .combine)
    }
}

extension Tone {
    /// Its colour; beside it stands a mark.
    var colour: Color {
        switch self {
        case .plain: .primary
        case .good: .green
        case .warning: .orange
        case .bad: .red
        }
    }
}

extension Mark {
    /// Its picture, as Apple's systems name it.
    var symbol: String {
        switch self {
        case .kit: "cross.case"
        case .reversal: "heart"
        case .referral: "arrow.turn.up.right"
        case .bag: "bag"
        case .sent: "checkmark.icloud"
        case .waiting: "clock"
        case .trouble: "exclamationmark.triangle"
        case .tick: "checkmark.circle"
        case .scan: "qrcode.viewfinder"
        case .person: "person"
        }
    }
}
