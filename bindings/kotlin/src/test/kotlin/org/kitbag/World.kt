package org.kitbag

import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import java.time.LocalDate
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope

internal val TODAY: LocalDate = LocalDate.of(2026, 3, 14)

/** A key as a keystore would keep it; made up. */
internal val KEY = KeyProvider { ByteArray(32) { 7 } }

/** A hub of its own on loopback, which ends with its standard input. */
internal class Hub(folder: Path, root: DeviceKey, listen: String = "127.0.0.1:0") : AutoCloseable {
    private val process: Process = ProcessBuilder(
        System.getProperty("kitbag.command"), "hub", "run", "--folder", folder.toString(), "--listen", listen,
        "--root", root.text, "--until-stdin-ends",
    ).redirectError(folder.resolveSibling("hub.log").toFile()).start()
    val address: HubAddress = process.inputStream.bufferedReader().lineSequence()
        .first { it.startsWith("listening on ") }.removePrefix("listening on ").let(::HubAddress)

    override fun close() {
        process.outputStream.close()
        if (!process.waitFor(20, TimeUnit.SECONDS)) process.destroy()
    }
}

/** Where a hub of this address listens. */
internal fun HubAddress.listens(): String = text.removePrefix("kitbag://").substringBefore('/')

/** A way to this hub that breaks for good once so many bytes went to it. */
internal fun HubAddress.breakingAfter(bytes: Long): HubAddress {
    val (before, port, pins) = checkNotNull(Regex("(.*:)(\\d+)(/.*)").matchEntire(text)).destructured
    return HubAddress(before + org.kitbag.ffi.breakingWay(port.toUShort(), bytes.toULong()) + pins)
}

/** A programme with a hub and a coordinator, in a folder of its own. */
internal class World private constructor(
    val folder: Path,
    val root: Kitbag,
    val hub: Hub,
    val team: TeamId,
    val desk: Kitbag,
) : AutoCloseable {
    private val open = mutableListOf(root, desk)

    fun opening(name: String, key: KeyProvider = KEY) = Opening(folder.resolve("$name.db").toString(), key)

    /** A worker's phone, which joined by an invitation and six digits. */
    suspend fun phone(name: String): Kitbag = coroutineScope {
        val invitation = desk.team.invite(team, Role.WORKER)
        val joining = Joining.ask(opening(name), invitation.text)
        invitation.asked()
        val joined = async { joining.approved() }
        desk.team.approve(joining.code)
        joined.await().also(open::add)
    }

    override fun close() {
        open.forEach(Kitbag::close)
        hub.close()
        folder.toFile().deleteRecursively()
    }

    companion object {
        suspend fun new(): World {
            val folder = Files.createTempDirectory("kitbag")
            fun opening(name: String) = Opening(folder.resolve("$name.db").toString(), KEY)
            val root = Kitbag.found(opening("root"))
            val hub = Hub(folder.resolve("hub"), root.programme.own().root)
            root.programme.setHub(hub.address)
            val team = root.programme.newTeam()
            val desk = root.programme.makeCoordinator(team, opening("desk"))
            root.sync.now()
            return World(folder, root, hub, team, desk)
        }
    }
}

/** A whole reversal. */
internal fun reversal(outcome: String = "survived", site: String = "riverside"): Form = Form(Kind.REVERSAL)
    .put("site", site)
    .put("occurred_on", TODAY)
    .put("utc_offset_min", 0)
    .put("outcome", outcome)
    .withUnknowns()

/** How many files of a folder this process holds open: Linux says it. */
internal fun held(folder: Path): List<String> = File("/proc/self/fd").list().orEmpty().mapNotNull {
    runCatching { Files.readSymbolicLink(Path.of("/proc/self/fd/$it")).toString() }.getOrNull()
}.filter { it.startsWith(folder.toString()) }

/** The names of this process's threads: Linux says it. */
internal fun threads(): List<String> = File("/proc/self/task").list().orEmpty().mapNotNull {
    runCatching { File("/proc/self/task/$it/comm").readText().trim() }.getOrNull()
}
