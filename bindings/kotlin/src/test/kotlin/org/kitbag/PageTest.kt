package org.kitbag

import java.nio.file.Files
import java.nio.file.Path
import java.time.Duration
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** docs/integrating.md quotes the parts between the marks, and this runs them. */
class PageTest {
    private val keystore = KEY
    private val today = TODAY

    private suspend fun joined(path: String, invitation: String, approve: suspend (String) -> Unit): Kitbag = coroutineScope {
        val show = { code: String -> launch { approve(code) } }
        // [ask]
        val joining = Joining.ask(Opening(path, keystore), invitation)
        show(joining.code) // six digits, large: the coordinator types them
        // [approved]
        val kitbag = joining.approved() // waits ten minutes at most; cancel it when the screen goes
        val team = kitbag.team.own().single().team
        // [end]
        assertEquals(joining.team, team)
        kitbag
    }

    private suspend fun aDay(kitbag: Kitbag, team: TeamId, path: String, scope: CoroutineScope) {
        var refreshed = 0
        val refresh = { refreshed += 1 }
        // [changes]
        val watching = scope.launch { kitbag.changes.collect { changed -> if (changed.sums) refresh() } }
        // [record]
        val begun = kitbag.records.begin(team, Kind.REVERSAL, today, utcOffsetMinutes = 60)
        val form = begun.put("site", "riverside").put("outcome", "survived").withUnknowns()
        val id = kitbag.records.record(team, form) // durable now
        // [draft]
        val draft = kitbag.drafts.save(Form(Kind.REVERSAL).put("site", "riverside")) // survives the app's death
        kitbag.drafts.finish(draft, team, form)
        // [read]
        val page = kitbag.records.list(Search(kind = Kind.REVERSAL))
        for (row in page.rows) println("${row.day} ${row.fields["site"]} ${row.delivery}")
        val totals = kitbag.totals.of(Query(by = listOf("site")))
        val missing = totals.missing.entries // beside every number
        // [sync]
        kitbag.sync.now() // cancelling the coroutine cancels the sync, without a loss
        val status = kitbag.sync.status()
        println(if (status.isSynced) "synced" else "${status.waiting.records} wait: ${status.last.failed?.inWords}")
        // [background]
        kitbag.suspend()
        Sync.inBackground(Opening(path, keystore), Duration.ofSeconds(25))
        kitbag.resume()
        // [errors]
        Kitbag.setLanguage("fr")
        try {
            kitbag.records.record(team, Form(Kind.REVERSAL))
        } catch (error: KitbagException.Invalid) {
            for (fault in error.faults) println("${fault.field}: ${fault.inWords}") // beside its field
        } catch (error: KitbagException) {
            println("${error.code}: ${error.inWords}")
        }
        // [end]
        Kitbag.setLanguage("en")
        assertTrue(status.isSynced)
        assertTrue(page.rows.any { it.id == id })
        assertEquals(0 to 2L, missing.toInt() to totals.lines.single().sums["reversals"])
        watching.cancelAndJoin()
        assertTrue(refreshed > 0)
    }

    @Test
    fun aDayAsThePageShowsIt() = runBlocking<Unit> {
        World.new().use { world ->
            val path = world.opening("phone").path
            val invitation = world.desk.team.invite(world.team, Role.WORKER)
            val kitbag = async { joined(path, invitation.text) { world.desk.team.approve(it) } }.await()
            aDay(kitbag, world.team, path, this)
            kitbag.closeAndWait()
        }
    }

    @Test
    fun thePageQuotesWhatRuns() {
        val bindings = Path.of(System.getProperty("kitbag.scenario")).toRealPath().parent
        fun plain(text: String) = text.lines().map { it.trim() }.filter { it.isNotEmpty() }
        val own = Files.readString(bindings.resolve("kotlin/src/test/kotlin/org/kitbag/PageTest.kt"))
        val parts = own.split("        // [").drop(1).map { it.substringBefore("]\n") to plain(it.substringAfter("]\n")) }
            .filter { (name, _) -> name != "end" && name.all(Char::isLetter) }
        val page = Files.readString(bindings.resolveSibling("docs/integrating.md"))
        val quoted = page.split("```kotlin\n").drop(1).map { plain(it.substringBefore("```")) }
        for ((name, lines) in parts) assertTrue(lines in quoted, "docs/integrating.md does not quote $name")
        assertEquals(parts.size, quoted.size, "and nothing else")
    }
}
