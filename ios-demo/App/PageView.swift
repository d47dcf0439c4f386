import KitbagScreens
import SwiftUI

/// A page: the way back and the quick exit above, what is to be read between, what is to be done at the thumb.
struct PageView: View {
    @ObservedObject var seen: Seen

    private func say(_ name: String) -> String { seen.app.speech.say(name) }

    var body: some View {
        VStack(spacing: 0) {
            bar
            GeometryReader { room in
                ScrollView {
                    // Another page begins at its top, with fields of its own.
                    VStack(alignment: .leading, spacing: 8) { items(seen.page.items) }
                        .id(seen.page.name + seen.page.title)
                        .padding(.horizontal, 16)
                        .frame(
                            maxWidth: .infinity, minHeight: room.size.height,
                            alignment: seen.page.isAtThumb ? .bottomLeading : .topLeading)
                }
            }
            VStack(alignment: .leading, spacing: 8) { items(seen.page.foot) }
                .padding(.horizontal, 16)
                .padding(.vertical, 8)
        }
        .privacySensitive()
    }

    private var bar: some View {
        HStack(spacing: 12) {
            if seen.page.hasBack {
                Button(action: seen.back) { Image(systemName: "chevron.backward").frame(width: 56, height: 56) }
                    .accessibilityLabel(say("app-back"))
            }
            Text(seen.page.title).font(.title2).bold().accessibilityAddTraits(.isHeader)
            Spacer(minLength: 0)
            Button(action: seen.quickExit) { Image(systemName: "door.right.hand.open").frame(width: 56, height: 56) }
                .accessibilityLabel(say("app-quick_exit"))
        }
        .foregroundColor(.primary)
        .padding(.horizontal, 4)
    }

    private func items(_ items: [Item]) -> some View {
        ForEach(Numbered.all(items)) { one in
            ItemView(seen: seen, item: one.item).frame(maxWidth: .infinity, alignment: .leading)
        }
    }
}

/// An item with a name that it keeps while others come and go above it: what is typed stays in its field.
private struct Numbered: Identifiable {
    let id: String
    let item: Item

    static func all(_ items: [Item]) -> [Numbered] {
        var seen: [String: Int] = [:]
        return items.map { item in
            let kind: String =
                switch item {
                case .input(let label, _, _, _): "input " + label
                case .words: "words"
                case .button: "button"
                case .option: "option"
                case .line: "line"
                default: "other"
                }
            seen[kind, default: 0] += 1
            return Numbered(id: "\(kind) \(seen[kind] ?? 0)", item: item)
        }
    }
}
