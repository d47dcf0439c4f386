package org.kitbag.demo

import java.time.LocalDate
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.kitbag.Kind
import org.kitbag.Row
import org.kitbag.Search
import org.kitbag.Value
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

/** What was typed is what is seen, kept and saved; what a wrong clock says is nothing. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], qualifiers = "en-rUS-w360dp-h640dp-port-xhdpi")
class TypingTest {
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
        Stopped.end()
    }

    private fun row(): Row = runBlocking { hand.application.phone.onShift!!.kitbag.records.list(Search()).rows.single() }

    @Test
    fun aNumberTypedDigitByDigitIsSeenAndSaved() {
        hand.join(world)
        hand.tap("Record something else").at("other_record").tap("Training").at("question").tap("Riverside").tap("Group").type("People trained", "12")
        assertEquals("12", hand.typed("People trained"))
        hand.turn().at("question").until("a turn loses it") { hand.typed("People trained") == "12" }
        hand.tap("Next").type("People supplied", "7").tap("Next").at("review").see("12").see("7")
        hand.tap("People trained").at("question")
        assertEquals("12", hand.typed("People trained"))
        hand.tap("Next").at("review").tap("Save").at("saved")
        assertEquals(Value.Number(12), row().fields["people_trained"])
        assertEquals(Value.Number(7), row().fields["people_supplied"])
    }

    @Test
    fun aCorrectionThatWasBegunOutlivesTheApp() {
        hand.join(world)
        runBlocking {
            val shift = hand.application.phone.onShift!!
            shift.kitbag.records.record(shift.team, form(Kind.TRAINING, LocalDate.now(), "mode" to "group", "people_trained" to "3", "people_supplied" to "0"))
        }
        hand.tap("History").at("history").tap("Training").at("record").tap("People trained").at("correct").type("People trained", "34")
        hand.killAndReopen().at("today").see("Begun").tap("Training").at("correct")
        assertEquals("34", hand.typed("People trained"))
        hand.tap("Next").at("today")
        assertEquals(Value.Number(34), row().fields["people_trained"])
        assertEquals(0, runBlocking { hand.application.phone.onShift!!.kitbag.drafts.list().size })
        hand.tap("History").at("history").tap("Training").at("record").tap("People trained").at("correct").type("People trained", "9").back().back().back().at("today")
        assertEquals(0, runBlocking { hand.application.phone.onShift!!.kitbag.drafts.list().size })
    }

    @Test
    fun aCountTypedForACodeIsSeenAndSaved() {
        hand.join(world)
        hand.tap("Record something else").at("other_record").tap("Contact").at("question").tap("Riverside").tap("1").tap("New").at("review").tap("More questions").tap("Supplies handed out")
            .at("question").type("Condoms", "12")
        assertEquals("12", hand.typed("Condoms"))
        hand.turn().at("question").until("a turn loses it") { hand.typed("Condoms") == "12" }
        hand.tap("Next").at("review").see("Condoms 12").tap("Save").at("saved")
        assertEquals(Value.Number(12), row().fields["supplies.condoms"])
    }

    @Test
    @Config(application = StoppedApplication::class)
    fun aReferralsFirstEventHasTheDayThatWasTyped() {
        Stopped.begin(4)
        hand.join(world)
        hand.see("The phone’s clock is wrong.").tap("Referral").at("question").tap("Riverside").type("Date (yyyy-mm-dd)", "2026-11-27").tap("Next")
            .tap("Buprenorphine").tap("After an overdose").tap("Today").tap("Accompanied").tap("North clinic").tap("Made").at("review").see("Nov 27, 2026")
        hand.tap("Save").at("saved")
        assertEquals(Value.Text("2026-11-27"), row().fields["occurred_on"])
        assertEquals(Value.Text("2026-11-27"), row().lists.getValue("events").single()["on"])
    }

    @Test
    @Config(application = StoppedApplication::class)
    fun withAWrongClockDosesHaveTheirMinutesWhileTheAppLivesAndNoneAfterwards() {
        Stopped.begin(6)
        hand.join(world)
        hand.see("The phone’s clock is wrong.").tap("Overdose reversed").tap("It is happening now").at("reversal").tap("Dose given").see("1 dose")
        Stopped.later(7 * 60)
        hand.tap("Dose given").see("after 7 minutes")
        hand.back().at("today").tap("Overdose reversal").at("begun").tap("Go on").at("reversal").see("2 doses").tap("Dose given").see("3 doses")
        hand.tap("It is over: answer the rest").at("question").tap("Riverside").type("Date (yyyy-mm-dd)", "2026-11-27").tap("Next")
        hand.tap("Seen by who reports").tap("Peer worker").tap("Street or park").tap("Yes").tap("Survived").at("review").tap("Save").at("saved")
        val minutes = row().lists.getValue("administrations").map { (it["minute"] as? Value.Number)?.number }
        assertEquals(listOf(0L, 7L, null), minutes)
        assertNull(row().fields["occurred_time"])
    }

    @Test
    fun twoAnswersOfACodeOfASetAreShownToChooseFrom() {
        hand.join(world)
        val shift = hand.application.phone.onShift!!
        val id = runBlocking {
            val form = form(Kind.CONTACT, LocalDate.now(), "channel" to "street_outreach", "people" to "1", "supplies.condoms" to "5")
            shift.kitbag.records.record(shift.team, form).also {
                shift.kitbag.sync.now()
                world.desk.sync.now()
                hand.application.phone.keepNoMore()
                world.desk.records.correct(it, "supplies.condoms", Value.Number(30))
                shift.kitbag.records.correct(it, "supplies.condoms", Value.Number(6))
                world.desk.sync.now()
                shift.kitbag.sync.now()
            }
        }
        hand.tap("History").at("history").see("Two answers").tap("Contact").at("record").see("Counts now")
        hand.tap("6").until("both stay") { !hand.sees("Counts now") }
        val record = runBlocking { shift.kitbag.records.get(id) }
        assertEquals(listOf<Value>(Value.Number(6)), record.fields.getValue("supplies.condoms").map { it.value })
    }

    @Test
    fun aDoseThatWasNoneIsTakenBackAndAnEventIsUndone() {
        hand.join(world)
        val shift = hand.application.phone.onShift!!
        runBlocking {
            val dose = mapOf("product" to "nasal_4mg", "route" to "IN", "source" to "this_programme").mapValues { Value.Text(it.value) } + ("doses" to Value.Number(1))
            shift.kitbag.records.record(shift.team, form(Kind.REVERSAL, LocalDate.now(), "outcome" to "survived").add("administrations", dose).add("administrations", dose))
        }
        hand.tap("History").at("history").tap("Overdose reversal").at("record").tap("Naloxone given").at("voiding").see("Into the nose").tap("Entered in error").at("record")
        assertEquals(1, row().lists.getValue("administrations").count { it["void"] == null })
        hand.tap("Undo my last change").until("the dose is not seen again") { hand.texts().count { it == "Naloxone given" } == 2 }
        assertEquals(2, row().lists.getValue("administrations").count { it["void"] == null })
        hand.back().back().at("today").tap("Referral").at("question").tap("Riverside").tap("Buprenorphine").tap("After an overdose").tap("Today").tap("Accompanied").tap("North clinic").tap("Made")
            .at("review").tap("Save").at("saved").tap("Done").at("today").tap("Open referrals").at("referrals").tap("Buprenorphine").at("next_step").tap("Rejected")
        hand.at("referrals").see("No referral is open.").see("Saved.").tapWhatBegins("Undo").see("Buprenorphine")
    }
}
