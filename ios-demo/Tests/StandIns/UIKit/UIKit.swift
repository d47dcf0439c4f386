// What the app uses of UIKit, by its names and types: compiled on Linux, never run.
import Foundation

@MainActor open class UIResponder: NSObject {}

@MainActor open class UIScene: UIResponder {}

@MainActor public final class UIWindow: UIResponder {
    public var isKeyWindow: Bool { false }
    public var rootViewController: UIViewController?
}

@MainActor public final class UIWindowScene: UIScene {
    public var windows: [UIWindow] { [] }
}

@MainActor public final class UIApplication: UIResponder {
    public static let shared = UIApplication()
    public var connectedScenes: Set<UIScene> { [] }
}

@MainActor open class CALayer: NSObject {
    public var bounds: CGRect = .zero
    public var frame: CGRect = .zero
    public func addSublayer(_ layer: CALayer) {}
}

@MainActor open class UIView: UIResponder {
    public let layer = CALayer()
}

@MainActor open class UIViewController: UIResponder {
    public let view: UIView! = UIView()
    public var presentedViewController: UIViewController? { nil }
    public init(nibName: String?, bundle: Bundle?) {}
    public convenience override init() { self.init(nibName: nil, bundle: nil) }
    public required init?(coder: NSCoder) { nil }
    open func viewDidLoad() {}
    open func viewDidDisappear(_ animated: Bool) {}
    open func present(_ shown: UIViewController, animated: Bool, completion: (() -> Void)? = nil) {}
    open func dismiss(animated: Bool, completion: (() -> Void)? = nil) {}
}

@MainActor public final class UIActivity: NSObject {
    public struct ActivityType: Hashable, Sendable {}
}

@MainActor public final class UIActivityViewController: UIViewController {
    public typealias CompletionWithItemsHandler = (UIActivity.ActivityType?, Bool, [Any]?, (any Error)?) -> Void
    public var completionWithItemsHandler: CompletionWithItemsHandler?
    public init(activityItems: [Any], applicationActivities: [UIActivity]?) { super.init(nibName: nil, bundle: nil) }
    public required init?(coder: NSCoder) { nil }
}

public enum UIKeyboardType: Int, Sendable { case `default`, numbersAndPunctuation, numberPad }

public struct UITextContentType: Hashable, Sendable {
    public static let oneTimeCode = UITextContentType()
}

@MainActor public final class UIImpactFeedbackGenerator {
    public enum FeedbackStyle: Int, Sendable { case light, medium, heavy }
    public init(style: FeedbackStyle) {}
    public func impactOccurred() {}
}

@MainActor public final class UINotificationFeedbackGenerator {
    public enum FeedbackType: Int, Sendable { case success, warning, error }
    public init() {}
    public func notificationOccurred(_ type: FeedbackType) {}
}

public final class CGImage {}

public final class UIImage: Sendable {
    public init(cgImage: CGImage) {}
}
