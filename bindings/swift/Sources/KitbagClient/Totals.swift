internal import KitbagGenerated

/// Of which records, and how split; what is nil does not narrow.
public struct Query: Hashable, Sendable {
    public var team: TeamId?
    public var site: String?
    public var kind: Kind?
    /// From this day on.
    public var from: CivilDate?
    /// Up to this day, inclusive.
    public var to: CivilDate?
    /// `day`, `week`, `month`, `quarter`, `year`, `site`, `team`, `author`, `kind`, or a coded field.
    public var by: [String]

    public init(from: CivilDate? = nil, to: CivilDate? = nil, by: [String] = []) {
        (self.from, self.to, self.by) = (from, to, by)
    }

    var lowered: TotalsOf {
        TotalsOf(
            team: team?.text, site: site, kind: kind?.lowered, from: from?.description, to: to?.description,
            by: by)
    }
}

/// A line of totals: the parts that it was split by, each indicator's sum, and each share of which there is something.
public struct TotalsLine: Hashable, Sendable {
    public let by: [String]
    public let sums: [String: Int64]
    public let shares: [String: Double]
}

/// What is known to exist and is not here yet.
public struct KnownMissing: Hashable, Sendable {
    public let entries: UInt64
    /// From how many devices.
    public let devices: UInt64
    /// Whether a device claims more than is believed of one.
    public let isDoubtful: Bool
}

/// Totals with what they lack: show one never without the other.
public struct TotalsSeen: Hashable, Sendable {
    public let lines: [TotalsLine]
    public let missing: KnownMissing
    /// How many records have a date that may be wrong, by the year of that date: they count there.
    public let inDoubt: [Int: UInt64]
    /// How many records stand for a span of days: each counts on its last.
    public let ofSpans: UInt64
    /// Entries held that wait to be judged or for others.
    public let waiting: UInt64
    /// How often logs forked.
    public let forks: UInt64

    init(_ of: KitbagGenerated.TotalsSeen) {
        lines = of.lines.map { TotalsLine(by: $0.by, sums: $0.sums, shares: $0.shares) }
        missing = KnownMissing(
            entries: of.missing.entries, devices: of.missing.devices, isDoubtful: of.missing.isDoubtful)
        (ofSpans, waiting, forks) = (of.ofSpans, of.waiting, of.forks)
        inDoubt = Dictionary(uniqueKeysWithValues: of.inDoubt.map { (Int($0.key), $0.value) })
    }
}

/// A period beside the one before it.
public struct TwoPeriods: Hashable, Sendable {
    public let name: String
    public let totals: TotalsSeen
    public let nameBefore: String
    public let before: TotalsSeen
}

/// How long a period is. Fiscal years begin as the programme's code packs say, else with April.
public enum Period: Hashable, Sendable {
    case day, week
    /// An epidemiological week (MMWR), from Sunday on.
    case epiWeek
    case month, quarter, year, fiscalYear

    var lowered: KitbagGenerated.Period {
        switch self {
        case .day: .day
        case .week: .week
        case .epiWeek: .epiWeek
        case .month: .month
        case .quarter: .quarter
        case .year: .year
        case .fiscalYear: .fiscalYear(firstMonth: 4)
        }
    }
}

/// How complete the records of a span of days are, as the hub says it.
public struct Completeness: Hashable, Sendable {
    public let from: String
    public let to: String
    /// By name: devices enrolled, devices that synced, records, those that came late, …
    public let counts: [String: UInt64]
    /// Whether the hub has taken in all that it received.
    public let settled: Bool
    /// An observer's counts are rounded down to this.
    public let roundedDownTo: UInt64?
}

/// What a programme wants to reach in a period, and how far it is.
public struct Target: Hashable, Sendable, Identifiable {
    public let id: RecordId
    public let team: TeamId
    public let site: String?
    public let indicator: String
    public let period: String
    public let value: Int64
    public let reached: Int64

    init(_ of: KitbagGenerated.Target) {
        (id, team, site) = (RecordId(of.id), TeamId(of.team), of.site)
        (indicator, period, value, reached) = (of.indicator, of.period, of.value, of.reached)
    }
}

/// Totals.
public struct Totals: Sendable {
    let ffi: KitbagGenerated.Kitbag

    /// The totals asked for.
    public func of(_ query: Query = Query()) async throws -> TotalsSeen {
        try await crossing { TotalsSeen(try await ffi.totals(of: query.lowered)) }
    }

    /// The totals of the period in which a day lies, beside those of the one before.
    public func besideTheLast(_ day: CivilDate, _ period: Period, _ query: Query = Query()) async throws -> TwoPeriods {
        try await crossing {
            let two = try await ffi.twoPeriods(day: day.description, period: period.lowered, of: query.lowered)
            return TwoPeriods(
                name: two.name, totals: TotalsSeen(two.totals), nameBefore: two.nameBefore,
                before: TotalsSeen(two.before))
        }
    }

    /// How complete a span of days is; asks the hub.
    public func completeness(team: TeamId?, from: CivilDate, to: CivilDate) async throws -> Completeness {
        try await waiting { cancel in
            let of = try await ffi.completeness(
                team: team?.text, from: from.description, to: to.description, cancel: cancel)
            return Completeness(
                from: of.from, to: of.to, counts: of.counts, settled: of.settled,
                roundedDownTo: of.roundedDownTo)
        }
    }

    /// What the programme wants to reach, and how far it is.
    public func targets(team: TeamId? = nil) async throws -> [Target] {
        try await crossing { try await ffi.targets(team: team?.text).map(Target.init) }
    }
}
