package org.kitbag.demo

import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import java.time.Instant
import java.time.LocalDate
import java.time.ZoneOffset
import java.time.format.DateTimeFormatter
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.async
import kotlinx.coroutines.runBlocking
import org.kitbag.DeviceKey
import org.kitbag.EntryId
import org.kitbag.Form
import org.kitbag.HubAddress
import org.kitbag.Joining
import org.kitbag.KeyProvider
import org.kitbag.Kind
import org.kitbag.Kitbag
import org.kitbag.Opening
import org.kitbag.Role
import org.kitbag.TeamId

/** A hub of its own on loopback, which ends with its standard input. */
class Hub(
    private val folder: Path,
    private val root: DeviceKey,
    private val clock: Instant? = null,
    listen: String = "127.0.0.1:0",
) : AutoCloseable {
    private val process: Process = ProcessBuilder(
        System.getProperty("kitbag.command"), "hub", "run", "--folder", folder.toString(), "--listen", listen,
        "--root", root.text, "--until-stdin-ends",
    ).redirectError(folder.resolveSibling("hub.log").toFile()).apply { clock?.let { setClock(it) } }.start()
    val address: HubAddress = process.inputStream.bufferedReader().lineSequence()
        .first { it.startsWith("listening on ") }.removePrefix("listening on ").let(::HubAddress)

    /** The hub's clock says this when it begins: Debian's libfaketime sets it. */
    private fun ProcessBuilder.setClock(clock: Instant) {
        val said = clock.atZone(ZoneOffset.UTC).format(DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss"))
        environment() += mapOf("LD_PRELOAD" to FAKE_CLOCK, "FAKETIME" to "@$said", "FAKETIME_DONT_FAKE_MONOTONIC" to "1", "TZ" to "UTC")
    }

    /** The same hub again, at the same place. */
    fun again(): Hub = Hub(folder, root, clock, address.text.removePrefix("kitbag://").substringBefore('/'))

    override fun close() {
        process.outputStream.close()
        if (!process.waitFor(20, TimeUnit.SECONDS)) process.destroy()
    }

    private companion object {
        const val FAKE_CLOCK = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
    }
}

/** A programme with a hub and a coordinator's desk, made up. */
class World(pack: String? = PACK, clock: Instant? = null) : AutoCloseable {
    val folder: Path = Files.createTempDirectory("kitbag")
    private val key = KeyProvider { ByteArray(32) { 7 } }
    val root: Kitbag
    var hub: Hub
    val team: TeamId
    val desk: Kitbag
    private val open = ArrayList<Kitbag>()

    init {
        val made = runBlocking {
            val root = Kitbag.found(opening("root"))
            val hub = Hub(folder.resolve("hub"), root.programme.own().root, clock)
            root.programme.setHub(hub.address)
            pack?.let { root.programme.publishPack(it) }
            val team = root.programme.newTeam()
            val desk = root.programme.makeCoordinator(team, opening("desk"))
            root.sync.now()
            desk.sync.now()
            Triple(root to desk, hub, team)
        }
        root = made.first.first
        desk = made.first.second
        hub = made.second
        team = made.third
        open += listOf(root, desk)
    }

    private fun opening(name: String) = Opening(folder.resolve("$name.db").toString(), key)

    /** An invitation's text, and what waits for who asks by it. */
    fun invite(role: Role = Role.WORKER, continues: EntryId? = null, label: String? = null) =
        runBlocking { inviter(role).team.invite(team, role, continues, label) }

    /** Who may invite somebody as this: the root alone makes coordinators. */
    fun inviter(role: Role): Kitbag = if (role == Role.COORDINATOR) root else desk

    /** Another worker's phone. */
    fun phone(name: String): Kitbag = runBlocking {
        val invitation = desk.team.invite(team, Role.WORKER, label = name)
        val joining = Joining.ask(opening(name), invitation.text)
        invitation.asked()
        val joined = async { joining.approved() }
        desk.team.approve(joining.code)
        joined.await().also(open::add)
    }

    /** What the hub has of the team, as the desk sees it. */
    fun atDesk(): List<org.kitbag.Row> = runBlocking {
        desk.sync.now()
        desk.records.list(org.kitbag.Search(team = team, most = 500)).rows
    }

    override fun close() {
        open.forEach(Kitbag::close)
        hub.close()
        folder.toFile().deleteRecursively()
    }

    companion object {
        /** A programme's own codes, made up. */
        val PACK = """
            name = "harbour-town"
            version = 1
            source = "made up for the app's tests"
            sites = [
              { code = "riverside", label = { en = "Riverside", ar = "ضفة النهر" } },
              { code = "harbour", label = { en = "Harbour", ar = "الميناء" } },
              { code = "night-bus", label = { en = "Night bus", ar = "الحافلة الليلية" } },
            ]
            services = [
              { code = "clinic-north", label = { en = "North clinic", ar = "عيادة الشمال" } },
              { code = "housing-desk", label = { en = "Housing desk", ar = "مكتب السكن" } },
            ]

            [[products]]
            code = "nasal_4mg"
            label = { en = "Nasal spray 4 mg", ar = "بخاخ أنفي 4 مغ" }
            route = "IN"
            mg_per_dose = 4.0
            doses_per_kit = 2
        """.trimIndent()
    }
}

/** A form with what is required and may be unknown answered so. */
fun form(kind: Kind, day: LocalDate, vararg answers: Pair<String, String>): Form {
    val form = Form(kind).on(day).put("site", "riverside").withUnknowns()
    return answers.fold(form) { filled, (field, text) -> filled.putText(field, text) }
}

/** A folder for pictures and the like. */
fun folderOf(property: String): File = File(System.getProperty(property)).apply { mkdirs() }
