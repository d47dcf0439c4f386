internal import KitbagGenerated

/// A batch that somebody holds.
public struct Batch: Hashable, Sendable {
    public let team: TeamId
    /// `site:CODE`, `device:KEY` or `outside`.
    public let holder: String
    public let product: String
    public let lot: String
    /// The month until which it is good, `yyyy-mm`; empty where nobody said.
    public let expiry: String
    public let doses: Int64
    /// Of these, doses that went out without a lot, and are counted where they would expire first; below 0, that came in so.
    public let lotNotSaid: Int64
    /// Whole kits, where the programme's pack says how many doses make one.
    public let kits: Int64?
    /// Doses beside whole kits.
    public let dosesBesideKits: Int64?

    init(_ of: KitbagGenerated.Batch) {
        (team, holder, product, lot) = (TeamId(of.team), of.holder, of.product, of.lot)
        (expiry, doses, lotNotSaid) = (of.expiry, of.doses, of.lotNotSaid)
        (kits, dosesBesideKits) = (of.kits, of.dosesBesideKits)
    }
}

/// How long a holder's stock of a product lasts, by what went out in the last four weeks.
public struct Lasting: Hashable, Sendable {
    public let team: TeamId
    public let holder: String
    public let product: String
    public let doses: Int64
    public let wentOut: Int64
    /// In days; nil where nothing went out.
    public let days: Int64?

    init(_ of: KitbagGenerated.Lasting) {
        (team, holder, product) = (TeamId(of.team), of.holder, of.product)
        (doses, wentOut, days) = (of.doses, of.wentOut, of.days)
    }
}

/// A stock with which something is wrong.
public struct Alarm: Hashable, Sendable {
    /// What is wrong with it.
    public enum What: Hashable, Sendable { case belowMinimum, expiring, belowZero }

    public let what: What
    public let holder: String
    public let product: String
    public let doses: Int64
    /// What people read beside whose stock of what it is, in the language of ``Kitbag/setLanguage(_:)``.
    public let inWords: String

    init(_ said: AlarmSaid) {
        let of = said.alarm
        what =
            switch of.what {
            case .belowMinimum: .belowMinimum
            case .expiring: .expiring
            case .belowZero: .belowZero
            }
        (holder, product, doses, inWords) = (of.holder, of.product, of.doses, said.inWords)
    }
}

/// All stock, what is wrong with it, and how long it lasts.
public struct StockNow: Hashable, Sendable {
    public let held: [Batch]
    public let lasting: [Lasting]
    public let alarms: [Alarm]
}

/// Who holds what.
public struct Stock: Sendable {
    let ffi: KitbagGenerated.Kitbag

    /// Who holds what, today.
    public func now(_ today: CivilDate, team: TeamId? = nil) async throws -> StockNow {
        try await crossing {
            let of = try await ffi.stock(team: team?.text, today: today.description)
            return StockNow(
                held: of.held.map(Batch.init), lasting: of.lasting.map(Lasting.init),
                alarms: of.alarms.map(Alarm.init))
        }
    }

    /// The records that name a lot: a recall's.
    public func naming(lot: String, team: TeamId? = nil) async throws -> [RecordId] {
        try await crossing { try await ffi.namingLot(team: team?.text, lot: lot).map(RecordId.init) }
    }
}
