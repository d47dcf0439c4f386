// swift-tools-version:6.0
// An app's package: it resolves Kitbag from a folder, and runs the README's program. `cargo xtask consumer`.
import PackageDescription

let package = Package(
    name: "consumer",
    platforms: [.macOS(.v12)],
    dependencies: [.package(name: "Kitbag", path: "../..")],
    targets: [
        .executableTarget(name: "consumer", dependencies: [.product(name: "KitbagClient", package: "Kitbag")], path: "src"),
        // The README's recipes, beside stand-ins of Apple's: compiled, never run.
        .target(name: "recipes", dependencies: [.product(name: "KitbagClient", package: "Kitbag")], path: "recipes"),
    ],
    swiftLanguageModes: [.v6]
)
