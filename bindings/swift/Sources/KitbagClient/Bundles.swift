internal import KitbagGenerated

/// What a bundle holds: what waits for the hub, or everything.
public enum BundleOf: Hashable, Sendable {
    case waiting, everything

    var lowered: KitbagGenerated.BundleOf {
        switch self {
        case .waiting: .waiting
        case .everything: .everything
        }
    }
}

/// A bundle that was written.
public struct BundleWritten: Hashable, Sendable {
    public let entries: UInt64
    /// Under which key of the team it is sealed: a device that was revoked since that key was made may still have it.
    public let teamKey: UInt64?
}

/// What a bundle brought.
public struct BundleTaken: Hashable, Sendable {
    public let entries: UInt64
    public let newEntries: UInt64
    public let turnedAway: UInt64
    /// Why the last was turned away, in English.
    public let whyTurnedAway: String?
}

/// Bundles: what a colleague's phone or a memory card carries, encrypted for a team.
public struct Bundles: Sendable {
    let ffi: KitbagGenerated.Kitbag

    /// Writes a bundle for a team's members into a file, which is there whole or as it was before.
    public func export(_ team: TeamId, _ of: BundleOf, to path: String) async throws -> BundleWritten {
        try await crossing {
            let written = try await ffi.exportBundle(team: team.text, of: of.lowered, path: path)
            return BundleWritten(entries: written.entries, teamKey: written.teamKey)
        }
    }

    /// Takes a bundle in, from a file. What was taken before an error stays, and is no loss.
    public func `import`(from path: String) async throws -> BundleTaken {
        try await crossing {
            let taken = try await ffi.importBundle(path: path)
            return BundleTaken(
                entries: taken.entries, newEntries: taken.newEntries, turnedAway: taken.turnedAway,
                whyTurnedAway: taken.reason)
        }
    }
}
