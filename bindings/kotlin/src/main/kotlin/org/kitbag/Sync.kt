package org.kitbag

import java.time.Duration
import java.time.Instant
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import org.kitbag.ffi.Keeping as FfiKeeping
import org.kitbag.ffi.Kitbag as FfiKitbag
import org.kitbag.ffi.SyncHandle as FfiSyncHandle

/** How a sync ended that did not fail. */
public sealed interface Agreement {
    /** The hub and this store hold the same of all teams. */
    public data object Whole : Agreement

    /** The hub keeps these teams from this device. */
    public data class Without(val teams: List<TeamId>) : Agreement

    /** All that the hub held at first is here, and all of ours is there; more came to it since. */
    public data object CaughtUp : Agreement

    /** A budget is used up; so many entries wait for the next sync. */
    public data class Partial(val waiting: Long) : Agreement
}

/** How far a sync is, in entries. */
public data class Progress(val sent: Long, val toSend: Long, val received: Long, val toReceive: Long)

/** What waits for the hub. */
public data class Waiting(
    val entries: Long,
    val records: Long,
    /** Since when the first waits. */
    val since: Instant?,
    /** How many entries the hub was sent and does not carry. */
    val aside: Long,
    val whyAside: Reason?,
)

/** The last sync, and the next. */
public data class LastSync(
    /** When this store and the hub agreed last. */
    val agreedAt: Instant?,
    val isWhole: Boolean,
    /** Why it failed, with a code and in words; null where it did not. */
    val failed: KitbagException?,
    val failures: Int,
    val nextTry: Instant?,
    /** How far this device's clock was ahead of the hub's; null where no hub said. */
    val clockAhead: Duration?,
)

/** What is true now of what waits, of the last sync and of the next. */
public data class Status(
    val waiting: Waiting,
    val last: LastSync,
    /** Whether this device's clock is wrong: no date is put for anybody then; ask for it. */
    val clockIsOff: Boolean,
    /** Where the clock is behind it: the latest time that this device knows to have passed. */
    val clockBehind: Instant?,
    /** The teams in which this device's certificate does not stand. */
    val uncertified: List<TeamId>,
    /** Say "synced" only where this is true. */
    val isSynced: Boolean,
)

/** A sync that is going on, or is over, as one wants it who began or joined it. */
public class SyncRun internal constructor(private val ffi: FfiSyncHandle) {
    /** How far it is, until it is over. */
    public val progress: Flow<Progress> = flow {
        val watched = atOnce { ffi.watch() }
        try {
            while (true) {
                val so = crossing { watched.next() } ?: break
                emit(Progress(so.sent.toLong(), so.toSend.toLong(), so.received.toLong(), so.toReceive.toLong()))
            }
        } finally {
            watched.end()
            watched.destroy()
        }
    }

    /**
     * Ends it at once, where nobody else wants it: who joined goes on. What was acknowledged stays so, and the next one
     * goes on from there.
     */
    public fun cancel(): Unit = atOnce { ffi.cancel() }

    /** Waits for its end. Cancelling the coroutine that waits does not cancel the sync. */
    public suspend fun ended(): Agreement = crossing { ffi.ended().lift() }
}

/** Keeps a store synced until it is closed. */
public class KeptSynced internal constructor(private val ffi: FfiKeeping) : AutoCloseable {
    /** The network is back, or somebody looks at the screen: syncs now. */
    public fun now(): Unit = atOnce { ffi.now() }

    /** Syncs no more by itself. */
    override fun close(): Unit = atOnce { ffi.end() }
}

/** Syncing with the hub: one at a time. */
public class Sync internal constructor(private val ffi: FfiKitbag) {
    /** Begins a sync; where one is going on, joins that one, whose budget stays. It goes on whether anybody waits for it or not. */
    public fun start(uploadBudget: Long? = null, deadline: Duration? = null): SyncRun =
        atOnce { SyncRun(ffi.startSync(uploadBudget?.asBudget(), deadline?.notBelowZero())) }

    /** Syncs, and waits for the end; cancelling the coroutine cancels the sync, where nobody else wants it. */
    public suspend fun now(uploadBudget: Long? = null, deadline: Duration? = null): Agreement {
        val run = start(uploadBudget, deadline)
        try {
            return run.ended()
        } catch (cancelled: CancellationException) {
            run.cancel()
            throw cancelled
        }
    }

    /** What is true now of what waits, of the last sync and of the next. */
    public suspend fun status(): Status = crossing { ffi.status().lift() }

    /** The network is back: the next sync is due at once. Returns whether anything waits for it. */
    public suspend fun networkReturned(): Boolean = crossing { ffi.networkReturned() }

    /** Syncs now, after saves, and again after failures, until what is returned is closed. Keep hold of it. */
    public fun keep(uploadBudget: Long? = null, deadline: Duration? = null): KeptSynced =
        atOnce { KeptSynced(ffi.keepSynced(uploadBudget?.asBudget(), deadline?.notBelowZero())) }

    public companion object {
        /**
         * Opens a store, syncs until a deadline, and lets go of it: all that a background job does. Where the app has the
         * store open, that one's [now] with a deadline is it. It returns two seconds after the deadline at the latest.
         */
        public suspend fun inBackground(opening: Opening, deadline: Duration): Agreement =
            waiting { org.kitbag.ffi.syncInBackground(opening.lower(), deadline.notBelowZero(), it).lift() }
    }
}

private fun Long.asBudget(): ULong =
    if (this >= 0) toULong() else throw KitbagException.NotUsable("argument", "uploadBudget", message("error-argument"))

private fun Duration.notBelowZero() = if (isNegative) Duration.ZERO else this

private fun org.kitbag.ffi.Agreement.lift(): Agreement = when (this) {
    org.kitbag.ffi.Agreement.Whole -> Agreement.Whole
    is org.kitbag.ffi.Agreement.Without -> Agreement.Without(v1.map(::TeamId))
    org.kitbag.ffi.Agreement.CaughtUp -> Agreement.CaughtUp
    is org.kitbag.ffi.Agreement.Partial -> Agreement.Partial(waiting.toLong())
}

private fun org.kitbag.ffi.SyncStatus.lift() = Status(
    with(now.waiting) {
        Waiting(entries.toLong(), records.toLong(), since?.let(Instant::ofEpochMilli), aside.toLong(), whyAside?.lift())
    },
    with(now.last) {
        LastSync(
            agreedAt?.let(Instant::ofEpochMilli),
            isWhole,
            this@lift.failed?.let(::lift),
            failures.toInt(),
            nextTry?.let(Instant::ofEpochMilli),
            clockAhead?.let(Duration::ofMillis),
        )
    },
    now.clockIsOff,
    now.clockBehind?.let(Instant::ofEpochMilli),
    now.uncertified.map(::TeamId),
    now.isSynced,
)
