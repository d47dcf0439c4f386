import Foundation
internal import KitbagGenerated

/// How a sync ended that did not fail.
public enum Agreement: Hashable, Sendable {
    /// The hub and this store hold the same of all teams.
    case whole
    /// The hub keeps these teams from this device.
    case without([TeamId])
    /// All that the hub held at first is here, and all of ours is there; more came to it since.
    case caughtUp
    /// A budget is used up; so many entries wait for the next sync.
    case partial(waiting: UInt64)

    init(_ of: KitbagGenerated.Agreement) {
        self =
            switch of {
            case .whole: .whole
            case .without(let teams): .without(teams.map(TeamId.init))
            case .caughtUp: .caughtUp
            case .partial(let waiting): .partial(waiting: waiting)
            }
    }
}

/// How far a sync is, in entries.
public struct Progress: Hashable, Sendable {
    public let sent: UInt64
    public let toSend: UInt64
    public let received: UInt64
    public let toReceive: UInt64

    init(_ of: KitbagGenerated.Progress) {
        (sent, toSend, received, toReceive) = (of.sent, of.toSend, of.received, of.toReceive)
    }
}

/// What waits for the hub.
public struct Waiting: Hashable, Sendable {
    public let entries: UInt64
    public let records: UInt64
    /// Since when the first waits.
    public let since: Date?
    /// How many entries the hub was sent and does not carry.
    public let aside: UInt64
    public let whyAside: Reason?
}

/// The last sync, and the next.
public struct LastSync: Hashable, Sendable {
    /// When this store and the hub agreed last.
    public let agreedAt: Date?
    public let isWhole: Bool
    /// Why it failed, with a code and in words; nil where it did not.
    public let failed: KitbagError?
    public let failures: UInt32
    public let nextTry: Date?
    /// How far this device's clock was ahead of the hub's, in seconds; nil where no hub said.
    public let clockAhead: TimeInterval?
}

/// What is true now of what waits, of the last sync and of the next.
public struct Status: Hashable, Sendable {
    public let waiting: Waiting
    public let last: LastSync
    /// Whether this device's clock is wrong: no date is put for anybody then; ask for it.
    public let clockIsOff: Bool
    /// Where the clock is behind it: the latest time that this device knows to have passed.
    public let clockBehind: Date?
    /// The teams in which this device's certificate does not stand.
    public let uncertified: [TeamId]
    /// Say "synced" only where this is true.
    public let isSynced: Bool

    init(_ said: KitbagGenerated.SyncStatus) {
        let of = said.now
        waiting = Waiting(
            entries: of.waiting.entries, records: of.waiting.records, since: of.waiting.since.map(Date.init(millis:)),
            aside: of.waiting.aside, whyAside: of.waiting.whyAside.map(Reason.init))
        last = LastSync(
            agreedAt: of.last.agreedAt.map(Date.init(millis:)), isWhole: of.last.isWhole,
            failed: said.failed.map(KitbagError.init), failures: of.last.failures,
            nextTry: of.last.nextTry.map(Date.init(millis:)), clockAhead: of.last.clockAhead.map { Double($0) / 1_000 })
        clockBehind = of.clockBehind.map(Date.init(millis:))
        (clockIsOff, uncertified, isSynced) = (of.clockIsOff, of.uncertified.map(TeamId.init), of.isSynced)
    }
}

/// A deadline that a clock can reach: not before now, and in thirty years at most.
private func possible(_ deadline: TimeInterval) -> TimeInterval { min(max(0, deadline), 1e9) }

/// The progress of a sync, until it is over or the task that iterates is cancelled.
public struct SyncProgress: AsyncSequence, Sendable {
    let run: SyncHandle

    public func makeAsyncIterator() -> Iterator { Iterator(run.watch()) }

    public final class Iterator: AsyncIteratorProtocol, Sendable {
        private let watched: Watched

        init(_ watched: Watched) { self.watched = watched }

        deinit { watched.end() }

        public func next() async -> Progress? {
            await withTaskCancellationHandler {
                (try? await watched.next()).flatMap { $0 }.map(Progress.init)
            } onCancel: {
                watched.end()
            }
        }
    }
}

/// A sync that is going on, or is over, as one wants it who began or joined it.
public final class SyncRun: Sendable {
    private let ffi: SyncHandle

    init(_ ffi: SyncHandle) { self.ffi = ffi }

    /// How far it is, until it is over.
    public var progress: SyncProgress { SyncProgress(run: ffi) }

    /// Ends it at once, where nobody else wants it: who joined goes on. What was acknowledged stays so, and the next one
    /// goes on from there.
    public func cancel() { ffi.cancel() }

    /// Waits for its end. Cancelling the task that waits does not cancel the sync.
    public func ended() async throws -> Agreement { try await crossing { Agreement(try await ffi.ended()) } }
}

/// Keeps a store synced until it is let go.
public final class KeptSynced: Sendable {
    private let ffi: Keeping

    init(_ ffi: Keeping) { self.ffi = ffi }

    deinit { ffi.end() }

    /// The network is back, or somebody looks at the screen: syncs now.
    public func now() { ffi.now() }

    /// Syncs no more by itself.
    public func end() { ffi.end() }
}

/// Syncing with the hub: one at a time.
public struct Sync: Sendable {
    let ffi: KitbagGenerated.Kitbag

    /// Begins a sync; where one is going on, joins that one, whose budget stays. It goes on whether anybody waits for it or not.
    public func start(uploadBudget: UInt64? = nil, deadline: TimeInterval? = nil) throws -> SyncRun {
        try atOnce { SyncRun(try ffi.startSync(uploadBudget: uploadBudget, deadline: deadline.map(possible))) }
    }

    /// Syncs, and waits for the end; cancelling the task cancels the sync, where nobody else wants it.
    @discardableResult
    public func now(uploadBudget: UInt64? = nil, deadline: TimeInterval? = nil) async throws -> Agreement {
        let run = try start(uploadBudget: uploadBudget, deadline: deadline)
        return try await withTaskCancellationHandler {
            do {
                return try await run.ended()
            } catch let error as KitbagError where error.code == "cancelled" && Task.isCancelled {
                throw CancellationError()
            }
        } onCancel: {
            run.cancel()
        }
    }

    /// What is true now of what waits, of the last sync and of the next.
    public func status() async throws -> Status { try await crossing { Status(try await ffi.status()) } }

    /// The network is back: the next sync is due at once. Returns whether anything waits for it.
    @discardableResult
    public func networkReturned() async throws -> Bool { try await crossing { try await ffi.networkReturned() } }

    /// Syncs now, after saves, and again after failures, until what is returned is let go. Keep hold of it.
    public func keep(uploadBudget: UInt64? = nil, deadline: TimeInterval? = nil) throws -> KeptSynced {
        try atOnce {
            KeptSynced(try ffi.keepSynced(uploadBudget: uploadBudget, deadline: deadline.map(possible)))
        }
    }

    /// Opens a store, syncs until a deadline, and lets go of it: all that a background task does. Where the app has the
    /// store open, that one's ``now(uploadBudget:deadline:)`` is it. It returns two seconds after the deadline at the latest.
    public static func inBackground(_ opening: Opening, deadline: TimeInterval) async throws -> Agreement {
        try await waiting {
            Agreement(
                try await syncInBackground(opening: opening.lowered, deadline: possible(deadline), cancel: $0))
        }
    }
}
