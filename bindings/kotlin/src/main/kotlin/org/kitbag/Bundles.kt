package org.kitbag

import org.kitbag.ffi.Kitbag as FfiKitbag

/** What a bundle holds: what waits for the hub, or everything. */
public enum class BundleOf { WAITING, EVERYTHING }

/** A bundle that was written. */
public data class BundleWritten(
    val entries: Long,
    /** Under which key of the team it is sealed: a device that was revoked since that key was made may still have it. */
    val teamKey: Long?,
)

/** What a bundle brought. */
public data class BundleTaken(
    val entries: Long,
    val newEntries: Long,
    val turnedAway: Long,
    /** Why the last was turned away, in English. */
    val whyTurnedAway: String?,
)

/** Bundles: what a colleague's phone or a memory card carries, encrypted for a team. */
public class Bundles internal constructor(private val ffi: FfiKitbag) {
    /** Writes a bundle for a team's members into a file, which is there whole or as it was before. */
    public suspend fun export(team: TeamId, of: BundleOf, path: String): BundleWritten = crossing {
        val written = ffi.exportBundle(team.text, org.kitbag.ffi.BundleOf.valueOf(of.name), path)
        BundleWritten(written.entries.toLong(), written.teamKey?.toLong())
    }

    /** Takes a bundle in, from a file. What was taken before an error stays, and is no loss. */
    public suspend fun import(path: String): BundleTaken = crossing {
        val taken = ffi.importBundle(path)
        BundleTaken(taken.entries.toLong(), taken.newEntries.toLong(), taken.turnedAway.toLong(), taken.reason)
    }
}
