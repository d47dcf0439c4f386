internal import KitbagGenerated

/// Which programme this device is of, and what it is there.
public struct Own: Hashable, Sendable {
    public let root: DeviceKey
    public let device: DeviceKey
    /// Whether this is the root's own device.
    public var isRoot: Bool { root == device }
}

/// A code of a programme, with its labels by language; the empty tag is of all others.
public struct PackCode: Hashable, Sendable {
    public let code: String
    public let labels: [String: String]

    init(_ of: KitbagGenerated.PackCode) { (code, labels) = (of.code, of.labels) }

    /// What people read in a language.
    public func label(_ language: String) -> String { labels[language] ?? labels[""] ?? labels["en"] ?? code }
}

/// A product of a programme.
public struct PackProduct: Hashable, Sendable {
    public let code: String
    public let labels: [String: String]
    public let route: String
    public let mgPerDose: Double
    public let dosesPerKit: Int64?

    init(_ of: KitbagGenerated.PackProduct) {
        (code, labels, route, mgPerDose, dosesPerKit) = (of.code, of.labels, of.route, of.mgPerDose, of.dosesPerKit)
    }
}

/// A code pack: a programme's own codes.
public struct Pack: Hashable, Sendable {
    public let name: String
    public let version: UInt32
    public let source: String
    public let sites: [PackCode]
    public let products: [PackProduct]
    public let services: [PackCode]
    /// Reminders while an overdose goes on, in the programme's own words.
    public let response: [PackCode]
    /// Whether workers' phones capture only.
    public let captureOnly: Bool
    public let lists: [String: [PackCode]]
    /// By kind the fields that the programme asks for, too.
    public let require: [String: [String]]
    public let minimumDoses: Int64?
    public let expiringDays: Int64?

    init(_ of: KitbagGenerated.Pack) {
        (name, version, source) = (of.name, of.version, of.source)
        (sites, services) = (of.sites.map(PackCode.init), of.services.map(PackCode.init))
        products = of.products.map(PackProduct.init)
        (response, captureOnly) = (of.response.map(PackCode.init), of.captureOnly)
        lists = of.lists.mapValues { $0.map(PackCode.init) }
        (require, minimumDoses, expiringDays) = (of.require, of.minimumDoses, of.expiringDays)
    }
}

/// The root's work, and the programme's own codes.
public struct Programme: Sendable {
    let ffi: KitbagGenerated.Kitbag

    /// The programme's root key and this device's.
    public func own() async throws -> Own {
        try await crossing {
            let own = try await ffi.own()
            return Own(root: DeviceKey(own.root), device: DeviceKey(own.device))
        }
    }

    /// Where the hub is; nil where it is not known here.
    public func hub() async throws -> HubAddress? {
        try await crossing { try await ffi.hub().map(HubAddress.init) }
    }

    /// Notes where the hub is.
    public func setHub(_ hub: HubAddress) async throws { try await crossing { try await ffi.setHub(hub: hub.text) } }

    /// Makes a new team.
    public func newTeam() async throws -> TeamId { try await crossing { TeamId(try await ffi.newTeam()) } }

    /// Makes a coordinator's store on this machine, which is not there yet; on another one, invite it.
    public func makeCoordinator(_ team: TeamId, _ opening: Opening) async throws -> Kitbag {
        try await crossing {
            Kitbag(try await ffi.makeCoordinator(team: team.text, options: opening.lowered))
        }
    }

    /// The root's device looks into a team from now on: the next sync brings it.
    public func lookInto(_ team: TeamId) async throws { try await crossing { try await ffi.lookInto(team: team.text) } }

    /// Publishes a code pack; the next syncs bring it to all.
    public func publishPack(toml: String) async throws {
        try await crossing { try await ffi.publishPack(toml: toml) }
    }

    /// The code packs that are here.
    public func packs() async throws -> [Pack] { try await crossing { try await ffi.packs().map(Pack.init) } }

    /// Erases records for good, here and at every store that syncs from now on.
    public func erase(_ team: TeamId, _ records: [RecordId]) async throws {
        try await crossing { try await ffi.erase(team: team.text, records: records.map(\.text)) }
    }
}
