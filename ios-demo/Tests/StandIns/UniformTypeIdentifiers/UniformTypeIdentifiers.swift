// What the app uses of UniformTypeIdentifiers, and of what needs it: compiled on Linux, never run.
import Foundation
import UIKit

public struct UTType: Hashable, Sendable {
    public static let data = UTType()
}

@MainActor public protocol UIDocumentPickerDelegate: AnyObject {
    func documentPicker(_ controller: UIDocumentPickerViewController, didPickDocumentsAt urls: [URL])
    func documentPickerWasCancelled(_ controller: UIDocumentPickerViewController)
}

@MainActor public final class UIDocumentPickerViewController: UIViewController {
    public weak var delegate: (any UIDocumentPickerDelegate)?
    public init(forOpeningContentTypes: [UTType], asCopy: Bool) { super.init(nibName: nil, bundle: nil) }
    public required init?(coder: NSCoder) { nil }
}
