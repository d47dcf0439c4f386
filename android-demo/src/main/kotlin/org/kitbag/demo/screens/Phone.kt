package org.kitbag.demo.screens

import java.io.File
import java.time.Duration
import java.time.Instant
import java.time.LocalDate
import java.time.ZoneId
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext
import org.kitbag.DeviceKey
import org.kitbag.Joining
import org.kitbag.KeptSynced
import org.kitbag.KeyProvider
import org.kitbag.Kitbag
import org.kitbag.KitbagException
import org.kitbag.Opening
import org.kitbag.OwnTeam
import org.kitbag.ProtectedKey
import org.kitbag.Role
import org.kitbag.Sync
import org.kitbag.TeamId

/** The keystore has forgotten what opened a profile's key: a new screen lock or a restored phone does that. */
class SecretGone : Exception()

/** What the platform gives the app. */
interface Platform {
    /** A folder of the app's own, in no backup. */
    val folder: File

    /** Where local time is. */
    val zone: ZoneId

    /** 32 bytes that the keystore keeps under a name, made on first use; [SecretGone] where it has lost them. */
    fun secret(name: String): ByteArray

    /** Now. */
    fun now(): Instant

    /** How long the phone has been on, asleep or awake: a clock that somebody sets changes nothing of it. */
    fun uptime(): Duration

    /** Hands a file to a colleague's phone, by whichever way the person chooses; false where none was chosen. */
    suspend fun send(file: File): Boolean

    /** A file that the person chose, copied to where the app may read it; null where none was chosen. */
    suspend fun receive(): File?

    /** The text of a code that the camera saw; null where it saw none. */
    suspend fun scan(): String?

    /** Whether the hub of an invitation may be on this machine without TLS: in development alone. */
    val isInDevelopment: Boolean
}

/** Who uses the phone: each has a store, a key and a PIN of their own, in a folder of their own. */
class Profile(private val folder: File, private val platform: Platform) {
    private val labelled = File(folder, "label")
    private val ran = File(folder, "ran")

    /** What the person is called on this phone; nothing else is known of them while it is locked. */
    var label: String
        get() = if (labelled.exists()) labelled.readText() else ""
        set(label) = labelled.writeText(label)

    /** The key in its file, for as long as the app runs. */
    val key = ProtectedKey(File(folder, "key").path)

    /** Whether a programme was joined. */
    val hasStore: Boolean get() = File(folder, "store.db").exists()

    /** Whether a PIN opens it; a key that cannot be read says why where it is opened. */
    val needsPin: Boolean
        get() = try {
            key.needsPin
        } catch (_: KitbagException) {
            false
        }

    /** When a sync in the background ended last. */
    var ranAt: Instant?
        get() = if (ran.exists()) ran.readText().toLongOrNull()?.let(Instant::ofEpochMilli) else null
        set(at) = ran.writeText(at?.toEpochMilli().toString())

    /** A file to write a bundle into. */
    fun bundle(): File = File(folder, "kitbag.bundle")

    private fun secret() = platform.secret(folder.name)

    /** The key of the store, made on first use. */
    suspend fun opened(pin: String?): Opening {
        val secret = secret()
        val key = if (key.isMade) key.open(secret, pin) else key.make(secret)
        return opening { key }
    }

    /** Another PIN, one where there was none, none where there was one. */
    suspend fun changePin(pin: String?, newPin: String?) = key.change(secret(), pin, secret(), newPin)

    private fun opening(key: KeyProvider) = Opening(File(folder, "store.db").path, key, platform.isInDevelopment)

    /** Syncs until a deadline, and lets go: what the platform's job does. Nothing where a PIN keeps the key. */
    suspend fun syncInBackground(deadline: Duration) {
        if (!hasStore || needsPin) return
        try {
            Sync.inBackground(opened(null), deadline)
        } finally {
            ranAt = platform.now()
        }
    }

    /** Takes away what was begun and never joined. */
    fun forget() {
        key.close()
        folder.deleteRecursively()
    }
}

/** The profile that is unlocked, with its store and its team. */
class OnShift(val profile: Profile, val kitbag: Kitbag, val opening: Opening, val own: OwnTeam, val device: DeviceKey) {
    /** Its team. */
    val team: TeamId get() = own.team

    /** Whether nobody relies on what is here. */
    val isWorker: Boolean get() = own.role == Role.WORKER

    /** Whether it sees every site. */
    val isCoordinator: Boolean get() = own.role == Role.COORDINATOR
}

/** The phone: who uses it, and who is on shift now. */
class Phone(val platform: Platform) {
    private val folder = File(platform.folder, "profiles").apply { mkdirs() }
    private val known = HashMap<String, Profile>()
    private var kept: KeptSynced? = null
    private var locks = 0
    private var background: Job? = null
    private var touchedAt: Duration = platform.uptime()

    /** Who is on shift; nobody while the phone is locked. */
    var onShift: OnShift? = null
        private set

    /** All profiles, in the order in which they were made. */
    fun profiles(): List<Profile> = folder.list().orEmpty().sortedBy { it.toIntOrNull() }.map(::profile)

    private fun profile(name: String) = known.getOrPut(name) { Profile(File(folder, name), platform) }

    /** A new profile. */
    fun add(label: String): Profile {
        val number = (folder.list().orEmpty().mapNotNull(String::toIntOrNull).maxOrNull() ?: 0) + 1
        File(folder, "$number").mkdirs()
        return profile("$number").also { it.label = label }
    }

    /** Unlocks a profile: opens its store, and keeps it synced. */
    suspend fun unlock(profile: Profile, pin: String?) {
        val asked = locks
        val opening = profile.opened(pin)
        lock()
        enter(profile, opening, letGo { Kitbag.open(opening) }, asked + 1)
    }

    /** What a sync in the background holds is wanted now: it ends, and lets go a moment later. */
    private suspend fun <T> letGo(open: suspend () -> T): T {
        val running = background ?: return open()
        running.cancelAndJoin()
        repeat(LETS_GO) {
            try {
                return open()
            } catch (_: KitbagException.InUse) {
                delay(LETS_GO_EACH_MS)
            }
        }
        return open()
    }

    /** Makes a new store in the place of a damaged one, for the same device; returns what was salvaged. */
    suspend fun recover(profile: Profile, pin: String?): Long {
        lock()
        val asked = locks
        val opening = profile.opened(pin)
        val recovered = letGo { Kitbag.recover(opening) }
        enter(profile, opening, recovered.kitbag, asked)
        return recovered.salvaged
    }

    /** Asks to join a programme by an invitation. */
    suspend fun join(profile: Profile, invitation: String, pin: String?): Pair<Joining, Opening> {
        val opening = profile.opened(pin)
        return Joining.ask(opening, invitation) to opening
    }

    /** Takes in the store of a device that joined, or was opened. */
    suspend fun enter(profile: Profile, opening: Opening, kitbag: Kitbag, asked: Int = locks) {
        if (locks != asked) {
            // Somebody locked it meanwhile, as by the quick exit: that wins.
            kitbag.closeAndWait()
            throw Locked()
        }
        lock()
        val mine = locks
        try {
            val own = kitbag.team.own().firstOrNull() ?: throw NoTeam()
            dropSent(kitbag)
            val device = kitbag.programme.own().device
            if (locks != mine) throw Locked()
            take(OnShift(profile, kitbag, opening, own, device))
            kept = kitbag.sync.keep()
        } catch (failed: Throwable) {
            // Else nobody could open it again.
            onShift = onShift?.takeIf { it.kitbag !== kitbag }
            withContext(NonCancellable) { kitbag.closeAndWait() }
            throw failed
        }
    }

    /** What the hub has since goes now; a disk that is full hinders nobody from sending the rest: the next sync does it. */
    private suspend fun dropSent(kitbag: Kitbag) = try {
        if (kitbag.records.isCaptureOnly()) kitbag.records.captureOnly() else 0L
    } catch (_: KitbagException.StorageFull) {
        0L
    }

    /** From now on this one is on shift. */
    internal fun take(shift: OnShift) {
        onShift = shift
        touch()
    }

    /** Locks: the key is forgotten, the store closed. */
    suspend fun lock() {
        locks++
        val (was, keeps) = onShift to kept
        onShift = null
        kept = null
        keeps?.close()
        was?.kitbag?.closeAndWait()
    }

    /** The network is back, or somebody looks at the screen. */
    fun syncNow() = kept?.now()

    /** Somebody uses it. */
    fun touch() {
        touchedAt = platform.uptime()
    }

    /** Whether it is to be locked: it has a PIN, and nobody used it for so long. */
    fun isIdle(after: Duration): Boolean =
        onShift?.profile?.needsPin == true && platform.uptime() - touchedAt >= after

    /** Syncs no more by itself: what waits then waits for somebody to ask. */
    internal fun keepNoMore() {
        kept?.close()
        kept = null
    }

    /** Syncs a profile until a deadline, while nobody looks: its open store, or else by itself. */
    suspend fun syncInBackground(profile: Profile, deadline: Duration) {
        val open = onShift?.takeIf { it.profile === profile }
        if (open == null) return alone(profile, deadline)
        try {
            open.kitbag.sync.now(deadline = deadline)
        } finally {
            profile.ranAt = platform.now()
        }
    }

    private suspend fun alone(profile: Profile, deadline: Duration) = coroutineScope {
        val run = async { profile.syncInBackground(deadline) }
        background = run
        try {
            run.await()
        } catch (_: CancellationException) {
            // Whoever opened the profile syncs it, too.
            currentCoroutineContext().ensureActive()
        } finally {
            background = null
        }
    }

    /** Today, where the phone is. */
    fun today(): LocalDate = platform.now().atZone(platform.zone).toLocalDate()

    /** How far local time is ahead of UTC. */
    fun offsetMinutes(): Int = platform.zone.rules.getOffset(platform.now()).totalSeconds / 60

    companion object {
        /** Long enough to speak with somebody, short enough for a phone left on a table. */
        val IDLE: Duration = Duration.ofMinutes(5)

        /** How often a store that a sync lets go of is asked for. */
        private const val LETS_GO = 100
        private const val LETS_GO_EACH_MS = 50L
    }
}

/** A store that is in no team: what was begun was never approved, or the team was left. */
class NoTeam : Exception()

/** Whether a store is to be recovered: its key was opened, so what it does not open was damaged at its beginning. */
fun isDamaged(failed: KitbagException): Boolean = failed is KitbagException.Damaged || failed is KitbagException.WrongKey
