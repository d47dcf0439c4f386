import AVFoundation
import Foundation
import UIKit

/// Looks for a code with the camera, which was lent before.
final class ScanController: UIViewController, AVCaptureMetadataOutputObjectsDelegate {
    private struct Camera: @unchecked Sendable { let session = AVCaptureSession() }

    private let camera = Camera()
    private let answer: Answer<String?>

    init(_ answer: Answer<String?>) {
        self.answer = answer
        super.init(nibName: nil, bundle: nil)
    }

    required init?(coder: NSCoder) { nil }

    override func viewDidLoad() {
        super.viewDidLoad()
        let output = AVCaptureMetadataOutput()
        guard let device = AVCaptureDevice.default(for: .video), let input = try? AVCaptureDeviceInput(device: device),
            camera.session.canAddInput(input), camera.session.canAddOutput(output)
        else { return answer.give(nil) }
        camera.session.addInput(input)
        camera.session.addOutput(output)
        output.setMetadataObjectsDelegate(self, queue: .main)
        output.metadataObjectTypes = [.qr]
        let preview = AVCaptureVideoPreviewLayer(session: camera.session)
        preview.frame = view.layer.bounds
        preview.videoGravity = .resizeAspectFill
        view.layer.addSublayer(preview)
        let camera = camera
        // It takes its time: the screen does not wait for it.
        Task.detached { camera.session.startRunning() }
    }

    override func viewDidDisappear(_ animated: Bool) {
        super.viewDidDisappear(animated)
        camera.session.stopRunning()
        // It was swiped away.
        answer.give(nil)
    }

    nonisolated func metadataOutput(
        _ output: AVCaptureMetadataOutput, didOutput objects: [AVMetadataObject], from connection: AVCaptureConnection
    ) {
        guard let text = (objects.first as? AVMetadataMachineReadableCodeObject)?.stringValue else { return }
        MainActor.assumeIsolated { end(text) }
    }

    private func end(_ text: String?) {
        answer.give(text)
        dismiss(animated: true)
    }
}
