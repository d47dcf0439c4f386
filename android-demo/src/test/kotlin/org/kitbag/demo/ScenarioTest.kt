package org.kitbag.demo

import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import java.time.ZoneId
import java.time.ZoneOffset
import java.util.TreeMap
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.booleanOrNull
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.longOrNull
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.kitbag.BundleOf
import org.kitbag.Element
import org.kitbag.Form
import org.kitbag.HubAddress
import org.kitbag.Joining
import org.kitbag.KeyProvider
import org.kitbag.Kind
import org.kitbag.Kitbag
import org.kitbag.KitbagException
import org.kitbag.Opening
import org.kitbag.Order
import org.kitbag.Query
import org.kitbag.RecordId
import org.kitbag.Role
import org.kitbag.Row
import org.kitbag.Search
import org.kitbag.TeamId
import org.kitbag.Value
import org.kitbag.demo.android.ResourceWords
import org.kitbag.demo.screens.App
import org.kitbag.demo.screens.Begun
import org.kitbag.demo.screens.Correct
import org.kitbag.demo.screens.Item
import org.kitbag.demo.screens.NextStep
import org.kitbag.demo.screens.OnShift
import org.kitbag.demo.screens.Phone
import org.kitbag.demo.screens.Platform
import org.kitbag.demo.screens.RecordOf
import org.kitbag.demo.screens.Recording
import org.kitbag.demo.screens.Screen
import org.kitbag.demo.screens.Syncing
import org.kitbag.demo.screens.Voiding
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config

/** A phone without a screen: files go from hand to hand. */
private class Pocket(override val folder: File, private val hand: Path) : Platform {
    var now: Instant = Instant.EPOCH
    override val zone: ZoneId = ZoneOffset.UTC
    override val isInDevelopment = false

    override fun secret(name: String) = ByteArray(32)

    override fun now(): Instant = now

    override fun uptime(): Duration = Duration.between(Instant.EPOCH, now)

    override suspend fun send(file: File): Boolean {
        file.copyTo(hand.toFile(), overwrite = true)
        return true
    }

    override suspend fun receive(): File = File(folder, "received").also { hand.toFile().copyTo(it, overwrite = true) }

    override suspend fun scan(): String? = null
}

/** The week that all languages play, from `scenario.json`, by the app's screens: what it exports is compared with Rust's. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], qualifiers = "en-rUS")
class ScenarioTest {
    private val scenario = Json.parseToJsonElement(Files.readString(Path.of(System.getProperty("kitbag.scenario")))).jsonObject
    private val apps = TreeMap<String, App>()
    private val records = HashMap<String, RecordId>()
    private var hub = HubAddress("")
    private var team = TeamId("")

    private fun value(json: JsonElement): Value {
        val said = json.jsonPrimitive
        return when {
            said.isString -> Value.Text(said.content)
            said.booleanOrNull != null -> Value.Flag(said.booleanOrNull!!)
            else -> Value.Number(said.longOrNull!!)
        }
    }

    private fun JsonObject.text(name: String): String = (this[name] as? JsonPrimitive)?.contentOrNull ?: ""

    private fun element(json: JsonElement): Element = json.jsonObject.mapValues { value(it.value) }

    /** Fills a form in, answer by answer. */
    private suspend fun fill(recording: Recording, form: JsonObject) {
        form["fields"]?.jsonObject?.forEach { (field, said) -> recording.answer(recording.filled.put(field, value(said))) }
        form["texts"]?.jsonObject?.forEach { (field, said) -> recording.answer(recording.filled.putText(field, said.jsonPrimitive.content)) }
        form["lists"]?.jsonObject?.forEach { (list, all) ->
            val elements = all.jsonArray.map(::element)
            recording.answer(recording.filled.copy(lists = recording.filled.lists + (list to elements)))
        }
        if (form["unknowns"]?.jsonPrimitive?.booleanOrNull == true) recording.answer(recording.filled.withUnknowns())
    }

    private fun kind(form: JsonObject) = Kind.valueOf(form.text("kind").uppercase())

    /** Taps what is on a screen. */
    private suspend fun tap(screen: Screen, text: String) = checkNotNull(screen.page().act(text)) { "$text is not on ${screen.page()}" }()

    private suspend fun tapAndWait(screen: Screen, text: String) {
        tap(screen, text)
        while (screen.isWaiting) delay(5)
    }

    private suspend fun save(app: App, recording: Recording, name: String) {
        if (recording.page().name != "review") return recording.discard()
        tap(recording, app.speech.say("app-save"))
        val shift = app.shift()
        records[name] = checkNotNull(shift.kitbag.records.lastChanged(team))
    }

    private suspend fun sync(app: App) {
        val syncing = Syncing(app)
        app.show(syncing)
        tap(syncing, app.speech.say("app-sync_now"))
        while (syncing.page().act(app.speech.say("app-stop")) != null) delay(5)
        app.home()
    }

    /** A way to the hub that breaks for good once so many bytes went to it. */
    private fun breakingAfter(bytes: Long): HubAddress {
        val (before, port, pins) = checkNotNull(Regex("(.*:)(\\d+)(/.*)").matchEntire(hub.text)).destructured
        val ffi = Class.forName("org.kitbag.ffi.KitbagKt")
        val way = ffi.methods.first { it.name.startsWith("breakingWay") }.invoke(null, port.toInt().toShort(), bytes)
        return HubAddress(before + (way as Short).toUShort() + pins)
    }

    private suspend fun play(step: JsonObject) {
        val app = apps.getValue(step.text("on"))
        val shift = app.shift()
        fun of(name: String) = records.getValue(step.text(name))
        fun form() = scenario.getValue("forms").jsonObject.getValue(step.text("form")).jsonObject
        when (step.text("do")) {
            "record" -> {
                val recording = Recording(app, shift, Form(kind(form())), null)
                fill(recording, form())
                try {
                    save(app, recording, step.text("as"))
                } catch (wrong: KitbagException.Invalid) {
                    recording.discard()
                    throw wrong
                }
            }
            "draft" -> fill(Recording(app, shift, Form(kind(form())), null), form())
            "finish" -> {
                val draft = shift.kitbag.drafts.list().single()
                val begun = Begun(app, draft)
                app.show(begun)
                tap(begun, app.speech.say("app-go_on"))
                val recording = Recording(app, shift, draft.form, draft.id).begin()
                fill(recording, form())
                save(app, recording, step.text("as"))
            }
            "add" -> {
                val element = step.getValue("element").jsonObject
                val words = app.vocabulary()
                val status = words.said(checkNotNull(words.field(Kind.REFERRAL, "events.status")), element.getValue("status").let(::value))
                val next = NextStep(app, of("record"), "made")
                // The hub's clock is months ahead of the week's: no day is put for anybody.
                next.page().items.filterIsInstance<Item.Input>().single().typed(element.text("on"))
                tap(next, status)
            }
            "correct" -> {
                val words = app.vocabulary()
                val field = checkNotNull(words.field(Kind.REVERSAL, step.text("field")))
                tap(Correct(app, of("record"), field.name), words.said(field, value(step.getValue("value"))))
            }
            "void" -> {
                val words = app.vocabulary()
                tap(Voiding(app, of("record")), words.said(checkNotNull(words.field(Kind.REVERSAL, "void")), Value.Text(step.text("reason"))))
            }
            "undo" -> tap(RecordOf(app, of("record")), app.speech.say("app-undo_last"))
            "bundle" -> {
                tapAndWait(Syncing(app), app.speech.say("app-send_file"))
                tapAndWait(Syncing(apps.getValue(step.text("to"))), app.speech.say("app-receive_file"))
            }
            "sync" -> sync(app)
            "sync_dies" -> {
                shift.kitbag.programme.setHub(breakingAfter(step.getValue("bytes").jsonPrimitive.longOrNull!!))
                sync(app)
                shift.kitbag.programme.setHub(hub)
            }
            // A coordinator's work, which is not on a worker's phone.
            "revoke" -> {
                val device = apps.getValue(step.text("worker")).shift().device
                shift.kitbag.team.revoke(team, shift.kitbag.team.members(team).first { it.device == device }.certificate)
            }
            "duplicate" -> shift.kitbag.records.markDuplicate(of("record"), of("of"))
            else -> error("no step is ${step.text("do")}")
        }
    }

    private fun shown(value: Value) = when (value) {
        Value.Nothing -> ""
        is Value.Flag -> value.flag.toString()
        is Value.Number -> value.number.toString()
        is Value.Text -> value.text
        Value.Sealed -> "(sealed)"
    }

    private fun fields(of: Element) = of.map { (name, value) -> "$name=${shown(value)}" }.sorted().joinToString(" ")

    private fun rowOf(row: Row) = buildString {
        append("${row.id} ${row.kind.name.lowercase()} ${row.author} ${row.day.toEpochDay()} ")
        append("${row.state.name.lowercase()} ${row.recordedAt.toEpochMilli()}\n  ${fields(row.fields)}\n")
        row.lists.toSortedMap().forEach { (list, all) -> all.forEach { append("  $list: ${fields(it)}\n") } }
    }

    private suspend fun export(name: String, out: Path) {
        val kitbag = apps.getValue(name).shift().kitbag
        val text = StringBuilder()
        kitbag.records.list(Search(order = Order.DAY, most = 1_000)).rows.forEach { text.append(rowOf(it)) }
        val totals = kitbag.totals.of(Query(by = listOf("kind", "site")))
        for (line in totals.lines) {
            val sums = line.sums.map { (name, sum) -> "$name=$sum" }.sorted().joinToString(" ")
            text.append("${line.by.joinToString("/")} $sums\n")
        }
        text.append("${totals.missing.entries} ${totals.inDoubt.size} ${totals.waiting}\n")
        Files.writeString(out.resolve("$name.txt"), text)
        kitbag.bundles.export(team, BundleOf.EVERYTHING, out.resolve("$name.kitbag").toString())
    }

    private suspend fun CoroutineScope.hold(folder: Path, name: String, kitbag: Kitbag, opening: Opening) {
        val platform = Pocket(folder.resolve("app-$name").toFile().apply { mkdirs() }, folder.resolve("carried"))
        val phone = Phone(platform)
        val profile = phone.add(name)
        profile.opened(null)
        phone.take(OnShift(profile, kitbag, opening, kitbag.team.own().first(), kitbag.programme.own().device))
        apps[name] = App(phone, ResourceWords(RuntimeEnvironment.getApplication()), this)
    }

    private fun at(millis: Long) {
        Stopped.at(Instant.ofEpochMilli(millis))
        apps.values.forEach { (it.phone.platform as Pocket).now = Instant.ofEpochMilli(millis) }
    }

    @Test
    fun aWeek() = runBlocking {
        Stopped.begin(scenario.getValue("seed").jsonPrimitive.content.toLong())
        var now = 1_772_438_400_000
        at(now)
        val folder = Files.createTempDirectory("kitbag")
        val key = KeyProvider { ByteArray(32) { 7 } }
        fun opening(name: String) = Opening(folder.resolve("$name.db").toString(), key)
        val root = Kitbag.found(opening("root"))
        val open = arrayListOf(root)
        val server = Hub(folder.resolve("hub"), root.programme.own().root)
        try {
            hub = server.address
            root.programme.setHub(hub)
            team = root.programme.newTeam()
            val desk = root.programme.makeCoordinator(team, opening("desk")).also(open::add)
            root.sync.now()
            for (json in scenario.getValue("workers").jsonArray) {
                val name = json.jsonPrimitive.content
                val invitation = desk.team.invite(team, Role.WORKER)
                val joining = Joining.ask(opening(name), invitation.text)
                invitation.asked()
                val joined = async { joining.approved() }
                desk.team.approve(joining.code)
                hold(folder, name, joined.await().also(open::add), opening(name))
            }
            hold(folder, "desk", desk, opening("desk"))
            for (json in scenario.getValue("steps").jsonArray) {
                val step = json.jsonObject
                now += (step["hours"]?.jsonPrimitive?.longOrNull ?: 0) * 3_600_000 + 60_000
                at(now)
                try {
                    play(step)
                } catch (failed: KitbagException) {
                    println("scenario: ${step.text("on")} ${step.text("do")} ${failed.code}")
                }
            }
            val out = folderOf("kitbag.exports").toPath()
            for (name in apps.keys) export(name, out)
            assertEquals(4, apps.size)
        } finally {
            coroutineContext.cancelChildren()
            open.forEach(Kitbag::close)
            server.close()
            Stopped.end()
        }
    }
}
