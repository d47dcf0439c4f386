import CoreImage
import SwiftUI

/// A picture for another phone's camera, dark on light whatever the theme is: cameras want it so.
struct CodeView: View {
    let text: String
    let about: String

    var body: some View {
        VStack(alignment: .leading, spacing: 12) {
            Text(about)
            if let picture = Self.picture(text) {
                Image(uiImage: picture).interpolation(.none).resizable().scaledToFit().frame(maxWidth: 300)
                    .padding(16)
                    .background(Color.white)
                    .accessibilityLabel(about)
            }
            Text(text).font(.caption).foregroundColor(.secondary).textSelection(.enabled)
        }
    }

    /// Nil where the text is more than the largest code holds.
    private static func picture(_ text: String) -> UIImage? {
        guard let filter = CIFilter(name: "CIQRCodeGenerator") else { return nil }
        filter.setValue(Data(text.utf8), forKey: "inputMessage")
        guard let drawn = filter.outputImage, let picture = CIContext().createCGImage(drawn, from: drawn.extent) else {
            return nil
        }
        return UIImage(cgImage: picture)
    }
}
