// swift-tools-version:6.0
import PackageDescription

// All of the app but its views: what is seen, what is done, and in which words. It builds and is tested on Linux, too.
let package = Package(
    name: "KitbagDemo",
    defaultLocalization: "en",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [.library(name: "KitbagScreens", targets: ["KitbagScreens"])],
    dependencies: [.package(name: "Kitbag", path: "../bindings/swift")],
    targets: [
        .target(name: "KitbagScreens", dependencies: [.product(name: "KitbagClient", package: "Kitbag")]),
        .testTarget(name: "KitbagScreensTests", dependencies: ["KitbagScreens"]),
    ],
    swiftLanguageModes: [.v6]
)
