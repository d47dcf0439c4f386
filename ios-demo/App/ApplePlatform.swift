import AVFoundation
import Foundation
import KitbagScreens
import UIKit
import UniformTypeIdentifiers

/// What Apple's systems give: the keychain, the camera, files that a person chooses.
final class ApplePlatform: Platform {
    let folder: URL
    /// As the phone has it now: it travels.
    let zone = TimeZone.autoupdatingCurrent
    private let beginning = ContinuousClock.now
    /// Holds whoever answers a question, until it is answered.
    private var answering: AnyObject?

    init() {
        let support = FileManager.default.urls(for: .applicationSupportDirectory, in: .userDomainMask)[0]
        var folder = support.appendingPathComponent("kitbag")
        // A job in the background opens it while the phone is locked, once it was unlocked after its start.
        let protection: [FileAttributeKey: Any] = [.protectionKey: FileProtectionType.completeUntilFirstUserAuthentication]
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: protection)
        // In no backup.
        var kept = URLResourceValues()
        kept.isExcludedFromBackup = true
        try? folder.setResourceValues(kept)
        self.folder = folder
    }

    func secret(_ name: String) throws -> Data { try Keychain.secret(name) }

    func now() -> Date { Date() }

    /// That clock goes on while the phone is asleep.
    func uptime() -> TimeInterval {
        let passed = beginning.duration(to: .now).components
        return TimeInterval(passed.seconds) + TimeInterval(passed.attoseconds) / 1e18
    }

    var isInDevelopment: Bool {
        #if DEBUG
            true
        #else
            false
        #endif
    }

    func send(_ file: URL) async throws -> Bool {
        let named = FileManager.default.temporaryDirectory.appendingPathComponent("carried.kitbag")
        try? FileManager.default.removeItem(at: named)
        try FileManager.default.copyItem(at: file, to: named)
        defer { try? FileManager.default.removeItem(at: named) }
        return await asking(false) { answer in
            // By AirDrop to a colleague's phone, or into a file.
            let sheet = UIActivityViewController(activityItems: [named], applicationActivities: nil)
            sheet.completionWithItemsHandler = { _, isDone, _, _ in answer.give(isDone) }
            return sheet
        }
    }

    func receive() async throws -> URL? {
        defer { answering = nil }
        return await asking(nil) { answer in
            let chooser = Chooser(answer)
            answering = chooser
            let picker = UIDocumentPickerViewController(forOpeningContentTypes: [.data], asCopy: true)
            picker.delegate = chooser
            return picker
        }
    }

    func scan() async throws -> String? {
        // Asked before anything is shown: what cannot look is no empty screen.
        guard AVCaptureDevice.default(for: .video) != nil, await AVCaptureDevice.requestAccess(for: .video) else {
            throw NoCamera()
        }
        return await asking(nil) { ScanController($0) }
    }

    /// Shows a screen above the app's, and waits for its one answer. Where nobody waits any more, as the app was locked, it
    /// goes.
    private func asking<Given: Sendable>(
        _ none: Given, _ shown: (Answer<Given>) -> UIViewController
    ) async -> Given {
        let answer = Answer<Given>()
        let screen = shown(answer)
        let windows = UIApplication.shared.connectedScenes.compactMap { $0 as? UIWindowScene }.flatMap(\.windows)
        let root = windows.first(where: \.isKeyWindow)?.rootViewController
        guard let root, root.presentedViewController == nil, !Task.isCancelled else { return none }
        root.present(screen, animated: true)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { answer.waits($0) }
        } onCancel: {
            Task { @MainActor in
                answer.give(none)
                root.dismiss(animated: false)
            }
        }
    }
}

/// What somebody is asked for: the first answer is it.
@MainActor
final class Answer<Given: Sendable> {
    private var waiting: CheckedContinuation<Given, Never>?
    private var given: Given?

    func give(_ answer: Given) {
        guard given == nil else { return }
        given = answer
        waiting?.resume(returning: answer)
        waiting = nil
    }

    func waits(_ waits: CheckedContinuation<Given, Never>) {
        if let given { waits.resume(returning: given) } else { waiting = waits }
    }
}

/// Gives the file that was chosen.
private final class Chooser: NSObject, UIDocumentPickerDelegate {
    private let answer: Answer<URL?>

    init(_ answer: Answer<URL?>) { self.answer = answer }

    func documentPicker(_ controller: UIDocumentPickerViewController, didPickDocumentsAt urls: [URL]) { answer.give(urls.first) }

    func documentPickerWasCancelled(_ controller: UIDocumentPickerViewController) { answer.give(nil) }
}
