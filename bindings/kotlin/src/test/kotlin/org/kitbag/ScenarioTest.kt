package org.kitbag

import java.nio.file.Files
import java.nio.file.Path
import java.util.TreeMap
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull
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
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

/** A worker's week, from `scenario.json`: what it observes and exports is compared with what Rust and Swift do. */
class ScenarioTest {
    private val scenario = Json.parseToJsonElement(Files.readString(Path.of(System.getProperty("kitbag.scenario")))).jsonObject
    private val devices = TreeMap<String, Kitbag>()
    private val changes = HashMap<String, Channel<Changed>>()
    private val records = HashMap<String, RecordId>()
    private val drafts = HashMap<String, DraftId>()
    private val observed = StringBuilder()

    private fun CoroutineScope.hold(name: String, kitbag: Kitbag) {
        devices[name] = kitbag
        val channel = Channel<Changed>(Channel.UNLIMITED)
        changes[name] = channel
        launch(Dispatchers.Unconfined, CoroutineStart.UNDISPATCHED) { kitbag.changes.collect { channel.send(it) } }
    }

    private suspend fun look(step: Int, said: String) {
        observed.append("$step $said\n")
        for (name in devices.keys) {
            val all = mutableListOf<Changed>()
            while (true) all += withTimeoutOrNull(100) { changes.getValue(name).receive() } ?: break
            if (all.isNotEmpty()) observed.append("  $name: ${lineOf(all)}\n")
        }
    }

    private fun lineOf(all: List<Changed>): String {
        val words = all.flatMap { it.records }.map { it.text }.distinct().sorted() +
            all.flatMap { it.kinds }.map { it.name.lowercase() }.distinct().sorted()
        val flags = listOf<Pair<String, (Changed) -> Boolean>>(
            "many" to { it.isMany }, "sums" to { it.sums }, "delivery" to { it.delivery },
            "attention" to { it.attention }, "state" to { it.state },
        )
        return (words + flags.filter { (_, flag) -> all.any(flag) }.map { it.first }).joinToString(" ")
    }

    private fun value(json: JsonElement): Value {
        val said = json.jsonPrimitive
        return when {
            said.isString -> Value.Text(said.content)
            said.booleanOrNull != null -> Value.Flag(said.booleanOrNull!!)
            else -> Value.Number(said.longOrNull!!)
        }
    }

    private fun element(json: JsonElement): Element = json.jsonObject.mapValues { value(it.value) }

    private fun form(json: JsonObject): Form {
        var form = Form(Kind.valueOf(json.text("kind").uppercase()))
        json["fields"]?.jsonObject?.forEach { (field, said) -> form = form.put(field, value(said)) }
        json["texts"]?.jsonObject?.forEach { (field, said) -> form = form.putText(field, said.jsonPrimitive.content) }
        json["lists"]?.jsonObject?.forEach { (list, all) -> all.jsonArray.forEach { form = form.add(list, element(it)) } }
        return if (json["unknowns"]?.jsonPrimitive?.booleanOrNull == true) form.withUnknowns() else form
    }

    private fun JsonObject.text(name: String): String = (this[name] as? JsonPrimitive)?.contentOrNull ?: ""

    private suspend fun play(world: World, step: JsonObject) {
        val on = devices.getValue(step.text("on"))
        fun of(name: String) = records.getValue(step.text(name))
        fun filled() = form(scenario.getValue("forms").jsonObject.getValue(step.text("form")).jsonObject)
        when (step.text("do")) {
            "record" -> records[step.text("as")] = on.records.record(world.team, filled())
            "draft" -> drafts[step.text("as")] = on.drafts.save(filled())
            "finish" ->
                records[step.text("as")] = on.drafts.finish(drafts.getValue(step.text("draft")), world.team, filled())
            "add" -> on.records.change(of("record"), listOf(Change.Add(step.text("list"), element(step.getValue("element")))))
            "correct" -> on.records.correct(of("record"), step.text("field"), value(step.getValue("value")))
            "void" -> on.records.void(of("record"), step.text("reason"))
            "undo" -> on.records.undo(of("record"))
            "duplicate" -> on.records.markDuplicate(of("record"), of("of"))
            "bundle" -> {
                val file = world.folder.resolve("carried.kitbag").toString()
                on.bundles.export(world.team, BundleOf.WAITING, file)
                devices.getValue(step.text("to")).bundles.import(file)
            }
            "sync" -> on.sync.now()
            "sync_dies" -> {
                on.programme.setHub(world.hub.address.breakingAfter(step.getValue("bytes").jsonPrimitive.longOrNull!!))
                val ended = runCatching { on.sync.now() }
                on.programme.setHub(world.hub.address)
                ended.getOrThrow()
            }
            "revoke" -> {
                val device = devices.getValue(step.text("worker")).programme.own().device
                val member = on.team.members(world.team).first { it.device == device }
                on.team.revoke(world.team, member.certificate)
            }
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

    private suspend fun export(team: TeamId, name: String, out: Path) {
        val kitbag = devices.getValue(name)
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

    @Test
    fun aWeek() = runBlocking<Unit> {
        org.kitbag.ffi.beginScenario(scenario.getValue("seed").jsonPrimitive.content.toULong())
        var now = 1_772_438_400_000
        org.kitbag.ffi.setScenarioClock(now)
        try {
            World.new().use { world ->
                for (name in scenario.getValue("workers").jsonArray) {
                    hold(name.jsonPrimitive.content, world.phone(name.jsonPrimitive.content))
                }
                hold("desk", world.desk)
                scenario.getValue("steps").jsonArray.forEachIndexed { number, json ->
                    val step = json.jsonObject
                    now += (step["hours"]?.jsonPrimitive?.longOrNull ?: 0) * 3_600_000 + 60_000
                    org.kitbag.ffi.setScenarioClock(now)
                    val failed = runCatching { play(world, step) }.exceptionOrNull()
                    val code = failed?.let { (it as KitbagException).code } ?: "ok"
                    look(number, "${step.text("on")} ${step.text("do")} $code")
                }
                val out = Path.of(System.getProperty("kitbag.exports"))
                out.toFile().deleteRecursively()
                Files.createDirectories(out)
                Files.writeString(out.resolve("observed.txt"), observed)
                for (name in devices.keys) export(world.team, name, out)
                assertEquals(33, observed.lines().count { it.endsWith(" ok") }, observed.toString())
            }
        } finally {
            org.kitbag.ffi.beginScenario(0u)
        }
    }
}
