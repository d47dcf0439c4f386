import SwiftUI

/// A clock: what stays on the screen after a quick exit.
struct HarmlessView: View {
    var body: some View {
        TimelineView(.everyMinute) { now in
            VStack(spacing: 12) {
                Text(now.date, style: .time).font(.system(size: 64, weight: .regular, design: .default))
                Text(now.date, style: .date).font(.title3).foregroundColor(.secondary)
            }
        }
    }
}
