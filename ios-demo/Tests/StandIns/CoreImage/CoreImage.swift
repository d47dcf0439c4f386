// What the app uses of Core Image: compiled on Linux, never run.
import Foundation
import UIKit

public final class CIImage {
    public var extent: CGRect { .zero }
}

public final class CIFilter: NSObject {
    public init?(name: String) { nil }
    public var outputImage: CIImage? { nil }
    public func setValue(_ value: Any?, forKey key: String) {}
}

public final class CIContext {
    public init() {}
    public func createCGImage(_ image: CIImage, from: CGRect) -> CGImage? { nil }
}
