import KitbagScreens
import SwiftUI

/// The app: its screens in a window, and a sync in the background.
@main
struct KitbagDemoApp: SwiftUI.App {
    @Environment(\.scenePhase) private var phase
    @StateObject private var seen = Seen()

    init() { BackgroundSync.register() }

    var body: some Scene {
        WindowGroup {
            ZStack {
                if seen.isHarmless {
                    HarmlessView()
                } else {
                    PageView(seen: seen)
                }
                // What the list of recent apps keeps a picture of.
                if phase != .active { Color.black.ignoresSafeArea().accessibilityHidden(true) }
            }
            .onAppear { seen.start() }
            .onChange(of: phase) { phase in
                switch phase {
                case .active: seen.came()
                case .background: seen.left()
                default: break
                }
            }
        }
    }
}
