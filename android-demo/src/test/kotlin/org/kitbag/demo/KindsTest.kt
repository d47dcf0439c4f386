package org.kitbag.demo

import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.kitbag.Kind
import org.kitbag.Role
import org.kitbag.Row
import org.kitbag.Search
import org.kitbag.Value
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

/** The kinds of record that are seldom made, and what the hub does not take. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], qualifiers = "en-rUS-w360dp-h640dp-port-xhdpi")
class KindsTest {
    private lateinit var world: World
    private lateinit var hand: Hand

    @Before
    fun begin() {
        FakeKeystore.install()
        world = World()
        hand = Hand()
    }

    @After
    fun end() {
        hand.leave()
        world.close()
    }

    private fun rows(): List<Row> = runBlocking { hand.application.phone.onShift!!.kitbag.records.list(Search()).rows }

    @Test
    fun kitsIntoTheBagAreSeenInIt() {
        hand.join(world)
        hand.see("Nothing is noted.")
        hand.tap("Record something else").at("other_record").tap("Stock movement").at("question").tap("Riverside").tap("Issued to a worker")
            .type("Kits", "12").tap("Next").tap("Riverside").tap("In the bag").at("review").see("12").tap("Save").at("saved").tap("Done").at("today").see("Nasal spray 4 mg: 12 kits")
        val row = rows().single()
        assertEquals(Kind.STOCK_MOVEMENT, row.kind)
        assertEquals(Value.Number(12), row.fields["quantity"])
        hand.tap("Naloxone given").at("question").tap("Riverside").tap("Person at risk").tap("First supply").tap("Street outreach").tap("2").tap("Brief")
            .at("review").tap("Save").at("saved").tap("Done").at("today").see("Nasal spray 4 mg: 10 kits")
    }

    @Test
    fun aCoordinatorSaysWhatIsWanted() {
        hand.join(world, role = Role.COORDINATOR)
        hand.tap("Record something else").at("other_record").tap("Target").at("question").tap("Riverside").tap("Kits distributed").tap("Team")
            .type("Period", "2026").tap("Next").type("Value", "1200").tap("Next").at("review").see("1200").tap("Save").at("saved")
        val row = rows().single()
        assertEquals(listOf(Value.Text("kits_distributed"), Value.Text("2026"), Value.Number(1200)), listOf("indicator", "period", "value").map { row.fields[it] })
    }

    @Test
    fun whatTheHubDoesNotCountSaysSoInTheHistoryAndInItsRecord() {
        hand.join(world)
        runBlocking {
            val own = hand.application.phone.onShift!!.device
            world.desk.team.revoke(world.team, world.desk.team.members(world.team).first { it.device == own }.certificate)
        }
        hand.tap("Naloxone given").at("question").tap("Riverside").tap("Person at risk").tap("First supply").tap("Street outreach").tap("1").tap("Brief")
            .at("review").tap("Save").at("saved").tap("Done").at("today").see("This phone is not in the team any more")
        hand.tap("History").at("history").see("Does not count").tap("Distribution").at("record").see("The hub does not count it. Ask your coordinator.")
    }
}
