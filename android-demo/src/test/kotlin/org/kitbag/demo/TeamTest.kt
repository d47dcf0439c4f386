package org.kitbag.demo

import android.content.Intent
import java.time.LocalDate
import java.util.Base64
import kotlinx.coroutines.async
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.kitbag.Joining
import org.kitbag.KeyProvider
import org.kitbag.Kind
import org.kitbag.Opening
import org.kitbag.Role
import org.kitbag.Value
import org.kitbag.demo.android.ScanActivity
import org.kitbag.demo.screens.Item
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

/** What people of a team do together, and what a screen does while they do it. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], qualifiers = "en-rUS-w360dp-h640dp-port-xhdpi")
class TeamTest {
    private lateinit var world: World
    private lateinit var hand: Hand

    @Before
    fun begin() {
        FakeKeystore.install()
        world = World(MANY_SITES)
        hand = Hand()
    }

    @After
    fun end() {
        hand.leave()
        world.close()
    }

    private fun code() = hand.page.items.filterIsInstance<Item.Code>().single().text

    @Test
    fun aCoordinatorLetsANewPhoneInInThePlaceOfAnOldOne() {
        val old = world.phone("Ben")
        val record = runBlocking {
            old.records.record(world.team, form(Kind.TRAINING, LocalDate.now(), "mode" to "group", "people_trained" to "3", "people_supplied" to "0")).also { old.sync.now() }
        }
        hand.join(world, role = Role.COORDINATOR)
        // Another coordinator hands the team's key on, with which names are read.
        runBlocking { world.desk.sync.now() }
        hand.application.phone.syncNow()
        hand.tap("More").at("more").tap("Invite somebody").at("invite").see("A new phone in the place of").type("Name on this phone", "Ben again").tap("Ben").tap("Next").at("invite_code")
        val opening = Opening(world.folder.resolve("new.db").toString(), KeyProvider { ByteArray(32) { 5 } })
        val joining = runBlocking { Joining.ask(opening, code()) }
        hand.at("invite_digits").type("Six digits", "000000").tap("Let in").until("nothing is said") { hand.isTold() }
        runBlocking {
            val joined = async { joining.approved() }
            hand.type("Six digits", joining.code).tap("Let in").at("more")
            val new = joined.await()
            new.sync.now()
            // It takes the place: what the old one recorded is its own to correct.
            new.records.correct(record, "people_trained", Value.Number(4))
            new.close()
        }
    }

    @Test
    fun aPictureSaysWhatIsStillToCome() {
        hand.join(world)
        val colleague = world.phone("Ben")
        hand.application.phone.syncNow()
        val shift = hand.application.phone.onShift!!
        hand.until("the colleague is not known") { runBlocking { shift.kitbag.team.members(world.team).size } == 3 }
        world.hub.close()
        runBlocking { colleague.records.record(world.team, form(Kind.TRAINING, LocalDate.now(), "mode" to "group", "people_trained" to "3", "people_supplied" to "0")) }
        val shown = runBlocking { colleague.team.announce(world.team) }
        hand.tap("Totals").at("totals").see("Nothing is known to be missing").back().at("today").tap("More").at("more").tap("Sync").at("sync")
        hand.ask("Scan what a colleague has").given(Intent().putExtra(ScanActivity.TEXT, "an address")).see("This is not what another phone shows")
        val text = "kitbag-announce:" + Base64.getUrlEncoder().withoutPadding().encodeToString(shown)
        hand.ask("Scan what a colleague has").given(Intent().putExtra(ScanActivity.TEXT, text)).see("Heard.")
        hand.back().at("more").back().at("today").tap("Totals").at("totals").see("known to exist")
        hand.back().at("today").tap("More").at("more").tap("Sync").at("sync").tap("Show what I have").at("announcing")
        runBlocking { colleague.team.hear(Base64.getUrlDecoder().decode(code().removePrefix("kitbag-announce:"))) }
    }

    @Test
    fun eachSiteCountsInTheTotalsHoweverManyThereAre() {
        hand.join(world)
        val shift = hand.application.phone.onShift!!
        runBlocking {
            for (number in 1..SITES) {
                val form = form(Kind.DISTRIBUTION, LocalDate.now(), "recipient_role" to "at_risk", "supply_type" to "first", "channel" to "event", "training" to "brief", "product" to "nasal_4mg", "kits" to "$number", "doses_per_kit" to "2")
                shift.kitbag.records.record(shift.team, form.put("site", "s$number"))
            }
        }
        hand.tap("Totals").at("totals").see("3 other sites")
        val bars = hand.page.items.filterIsInstance<Item.Bar>().filter { !it.isBefore }
        val of = bars.takeWhile { it === bars.first() || it.text != "This month" }
        assertEquals((1L..SITES).sum(), of.first().value)
        assertEquals((1L..SITES).sum(), of.drop(1).sumOf { it.value })
        assertTrue(of.size <= 14)
    }

    @Test
    fun theFieldThatSomebodyTypesInStaysWhileSomethingIsSaidAboveIt() {
        hand.at("naming").type("Name on this phone", "Ana").tap("Next").at("join").type("Invitation", "half")
        val before = hand.input("Invitation")
        hand.tap("Join").see("This is not an invitation")
        assertSame(before, hand.input("Invitation"))
        assertEquals("half", hand.typed("Invitation"))
        hand.join(world, first = false, named = true)
    }

    @Test
    fun whatTakesLongSaysSoAndTakesNoOtherTap() {
        hand.join(world)
        val app = hand.application.app
        app.tap { delay(1_500) }
        hand.see("Working …")
        assertNull(app.tap { })
        hand.until("it says so for good") { !hand.sees("Working …") }
        hand.tap("History").at("history")
    }

    @Test
    @Config(application = StoppedApplication::class)
    fun dosesAreCountedFromTheFirst(): Unit = try {
        Stopped.begin(5)
        world.close()
        world = World(clock = Stopped.now)
        hand.join(world)
        hand.tap("Overdose reversed").tap("It is happening now").at("reversal")
        Stopped.later(4 * 60)
        hand.tap("Dose given").see("after 4 minutes")
        Stopped.later(3 * 60)
        hand.tap("Dose given").see("after 7 minutes")
        Stopped.later(300 * 60)
        hand.tap("Dose given").see("3 doses")
        hand.tap("It is over: answer the rest").at("question").tap("Riverside")
        hand.tap("Seen by who reports").tap("Peer worker").tap("Street or park").tap("Yes").tap("Survived").at("review").tap("Save").at("saved")
        val shift = hand.application.phone.onShift!!
        val row = runBlocking { shift.kitbag.records.list(org.kitbag.Search()).rows.single() }
        val minutes = row.lists.getValue("administrations").map { (it["minute"] as? Value.Number)?.number }
        assertEquals(listOf(0L, 3L, null), minutes)
    } finally {
        Stopped.end()
    }

    private companion object {
        const val SITES = 15
        val MANY_SITES = World.PACK.replace("sites = [", "sites = [" + (1..SITES).joinToString("") { """{ code = "s$it", label = { en = "Site $it" } },""" })
    }
}
