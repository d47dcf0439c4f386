// What the app uses of SwiftUI's texts, pictures, shapes and modifiers: compiled on Linux, never run.

public struct Font: Hashable, Sendable {
    public enum Weight: Hashable, Sendable { case regular, bold }
    public enum Design: Hashable, Sendable { case `default`, monospaced }
    public static let largeTitle = Font()
    public static let title2 = Font()
    public static let title3 = Font()
    public static let headline = Font()
    public static let body = Font()
    public static let callout = Font()
    public static let caption = Font()
    public static func system(size: CGFloat, weight: Weight?, design: Design?) -> Font { Font() }
}

public struct Text: Primitive {
    public enum DateStyle: Sendable { case time, date }
    public init(_ text: some StringProtocol) {}
    public init(_ date: Date, style: DateStyle) {}
    public func font(_ font: Font?) -> Text { self }
    public func bold(_ isActive: Bool = true) -> Text { self }
    public func foregroundColor(_ colour: Color?) -> Text { self }
    public func underline(_ isActive: Bool = true, color: Color? = nil) -> Text { self }
    public func accessibilityLabel(_ label: some StringProtocol) -> Text { self }
}

public struct Image: Primitive {
    public enum Interpolation: Sendable { case none, high }
    public init(systemName: String) {}
    public init(uiImage: UIImage) {}
    public func interpolation(_ interpolation: Interpolation) -> Image { self }
    public func resizable() -> Image { self }
}

public protocol ShapeStyle: Sendable {}

extension Color: Primitive {}

public struct Color: ShapeStyle, Hashable {
    public static let primary = Color()
    public static let secondary = Color()
    public static let accentColor = Color()
    public static let clear = Color()
    public static let white = Color()
    public static let black = Color()
    public static let green = Color()
    public static let orange = Color()
    public static let red = Color()
    public func opacity(_ opacity: Double) -> Color { self }
}

public struct Path {
    public init() {}
    public mutating func move(to: CGPoint) {}
    public mutating func addLine(to: CGPoint) {}
}

public protocol Shape: View {
    nonisolated func path(in room: CGRect) -> Path
}

extension Shape {
    public var body: Never { fatalError() }
    public func fill<Style: ShapeStyle>(_ style: Style) -> some View { Modified<Self>() }
    public func stroke<Style: ShapeStyle>(_ style: Style, lineWidth: CGFloat = 1) -> some View { Modified<Self>() }
}

public struct Rectangle: Shape {
    public init() {}
    public nonisolated func path(in room: CGRect) -> Path { Path() }
}

public struct RoundedRectangle: Shape {
    public init(cornerRadius: CGFloat) {}
    public nonisolated func path(in room: CGRect) -> Path { Path() }
}

public struct AccessibilityTraits: SetAlgebra, Sendable {
    public typealias Element = AccessibilityTraits
    public static let isHeader = AccessibilityTraits()
    public static let isSelected = AccessibilityTraits()
    public init() {}
    public func contains(_ member: AccessibilityTraits) -> Bool { false }
    public func union(_ other: AccessibilityTraits) -> AccessibilityTraits { self }
    public func intersection(_ other: AccessibilityTraits) -> AccessibilityTraits { self }
    public func symmetricDifference(_ other: AccessibilityTraits) -> AccessibilityTraits { self }
    public mutating func insert(_ new: AccessibilityTraits) -> (inserted: Bool, memberAfterInsert: AccessibilityTraits) { (true, new) }
    public mutating func remove(_ member: AccessibilityTraits) -> AccessibilityTraits? { nil }
    public mutating func update(with new: AccessibilityTraits) -> AccessibilityTraits? { nil }
    public mutating func formUnion(_ other: AccessibilityTraits) {}
    public mutating func formIntersection(_ other: AccessibilityTraits) {}
    public mutating func formSymmetricDifference(_ other: AccessibilityTraits) {}
}

public struct AccessibilityChildBehavior: Hashable, Sendable {
    public static let ignore = AccessibilityChildBehavior()
    public static let combine = AccessibilityChildBehavior()
}

public protocol PrimitiveButtonStyle {}
public struct PlainButtonStyle: PrimitiveButtonStyle { public init() {} }
extension PrimitiveButtonStyle where Self == PlainButtonStyle {
    public static var plain: PlainButtonStyle { PlainButtonStyle() }
}

public protocol TextSelectability {}
public struct EnabledTextSelectability: TextSelectability {}
extension TextSelectability where Self == EnabledTextSelectability {
    public static var enabled: EnabledTextSelectability { EnabledTextSelectability() }
}

extension View {
    public func font(_ font: Font?) -> some View { Modified<Self>() }
    public func id<ID: Hashable>(_ id: ID) -> some View { Modified<Self>() }
    public func bold(_ isActive: Bool = true) -> some View { Modified<Self>() }
    public func underline(_ isActive: Bool = true, color: Color? = nil) -> some View { Modified<Self>() }
    public func foregroundColor(_ colour: Color?) -> some View { Modified<Self>() }
    public func multilineTextAlignment(_ alignment: TextAlignment) -> some View { Modified<Self>() }
    public func padding(_ edges: Edge.Set = .all, _ length: CGFloat? = nil) -> some View { Modified<Self>() }
    public func padding(_ length: CGFloat) -> some View { Modified<Self>() }
    public func frame(width: CGFloat? = nil, height: CGFloat? = nil, alignment: Alignment = .center) -> some View { Modified<Self>() }
    public func frame(
        minWidth: CGFloat? = nil, idealWidth: CGFloat? = nil, maxWidth: CGFloat? = nil, minHeight: CGFloat? = nil,
        idealHeight: CGFloat? = nil, maxHeight: CGFloat? = nil, alignment: Alignment = .center
    ) -> some View { Modified<Self>() }
    public func background<Ground: View>(_ ground: Ground, alignment: Alignment = .center) -> some View { Modified<Self>() }
    public func overlay<Over: View>(_ over: Over, alignment: Alignment = .center) -> some View { Modified<Self>() }
    public func clipped(antialiased: Bool = false) -> some View { Modified<Self>() }
    public func scaledToFit() -> some View { Modified<Self>() }
    public func ignoresSafeArea() -> some View { Modified<Self>() }
    public func flipsForRightToLeftLayoutDirection(_ enabled: Bool) -> some View { Modified<Self>() }
    public func privacySensitive(_ sensitive: Bool = true) -> some View { Modified<Self>() }
    public func buttonStyle<Style: PrimitiveButtonStyle>(_ style: Style) -> some View { Modified<Self>() }
    public func textSelection<S: TextSelectability>(_ selectability: S) -> some View { Modified<Self>() }
    public func keyboardType(_ type: UIKeyboardType) -> some View { Modified<Self>() }
    public func textContentType(_ type: UITextContentType?) -> some View { Modified<Self>() }
    public func autocorrectionDisabled(_ disable: Bool = true) -> some View { Modified<Self>() }
    public func environment<Value>(_ path: WritableKeyPath<EnvironmentValues, Value>, _ value: Value) -> some View { Modified<Self>() }
    public func onAppear(perform: (() -> Void)? = nil) -> some View { Modified<Self>() }
    public func onChange<Value: Equatable>(of: Value, perform: @escaping (Value) -> Void) -> some View { Modified<Self>() }
    public func accessibilityLabel(_ label: some StringProtocol) -> some View { Modified<Self>() }
    public func accessibilityHidden(_ hidden: Bool) -> some View { Modified<Self>() }
    public func accessibilityAddTraits(_ traits: AccessibilityTraits) -> some View { Modified<Self>() }
    public func accessibilityElement(children: AccessibilityChildBehavior) -> some View { Modified<Self>() }
}
