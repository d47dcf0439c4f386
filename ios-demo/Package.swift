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

#if os(Linux)
    // What only Apple's systems have, as far as the views use it: they are compiled against it, and never run.
    let standIns = [
        "AVFoundation", "BackgroundTasks", "CoreImage", "Security", "SwiftUI", "UIKit", "UniformTypeIdentifiers",
    ]
    let needed = ["AVFoundation": ["UIKit"], "CoreImage": ["UIKit"], "SwiftUI": ["UIKit"], "UniformTypeIdentifiers": ["UIKit"]]
    package.targets += standIns.map { name in
        .target(name: name, dependencies: (needed[name] ?? []).map { .target(name: $0) }, path: "Tests/StandIns/\(name)")
    }
    package.targets.append(
        .executableTarget(
            name: "KitbagDemo", dependencies: ["KitbagScreens"] + standIns.map { .target(name: $0) }, path: "App"))
#endif
