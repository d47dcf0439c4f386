package org.kitbag

import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import org.kitbag.ffi.KeyException
import org.kitbag.ffi.OpenOptions
import org.kitbag.ffi.Kitbag as FfiKitbag

/** Where a store's key comes from: 32 random bytes that the platform's keystore keeps for the app. */
public fun interface KeyProvider {
    /** The key. Called on a thread of Kitbag's own whenever the store is opened; it may throw where it cannot be had. */
    public fun storeKey(): ByteArray
}

/** Hears how far a store is brought up to date that an older version of Kitbag left. */
public fun interface Renewal {
    /** So many records are done, of so many. Called on a thread of Kitbag's own. */
    public fun done(records: Long, all: Long)
}

/** How a store is opened. */
public class Opening @JvmOverloads constructor(
    /** The store's file. */
    public val path: String,
    /** Its key. */
    public val key: KeyProvider,
    /** Whether an invitation may lead to a hub on this machine without TLS: in development alone. */
    public val insecureLoopback: Boolean = false,
    /** Who hears how far an update is. */
    public val renewal: Renewal? = null,
) {
    internal fun lower() = OpenOptions(path.wellFormed("path"), GuardedKey(key), insecureLoopback, renewal?.let { GuardedRenewal(it) })
}

/** What changed since it was asked last: what to look at again. */
public data class Changed(
    /** The records, at most 500. */
    val records: List<RecordId>,
    /** Whether more changed than are named. */
    val isMany: Boolean,
    /** Their kinds. */
    val kinds: Set<Kind>,
    /** Whether totals or stock may have changed. */
    val sums: Boolean,
    /** Whether what the hub is known to hold changed. */
    val delivery: Boolean,
    /** Whether a record that needs a person may be new, or settled. */
    val attention: Boolean,
    /** Whether what is said of the last sync, of teams or of the hub changed. */
    val state: Boolean,
)

/** A damaged store that was moved aside, and the new one. */
public class Recovered internal constructor(
    /** The new store, of the same device. */
    public val kitbag: Kitbag,
    /** Where the damaged one is, where there was one. */
    public val aside: String?,
    /** How many entries of this device's own are in the new one; the hub brings the rest. */
    public val salvaged: Long,
)

/**
 * One device's store, for as long as the app lives. It may be used from any thread and any coroutine; no call blocks the
 * thread that calls it. When a call that saves returns, what it saved is durable.
 */
public class Kitbag internal constructor(internal val ffi: FfiKitbag) : AutoCloseable {
    /** Records: saved, corrected, looked for. */
    public val records: Records get() = Records(ffi)

    /** Drafts: a reversal while it is going on. */
    public val drafts: Drafts get() = Drafts(ffi)

    /** Totals, each with what it lacks. */
    public val totals: Totals get() = Totals(ffi)

    /** Who holds what. */
    public val stock: Stock get() = Stock(ffi)

    /** Who belongs. */
    public val team: Team get() = Team(ffi)

    /** The root's work, and the programme's own codes. */
    public val programme: Programme get() = Programme(ffi)

    /** Syncing with the hub. */
    public val sync: Sync get() = Sync(ffi)

    /** What a colleague's phone or a memory card carries. */
    public val bundles: Bundles get() = Bundles(ffi)

    /** What receivers of reports want. */
    public val reports: Reports get() = Reports(ffi)

    /** What is wrong here that a person can do something about. */
    public val health: Health get() = Health(ffi)

    /**
     * What changes while it is collected. The first says that everything may be new, so that a screen has one way to begin
     * and to go on. Who is slow gets one summary of all that came meanwhile: none is lost, nothing
     * piles up, and nobody is held up. It ends when the store is closed.
     */
    public val changes: Flow<Changed> = flow {
        val changes = atOnce { ffi.observe() }
        try {
            while (true) emit(crossing { changes.next() }?.lift() ?: break)
        } finally {
            changes.end()
            changes.destroy()
        }
    }

    /**
     * Lets go of the store for as long as the app is not in front; returns once no lock and no file of it is held. Calls
     * between this and [resume] fail with `suspended`, and a sync is cancelled.
     */
    public suspend fun suspend(): Unit = crossing { ffi.suspend() }

    /** Opens the store again. */
    public suspend fun resume(): Unit = crossing { ffi.resume() }

    /**
     * Closes the store for good, and returns at once: from here on every call fails with `closed`. What was begun is done
     * to its end; [closeAndWait] waits for that.
     */
    override fun close(): Unit = atOnce { ffi.shut() }

    /** The same; returns once the store's file may be opened anew. */
    public suspend fun closeAndWait(): Unit = crossing { ffi.shutAndWait() }

    public companion object {
        /** Opens the store of a device that joined a programme. The first time, [Joining.ask]. */
        public suspend fun open(opening: Opening): Kitbag = crossing(Kitbag::close) { Kitbag(FfiKitbag.open(opening.lower())) }

        /** Opens a store to read it alone: what would change it fails. */
        public suspend fun openToRead(opening: Opening): Kitbag =
            crossing(Kitbag::close) { Kitbag(FfiKitbag.openToRead(opening.lower())) }

        /** Founds a programme: makes the store of its root key, which is not there yet. */
        public suspend fun found(opening: Opening): Kitbag = 
            crossing(Kitbag::close) { Kitbag(FfiKitbag.found(opening.lower())) }

        /** Moves a damaged store aside and makes a new one for the same device. */
        public suspend fun recover(opening: Opening): Recovered = crossing({ it.kitbag.close() }) {
            val recovered = org.kitbag.ffi.recover(opening.lower())
            Recovered(Kitbag(recovered.kitbag), recovered.aside, recovered.salvaged.toLong())
        }

        /** From now on errors and findings speak this language; where there are no words in it, English. */
        @JvmStatic
        public fun setLanguage(tag: String): Unit = atOnce { org.kitbag.ffi.setLanguage(tag) }
    }
}

/** What an app's own code throws, `Error`s too, ends here: it must not reach the layer below. */
private class GuardedKey(private val key: KeyProvider) : org.kitbag.ffi.KeyProvider {
    override fun storeKey(): ByteArray = try {
        key.storeKey()
    } catch (_: Throwable) {
        throw KeyException.NotHad()
    }
}

private class GuardedRenewal(private val renewal: Renewal) : org.kitbag.ffi.Renewal {
    override fun done(records: ULong, all: ULong) {
        try {
            renewal.done(records.toLong(), all.toLong())
        } catch (_: Throwable) {
            // Whoever shows progress cannot stop it.
        }
    }
}

internal fun org.kitbag.ffi.Changed.lift() =
    Changed(records.map(::RecordId), isMany, kinds.map { it.lift() }.toSet(), sums, delivery, attention, state)
