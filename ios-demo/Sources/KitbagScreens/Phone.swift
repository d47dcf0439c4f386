import Foundation
import KitbagClient

/// The keychain has forgotten what opened a profile's key: a restored phone does that.
public struct SecretGone: Error {
    public init() {}
}

/// The camera cannot be used.
public struct NoCamera: Error {
    public init() {}
}

/// A store that is in no team: what was begun was never approved, or the team was left.
struct NoTeam: Error {}

/// What the platform gives the app.
@MainActor
public protocol Platform: AnyObject {
    /// A folder of the app's own, in no backup.
    var folder: URL { get }
    /// Where local time is.
    var zone: TimeZone { get }
    /// 32 bytes that the keychain keeps under a name, made on first use; ``SecretGone`` where it has lost them.
    func secret(_ name: String) throws -> Data
    /// Now.
    func now() -> Date
    /// How long the phone has been on, asleep or awake, in seconds: a clock that somebody sets changes nothing of it.
    func uptime() -> TimeInterval
    /// Hands a file to a colleague's phone, by whichever way the person chooses; false where none was chosen.
    func send(_ file: URL) async throws -> Bool
    /// A file that the person chose, copied to where the app may read it; nil where none was chosen.
    func receive() async throws -> URL?
    /// The text of a code that the camera saw; nil where it saw none, ``NoCamera`` where there is none or it may not be used.
    func scan() async throws -> String?
    /// Whether the hub of an invitation may be on this machine without TLS: in development alone.
    var isInDevelopment: Bool { get }
}

/// A key that was opened, for as long as the profile is.
struct HeldKey: KeyProvider {
    let key: Data
    func storeKey() throws -> Data { key }
}

/// Who uses the phone: each has a store, a key and a PIN of their own, in a folder of their own.
@MainActor
public final class Profile {
    private let folder: URL
    private let platform: any Platform
    /// The key in its file, for as long as the app runs.
    public let key: ProtectedKey

    init(_ folder: URL, _ platform: any Platform) {
        (self.folder, self.platform) = (folder, platform)
        key = ProtectedKey(path: folder.appendingPathComponent("key").path)
    }

    /// What the person is called on this phone; nothing else is known of them while it is locked.
    public var label: String { (try? String(contentsOf: file("label"), encoding: .utf8)) ?? "" }

    func setLabel(_ label: String) throws { try Data(label.utf8).write(to: file("label"), options: .atomic) }

    /// Whether a programme was joined.
    public var hasStore: Bool { FileManager.default.fileExists(atPath: file("store.db").path) }

    /// Whether a PIN opens it.
    public var needsPin: Bool { key.isMade && (try? key.needsPin()) == true }

    /// When a sync in the background ended last.
    public var ranAt: Date? {
        get {
            let text = try? String(contentsOf: file("ran"), encoding: .utf8)
            return text.flatMap(Double.init).map(Date.init(timeIntervalSince1970:))
        }
        set { try? Data("\(newValue?.timeIntervalSince1970 ?? 0)".utf8).write(to: file("ran"), options: .atomic) }
    }

    /// A file to write a bundle into.
    func bundle() -> URL { file("kitbag.bundle") }

    private func file(_ name: String) -> URL { folder.appendingPathComponent(name) }

    private func secret() throws -> Data { try platform.secret(folder.lastPathComponent) }

    /// The store with its key, made on first use.
    func opened(_ pin: String?) async throws -> Opening {
        let secret = try secret()
        let bytes = key.isMade ? try await key.open(secret: secret, pin: pin) : try await key.make(secret: secret)
        var opening = Opening(path: file("store.db").path, key: HeldKey(key: bytes))
        opening.insecureLoopback = platform.isInDevelopment
        return opening
    }

    /// Another PIN, one where there was none, none where there was one.
    func changePin(_ pin: String?, _ newPin: String?) async throws {
        try await key.change(secret: try secret(), pin: pin, newSecret: try secret(), newPin: newPin)
    }

    /// Syncs until a deadline, and lets go: what the platform's job does. Nothing where a PIN keeps the key.
    func syncInBackground(deadline: TimeInterval) async throws {
        guard hasStore, !needsPin else { return }
        defer { ranAt = platform.now() }
        _ = try await Sync.inBackground(try await opened(nil), deadline: deadline)
    }
}

/// The profile that is unlocked, with its store and its team.
@MainActor
public final class OnShift {
    public let profile: Profile
    public let kitbag: Kitbag
    let opening: Opening
    let own: OwnTeam
    public let device: DeviceKey

    init(_ profile: Profile, _ kitbag: Kitbag, _ opening: Opening, _ own: OwnTeam, _ device: DeviceKey) {
        (self.profile, self.kitbag, self.opening, self.own, self.device) = (profile, kitbag, opening, own, device)
    }

    /// Its team.
    var team: TeamId { own.team }
    /// Whether nobody relies on what is here.
    var isWorker: Bool { own.role == .worker }
    /// Whether it sees every site.
    var isCoordinator: Bool { own.role == .coordinator }
}

/// The phone: who uses it, and who is on shift now.
@MainActor
public final class Phone {
    public let platform: any Platform
    /// Who is on shift; nobody while the phone is locked.
    public private(set) var onShift: OnShift?
    private var known: [String: Profile] = [:]
    private var kept: KeptSynced?
    private var locks = 0
    private var background: Task<Void, any Error>?
    private var touchedAt: TimeInterval
    /// Long enough to speak with somebody, short enough for a phone left on a table; in seconds.
    static let idle: TimeInterval = 5 * 60
    /// How often a store that a sync lets go of is asked for, and how far apart, in nanoseconds.
    private static let letsGo = (tries: 100, each: UInt64(50_000_000))

    public init(_ platform: any Platform) {
        self.platform = platform
        touchedAt = platform.uptime()
    }

    private var folder: URL { platform.folder.appendingPathComponent("profiles") }

    private var names: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { Int($0) != nil }.sorted { Int($0)! < Int($1)! }
    }

    /// All profiles, in the order in which they were made.
    public func profiles() -> [Profile] { names.map(profile) }

    private func profile(_ name: String) -> Profile {
        if let held = known[name] { return held }
        let new = Profile(folder.appendingPathComponent(name), platform)
        known[name] = new
        return new
    }

    /// A new profile.
    func add(_ label: String) throws -> Profile {
        let name = String((names.compactMap(Int.init).max() ?? 0) + 1)
        let place = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let new = profile(name)
        try new.setLabel(label)
        return new
    }

    /// Unlocks a profile: opens its store, and keeps it synced.
    func unlock(_ profile: Profile, _ pin: String?) async throws {
        let asked = locks
        let opening = try await profile.opened(pin)
        try await lock()
        try await enter(profile, opening, try await lettingGo { try await Kitbag.open(opening) }, asked: asked + 1)
    }

    /// What a sync in the background holds is wanted now: it ends, and lets go a moment later.
    private func lettingGo<Opened: Sendable>(_ open: @MainActor () async throws -> Opened) async throws -> Opened {
        guard let running = background else { return try await open() }
        running.cancel()
        _ = await running.result
        for _ in 0..<Self.letsGo.tries {
            do {
                return try await open()
            } catch let failed as KitbagError {
                guard case .inUse = failed.kind else { throw failed }
                try await Task.sleep(nanoseconds: Self.letsGo.each)
            }
        }
        return try await open()
    }

    /// Makes a new store in the place of a damaged one, for the same device; returns how many entries were salvaged.
    func recover(_ profile: Profile, _ pin: String?) async throws -> UInt64 {
        try await lock()
        let asked = locks
        let opening = try await profile.opened(pin)
        let recovered = try await lettingGo { try await Kitbag.recover(opening) }
        try await enter(profile, opening, recovered.kitbag, asked: asked)
        return recovered.salvaged
    }

    /// Asks to join a programme by an invitation.
    func join(_ profile: Profile, _ invitation: String, _ pin: String?) async throws -> (Joining, Opening) {
        let opening = try await profile.opened(pin)
        return (try await Joining.ask(opening, invitation: invitation), opening)
    }

    /// Takes in the store of a device that joined, or was opened.
    func enter(_ profile: Profile, _ opening: Opening, _ kitbag: Kitbag, asked: Int? = nil) async throws {
        if let asked, locks != asked {
            // Somebody locked it meanwhile, as by the quick exit: that wins.
            try await kitbag.closeAndWait()
            throw Locked()
        }
        try await lock()
        let mine = locks
        do {
            guard let own = try await kitbag.team.own().first else { throw NoTeam() }
            try await dropSent(kitbag)
            let device = try await kitbag.programme.own().device
            if locks != mine { throw Locked() }
            take(OnShift(profile, kitbag, opening, own, device))
            kept = try kitbag.sync.keep()
        } catch {
            // Else nobody could open it again.
            if onShift?.kitbag === kitbag { onShift = nil }
            try? await kitbag.closeAndWait()
            throw error
        }
    }

    /// What the hub has since goes now; a disk that is full hinders nobody from sending the rest: the next sync does it.
    private func dropSent(_ kitbag: Kitbag) async throws {
        do {
            if try await kitbag.records.isCaptureOnly() { _ = try await kitbag.records.captureOnly() }
        } catch let failed as KitbagError where failed.kind == .storageFull {}
    }

    /// From now on this one is on shift.
    func take(_ shift: OnShift) {
        onShift = shift
        touch()
    }

    /// Locks: the key is forgotten, the store closed.
    func lock() async throws {
        locks += 1
        let (was, keeps) = (onShift, kept)
        (onShift, kept) = (nil, nil)
        keeps?.end()
        try await was?.kitbag.closeAndWait()
    }

    /// Syncs no more by itself: what waits then waits for somebody to ask.
    func keepNoMore() {
        kept?.end()
        kept = nil
    }

    /// Syncs a profile until a deadline, while nobody looks: its open store, or else by itself.
    public func syncInBackground(_ profile: Profile, deadline: TimeInterval) async throws {
        guard let open = onShift, open.profile === profile else {
            let run = Task { try await profile.syncInBackground(deadline: deadline) }
            background = run
            defer { background = nil }
            // Whoever opened the profile meanwhile syncs it, too.
            return try await withTaskCancellationHandler {
                do { try await run.value } catch is CancellationError { try Task.checkCancellation() }
            } onCancel: {
                run.cancel()
            }
        }
        defer { profile.ranAt = platform.now() }
        _ = try await open.kitbag.sync.now(deadline: deadline)
    }

    /// The network is back, or somebody looks at the screen.
    public func syncNow() { kept?.now() }

    /// Somebody uses it.
    public func touch() { touchedAt = platform.uptime() }

    /// Whether it is to be locked: it has a PIN, and nobody used it for so many seconds.
    func isIdle(after: TimeInterval) -> Bool {
        onShift?.profile.needsPin == true && platform.uptime() - touchedAt >= after
    }

    private var calendar: Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = platform.zone
        return calendar
    }

    /// Today, where the phone is.
    func today() -> CivilDate { CivilDate(platform.now(), in: calendar) }

    /// The hour and the minute, where the phone is.
    func clock() -> (hour: Int, minute: Int) {
        let parts = calendar.dateComponents([.hour, .minute], from: platform.now())
        return (parts.hour ?? 0, parts.minute ?? 0)
    }

    /// How far local time is ahead of UTC, in minutes.
    func offsetMinutes() -> Int { platform.zone.secondsFromGMT(for: platform.now()) / 60 }
}
