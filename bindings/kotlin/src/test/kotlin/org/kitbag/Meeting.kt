package org.kitbag

import java.io.File
import java.util.Random
import kotlinx.coroutines.runBlocking

/** A phone as a program of its own, for `bindings/meeting.sh`: `STORE COMMAND …`. */
public fun main(arguments: Array<String>): Unit = runBlocking {
    val (store, command) = arguments
    val key = ByteArray(32).also { Random(store.hashCode().toLong()).nextBytes(it) }
    val opening = Opening(store, { key })
    if (command == "join") {
        val joining = Joining.ask(opening, File(arguments[2]).readText())
        println(joining.code)
        System.out.flush()
        joining.approved().closeAndWait()
        return@runBlocking
    }
    val kitbag = Kitbag.open(opening)
    val team = kitbag.team.own().single().team
    when (command) {
        "record" -> repeat(arguments[3].toInt()) { kitbag.records.record(team, reversal(site = arguments[2])) }
        "export" -> kitbag.bundles.export(team, BundleOf.EVERYTHING, arguments[2])
        "import" -> kitbag.bundles.import(arguments[2])
        "sync" -> check(kitbag.sync.now() == Agreement.Whole)
        "show" -> {
            val rows = kitbag.records.list(Search(most = 1_000)).rows
            rows.map { "${it.id} ${(it.fields["site"] as Value.Text).text} ${it.state.name.lowercase()}" }.sorted()
                .forEach(::println)
            println("reversals ${kitbag.totals.of().lines.sumOf { it.sums["reversals"] ?: 0 }}")
        }
        else -> error("no command is $command")
    }
    kitbag.closeAndWait()
}
