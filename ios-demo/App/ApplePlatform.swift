import Foundation
import KitbagScreens
import UIKit
import UniformTypeIdentifiers

/// What Apple's systems give: the keychain, the camera, files that a person chooses.
final class ApplePlatform: Platform {
    let folder: URL
    let zone = TimeZone.current
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
        return await withCheckedContinuation { answer in
            // By AirDrop to a colleague's phone, or into a file.
            let sheet = UIActivityViewController(activityItems: [named], applicationActivities: nil)
            sheet.completionWithItemsHandler = { _, isDone, _, _ in answer.resume(returning: isDone) }
            if !present(sheet) { answer.resume(returning: false) }
        }
    }

    func receive() async throws -> URL? {
        let chosen = await withCheckedContinuation { (answer: CheckedContinuation<URL?, Never>) in
            let chooser = Chooser { answer.resume(returning: $0) }
            answering = chooser
            let picker = UIDocumentPickerViewController(forOpeningContentTypes: [.data], asCopy: true)
            picker.delegate = chooser
            if !present(picker) { chooser.answer(nil) }
        }
        answering = nil
        return chosen
    }

    func scan() async -> String? {
        await withCheckedContinuation { answer in
            let scanner = ScanController { answer.resume(returning: $0) }
            if !present(scanner) { scanner.answer(nil) }
        }
    }

    /// Shows a screen above the app's; false where there is none.
    private func present(_ shown: UIViewController) -> Bool {
        let windows = UIApplication.shared.connectedScenes.compactMap { $0 as? UIWindowScene }.flatMap(\.windows)
        guard let root = windows.first(where: \.isKeyWindow)?.rootViewController, root.presentedViewController == nil else {
            return false
        }
        root.present(shown, animated: true)
        return true
    }
}

/// Gives the file that was chosen; answers once.
private final class Chooser: NSObject, UIDocumentPickerDelegate {
    private var waiting: ((URL?) -> Void)?

    init(_ answer: @escaping (URL?) -> Void) { waiting = answer }

    func answer(_ chosen: URL?) {
        waiting?(chosen)
        waiting = nil
    }

    func documentPicker(_ controller: UIDocumentPickerViewController, didPickDocumentsAt urls: [URL]) { answer(urls.first) }

    func documentPickerWasCancelled(_ controller: UIDocumentPickerViewController) { answer(nil) }
}
