import Foundation
internal import KitbagGenerated

/// What a device may do in a team.
public enum Role: Hashable, Sendable {
    /// Creates records and changes its own.
    case worker
    /// Does all in its team, and certifies devices for it.
    case coordinator
    /// Reads totals, writes nothing.
    case observer

    init(_ of: KitbagGenerated.Role) {
        self =
            switch of {
            case .worker: .worker
            case .coordinator: .coordinator
            case .observer: .observer
            }
    }

    var lowered: KitbagGenerated.Role {
        switch self {
        case .worker: .worker
        case .coordinator: .coordinator
        case .observer: .observer
        }
    }
}

/// A team that this device is in.
public struct OwnTeam: Hashable, Sendable {
    public let team: TeamId
    public let role: Role?
    /// The number of the newest key of it that is here; nil where notes cannot be sealed yet.
    public let keyNumber: UInt64?
}

/// A certificate of a team, with whose it is.
public struct Member: Hashable, Sendable {
    public let certificate: EntryId
    public let device: DeviceKey
    public let role: Role
    public let isRevoked: Bool
    /// What people call the device, where it has a label that this one can read.
    public let label: String?
    /// When it was certified, by the clock of whoever did.
    public let joined: Date
    /// The first certificate of the person whose device it is: its own, or the one that it continues.
    public let person: EntryId
    /// The day on which it synced last, by the hub's clock, as the hub said last; nil where it never did.
    public let lastSynced: CivilDate?

    init(_ of: KitbagGenerated.Member) {
        (certificate, device, role) = (EntryId(of.certificate), DeviceKey(of.device), Role(of.role))
        (label, joined, person) = (of.label, Date(millis: of.joined), EntryId(of.person))
        (isRevoked, lastSynced) = (of.isRevoked, of.lastSynced.flatMap { CivilDate($0) })
    }
}

/// How a revocation went.
public struct Revocation: Hashable, Sendable {
    /// Why the sync before it did not come to its end: what the hub has beyond is aside.
    public let before: KitbagError?
    /// Why the sync after it did not: nobody knows of it yet but this device.
    public let after: KitbagError?
}

/// What the hub keeps aside of a revoked device.
public struct KeptAside: Hashable, Sendable {
    public let records: [EntryId]
    public let certificates: [EntryId]
}

/// An erasure that was asked for and is not done.
public struct AskedErasure: Hashable, Sendable {
    public let team: TeamId
    public let record: RecordId
    public let by: [DeviceKey]
    public let isByCoordinator: Bool
    public let isHere: Bool

    init(_ of: Asked) {
        (team, record, by) = (TeamId(of.team), RecordId(of.record), of.by.map(DeviceKey.init))
        (isByCoordinator, isHere) = (of.isByCoordinator, of.isHere)
    }
}

/// An invitation that was made, to be shown for ten minutes.
public final class Invitation: Sendable {
    private let ffi: Inviting
    /// What the new device scans or is given.
    public let text: String

    init(_ ffi: Inviting) { (self.ffi, text) = (ffi, ffi.text()) }

    /// Waits until a device asks by it; then that one shows six digits, for ``Team/approve(digits:)``.
    public func asked() async throws { try await waiting { try await ffi.asked(cancel: $0) } }
}

/// A device that asked to join, and waits for whoever invited it.
public final class Joining: Sendable {
    private let ffi: KitbagGenerated.Joining
    /// The six digits to show, large: whoever invited compares them.
    public let code: String
    /// What it may do there.
    public let role: Role
    /// The team that it is about.
    public let team: TeamId

    init(_ ffi: KitbagGenerated.Joining) {
        (self.ffi, code) = (ffi, ffi.code())
        (role, team) = (Role(ffi.role()), TeamId(ffi.team()))
    }

    /// Opens the device's store, making it on first use, and asks to join by an invitation's text.
    public static func ask(_ opening: Opening, invitation: String) async throws -> Joining {
        try await waiting {
            Joining(try await .ask(options: opening.lowered, invitation: invitation, cancel: $0))
        }
    }

    /// Waits until it is approved, ten minutes at most, joins, and syncs. Called again after an error, it goes on waiting;
    /// cancelled, it waits no more.
    public func approved() async throws -> Kitbag {
        try await waiting { Kitbag(try await ffi.approved(cancel: $0)) }
    }
}

/// Who belongs.
public struct Team: Sendable {
    let ffi: KitbagGenerated.Kitbag

    /// The teams that this device is in.
    public func own() async throws -> [OwnTeam] {
        try await crossing {
            try await ffi.ownTeams().map {
                OwnTeam(team: TeamId($0.team), role: $0.role.map(Role.init), keyNumber: $0.keyNumber)
            }
        }
    }

    /// A team's members, coordinators first.
    public func members(_ team: TeamId) async throws -> [Member] {
        try await waiting {
            try await ffi.members(team: team.text, askHub: false, cancel: $0).map(Member.init)
        }
    }

    /// The same, with when each synced last; asks the hub, which tells coordinators alone.
    public func membersAndLastSync(_ team: TeamId) async throws -> [Member] {
        try await waiting { try await ffi.members(team: team.text, askHub: true, cancel: $0).map(Member.init) }
    }

    /// Invites a device: the root coordinators, a coordinator the rest of the team. `continues` is the certificate of
    /// the same person's earlier device, whose records the new one corrects as its own; `label` is what people will call
    /// it, of 40 characters at most.
    public func invite(
        _ team: TeamId, _ role: Role, continues: EntryId? = nil, label: String? = nil
    ) async throws -> Invitation {
        try await waiting {
            Invitation(
                try await ffi.invite(
                    team: team.text, role: role.lowered, continues: continues?.text, label: label, cancel: $0))
        }
    }

    /// What people call devices, as far as this one can read it.
    public func names() async throws -> [DeviceKey: String] {
        try await crossing {
            Dictionary(uniqueKeysWithValues: try await ffi.names().map { (DeviceKey($0.key), $0.value) })
        }
    }

    /// Calls the device of a certificate so, for everybody in its team: its owner may, and coordinators.
    public func setLabel(_ certificate: EntryId, _ label: String) async throws {
        try await crossing { try await ffi.setLabel(certificate: certificate.text, label: label) }
    }

    /// Lets in the device whose screen shows these six digits.
    public func approve(digits: String) async throws {
        try await waiting { try await ffi.approve(digits: digits, cancel: $0) }
    }

    /// Leaves a team: syncs, and deletes what is held of it here.
    public func leave(_ team: TeamId) async throws {
        try await waiting { try await ffi.leave(team: team.text, cancel: $0) }
    }

    /// What this device's logs reach, for another one to hear: by a picture or a file.
    public func announce(_ team: TeamId) async throws -> Data {
        try await crossing { try await ffi.announce(team: team.text) }
    }

    /// Hears what another device announced; the next sync passes it on.
    public func hear(_ announcement: Data) async throws {
        try await crossing { try await ffi.hear(announcement: announcement) }
    }

    /// Revokes a certificate. Syncs before and after.
    public func revoke(_ team: TeamId, certificate: EntryId) async throws -> Revocation {
        try await waiting {
            let of = try await ffi.revoke(team: team.text, certificate: certificate.text, cancel: $0)
            return Revocation(before: of.before.map(KitbagError.init), after: of.after.map(KitbagError.init))
        }
    }

    /// What the hub keeps aside of a revoked device, counting nowhere.
    public func keptAside(_ team: TeamId, certificate: EntryId) async throws -> KeptAside {
        try await waiting {
            let of = try await ffi.keptAside(team: team.text, certificate: certificate.text, cancel: $0)
            return KeptAside(records: of.records.map(EntryId.init), certificates: of.certificates.map(EntryId.init))
        }
    }

    /// Accepts entries that are aside: they count from now on.
    public func accept(_ team: TeamId, _ entries: [EntryId]) async throws {
        try await waiting { try await ffi.accept(team: team.text, entries: entries.map(\.text), cancel: $0) }
    }

    /// Says that what a device claims beyond what is held is not awaited any more; returns of how many claims.
    public func setAside(_ team: TeamId, _ device: DeviceKey) async throws -> UInt64 {
        try await waiting { try await ffi.setAside(team: team.text, device: device.text, cancel: $0) }
    }

    /// Asks the programme's root to erase records: nothing is erased by it.
    public func askErasure(_ team: TeamId, _ records: [RecordId]) async throws {
        try await crossing { try await ffi.askErasure(team: team.text, records: records.map(\.text)) }
    }

    /// What is asked to be erased and is not.
    public func askedErasures() async throws -> [AskedErasure] {
        try await crossing { try await ffi.askedErasures().map(AskedErasure.init) }
    }

    /// The records of a team that are erased for good.
    public func erased(_ team: TeamId) async throws -> [RecordId] {
        try await crossing { try await ffi.erased(team: team.text).map(RecordId.init) }
    }
}
