import Foundation
internal import KitbagGenerated

/// Where a store's key comes from: 32 random bytes that the keychain keeps for the app.
public protocol KeyProvider: Sendable {
    /// The key. Called on a thread of Kitbag's own whenever the store is opened; it may throw where it cannot be had.
    func storeKey() throws -> Data
}

/// How a store is opened.
public struct Opening: Sendable {
    /// The store's file.
    public var path: String
    /// Its key.
    public var key: any KeyProvider
    /// Whether an invitation may lead to a hub on this machine without TLS: in development alone.
    public var insecureLoopback = false
    /// Hears how far a store is brought up to date that an older version left: records done, and all. Called on a thread
    /// of Kitbag's own.
    public var renewal: (@Sendable (UInt64, UInt64) -> Void)?

    public init(path: String, key: any KeyProvider) {
        (self.path, self.key) = (path, key)
    }

    var lowered: OpenOptions {
        OpenOptions(
            path: path, key: GuardedKey(key), insecureLoopback: insecureLoopback,
            renewal: renewal.map(GuardedRenewal.init))
    }
}

/// What changed since it was asked last: what to look at again.
public struct Changed: Hashable, Sendable {
    /// The records, at most 500.
    public let records: [RecordId]
    /// Whether more changed than are named.
    public let isMany: Bool
    /// Their kinds.
    public let kinds: Set<Kind>
    /// Whether totals or stock may have changed.
    public let sums: Bool
    /// Whether what the hub is known to hold changed.
    public let delivery: Bool
    /// Whether a record that needs a person may be new, or settled.
    public let attention: Bool
    /// Whether what is said of the last sync, of teams or of the hub changed.
    public let state: Bool

    init(_ of: KitbagGenerated.Changed) {
        records = of.records.map(RecordId.init)
        kinds = Set(of.kinds.map(Kind.init))
        (isMany, sums, delivery, attention, state) = (of.isMany, of.sums, of.delivery, of.attention, of.state)
    }
}

/// What changes in a store while it is iterated. The first says that everything may be new, so that a screen has one way to
/// begin and to go on. Who is slow gets one summary of all that came meanwhile: none is lost,
/// nothing piles up, and nobody is held up. It ends when the store is closed, or the task is cancelled.
public struct Changes: AsyncSequence, Sendable {
    let kitbag: KitbagGenerated.Kitbag

    public func makeAsyncIterator() -> Iterator { Iterator(kitbag) }

    public final class Iterator: AsyncIteratorProtocol, @unchecked Sendable {
        private let changes: KitbagGenerated.Changes?

        init(_ kitbag: KitbagGenerated.Kitbag) { changes = try? kitbag.observe() }

        deinit { changes?.end() }

        public func next() async -> Changed? {
            guard let changes, !Task.isCancelled else { return nil }
            return await withTaskCancellationHandler {
                (try? await changes.next()).flatMap { $0 }.map(Changed.init)
            } onCancel: {
                changes.end()
            }
        }
    }
}

/// A damaged store that was moved aside, and the new one.
public struct Recovered: Sendable {
    /// The new store, of the same device.
    public let kitbag: Kitbag
    /// Where the damaged one is, where there was one.
    public let aside: String?
    /// How many entries of this device's own are in the new one; the hub brings the rest.
    public let salvaged: UInt64
}

/// One device's store, for as long as the app lives. It may be used from any thread and any task; no call blocks the thread
/// that calls it. When a call that saves returns, what it saved is durable.
public final class Kitbag: Sendable {
    let ffi: KitbagGenerated.Kitbag

    init(_ ffi: KitbagGenerated.Kitbag) { self.ffi = ffi }

    /// Records: saved, corrected, looked for.
    public var records: Records { Records(ffi: ffi) }
    /// Drafts: a reversal while it is going on.
    public var drafts: Drafts { Drafts(ffi: ffi) }
    /// Totals, each with what it lacks.
    public var totals: Totals { Totals(ffi: ffi) }
    /// Who holds what.
    public var stock: Stock { Stock(ffi: ffi) }
    /// Who belongs.
    public var team: Team { Team(ffi: ffi) }
    /// The root's work, and the programme's own codes.
    public var programme: Programme { Programme(ffi: ffi) }
    /// Syncing with the hub.
    public var sync: Sync { Sync(ffi: ffi) }
    /// What a colleague's phone or a memory card carries.
    public var bundles: Bundles { Bundles(ffi: ffi) }
    /// What receivers of reports want.
    public var reports: Reports { Reports(ffi: ffi) }
    /// What is wrong here that a person can do something about.
    public var health: Health { Health(ffi: ffi) }
    /// What changes while it is iterated.
    public var changes: Changes { Changes(kitbag: ffi) }

    /// Opens the store of a device that joined a programme. The first time, ``Joining/ask(_:invitation:)``.
    public static func open(_ opening: Opening) async throws -> Kitbag {
        try await crossing { Kitbag(try await .open(options: opening.lowered)) }
    }

    /// Opens a store to read it alone: what would change it fails.
    public static func openToRead(_ opening: Opening) async throws -> Kitbag {
        try await crossing { Kitbag(try await .openToRead(options: opening.lowered)) }
    }

    /// Founds a programme: makes the store of its root key, which is not there yet.
    public static func found(_ opening: Opening) async throws -> Kitbag {
        try await crossing { Kitbag(try await .found(options: opening.lowered)) }
    }

    /// Moves a damaged store aside and makes a new one for the same device.
    public static func recover(_ opening: Opening) async throws -> Recovered {
        try await crossing {
            let of = try await KitbagGenerated.recover(options: opening.lowered)
            return Recovered(kitbag: Kitbag(of.kitbag), aside: of.aside, salvaged: of.salvaged)
        }
    }

    /// Lets go of the store for as long as the app is not in front; returns once no lock and no file of it is held, so that
    /// iOS does not end the app for holding one. Calls between this and ``resume()`` fail with `suspended`, and a sync is
    /// cancelled.
    public func suspend() async throws { try await crossing { try await self.ffi.suspend() } }

    /// Opens the store again.
    public func resume() async throws { try await crossing { try await self.ffi.resume() } }

    /// Closes the store for good, and returns at once: from here on every call fails with `closed`. What was begun is done
    /// to its end; ``closeAndWait()`` waits for that. A store that nobody holds any more, by ``Kitbag`` or by a part of it,
    /// closes itself.
    public func close() { try? ffi.shut() }

    /// The same; returns once the store's file may be opened anew.
    public func closeAndWait() async throws { try await crossing { try await self.ffi.shutAndWait() } }

    /// From now on errors and findings speak this language; where there are no words in it, English.
    public static func setLanguage(_ tag: String) { KitbagGenerated.setLanguage(tag: tag) }
}

/// What an app's own code throws ends here.
private final class GuardedKey: KitbagGenerated.KeyProvider {
    private let key: any KeyProvider
    init(_ key: any KeyProvider) { self.key = key }

    func storeKey() throws -> Data {
        do { return try key.storeKey() } catch { throw KitbagGenerated.KeyError.NotHad }
    }
}

private final class GuardedRenewal: KitbagGenerated.Renewal {
    private let renewal: @Sendable (UInt64, UInt64) -> Void
    init(_ renewal: @escaping @Sendable (UInt64, UInt64) -> Void) { self.renewal = renewal }

    func done(records: UInt64, all: UInt64) { renewal(records, all) }
}
