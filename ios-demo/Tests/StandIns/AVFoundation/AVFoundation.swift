// What the app uses of AVFoundation: compiled on Linux, never run.
import Foundation
import UIKit

public struct AVMediaType: Hashable, Sendable { public static let video = AVMediaType() }

public final class AVCaptureDevice: NSObject {
    public class func `default`(for type: AVMediaType) -> AVCaptureDevice? { nil }
    public class func requestAccess(for type: AVMediaType) async -> Bool { false }
}

open class AVCaptureInput: NSObject {}

open class AVCaptureOutput: NSObject {}

public final class AVCaptureDeviceInput: AVCaptureInput {
    public init(device: AVCaptureDevice) throws {}
}

public final class AVCaptureConnection: NSObject {}

open class AVMetadataObject: NSObject {
    public struct ObjectType: Hashable, Sendable { public static let qr = ObjectType() }
}

public final class AVMetadataMachineReadableCodeObject: AVMetadataObject {
    public var stringValue: String? { nil }
}

public protocol AVCaptureMetadataOutputObjectsDelegate: NSObjectProtocol {
    func metadataOutput(
        _ output: AVCaptureMetadataOutput, didOutput objects: [AVMetadataObject], from connection: AVCaptureConnection)
}

public final class AVCaptureMetadataOutput: AVCaptureOutput {
    public var metadataObjectTypes: [AVMetadataObject.ObjectType]! = []
    public func setMetadataObjectsDelegate(_ delegate: (any AVCaptureMetadataOutputObjectsDelegate)?, queue: DispatchQueue?) {}
}

public final class AVCaptureSession: NSObject {
    public func canAddInput(_ input: AVCaptureInput) -> Bool { false }
    public func canAddOutput(_ output: AVCaptureOutput) -> Bool { false }
    public func addInput(_ input: AVCaptureInput) {}
    public func addOutput(_ output: AVCaptureOutput) {}
    public func startRunning() {}
    public func stopRunning() {}
}

public struct AVLayerVideoGravity: Hashable, Sendable { public static let resizeAspectFill = AVLayerVideoGravity() }

@MainActor public final class AVCaptureVideoPreviewLayer: CALayer {
    public var videoGravity = AVLayerVideoGravity.resizeAspectFill
    public init(session: AVCaptureSession) {}
}
