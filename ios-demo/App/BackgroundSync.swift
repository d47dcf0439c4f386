import BackgroundTasks
import Foundation
import KitbagClient
import KitbagScreens

/// The platform's way to sync while nobody looks: each profile whose key no PIN keeps. The screen of the sync says when it
/// last ran.
@MainActor
enum BackgroundSync {
    private static let name = "org.kitbag.demo.sync"
    /// Shorter than the system lets a refresh run, in seconds.
    private static let deadline: TimeInterval = 25
    /// At the soonest, in seconds; the system decides.
    private static let each: TimeInterval = 30 * 60

    /// It is used by one at a time.
    private struct Job: @unchecked Sendable { let task: BGTask }

    /// Says who does it; before the app's start is over.
    static func register() {
        BGTaskScheduler.shared.register(forTaskWithIdentifier: name, using: .main) { task in
            let job = Job(task: task)
            MainActor.assumeIsolated { run(job) }
        }
    }

    /// Asks for the next; whenever the app leaves the front.
    static func schedule() {
        let request = BGAppRefreshTaskRequest(identifier: name)
        request.earliestBeginDate = Date(timeIntervalSinceNow: each)
        try? BGTaskScheduler.shared.submit(request)
    }

    private static func run(_ job: Job) {
        schedule()
        let sync = Task {
            var isDone = true
            for profile in Seen.phone.profiles() {
                do { try await Seen.phone.syncInBackground(profile, deadline: deadline) } catch { isDone = false }
            }
            // What failed stands in the store, and the screen says it.
            job.task.setTaskCompleted(success: isDone)
        }
        job.task.expirationHandler = { sync.cancel() }
    }
}
