package org.kitbag

import java.time.Instant
import java.time.LocalDate
import org.kitbag.ffi.Inviting as FfiInviting
import org.kitbag.ffi.Joining as FfiJoining
import org.kitbag.ffi.Kitbag as FfiKitbag

/** What a device may do in a team. */
public enum class Role {
    /** Creates records and changes its own. */
    WORKER,

    /** Does all in its team, and certifies devices for it. */
    COORDINATOR,

    /** Reads totals, writes nothing. */
    OBSERVER,
}

/** A team that this device is in. */
public data class OwnTeam(
    val team: TeamId,
    val role: Role?,
    /** The number of the newest key of it that is here; null where notes cannot be sealed yet. */
    val keyNumber: Long?,
)

/** A certificate of a team, with whose it is. */
public data class Member(
    val certificate: EntryId,
    val device: DeviceKey,
    val role: Role,
    val isRevoked: Boolean,
    /** What people call the device, where it has a label that this one can read. */
    val label: String?,
    /** When it was certified, by the clock of whoever did. */
    val joined: Instant,
    /** The first certificate of the person whose device it is: its own, or the one that it continues. */
    val person: EntryId,
    /** The day on which it synced last, by the hub's clock; as the hub said last; null where it never did. */
    val lastSynced: LocalDate?,
)

/** How a revocation went. */
public data class Revocation(
    /** Why the sync before it did not come to its end: what the hub has beyond is aside. */
    val before: KitbagException?,
    /** Why the sync after it did not: nobody knows of it yet but this device. */
    val after: KitbagException?,
)

/** What the hub keeps aside of a revoked device. */
public data class KeptAside(val records: List<EntryId>, val certificates: List<EntryId>)

/** An erasure that was asked for and is not done. */
public data class AskedErasure(
    val team: TeamId,
    val record: RecordId,
    val by: List<DeviceKey>,
    val isByCoordinator: Boolean,
    val isHere: Boolean,
)

/** An invitation that was made, to be shown for ten minutes. */
public class Invitation internal constructor(private val ffi: FfiInviting) {
    /** What the new device scans or is given. */
    public val text: String = ffi.text()

    /** Waits until a device asks by it; then that one shows six digits, for [Team.approve]. */
    public suspend fun asked(): Unit = waiting { ffi.asked(it) }
}

/** A device that asked to join, and waits for whoever invited it. */
public class Joining private constructor(private val ffi: FfiJoining) : AutoCloseable {
    /** The six digits to show, large: whoever invited compares them. */
    public val code: String = ffi.code()

    /** What it may do there. */
    public val role: Role = Role.valueOf(ffi.role().name)

    /** The team that it is about. */
    public val team: TeamId = TeamId(ffi.team())

    /**
     * Waits until it is approved, ten minutes at most, joins, and syncs. Called again after an error, it goes on waiting;
     * cancelled, it waits no more.
     */
    public suspend fun approved(): Kitbag = waiting(Kitbag::close) { Kitbag(ffi.approved(it)) }

    /** Gives up: its store is let go, unless [approved] returned it. */
    override fun close(): Unit = atOnce { ffi.destroy() }

    public companion object {
        /** Opens the device's store, making it on first use, and asks to join by an invitation's text. */
        public suspend fun ask(opening: Opening, invitation: String): Joining =
            waiting(Joining::close) { Joining(FfiJoining.ask(opening.lower(), invitation, it)) }
    }
}

/** Who belongs. */
public class Team internal constructor(private val ffi: FfiKitbag) {
    /** The teams that this device is in. */
    public suspend fun own(): List<OwnTeam> = crossing {
        ffi.ownTeams().map { own ->
            OwnTeam(TeamId(own.team), own.role?.let { Role.valueOf(it.name) }, own.keyNumber?.toLong())
        }
    }

    /** A team's members, coordinators first. */
    public suspend fun members(team: TeamId): List<Member> = waiting { members(team, false, it) }

    /** The same, with when each synced last; asks the hub, which tells coordinators alone. */
    public suspend fun membersAndLastSync(team: TeamId): List<Member> = waiting { members(team, true, it) }

    private suspend fun members(team: TeamId, askHub: Boolean, cancel: org.kitbag.ffi.Cancel) =
        ffi.members(team.text, askHub, cancel).map {
            val synced = it.lastSynced?.let(LocalDate::parse)
            Member(
                EntryId(it.certificate),
                DeviceKey(it.device),
                Role.valueOf(it.role.name),
                it.isRevoked,
                it.label,
                Instant.ofEpochMilli(it.joined),
                EntryId(it.person),
                synced,
            )
        }

    /**
     * Invites a device: the root coordinators, a coordinator the rest of the team. [continues] is the certificate of the
     * same person's earlier device, whose records the new one corrects as its own; [label] is what people will call it,
     * of 40 characters at most.
     */
    public suspend fun invite(
        team: TeamId,
        role: Role,
        continues: EntryId? = null,
        label: String? = null,
    ): Invitation = waiting {
        Invitation(ffi.invite(team.text, org.kitbag.ffi.Role.valueOf(role.name), continues?.text, label, it))
    }

    /** What people call devices, as far as this one can read it. */
    public suspend fun names(): Map<DeviceKey, String> =
        crossing { ffi.names().map { (device, label) -> DeviceKey(device) to label }.toMap() }

    /** Calls the device of a certificate so, for everybody in its team: its owner may, and coordinators. */
    public suspend fun setLabel(certificate: EntryId, label: String): Unit =
        crossing { ffi.setLabel(certificate.text, label) }

    /** Lets in the device whose screen shows these six digits. */
    public suspend fun approve(digits: String): Unit = waiting { ffi.approve(digits, it) }

    /** Leaves a team: syncs, and deletes what is held of it here. */
    public suspend fun leave(team: TeamId): Unit = waiting { ffi.leave(team.text, it) }

    /** What this device's logs reach, for another one to hear: by a picture or a file. */
    public suspend fun announce(team: TeamId): ByteArray = crossing { ffi.announce(team.text) }

    /** Hears what another device announced; the next sync passes it on. */
    public suspend fun hear(announcement: ByteArray): Unit = crossing { ffi.hear(announcement) }

    /** Revokes a certificate. Syncs before and after. */
    public suspend fun revoke(team: TeamId, certificate: EntryId): Revocation = waiting {
        val revoked = ffi.revoke(team.text, certificate.text, it)
        Revocation(revoked.before?.let(::lift), revoked.after?.let(::lift))
    }

    /** What the hub keeps aside of a revoked device, counting nowhere. */
    public suspend fun keptAside(team: TeamId, certificate: EntryId): KeptAside = waiting { cancel ->
        val aside = ffi.keptAside(team.text, certificate.text, cancel)
        KeptAside(aside.records.map(::EntryId), aside.certificates.map(::EntryId))
    }

    /** Accepts entries that are aside: they count from now on. */
    public suspend fun accept(team: TeamId, entries: List<EntryId>): Unit =
        waiting { cancel -> ffi.accept(team.text, entries.map { it.text }, cancel) }

    /** Says that what a device claims beyond what is held is not awaited any more; returns of how many claims. */
    public suspend fun setAside(team: TeamId, device: DeviceKey): Long =
        waiting { ffi.setAside(team.text, device.text, it).toLong() }

    /** Asks the programme's root to erase records: nothing is erased by it. */
    public suspend fun askErasure(team: TeamId, records: List<RecordId>): Unit =
        crossing { ffi.askErasure(team.text, records.map { it.text }) }

    /** What is asked to be erased and is not. */
    public suspend fun askedErasures(): List<AskedErasure> = crossing {
        ffi.askedErasures().map {
            val by = it.by.map(::DeviceKey)
            AskedErasure(TeamId(it.team), RecordId(it.record), by, it.isByCoordinator, it.isHere)
        }
    }

    /** The records of a team that are erased for good. */
    public suspend fun erased(team: TeamId): List<RecordId> = crossing { ffi.erased(team.text).map(::RecordId) }
}
