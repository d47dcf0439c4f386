import Foundation
internal import KitbagGenerated

/// A line of a report: a sum, or a share of one where there is something that it is of.
public struct ReportLine: Hashable, Sendable {
    public let indicator: String
    /// What the receiver calls it.
    public let label: String
    public let by: String?
    public let code: String
    public let sum: Int64?
    public let share: Double?

    init(_ of: ReportedLine) {
        (indicator, label, by, code) = (of.indicator, of.label, of.by, of.code)
        (sum, share) = (of.sum, of.share)
    }
}

/// A pack's report of a period.
public struct Report: Hashable, Sendable {
    public let pack: String
    public let version: UInt32
    public let source: String
    public let lines: [ReportLine]
    public let totals: TotalsSeen
}

/// What receivers of reports want.
public struct Reports: Sendable {
    let ffi: KitbagGenerated.Kitbag

    /// The report of one of the programme's packs, in a language.
    public func ofPack(_ pack: String, _ query: Query, language: String) async throws -> Report {
        try await crossing {
            let of = try await ffi.report(pack: pack, of: query.lowered, language: language)
            return Report(
                pack: of.pack, version: of.version, source: of.source, lines: of.lines.map(ReportLine.init),
                totals: TotalsSeen(of.totals))
        }
    }
}

/// Something that a person can do something about.
public struct Finding: Hashable, Sendable {
    /// Its stable code.
    public let code: String
    public let count: UInt64
    /// The records that it is about, where it names them.
    public let records: [RecordId]
    /// What people read: what was found, and what to do.
    public let inWords: String

    init(_ of: Found) {
        (code, count, records, inWords) = (of.code, of.count, of.records.map(RecordId.init), of.inWords)
    }
}

/// What a check of the whole store found: it is sound where there are no faults.
public struct Verified: Hashable, Sendable {
    /// What can be wrong with it.
    public enum Fault: Hashable, Sendable { case chain, projection, totals }

    public let entries: UInt64
    public let unsigned: UInt64
    public let records: UInt64
    public let faults: [Fault]

    init(_ of: KitbagGenerated.Verified) {
        (entries, unsigned, records) = (of.entries, of.unsigned, of.records)
        faults = of.faults.map {
            switch $0 {
            case .chain: .chain
            case .projection: .projection
            case .totals: .totals
            }
        }
    }
}

/// What is known to exist of a device, and is not here.
public struct MissingFrom: Hashable, Sendable {
    public let device: DeviceKey
    public let entries: UInt64
    /// Whether it claims more than is believed of one device.
    public let isDoubtful: Bool

    init(_ of: KitbagGenerated.MissingFrom) {
        (device, entries, isDoubtful) = (DeviceKey(of.device), of.entries, of.isDoubtful)
    }
}

/// What is wrong here that a person can do something about.
public struct Health: Sendable {
    let ffi: KitbagGenerated.Kitbag

    /// All that is found, as of one moment.
    public func findings(now: Date = Date()) async throws -> [Finding] {
        try await crossing { try await ffi.findings(now: now.millis).map(Finding.init) }
    }

    /// What is known to exist and is not here, by the device that wrote it; of one team or of all.
    public func missing(team: TeamId? = nil) async throws -> [MissingFrom] {
        try await crossing { try await ffi.missing(team: team?.text).map(MissingFrom.init) }
    }

    /// Checks all signatures, rows and sums. It takes long, and saves wait for it.
    public func verify() async throws -> Verified { try await crossing { Verified(try await ffi.verify()) } }

    /// Builds what is derived anew from the entries.
    public func rebuild() async throws { try await crossing { try await ffi.rebuild() } }
}
