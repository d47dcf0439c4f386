package org.kitbag

import java.time.Duration
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** A worker's day, over a real hub with TLS. */
class DayTest {
    @Test
    fun aDay() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            assertEquals(listOf(Role.WORKER), phone.team.own().map { it.role })
            assertTrue(phone.changes.first().isMany, "a screen begins with it")
            val changed = async { phone.changes.first { it.records.isNotEmpty() } }
            val begun = phone.records.begin(world.team, Kind.REVERSAL, TODAY, 60)
            assertEquals(Value.Text("2026-03-14"), begun.fields["occurred_on"])
            val id = phone.records.record(world.team, begun.put("site", "riverside").put("outcome", "survived").withUnknowns())
            assertTrue(id in changed.await().records)
            val page = phone.records.list(Search(kind = Kind.REVERSAL))
            assertEquals(1, page.count)
            val row = page.rows.single()
            assertEquals(Delivery.Waiting, row.delivery)
            assertEquals(TODAY, row.day)
            assertEquals(Value.Text("riverside"), row.fields["site"])
            // Two values written apart, and one of them chosen.
            assertFalse(phone.sync.status().isSynced)
            val run = phone.sync.start(deadline = Duration.ofSeconds(60))
            val seen = async { run.progress.toList() }
            assertEquals(Agreement.Whole, run.ended())
            seen.await()
            assertTrue(phone.sync.status().isSynced)
            assertEquals(Delivery.OnHub, phone.records.get(id).delivery)
            world.desk.sync.now()
            world.desk.records.correct(id, "outcome", "died")
            phone.records.correct(id, "outcome", "unknown")
            world.desk.sync.now()
            phone.sync.now()
            assertEquals(Attention.Conflicted, phone.records.get(id).attention)
            val values = phone.records.get(id).fields.getValue("outcome").map { it.value }
            assertEquals(setOf<Value>(Value.Text("died"), Value.Text("unknown")), values.toSet())
            phone.records.correct(id, "outcome", "survived")
            phone.sync.now()
            world.desk.sync.now()
            for (kitbag in listOf(phone, world.desk)) {
                val totals = kitbag.totals.of(Query(by = listOf("site")))
                assertEquals(1, totals.lines.single().sums["reversals"])
                assertEquals(listOf("riverside"), totals.lines.single().by)
                assertEquals(0, totals.missing.entries)
            }
            assertEquals(2, world.desk.team.membersAndLastSync(world.team).count { it.lastSynced != null })
            assertEquals(1, world.desk.totals.completeness(world.team, TODAY, TODAY).counts["records"])
            phone.records.undo(phone.records.lastChanged(world.team)!!)
            assertTrue(phone.health.verify().faults.isEmpty())
        }
    }

    @Test
    fun aDraftOutlivesTheStoreAndBecomesOneRecord() = runBlocking<Unit> {
        World.new().use { world ->
            var phone = world.phone("phone")
            val form = Form(Kind.REVERSAL).put("site", "riverside").putText("occurred_time", "21:05")
            val draft = phone.drafts.save(form)
            phone.closeAndWait()
            phone = Kitbag.open(world.opening("phone"))
            val kept = phone.drafts.list().single()
            assertEquals(draft, kept.id)
            assertEquals(Value.Text("21:05"), kept.form.fields["occurred_time"])
            val id = phone.drafts.finish(draft, world.team, kept.form.put("occurred_on", TODAY).put("utc_offset_min", 0)
                .put("outcome", "survived").withUnknowns())
            assertTrue(phone.drafts.list().isEmpty())
            assertEquals(State.COUNTED, phone.records.get(id).state)
            phone.close()
        }
    }

    @Test
    fun screensAreBuiltOfDeclarationsInTheAppsLanguage() = runBlocking<Unit> {
        val all = declarations("fr")
        assertEquals(Kind.entries.toSet(), all.map { it.kind }.toSet())
        val reversal = all.single { it.kind == Kind.REVERSAL }
        assertEquals(message("kind-reversal", "fr"), reversal.inWords)
        assertTrue(reversal.inWords != message("kind-reversal"))
        val outcome = reversal.fields.single { it.name == "outcome" }
        assertEquals(Need.Required to Shape.Code, outcome.need to outcome.shape)
        assertTrue("survived" in outcome.codes && outcome.codesInWords.getValue("survived") != "survived")
        val administrations = reversal.fields.single { it.name == "administrations" }.shape as Shape.Elements
        assertTrue(administrations.fields.any { it.name == "doses" })
    }

    /** Each of our enums has the names that the layer below has. */
    @Test
    fun noNameIsMissing() {
        fun names(of: List<Enum<*>>) = of.map { it.name }
        val ffi = org.kitbag.ffi.Kind.entries
        assertEquals(names(ffi), names(Kind.entries))
        assertEquals(names(org.kitbag.ffi.State.entries), names(State.entries))
        assertEquals(names(org.kitbag.ffi.Refusal.entries), names(Refusal.entries))
        assertEquals(names(org.kitbag.ffi.Role.entries), names(Role.entries))
        assertEquals(names(org.kitbag.ffi.Order.entries), names(Order.entries))
        assertEquals(Period.entries.size, Period.entries.map { it.lower() }.toSet().size)
        assertEquals(names(org.kitbag.ffi.LiftedBy.entries), names(LiftedBy.entries))
        assertEquals(names(org.kitbag.ffi.Why.entries), names(Why.entries))
        assertEquals(names(org.kitbag.ffi.StockAlarm.entries), names(StockAlarm.entries))
        assertEquals(names(org.kitbag.ffi.BundleOf.entries), names(BundleOf.entries))
        assertEquals(names(org.kitbag.ffi.LogLevel.entries), names(LogLevel.entries))
    }

    @Test
    fun aBundleBringsWhatAColleagueRecorded() = runBlocking<Unit> {
        World.new().use { world ->
            val (ana, ben) = listOf(world.phone("ana"), world.phone("ben"))
            val id = ana.records.record(world.team, reversal())
            val file = world.folder.resolve("ana.kitbag").toString()
            val written = ana.bundles.export(world.team, BundleOf.WAITING, file)
            assertTrue(written.entries > 0)
            assertTrue(ben.bundles.import(file).newEntries > 0)
            assertEquals(id, ben.records.list().rows.single().id)
            assertNull(ben.records.lastChanged(world.team))
        }
    }

    @Test
    fun aPhoneThatCapturesOnlyKeepsNothingThatWasSent() = runBlocking<Unit> {
        World.new().use { world ->
            world.root.programme.publishPack(
                "name = \"p\"\nversion = 1\nsource = \"made up\"\nresponse = [{ code = \"ems_called\", label = \"Call\" }]\n",
            )
            world.root.sync.now()
            val joined = world.phone("ana")
            joined.records.record(world.team, reversal())
            assertEquals(0L, joined.records.captureOnly())
            assertTrue(joined.records.isCaptureOnly())
            joined.sync.now()
            // For a moment it may be undone; the next time that the app opens it is gone.
            assertEquals(1L, joined.records.list().count)
            joined.closeAndWait()
            val phone = Kitbag.open(world.opening("ana"))
            assertEquals(1L, phone.records.captureOnly())
            assertEquals(0L, phone.records.list().count)
            assertTrue(phone.totals.of().missing.entries > 0)
            val pack = phone.programme.packs().single { it.name == "p" }
            assertEquals("Call", pack.response.single().label("en"))
            assertEquals(false, pack.captureOnly)
            world.desk.sync.now()
            assertEquals(1L, world.desk.records.list().count)
            val refused = runCatching { world.desk.records.captureOnly() }.exceptionOrNull()
            assertEquals("role", (refused as KitbagException.NotAllowed).code)
            phone.closeAndWait()
        }
    }
}
