package org.kitbag.demo

import android.content.Intent
import android.net.Uri
import android.view.WindowManager
import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.time.Instant
import java.time.LocalDate
import java.time.ZoneId
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.kitbag.Kind
import org.kitbag.Row
import org.kitbag.Search
import org.kitbag.Value
import org.kitbag.demo.android.HarmlessActivity
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config

/** The real activities over the real library and a real hub: a worker's day. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], qualifiers = "en-rUS-w360dp-h640dp-port-xhdpi")
class ActivityTest {
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

    private fun today() = LocalDate.now(ZoneId.systemDefault())

    /** The first time more is asked: where, by which way. */
    private fun firstDistribution() {
        hand.tap("Naloxone given").at("question")
            .tap("Riverside").tap("Person at risk").tap("First supply").tap("Street outreach").tap("1").tap("Brief")
            .at("review").tap("Save").at("saved").tap("Done").at("today")
    }

    /** What the desk sees, once it is so many. */
    private fun arrived(many: Int): List<Row> {
        hand.until("what was saved does not arrive") { world.atDesk().size == many }
        return world.atDesk()
    }

    private fun told(kind: String): Int = hand.countedTaps().also { println("taps: $kind $it") }

    @Test
    fun aUsualDistributionTakesSixTaps() {
        hand.join(world)
        firstDistribution()
        told("the first distribution")
        hand.tap("Naloxone given").at("question").tap("Family or friend").tap("Resupply: Used on another person").tap("2").tap("Trained before")
            .at("review").tap("Save").at("saved").see("Saved.")
        assertTrue(told("distribution") <= 6)
        hand.tap("3 more like this").see("4 saved.").tapWhatBegins("Undo").see("Undone.").tap("Done").at("today")
        val rows = arrived(5)
        assertEquals(1, rows.count { it.state == org.kitbag.State.COUNTED })
        assertEquals(Value.Text("used_on_other"), rows.first().fields["resupply_reason"])
    }

    @Test
    fun aReversalOutlivesTheApp() {
        hand.join(world)
        hand.countedTaps()
        hand.tap("Overdose reversed").tap("It is happening now").at("reversal").tap("Dose given").tap("Call an ambulance").tap("Dose given").see("2 doses")
        told("reversal, while it goes on")
        hand.killAndReopen().at("today").see("Begun")
        hand.tap("Overdose reversal").at("begun").see("Into the nose").tap("Go on").at("reversal").see("2 doses")
        hand.tap("It is over: answer the rest").at("question").tap("Riverside").tap("Seen by who reports").tap("Peer worker").tap("Street or park")
            .tap("Survived").at("review").tap("Save").at("saved").tap("Done").at("today")
        told("reversal, finished later")
        firstDistribution()
        val rows = arrived(2)
        val reversal = rows.first { it.kind == Kind.REVERSAL }
        assertEquals(2, reversal.lists.getValue("administrations").size)
        assertEquals(Value.Text("yes"), reversal.fields["ems_called"])
        assertNotNull(reversal.fields["occurred_time"])
        assertEquals(1, rows.count { it.kind == Kind.DISTRIBUTION })
    }

    @Test
    fun aReferralGoesOnInTwoTaps() {
        hand.join(world)
        hand.countedTaps()
        hand.tap("Referral").at("question").tap("Riverside").tap("Buprenorphine").tap("After an overdose").tap("Today").tap("Accompanied")
            .tap("North clinic").tap("Made").at("review").tap("Save").at("saved").tap("Done").at("today")
        told("referral")
        hand.tap("Open referrals").at("referrals")
        hand.countedTaps()
        hand.tap("Buprenorphine").at("next_step").tap("Attended").at("referrals").see("Attended")
        assertEquals(2, told("an event of a referral"))
        hand.tap("Buprenorphine").at("next_step").tap("Something else").tap("Completed").see("No referral is open.")
        val events = arrived(1).single().lists.getValue("events")
        assertEquals(setOf("made", "attended", "completed"), events.map { (it["status"] as Value.Text).text }.toSet())
    }

    @Test
    fun whatWasSavedIsCorrectedAndVoided() {
        hand.join(world)
        firstDistribution()
        hand.tap("History").at("history").tap("Distribution").at("record").tap("Kits").at("correct").tap("4").at("record").see("4")
        hand.tap("Correct an answer").at("correct_other").tap("Age").at("correct").tap("25–34").at("record").see("25–34")
        val row = arrived(1).single()
        hand.until("the corrections do not arrive") { world.atDesk().single().fields["age_band"] != null }
        assertEquals(Value.Number(4), world.atDesk().single().fields["kits"])
        hand.tap("Void it").at("voiding").tap("Entered in error").at("record").see("Void: it counts nowhere.")
        hand.tap("Let it count again").see("The hub has it.")
        assertEquals(row.id, world.atDesk().single().id)
    }

    @Test
    fun otherKindsAreRecordedToo() {
        hand.join(world)
        hand.tap("Record something else").at("other_record").tap("Training").at("question").tap("Riverside").back().back().at("today").see("Begun")
        hand.tap("Training").at("begun").tap("Throw away").at("today")
        assertTrue("what was thrown away stays", !hand.sees("Begun"))
    }

    @Test
    fun twoAnswersAreShownToChooseFrom() {
        hand.join(world)
        firstDistribution()
        val id = arrived(1).single().id
        // The hub is away while both correct.
        world.hub.close()
        runBlocking { world.desk.records.correct(id, "kits", Value.Number(7)) }
        hand.tap("History").at("history").tap("Distribution").at("record").tap("Kits").at("correct").tap("5").at("record").back().back().at("today")
        world.hub = world.hub.again()
        runBlocking {
            world.desk.sync.now()
            hand.application.phone.onShift!!.kitbag.sync.networkReturned()
        }
        hand.application.phone.syncNow()
        hand.see("Records with two values for a field: 1")
        hand.tap("History").at("history").see("Two answers").tap("Distribution").at("record").see("Counts now")
        hand.tap("7").until("both stay") { !hand.sees("Counts now") }
        val shown = runBlocking { hand.application.phone.onShift!!.kitbag.records.get(id) }
        assertEquals(listOf<Value>(Value.Number(7)), shown.fields.getValue("kits").map { it.value })
    }

    @Test
    fun withoutTheHubAFileCarriesIt() {
        hand.join(world)
        world.hub.close()
        firstDistribution()
        hand.see("not sent yet")
        val carried = ByteArrayOutputStream()
        val file = Uri.parse("content://files/carried.kitbag")
        shadowOf(hand.activity.contentResolver).registerOutputStream(file, carried)
        hand.tap("More").at("more").tap("Sync").at("sync")
        hand.ask("Send by file").given(Intent().setData(file)).see("The file is written.")
        val path = world.folder.resolve("carried.kitbag")
        java.nio.file.Files.write(path, carried.toByteArray())
        val taken = runBlocking { world.desk.bundles.import(path.toString()) }
        assertTrue("${taken.newEntries}", taken.newEntries > 0)
        // And the other way round.
        val back = world.folder.resolve("back.kitbag")
        runBlocking {
            world.desk.records.record(world.team, form(Kind.TRAINING, today(), "mode" to "group", "people_trained" to "3", "people_supplied" to "0"))
            world.desk.bundles.export(world.team, org.kitbag.BundleOf.WAITING, back.toString())
        }
        shadowOf(hand.activity.contentResolver).registerInputStream(file, ByteArrayInputStream(java.nio.file.Files.readAllBytes(back)))
        hand.ask("Receive a file").given(Intent().setData(file)).see("Taken in")
        val rows = runBlocking { hand.application.phone.onShift!!.kitbag.records.list(Search()).rows }
        assertEquals(setOf(Kind.TRAINING, Kind.DISTRIBUTION), rows.map { it.kind }.toSet())
        shadowOf(hand.activity.contentResolver).registerInputStream(file, ByteArrayInputStream("no bundle".toByteArray()))
        hand.ask("Receive a file").given(Intent().setData(file)).see("This is not a bundle that this version reads.")
        hand.ask("Send by file").given(null).until("it goes on") { hand.sees("Sync now") }
    }

    @Test
    fun whatASecondProfileSavesIsItsOwn() {
        hand.join(world)
        firstDistribution()
        hand.tap("More").at("more").tap("Protection").at("protection").tap("Set a PIN").at("pin")
            .type("New PIN", "246810").type("New PIN, once more", "2468").tap("Set a PIN").see("The two new PINs differ.")
            .type("New PIN, once more", "246810").tap("Set a PIN").at("protection").see("A PIN protects")
        hand.back().at("more").tap("Somebody else’s shift").at("shift").tap("Add a person").at("naming").join(world, "Ben", first = false)
        assertEquals(0, runBlocking { hand.application.phone.onShift!!.kitbag.drafts.list().size })
        hand.countedTaps()
        hand.tap("More").at("more").tap("Somebody else’s shift").at("shift").tap("Ana").at("unlock")
        hand.type("PIN", "111111").tap("Unlock").see("The PIN does not open it.")
        hand.type("PIN", "246810").tap("Unlock").at("today").see("Ana")
        hand.tap("More").at("more").tap("Somebody else’s shift").at("shift").tap("Ben").at("today").see("Ben")
        // Ben's profile has no PIN: it opens, Ana's is locked meanwhile.
        val folders = java.io.File(hand.application.platform.folder, "profiles").list().orEmpty()
        assertEquals(2, folders.size)
    }

    @Test
    fun nothingTypedIsLostByATurnOfTheScreen() {
        hand.at("naming").type("Name on this phone", "Ana")
        hand.turn().at("naming")
        assertEquals("Ana", hand.typed("Name on this phone"))
        hand.tap("Next").at("join")
        hand.type("Invitation", "half of an invit")
        hand.turn().at("join")
        assertEquals("half of an invit", hand.typed("Invitation"))
    }

    @Test
    fun aQuickExitLeadsToAClockAndLocks() {
        hand.join(world)
        hand.tap("More").at("more").tap("Protection").at("protection").tap("Set a PIN").at("pin")
            .type("New PIN", "246810").type("New PIN, once more", "246810").tap("Set a PIN").at("protection")
        assertTrue(hand.activity.window.attributes.flags and WindowManager.LayoutParams.FLAG_SECURE != 0)
        hand.quickExit()
        assertEquals(HarmlessActivity::class.java.name, shadowOf(hand.activity).nextStartedActivity.component?.className)
        assertTrue(hand.activity.isFinishing)
        hand.until("it is not locked") { hand.application.phone.onShift == null }
        hand.reopen().at("unlock")
    }

    @Test
    fun whatWasRecordedSinceTheJobRanLastIsSentByIt() {
        hand.join(world)
        world.hub.close()
        firstDistribution()
        hand.leave()
        world.hub = world.hub.again()
        runBlocking {
            val phone = hand.application.phone
            phone.syncInBackground(phone.profiles().single(), java.time.Duration.ofSeconds(30))
        }
        assertEquals(1, world.atDesk().size)
        hand.reopen().at("today").tap("More").at("more").tap("Sync").at("sync").see("It ran by itself last just now.")
        assertTrue(hand.application.phone.profiles().single().ranAt!! <= Instant.now())
    }

    @Test
    fun aPhoneThatCapturesOnlyKeepsNothingThatWasSent() {
        hand.join(world)
        firstDistribution()
        arrived(1)
        hand.tap("More").at("more").tap("Protection").at("protection").tap("Keep nothing that was sent").at("capturing").see("Should the hub lose its newest data")
        hand.tap("Keep nothing that was sent").at("protection").see("This phone captures only")
        // What was saved a moment ago may be undone for a moment.
        hand.leave()
        hand.reopen().at("today").see("This phone captures only")
        hand.tap("History").at("history").see("0 records").back().at("today").tap("Totals").at("totals").see("it has no totals").back().at("today")
        // What was answered last time is not known any more: it is asked again, and counts as ever.
        firstDistribution()
        assertEquals(2, arrived(2).size)
        hand.leave()
        hand.reopen().at("today").tap("History").at("history").see("0 records")
    }
}
