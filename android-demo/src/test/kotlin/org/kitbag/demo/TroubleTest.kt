package org.kitbag.demo

import android.content.Intent
import android.net.Uri
import java.io.ByteArrayInputStream
import java.io.File
import java.io.RandomAccessFile
import java.nio.file.Files
import java.time.LocalDate
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.kitbag.BundleOf
import org.kitbag.Kind
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config

/** What can go wrong, each with its line or screen, and what to do. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], qualifiers = "en-rUS-w360dp-h640dp-port-xhdpi")
class TroubleTest {
    private val worlds = ArrayList<World>()
    private lateinit var hand: Hand
    private val world get() = worlds.first()

    @Before
    fun begin() {
        FakeKeystore.install()
        worlds += World()
        hand = Hand()
    }

    @After
    fun end() {
        hand.leave()
        worlds.forEach(World::close)
    }

    private fun store() = File(hand.application.platform.folder, "profiles/1/store.db")

    private fun distribution() {
        hand.tap("Naloxone given").at("question")
            .tap("Riverside").tap("Person at risk").tap("First supply").tap("Street outreach").tap("1").tap("Brief")
            .at("review").tap("Save").at("saved").tap("Done").at("today")
    }

    private fun atSync() = hand.tap("More").at("more").tap("Sync").at("sync")

    @Test
    fun withNoSignalItSaysWhatWaitsSinceWhenAndWhenItIsTriedAgain() {
        hand.join(world)
        world.hub.close()
        distribution()
        atSync().tap("Sync now").see("The hub did not answer. It is tried again.").see("not sent yet").see("Safe on this phone.").see("It is tried again at")
        world.hub = world.hub.again()
        hand.tap("Sync now").see("The hub and this phone hold the same.").see("Sent just now.")
        assertEquals(1, world.atDesk().size)
    }

    @Test
    fun aHubThatIsNoneIsSentNothing() {
        hand.join(world)
        world.hub.close()
        // Another hub answers in its place, with keys of its own.
        val root = runBlocking { world.root.programme.own().root }
        val place = world.hub.address.text.removePrefix("kitbag://").substringBefore('/')
        Hub(Files.createTempDirectory("liar").resolve("hub"), root, listen = place).use {
            distribution()
            atSync().tap("Sync now").see("What answered is not the hub; nothing was sent.")
        }
    }

    @Test
    fun anInvitationThatWasUsedSaysSo() {
        hand.at("naming").type("Name on this phone", "Ana").tap("Next").at("join")
        hand.tap("Join").see("Scan an invitation or paste its text first.")
        hand.type("Invitation", "nothing of the kind").tap("Join").see("This is not an invitation, or not a whole one.")
        val used = world.invite()
        runBlocking {
            val folder = Files.createTempDirectory("other")
            val opening = org.kitbag.Opening(folder.resolve("other.db").toString(), { ByteArray(32) { 3 } })
            org.kitbag.Joining.ask(opening, used.text).close()
        }
        hand.type("Invitation", used.text).tap("Join").see("This invitation was used, or is older than ten minutes. Make a new one.")
    }

    @Test
    fun aRevokedPhoneKeepsWhatItSavesAndSaysSo() {
        hand.join(world, "Ana")
        runBlocking {
            val own = hand.application.phone.onShift!!.device
            val member = world.desk.team.members(world.team).first { it.device == own }
            world.desk.team.revoke(world.team, member.certificate)
        }
        distribution()
        atSync().tap("Sync now").see("not in the team")
        hand.back().back().at("today").tap("History").at("history").see("1 record")
    }

    @Test
    fun aKeyThatIsGoneIsSaidAndNothingIsDeleted() {
        hand.join(world)
        hand.leave()
        FakeKeystore.forget()
        hand.reopen().at("key_gone").see("Nothing here was deleted.").tap("Try again").at("key_gone")
        hand.tap("Add a person").at("naming").join(world, "Ana again", first = false)
        assertEquals(2, File(hand.application.platform.folder, "profiles").list()!!.size)
    }

    @Test
    fun aDamagedStoreIsRecoveredAndKept() {
        hand.join(world)
        distribution()
        hand.see("Sent")
        hand.leave()
        RandomAccessFile(store(), "rw").use { file ->
            for (page in 1 until file.length() / 4096) {
                file.seek(page * 4096 + 100)
                file.write(ByteArray(64) { 0x55 })
            }
        }
        hand.reopen().at("closed").see("The store is damaged.").tap("Recover").at("today").see("Recovered")
        hand.until("the hub brings nothing") { runBlocking { hand.application.phone.onShift!!.kitbag.records.list().count } == 1L }
        assertEquals(true, store().parentFile!!.list()!!.any { "damaged" in it || it.startsWith("store.db.") })
    }

    @Test
    fun aBundleOfAnotherTeamIsHandedOnAsItIs() {
        hand.join(world)
        val other = World().also(worlds::add)
        val file = other.folder.resolve("other.kitbag")
        runBlocking {
            other.desk.records.record(other.team, form(Kind.TRAINING, LocalDate.now(), "mode" to "group", "people_trained" to "3", "people_supplied" to "0"))
            other.desk.bundles.export(other.team, BundleOf.EVERYTHING, file.toString())
        }
        val uri = Uri.parse("content://files/other.kitbag")
        shadowOf(hand.activity.contentResolver).registerInputStream(uri, ByteArrayInputStream(Files.readAllBytes(file)))
        atSync()
        hand.ask("Receive a file").given(Intent().setData(uri)).see("This bundle is for a team whose key this device does not have.")
    }

    @Test
    fun aForgottenPinWaitsLongerAndWipesNothing() {
        hand.join(world)
        distribution()
        hand.tap("More").at("more").tap("Protection").at("protection").tap("Set a PIN").at("pin")
            .type("New PIN", "2468").type("New PIN, once more", "2468").tap("Set a PIN").see("A PIN has at least six characters.")
            .type("New PIN", "246810").type("New PIN, once more", "246810").tap("Set a PIN").at("protection").tap("Lock now").at("unlock")
        repeat(5) { hand.type("PIN", "11111$it").tap("Unlock") }
        hand.see("Wait 30 seconds.").type("PIN", "246810").tap("Unlock").see("Too many wrong PINs.")
        hand.tap("PIN forgotten").at("pin_forgotten").see("Nothing is ever wiped.")
        assertEquals(true, store().exists())
    }

    @Test
    @Config(application = StoppedApplication::class)
    fun aClockThatIsYearsBehindIsSaidAndTheDayIsAsked(): Unit = try {
        Stopped.begin(3)
        hand.join(world)
        hand.see("The phone’s clock is wrong.")
        hand.tap("Naloxone given").at("question").tap("Riverside").see("Date (yyyy-mm-dd)").type("Date (yyyy-mm-dd)", "2026-13-40").tap("Next").see("cannot hold this")
        // Half a date keeps nothing else out of the draft.
        hand.back().see("Night bus").tap("Harbour").see("Date (yyyy-mm-dd)")
        val kept = runBlocking { hand.application.phone.onShift!!.kitbag.drafts.list().single().form.fields }
        assertEquals(org.kitbag.Value.Text("harbour"), kept["site"])
        hand.type("Date (yyyy-mm-dd)", "2026-11-27").tap("Next").see("Recipient")
        Unit
    } finally {
        Stopped.end()
    }

    @Test
    @Config(application = SmallDiskApplication::class)
    fun aFullPhoneSaysThatItWasNotSaved() {
        hand.join(world)
        val filler = File(System.getProperty("kitbag.small-disk"), "filler")
        hand.tap("Naloxone given").at("question").tap("Riverside").tap("Person at risk").tap("First supply").tap("Street outreach").tap("1")
        filler.outputStream().use { out -> runCatching { while (true) out.write(ByteArray(512)) } }
        var tried = 0
        while (!hand.sees("The storage is full") && tried < 40) {
            // A draft is durable at each answer: one of them meets the end of the disk.
            if (hand.page.name == "question") hand.tap("Brief") else hand.tap("Save")
            if (hand.page.name == "saved") hand.tap("3 more like this")
            tried++
        }
        hand.see("The storage is full; this was not saved.")
        filler.delete()
    }
}
