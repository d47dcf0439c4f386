import SwiftUI

/// A clock: what stays on the screen after a quick exit.
struct HarmlessView: View {
    var body: some View {
        VStack(spacing: 12) {
            Text(Date(), style: .time).font(.system(size: 64, weight: .regular, design: .default))
            Text(Date(), style: .date).font(.title3).foregroundColor(.secondary)
        }
    }
}
