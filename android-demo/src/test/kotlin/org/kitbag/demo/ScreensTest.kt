package org.kitbag.demo

import java.io.File
import java.io.RandomAccessFile
import java.time.LocalDate
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.kitbag.Kind
import org.kitbag.Search
import org.kitbag.Value
import org.kitbag.demo.screens.Item
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config

/** Draws each screen and its states, for people to look at and to compare: `cargo xtask screens`. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], application = StoppedApplication::class)
class ScreensTest {
    private lateinit var world: World
    private lateinit var hand: Hand
    private lateinit var camera: Camera

    @Before
    fun begin() {
        FakeKeystore.install()
        Stopped.begin(20260314)
    }

    @After
    fun end() {
        hand.controller.pause().stop().destroy()
        runBlocking { hand.application.phone.lock() }
        world.close()
        Stopped.end()
    }

    @Test
    @Config(qualifiers = "en-rUS-ldltr-w360dp-h640dp-port-notnight-xhdpi")
    fun english() = walk("en-light")

    @Test
    @Config(qualifiers = "ar-ldrtl-w360dp-h640dp-port-night-xhdpi")
    fun arabic() = walk("ar-dark")

    @Test
    @Config(qualifiers = "en-rUS-ldltr-w320dp-h533dp-port-night-hdpi")
    fun smallPhoneInLargeType() {
        RuntimeEnvironment.setFontScale(1.6f)
        walk("small-large-type")
    }

    private fun label(kind: Kind, field: String, code: String): String = runBlocking {
        val words = hand.application.app.vocabulary()
        words.said(checkNotNull(words.field(kind, field)), Value.Text(code))
    }

    private fun name(kind: Kind): String = runBlocking { hand.application.app.vocabulary().kind(kind).inWords }

    private fun walk(variant: String) {
        world = World(clock = Stopped.now)
        hand = Hand()
        camera = Camera(hand, variant)
        joining()
        today()
        distribution()
        reversal()
        referrals()
        history()
        totals()
        conflict()
        syncing()
        protection()
        troubles()
    }

    private fun joining() {
        hand.at("naming")
        camera.shoot("01-welcome")
        hand.type(hand.say("app-name"), "Ana").tap(hand.say("app-next")).at("join")
        camera.shoot("02-join")
        val invitation = world.invite(label = "Ana")
        hand.type(hand.say("app-invitation"), "kitbag-invitation")
        hand.tap(hand.say("app-join")).until("no trouble is seen") { hand.isTold() }
        camera.shoot("03-join-wrong")
        hand.type(hand.say("app-invitation"), invitation.text).tap(hand.say("app-join")).at("join_digits")
        camera.shoot("04-digits")
        runBlocking {
            invitation.asked()
            world.desk.team.approve(hand.page.items.filterIsInstance<Item.Digits>().single().text)
        }
        hand.at("today")
    }

    private fun today() {
        hand.until("nothing was sent") { hand.page.items.any { it is Item.Line && it.mark == org.kitbag.demo.screens.Mark.SENT } }
        camera.shoot("05-today")
        // When a sync by itself ends depends on the machine.
        hand.application.phone.keepNoMore()
    }

    private fun distribution() {
        hand.tap(hand.say("app-give_naloxone")).at("question")
        camera.shoot("10-question-site")
        hand.tap(label(Kind.DISTRIBUTION, "site", "riverside"))
        camera.shoot("11-question-recipient")
        hand.tap(label(Kind.DISTRIBUTION, "recipient_role", "at_risk"))
        camera.shoot("12-question-supply")
        hand.tap(label(Kind.DISTRIBUTION, "supply_type", "first")).tap(label(Kind.DISTRIBUTION, "channel", "street_outreach"))
        camera.shoot("13-question-kits")
        hand.tap(hand.application.app.speech.number(2)).tap(label(Kind.DISTRIBUTION, "training", "brief")).at("review")
        camera.shoot("14-review")
        hand.tap(hand.say("app-save")).at("saved")
        camera.shoot("15-saved")
        hand.tap(hand.count("app-more_like_this", 3)).see(hand.count("app-saved", 4))
        camera.shoot("16-saved-four")
        hand.tap(hand.say("app-done")).at("today")
    }

    private fun reversal() {
        hand.tap(hand.say("app-overdose")).at("reversal_begin")
        camera.shoot("20-reversal-begin")
        hand.tap(hand.say("app-goes_on")).at("reversal").tap(hand.say("app-step_ems_called")).tap(hand.say("app-dose_given"))
        Stopped.later(180)
        hand.tap(hand.say("app-dose_given")).see(hand.count("app-doses", 2))
        camera.shoot("21-reversal")
        hand.back().at("today")
        camera.shoot("22-today-begun")
    }

    private fun referrals() {
        runBlocking {
            val shift = hand.application.phone.onShift!!
            val form = form(Kind.REFERRAL, LocalDate.of(2026, 3, 12), "service" to "buprenorphine", "origin" to "after_overdose", "urgency" to "today", "handoff" to "accompanied", "receiving_service" to "clinic-north")
            shift.kitbag.records.record(shift.team, form.add("events", mapOf("status" to Value.Text("made"), "on" to Value.Text("2026-03-12"))))
        }
        hand.tap(hand.say("app-referrals")).at("referrals")
        camera.shoot("30-referrals")
        hand.tap(label(Kind.REFERRAL, "service", "buprenorphine")).at("next_step")
        camera.shoot("31-next-step")
        hand.back().at("referrals").back().at("today")
    }

    private fun history() {
        hand.tap(hand.say("app-history")).at("history")
        camera.shoot("40-history")
        hand.tap(hand.say("app-search")).at("history")
        camera.shoot("41-search")
        hand.back().at("today")
        hand.tap(hand.say("app-history")).at("history").tap(name(Kind.REFERRAL)).at("record")
        camera.shoot("42-record")
        hand.tap(hand.say("app-void")).at("voiding")
        camera.shoot("43-void")
        hand.back().at("record").tap(hand.say("app-correct_other")).at("correct_other").back().at("record").back().at("history").back().at("today")
    }

    private fun totals() {
        hand.tap(hand.say("app-totals")).at("totals")
        camera.shoot("50-totals")
        hand.back().at("today")
    }

    /** Two correct one record, each without the other. */
    private fun conflict() {
        runBlocking {
            val kitbag = hand.application.phone.onShift!!.kitbag
            kitbag.sync.now()
            world.desk.sync.now()
            val id = kitbag.records.list(Search(kind = Kind.REFERRAL)).rows.single().id
            world.desk.records.correct(id, "urgency", Value.Text("within_72h"))
            kitbag.records.correct(id, "urgency", Value.Text("routine"))
            world.desk.sync.now()
            kitbag.sync.now()
        }
        hand.tap(hand.say("app-history")).at("history").see(hand.say("app-two_values"))
        camera.shoot("44-history-conflict")
        hand.tap(name(Kind.REFERRAL)).at("record")
        camera.shoot("45-record-conflict")
        hand.back().at("history").back().at("today")
    }

    private fun syncing() {
        hand.tap(hand.say("app-more")).at("more")
        camera.shoot("60-more")
        hand.tap(hand.say("app-sync")).at("sync")
        camera.shoot("61-sync")
        hand.tap(hand.say("app-announce")).at("announcing")
        camera.shoot("63-announcing")
        hand.back().at("sync")
        world.hub.close()
        hand.tap(hand.say("app-sync_now")).until("it does not fail") { hand.page.items.none { it is Item.Progress } && runBlocking { failed() } != null }
        hand.tap(hand.say("app-announce")).at("announcing").back().at("sync")
        camera.shoot("62-sync-no-hub")
        hand.back().at("more").tap(hand.say("app-leave_team")).at("leave")
        camera.shoot("64-leave")
        hand.back().at("more")
        world.hub = world.hub.again()
    }

    private suspend fun failed() = hand.application.phone.onShift!!.kitbag.sync.status().last.failed

    private fun protection() {
        hand.tap(hand.say("app-protection")).at("protection")
        camera.shoot("70-protection")
        hand.tap(hand.say("app-capture_only_begin")).at("capturing")
        camera.shoot("73-capture-only")
        hand.back().at("protection")
        hand.tap(hand.say("app-pin_set")).at("pin")
        camera.shoot("71-pin")
        hand.type(hand.say("app-pin_new"), "246810").type(hand.say("app-pin_again"), "246810").tap(hand.say("app-pin_set")).at("protection")
        hand.tap(hand.say("app-lock_now")).at("unlock")
        camera.shoot("72-unlock")
        hand.type(hand.say("app-pin"), "135790").tap(hand.say("app-unlock"))
        camera.shoot("74-unlock-wrong")
        hand.tap(hand.say("app-pin_forgotten")).at("pin_forgotten")
        camera.shoot("75-pin-forgotten")
        hand.back().at("unlock").tap(hand.say("app-who")).at("shift")
        camera.shoot("76-shift")
        hand.tap(hand.say("app-add_person")).at("naming").tap(hand.say("app-about")).at("about")
        camera.shoot("77-about")
        hand.back().at("naming").back().at("shift")
    }

    private fun unlocked() = hand.tap("Ana").at("unlock").type(hand.say("app-pin"), "246810").tap(hand.say("app-unlock"))

    /** What goes wrong: a phone that was revoked, a store that was damaged, a keystore that forgot. */
    private fun troubles() {
        Stopped.later(60)
        unlocked().at("today")
        hand.application.phone.keepNoMore()
        runBlocking {
            val shift = hand.application.phone.onShift!!
            world.desk.team.revoke(world.team, world.desk.team.members(world.team).first { it.device == shift.device }.certificate)
            shift.kitbag.records.record(shift.team, form(Kind.TRAINING, LocalDate.of(2026, 3, 14), "mode" to "group", "people_trained" to "3", "people_supplied" to "0"))
            runCatching { shift.kitbag.sync.now() }
        }
        hand.tap(hand.say("app-more")).at("more").tap(hand.say("app-sync")).at("sync")
        camera.shoot("80-sync-revoked")
        hand.back().at("more").tap(hand.say("app-switch")).at("shift")
        runBlocking { hand.application.phone.lock() }
        RandomAccessFile(File(hand.application.platform.folder, "profiles/1/store.db"), "rw").use { file ->
            for (page in 1 until file.length() / 4096) {
                file.seek(page * 4096 + 100)
                file.write(ByteArray(64) { 0x55 })
            }
        }
        unlocked().at("closed")
        camera.shoot("81-closed-damaged")
        FakeKeystore.forget()
        hand.tap(hand.say("app-recover")).until("nothing is said") { hand.isTold() }
        hand.tap(hand.say("app-who")).at("shift")
        unlocked().at("key_gone")
        camera.shoot("82-key-gone")
    }
}
