// swift-tools-version:6.0
import PackageDescription

// A release names the binary here; without one the library that `cargo xtask swift` built is linked.
let binary: (url: String, checksum: String)? = nil
let native = Context.environment["KITBAG_NATIVE"] ?? Context.packageDirectory + "/../../target/debug"

let library: Target =
    if let binary {
        .binaryTarget(name: "KitbagFFI", url: binary.url, checksum: binary.checksum)
    } else {
        .systemLibrary(name: "KitbagFFI", path: "target/generated/KitbagFFI")
    }
let linked: [LinkerSetting] =
    binary == nil
    ? [.unsafeFlags(["-L\(native)", "-lkitbag_bindings", "-Xlinker", "-rpath", "-Xlinker", native])]
    : []

let package = Package(
    name: "Kitbag",
    defaultLocalization: "en",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "KitbagClient", targets: ["KitbagClient"])],
    targets: [
        library,
        // Made by uniffi, hidden behind `KitbagClient`. That is no name of a type, so that an app can say
        // `KitbagClient.Form` where SwiftUI has one, too.
        .target(
            name: "KitbagGenerated", dependencies: ["KitbagFFI"], path: "target/generated/KitbagGenerated",
            resources: [.process("Words")]
        ),
        .target(
            name: "KitbagClient",
            dependencies: ["KitbagGenerated"],
            resources: [.copy("Resources/PrivacyInfo.xcprivacy")],
            linkerSettings: linked
        ),
        // A phone as a program of its own: `bindings/meeting.sh`.
        .executableTarget(name: "meeting", dependencies: ["KitbagClient"], path: "Tests/Meeting"),
        // What the boundary costs: `cargo xtask bench`.
        .executableTarget(name: "bench", dependencies: ["KitbagClient", "KitbagGenerated"], path: "Tests/Bench"),
        .testTarget(name: "KitbagTests", dependencies: ["KitbagClient", "KitbagGenerated"]),
    ],
    swiftLanguageModes: [.v6]
)
