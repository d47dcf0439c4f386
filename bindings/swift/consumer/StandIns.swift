import Foundation
import KitbagClient

// What the README's recipes use of Apple's systems, and of an app.

class UIScene {}

@MainActor final class UIApplication {
    static let shared = UIApplication()
    func beginBackgroundTask() -> Int { 1 }
    func endBackgroundTask(_ task: Int) {}
}

class BGTask {
    var expirationHandler: (() -> Void)?
    func setTaskCompleted(success: Bool) {}
}

final class BGTaskScheduler: Sendable {
    static let shared = BGTaskScheduler()
    @discardableResult
    func register(
        forTaskWithIdentifier: String, using: DispatchQueue?, launchHandler: @escaping @Sendable (BGTask) -> Void
    ) -> Bool { true }
}

struct AppKey: KeyProvider {
    func storeKey() throws -> Data { Data() }
}

let opening = Opening(path: "store.db", key: AppKey())
@MainActor var kitbag: Kitbag!
