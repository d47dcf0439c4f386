package org.kitbag

import java.time.LocalDate
import java.time.LocalTime
import java.time.ZoneId
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Persons, names, dates that may be wrong, and two that are two. */
class PersonTest {
    private suspend fun World.joined(name: String, continues: EntryId? = null, label: String? = null): Kitbag = coroutineScope {
        val invitation = desk.team.invite(team, Role.WORKER, continues, label)
        val joining = Joining.ask(opening(name), invitation.text)
        invitation.asked()
        val joined = async { joining.approved() }
        desk.team.approve(joining.code)
        joined.await()
    }

    @Test
    fun aNewPhoneIsTheSamePersonAndIsCalledByItsName() = runBlocking<Unit> {
        World.new().use { world ->
            val old = world.joined("old", label = "Ana's phone")
            val id = old.records.record(world.team, reversal("unknown"))
            old.sync.now()
            val earlier = world.desk.team.members(world.team).single { it.label == "Ana's phone" }
            val new = world.joined("new", earlier.certificate, "Ana's new phone")
            new.sync.now()
            new.records.correct(id, "outcome", "survived")
            new.sync.now()
            world.desk.sync.now()
            val members = world.desk.team.members(world.team).filter { it.person == earlier.person }
            assertEquals(setOf("Ana's phone", "Ana's new phone"), members.map { it.label }.toSet())
            assertTrue(members.all { it.joined.toEpochMilli() > 1_700_000_000_000 })
            val totals = world.desk.totals.of(Query(by = listOf("author")))
            assertEquals(listOf(listOf(earlier.device.text)), totals.lines.map { it.by })
            world.desk.team.setLabel(members.first { it.label == "Ana's phone" }.certificate, "Lost in May")
            assertTrue("Lost in May" in world.desk.team.names().values)
            val refused = runCatching { world.desk.team.setLabel(earlier.certificate, "x".repeat(10_000)) }
            assertTrue(refused.exceptionOrNull() is KitbagException, "$refused")
            listOf(old, new).forEach(Kitbag::close)
        }
    }

    @Test
    fun aDateCountsWhateverItIsAndTwoThatAreTwoAreSuspectedNoMore() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            phone.records.record(world.team, reversal().put("occurred_on", LocalDate.of(2199, 1, 1)))
            val totals = phone.totals.of(Query(by = listOf("fiscal_year")))
            assertEquals(listOf(listOf("2198/99")), totals.lines.map { it.by })
            assertEquals(mapOf(2199 to 1L), totals.inDoubt)
            assertEquals(1, phone.records.list(Search(dateInDoubt = true)).count)
            assertEquals(0, totals.ofSpans)
            val span = reversal().put("occurred_on", LocalDate.of(2026, 2, 20)).put("through", LocalDate.of(2026, 3, 5))
            phone.records.record(world.team, span)
            val months = phone.totals.of(Query(from = LocalDate.of(2026, 1, 1), to = LocalDate.of(2026, 12, 31), by = listOf("month")))
            assertEquals(listOf(listOf("2026-03")) to 1L, months.lines.map { it.by } to months.ofSpans)
            assertEquals(months.missing.entries, phone.health.missing(world.team).sumOf { it.entries })
            val (one, two) = List(2) { phone.records.record(world.team, reversal()) }
            assertEquals(1, phone.records.suspectedDuplicates().size)
            phone.records.keepApart(one, two)
            assertEquals(0, phone.records.suspectedDuplicates().size)
            phone.records.record(world.team, reversal())
            assertTrue(phone.records.linkSuspected(Why.SAVED_TWICE) > 0)
            phone.close()
        }
    }

    @Test
    fun theOffsetIsThatOfTheDay() {
        val kyiv = ZoneId.of("Europe/Kyiv")
        val offsets = listOf(
            Triple("2026-01-15", null, 120L),
            Triple("2026-07-15", null, 180L),
            Triple("2026-03-29", "03:30", 120L),
            Triple("2026-10-25", "03:30", 180L),
            Triple("2026-10-25", "04:30", 120L),
        )
        for ((day, time, minutes) in offsets) {
            val form = Form(Kind.REVERSAL).on(LocalDate.parse(day), time?.let(LocalTime::parse), kyiv)
            assertEquals(Value.Number(minutes), form.fields["utc_offset_min"], "$day $time")
        }
    }
}
