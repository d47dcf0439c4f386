import KitbagScreens
import SwiftUI

/// What is seen now, for views that draw it.
@MainActor
final class Seen: ObservableObject {
    /// One for the whole app: a job in the background opens no store that a person has open.
    static let phone = Phone(ApplePlatform())

    let app = KitbagScreens.App(Seen.phone, BundleWords())
    @Published private(set) var page: Page
    /// Whether a clock is seen in the place of the app: after a quick exit, until the app is left.
    @Published private(set) var isHarmless = false
    private var isStarted = false
    private let felt = UINotificationFeedbackGenerator()

    init() {
        page = app.page
        app.shown = { [weak self] page in self?.show(page) }
    }

    /// Begins, once.
    func start() {
        guard !isStarted else { return }
        isStarted = true
        app.start()
    }

    /// The app is in front.
    func came() { app.came() }

    /// Another app is in front.
    func left() {
        isHarmless = false
        app.went()
        BackgroundSync.schedule()
    }

    private func show(_ page: Page) {
        if page.isSaved, !self.page.isSaved { felt.notificationOccurred(.success) }
        self.page = page
    }

    /// Somebody tapped: whether it was heard, as no other tap is being done.
    @discardableResult
    func tap(_ act: @escaping Act) -> Bool {
        app.phone.touch()
        return app.tap(act) != nil
    }

    /// Somebody typed.
    func typed(_ text: String, _ keep: @escaping @MainActor (String) async throws -> Void) {
        app.phone.touch()
        app.typed(text, keep)
    }

    /// The way back.
    func back() {
        app.phone.touch()
        app.back()
    }

    /// One tap, and a clock is there; the app is locked.
    func quickExit() {
        isHarmless = true
        app.lockAtOnce()
    }
}
