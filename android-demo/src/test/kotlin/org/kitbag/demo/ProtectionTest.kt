package org.kitbag.demo

import java.time.Duration
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowLooper
import org.robolectric.shadows.ShadowSystemClock

/** Who can read what on a phone that was left, handed over, or taken. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], qualifiers = "en-rUS-w360dp-h640dp-port-xhdpi")
class ProtectionTest {
    private lateinit var world: World
    private lateinit var hand: Hand

    @Before
    fun begin() {
        FakeKeystore.install()
        hand = Hand()
    }

    @After
    fun end() {
        hand.leave()
        world.close()
    }

    private fun joined(pack: String = World.PACK) {
        world = World(pack)
        hand.join(world)
    }

    private fun setPin() = hand.tap("More").at("more").tap("Protection").at("protection").tap("Set a PIN").at("pin")
        .type("New PIN", "246810").type("New PIN, once more", "246810").tap("Set a PIN").at("protection")

    private fun minutesPass(minutes: Long) = ShadowSystemClock.advanceBy(Duration.ofMinutes(minutes))

    @Test
    fun aPhoneLeftOnATableLocksThoughAnotherAppIsOpen() {
        joined()
        setPin().back().at("more").tap("Sync").at("sync")
        hand.away()
        minutesPass(4)
        hand.comesBack()
        hand.at("sync").ask("Send by file").until("nobody is asked where to") { hand.isAsking() }
        hand.away()
        minutesPass(6)
        hand.comesBack()
        assertFalse("what was seen before is seen", hand.sees("Send by file"))
        hand.at("unlock").until("the store is open") { hand.application.phone.onShift == null }
        val left = java.io.File(hand.application.platform.folder, "profiles/1").list().orEmpty()
        assertFalse("$left", left.any { it.endsWith(".bundle") })
    }

    @Test
    fun whoeverSetsTheClockBackKeepsNothingOpen() {
        joined()
        setPin().back().back().at("today").tap("Naloxone given").at("question")
            .tap("Riverside").tap("Person at risk").tap("First supply").tap("Street outreach").tap("1").tap("Brief").at("review").tap("Save").at("saved")
        // This screen looks each second: nobody has to come back for it.
        minutesPass(6)
        hand.at("unlock")
    }

    @Test
    fun whileAnOverdoseGoesOnItStaysOpenForHalfAnHour() {
        joined()
        setPin().back().back().at("today").tap("Overdose reversed").tap("It is happening now").at("reversal").tap("Dose given")
        hand.away()
        minutesPass(29)
        hand.comesBack()
        hand.at("reversal").tap("Dose given").see("2 doses")
        hand.away()
        minutesPass(31)
        hand.comesBack()
        hand.at("unlock").type("PIN", "246810").tap("Unlock").at("today").see("Begun")
    }

    @Test
    fun fromAnothersPinNoWayLeadsBackToWhoWasOnShift() {
        joined()
        setPin().back().at("more").tap("Somebody else’s shift").at("shift").tap("Add a person").at("naming").join(world, "Ben", first = false)
        hand.tap("More").at("more").tap("Somebody else’s shift").at("shift").tap("Ana").at("unlock")
        assertTrue("Ben's store is open", hand.application.phone.onShift == null)
        hand.back().at("shift")
        assertTrue(hand.application.app.isAtFirst)
    }

    @Test
    fun aQuickExitWinsWhereverAnUnlockingIs() {
        joined()
        setPin().tap("Lock now").at("unlock")
        for (delayMs in listOf(0L, 5L, 20L, 40L, 60L, 80L, 120L, 200L)) {
            hand.type("PIN", "246810")
            val unlock = checkNotNull(hand.page.act("Unlock"))
            val tapped = hand.application.app.tap(unlock)
            val until = System.nanoTime() + delayMs * 1_000_000
            while (System.nanoTime() < until) ShadowLooper.idleMainLooper()
            hand.application.app.lockAtOnce()
            hand.until("the tap goes on") { tapped == null || tapped.isCompleted }
            hand.at("unlock").until("after $delayMs ms the store is open") { hand.application.phone.onShift == null }
        }
        hand.type("PIN", "246810").tap("Unlock").at("today")
    }

    @Test
    fun aJoinThatWasLeftTakesThePhoneFromNobody() {
        joined()
        hand.tap("More").at("more").tap("Somebody else’s shift").at("shift").tap("Add a person").at("naming").type("Name on this phone", "Ben").tap("Next").at("join")
        val invitation = world.invite(label = "Ben")
        hand.type("Invitation", invitation.text)
        val join = checkNotNull(hand.page.act("Join"))
        hand.application.app.tap(join)
        hand.application.app.lockAtOnce()
        hand.at("shift").tap("Ana").at("today").tap("Naloxone given").at("question")
        runBlocking { kotlinx.coroutines.withTimeoutOrNull(3_000) { invitation.asked() } }
        hand.tap("Riverside").at("question")
        assertTrue(hand.application.phone.onShift?.profile?.label == "Ana")
    }

    @Test
    fun whoeverTypesUsesThePhone() {
        joined()
        setPin().tap("Change the PIN").at("pin")
        repeat(6) {
            minutesPass(1)
            hand.type("New PIN", "12345$it")
        }
        hand.away()
        hand.comesBack()
        hand.at("pin")
    }

    @Test
    fun aProgrammeThatWantsCaptureOnlyIsNamed() {
        joined("capture_only = true\n" + World.PACK)
        hand.see("Your programme wants this phone to capture only")
        hand.tap("More").at("more").tap("Sync").at("sync").see("its file is taken in only by a phone that synced since")
    }

    @Test
    fun whoeverLeavesLeavesNothingThatWasBegun() {
        joined()
        hand.tap("Naloxone given").at("question").tap("Riverside").back().back().at("today").see("Begun")
        hand.tap("More").at("more").tap("Leave the team").at("leave").see("1 record was begun and not saved.")
        world.hub.close()
        hand.tap("Leave the team").see("The hub did not answer.")
        assertEquals(1, runBlocking { hand.application.phone.onShift!!.kitbag.drafts.list().size })
        world.hub = world.hub.again()
        hand.tap("Leave the team").at("join")
        // The same device may be invited anew; what was begun is gone.
        val invitation = world.invite(label = "Ana")
        hand.type("Invitation", invitation.text).tap("Join").at("join_digits")
        runBlocking {
            invitation.asked()
            world.desk.team.approve(hand.digits())
        }
        hand.at("today")
        assertFalse(hand.sees("Begun"))
    }
}
