import SwiftUI

/// A bar with its words and its number above it: filled is now, striped is before.
struct BarView: View {
    let text: String
    /// How long it is, of 1.
    let part: Double
    let said: String
    let isBefore: Bool

    var body: some View {
        VStack(alignment: .leading, spacing: 2) {
            HStack {
                Text(text)
                Spacer(minLength: 8)
                Text(said)
            }
            GeometryReader { room in
                let width = room.size.width * CGFloat(part)
                if isBefore {
                    Stripes().stroke(Color.accentColor, lineWidth: 2).frame(width: width).clipped()
                        .overlay(Rectangle().stroke(Color.accentColor, lineWidth: 2))
                } else {
                    Rectangle().fill(Color.accentColor).frame(width: width)
                }
            }
            .frame(height: 18)
            .flipsForRightToLeftLayoutDirection(true)
        }
        .accessibilityElement(children: .ignore)
        .accessibilityLabel("\(text): \(said)")
    }
}

private struct Stripes: Shape {
    func path(in room: CGRect) -> Path {
        var path = Path()
        var x = -room.height
        while x < room.width {
            path.move(to: CGPoint(x: x, y: room.height))
            path.addLine(to: CGPoint(x: x + room.height, y: 0))
            x += 8
        }
        return path
    }
}
