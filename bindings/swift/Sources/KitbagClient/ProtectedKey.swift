import Foundation
internal import KitbagGenerated

/// A store's key in a file that the platform's keystore and, where a person chose one, a PIN open together: what a
/// `KeyProvider` gives while the app is unlocked. Wrong PINs wait ever longer, up to an hour; nothing is ever wiped. Keep
/// one for as long as the app runs.
public final class ProtectedKey: Sendable {
    private let ffi: KitbagGenerated.ProtectedKey

    /// The key in this file, which may not be there yet.
    public init(path: String) { ffi = .at(path: path) }

    /// Whether it was made.
    public var isMade: Bool { ffi.isMade() }

    /// Whether a PIN opens it.
    public func needsPin() throws -> Bool { try atOnce { try ffi.needsPin() } }

    /// How many seconds a PIN has to wait; zero where it need not.
    public var wait: TimeInterval { TimeInterval(ffi.waitMs()) / 1_000 }

    /// Whether it is under this secret: after an interrupted ``change(secret:pin:newSecret:newPin:)`` it may be under the
    /// one before.
    public func isUnder(_ secret: Data) throws -> Bool { try atOnce { try ffi.isUnder(secret: secret) } }

    /// Makes a new key under 32 bytes that the keystore keeps, without a PIN.
    public func make(secret: Data) async throws -> Data { try await crossing { try await ffi.make(secret: secret) } }

    /// The key. It fails with `pin_wrong`, with `pin_wait` while ``wait`` is not over, with `key_not_had` for another secret.
    public func open(secret: Data, pin: String? = nil) async throws -> Data {
        try await crossing { try await ffi.open(secret: secret, pin: pin) }
    }

    /// Wraps the key anew: another PIN, one where there was none, none where there was one; and another secret, so that the
    /// keystore can forget the one that opened what the file held before. Whole, or not at all.
    public func change(secret: Data, pin: String?, newSecret: Data, newPin: String?) async throws {
        try await crossing {
            try await ffi.change(secret: secret, pin: pin, newSecret: newSecret, newPin: newPin)
        }
    }
}
