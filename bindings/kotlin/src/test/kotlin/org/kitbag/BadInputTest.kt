package org.kitbag

import java.io.File
import java.io.RandomAccessFile
import java.net.ServerSocket
import java.nio.file.Files
import java.nio.file.Path
import java.time.Duration
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.reflect.KClass
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Whatever an app gives, or a phone does: an error of ours, and nothing else is harmed. */
class BadInputTest {
    private inline fun <reified T : KitbagException> failsWith(call: () -> Any?): T {
        val thrown = runCatching(call).exceptionOrNull()
        assertTrue(thrown is T, "expected ${T::class.simpleName}, found $thrown")
        return thrown as T
    }

    @Test
    fun eachArgumentThatCannotBeReadIsNamed() = runBlocking<Unit> {
        World.new().use { world ->
            val (bad, day) = "no id" to TODAY
            val kitbag = world.desk
            val found = listOf<Pair<String, suspend () -> Any?>>(
                "team" to { kitbag.records.record(TeamId(bad), reversal()) },
                "record" to { kitbag.records.get(RecordId(bad)) },
                "entry" to { kitbag.team.revoke(world.team, EntryId(bad)) },
                "device" to { kitbag.records.list(Search(author = DeviceKey(bad))) },
                "hub" to { kitbag.programme.setHub(HubAddress(bad)) },
                "most" to { kitbag.records.list(Search(most = -1)) },
                "uploadBudget" to { kitbag.sync.now(uploadBudget = -1) },
                "by" to { kitbag.totals.of(Query(by = listOf("weather"))) },
                "date" to { kitbag.totals.completeness(null, day.withYear(-9), day) },
                "team" to { kitbag.team.setAside(TeamId("ab"), DeviceKey(bad)) },
                "announcement" to { kitbag.team.hear(ByteArray(9)) },
                "wether" to { kitbag.records.list(Search(answers = mapOf("wether" to "rain"))) },
                "path" to { Kitbag.open(Opening("", KEY)) },
                "path" to { Kitbag.found(Opening("a\u0000b", KEY)) },
                "path" to { Kitbag.openToRead(Opening(world.folder.toString(), KEY)) },
                "path" to { Kitbag.recover(Opening("\uDC00", KEY)) },
                "note" to { kitbag.records.record(world.team, reversal().put("note", "\uD83D")) },
                "administrations.lot" to {
                    kitbag.drafts.save(reversal().add("administrations", mapOf("lot" to Value.Text("\uD83Dx"))))
                },
                "reason" to { kitbag.records.void(RecordId("0".repeat(32)), "\uDE00") },
            )
            for ((argument, call) in found) {
                val error = failsWith<KitbagException.NotUsable> { runBlocking { call() } }
                assertEquals("argument" to argument, error.code to error.argument)
                assertTrue(error.inWords.isNotEmpty())
            }
            assertEquals("not_an_invitation", failsWith<KitbagException.NotUsable> {
                Joining.ask(world.opening("new"), "https://example.org")
            }.code)
            assertEquals("pack", failsWith<KitbagException.NotUsable> { world.root.programme.publishPack("][") }.code)
            assertEquals("not_a_bundle", failsWith<KitbagException.NotUsable> {
                kitbag.bundles.import(world.folder.resolve("bundle").also { Files.writeString(it, "no") }.toString())
            }.code)
            assertEquals("file", failsWith<KitbagException.NotUsable> { kitbag.bundles.import("/no/such/file") }.code)
            assertEquals("record", failsWith<KitbagException.NotFound> { kitbag.records.get(RecordId("0".repeat(32))) }.code)
            assertEquals("draft", failsWith<KitbagException.NotFound> { kitbag.drafts.discard(DraftId(77)) }.code)
        }
    }

    @Test
    fun aFormIsRefusedWithEveryFaultInTheAppsLanguage() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            val form = Form(Kind.REVERSAL).put("site", " ").put("weather", "rain").putText("occurred_time", "9 pm")
                .put("outcome", 4).add("administrations", mapOf("doses" to Value.Number(-1)))
            Kitbag.setLanguage("fr")
            val error = failsWith<KitbagException.Invalid> { phone.records.record(world.team, form) }
            val fields = error.faults.associate { it.field to it.code }
            for ((field, code) in listOf(
                "weather" to "unknown_field", "occurred_time" to "shape", "site" to "shape", "outcome" to "shape",
                "occurred_on" to "required", "utc_offset_min" to "required",
            )) assertEquals(code, fields[field], "$field of $fields")
            assertTrue(error.faults.all { it.inWords.isNotEmpty() })
            assertTrue(error.faults.any { "horaire" in it.inWords || "heure" in it.inWords || "date" in it.inWords }, error.inWords)
            Kitbag.setLanguage("en")
            assertEquals(fields.keys, phone.records.faults(world.team, form).map { it.field }.toSet())
            assertEquals(0, phone.records.list().count)
            phone.close()
        }
    }

    @Test
    fun whatAListHidesIsNeverWrittenInTheTextsPlace() = runBlocking<Unit> {
        World.new().use { world ->
            val note = "she knows the way"
            val id = world.desk.records.record(world.team, reversal().put("note", note))
            val row = world.desk.records.list().rows.single()
            assertEquals(Value.Sealed, row.fields["note"])
            val calls = listOf<suspend () -> Any?>(
                { world.desk.records.correct(id, "note", row.fields.getValue("note")) },
                { world.desk.records.change(id, row.fields.map { (field, value) -> Change.Put(field, value) }) },
                { world.desk.records.record(world.team, reversal().put("note", Value.Sealed)) },
            )
            for (call in calls) {
                val refused = failsWith<KitbagException.Invalid> { runBlocking { call() } }
                assertTrue("note" to "shape" in refused.faults.map { it.field to it.code }, "${refused.faults}")
            }
            assertEquals(Value.Text(note), world.desk.records.get(id).fields.getValue("note").last().value)
            assertEquals(1, world.desk.records.list().count)
        }
    }

    @Test
    fun aKeyThatIsWrongShortOrCannotBeHadChangesNoByte() = runBlocking<Unit> {
        World.new().use { world ->
            world.phone("phone").closeAndWait()
            val file = world.folder.resolve("phone.db")
            val before = Files.readAllBytes(file)
            val cases = listOf<Triple<KClass<out KitbagException>, String, KeyProvider>>(
                Triple(KitbagException.WrongKey::class, "wrong_key", KeyProvider { ByteArray(32) { 8 } }),
                Triple(KitbagException.NotUsable::class, "not_a_key", KeyProvider { ByteArray(31) }),
                Triple(KitbagException.NotOpen::class, "key_not_had", KeyProvider { error("locked") }),
                Triple(KitbagException.NotOpen::class, "key_not_had", KeyProvider { throw OutOfMemoryError("locked") }),
            )
            for ((kind, code, key) in cases) {
                val error = failsWith<KitbagException> { Kitbag.open(world.opening("phone", key)) }
                assertEquals(kind to code, error::class to error.code)
            }
            assertTrue(before.contentEquals(Files.readAllBytes(file)))
            Kitbag.open(world.opening("phone")).close()
        }
    }

    @Test
    fun aKeystoreThatBlocksHoldsNobodyUp() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            assertEquals("no_store", failsWith<KitbagException.NotFound> { Kitbag.open(world.opening("none")) }.code)
            phone.records.record(world.team, reversal())
            for (name in listOf("other", "third")) world.phone(name).closeAndWait()
            val (asked, release) = CountDownLatch(1) to CountDownLatch(1)
            val blocking = KeyProvider {
                asked.countDown()
                release.await(60, TimeUnit.SECONDS)
                ByteArray(32) { 7 }
            }
            val opening = async(Dispatchers.Default) { Kitbag.open(world.opening("other", blocking)) }
            assertTrue(asked.await(20, TimeUnit.SECONDS))
            assertEquals(1, phone.records.list().count)
            assertEquals(Agreement.Whole, phone.sync.now())
            // A job in the background ends though its keystore does not answer.
            val began = System.nanoTime()
            val late = failsWith<KitbagException.Sync> {
                Sync.inBackground(world.opening("third", blocking), Duration.ofMillis(200))
            }
            assertEquals("out_of_time", late.code)
            assertTrue(System.nanoTime() - began < TimeUnit.SECONDS.toNanos(10))
            release.countDown()
            opening.await().use { it.records.list() }
        }
    }

    @Test
    fun aBundleIsThereWholeOrAsItWasBefore() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            phone.records.record(world.team, reversal())
            val file = world.folder.resolve("card")
            phone.bundles.export(world.team, BundleOf.EVERYTHING, file.toString())
            val before = Files.readAllBytes(file)
            // A card on which nothing new can be made.
            Files.createDirectory(world.folder.resolve("card.part"))
            phone.records.record(world.team, reversal())
            val refused = failsWith<KitbagException.NotUsable> {
                phone.bundles.export(world.team, BundleOf.EVERYTHING, file.toString())
            }
            assertEquals("file", refused.code)
            assertTrue(before.contentEquals(Files.readAllBytes(file)))
            Files.delete(world.folder.resolve("card.part"))
            phone.bundles.export(world.team, BundleOf.EVERYTHING, file.toString())
            assertEquals(2, world.desk.run { bundles.import(file.toString()); records.list().count })
            assertTrue(Files.notExists(world.folder.resolve("card.part")))
            // Never in the place of what is no bundle, and of the store least.
            val photo = world.folder.resolve("photo").also { Files.writeString(it, "not to be lost") }
            val own = listOf("phone.db", "phone.db-wal", "phone.db.outbox.log", "phone.db-journal").map(world.folder::resolve)
            for (other in own + listOf(photo)) {
                val found = runCatching { phone.bundles.export(world.team, BundleOf.EVERYTHING, other.toString()) }
                assertEquals("file", (found.exceptionOrNull() as? KitbagException.NotUsable)?.code, "$other: $found")
            }
            assertEquals("not to be lost", Files.readString(photo))
            phone.closeAndWait()
            Kitbag.open(world.opening("phone")).use { assertEquals(2, it.records.list().count) }
        }
    }

    @Test
    fun aDamagedStoreSaysSoAndIsRecovered() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            val id = phone.records.record(world.team, reversal())
            phone.closeAndWait()
            RandomAccessFile(world.folder.resolve("phone.db").toFile(), "rw").use {
                for (page in 1 until it.length() / 4096) {
                    it.seek(page * 4096 + 100)
                    it.write(ByteArray(64))
                }
            }
            failsWith<KitbagException.Damaged> { Kitbag.open(world.opening("phone")).records.list() }
            val recovered = Kitbag.recover(world.opening("phone"))
            assertNotNull(recovered.aside)
            assertTrue(recovered.salvaged > 0)
            // The hub brings whose it is.
            recovered.kitbag.sync.now()
            assertEquals(id, recovered.kitbag.records.list().rows.single().id)
            recovered.kitbag.close()
        }
    }

    @Test
    fun aFullDiskRefusesASaveAndLosesNone() = runBlocking<Unit> {
        val disk = Path.of(System.getProperty("kitbag.small-disk")!!)
        World.new().use { world ->
            val opening = Opening(disk.resolve("phone.db").toString(), KEY)
            val invitation = world.desk.team.invite(world.team, Role.WORKER)
            val joining = Joining.ask(opening, invitation.text)
            val joined = async { joining.approved() }
            world.desk.team.approve(joining.code)
            val phone = joined.await()
            val filler = disk.resolve("filler").toFile()
            filler.outputStream().use { out -> runCatching { while (true) out.write(ByteArray(4096)) } }
            RandomAccessFile(filler, "rw").use { it.setLength((it.length() - 65_536).coerceAtLeast(0)) }
            var saved = 0L
            while (true) {
                val recorded = runCatching { phone.records.record(world.team, reversal()) }
                if (recorded.isSuccess) saved += 1
                else {
                    assertTrue(recorded.exceptionOrNull() is KitbagException.StorageFull, "$recorded")
                    break
                }
            }
            filler.delete()
            phone.records.record(world.team, reversal())
            assertEquals(saved + 1, phone.records.list().count)
            phone.closeAndWait()
            disk.toFile().listFiles().orEmpty().forEach(File::delete)
        }
    }

    @Test
    fun aHubThatIsDownSilentOrAnotherEndsASyncWithItsReason() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            phone.records.record(world.team, reversal())
            suspend fun at(port: Int) {
                val pins = world.hub.address.text.substringAfterLast('/')
                phone.programme.setHub(HubAddress("kitbag://127.0.0.1:$port/$pins"))
            }
            val gone = ServerSocket(0).use { it.localPort }
            at(gone)
            assertEquals("no_answer", failsWith<KitbagException.Sync> { phone.sync.now() }.code)
            // Silent: it takes connections and says nothing.
            ServerSocket(0).use { silent ->
                at(silent.localPort)
                val error = failsWith<KitbagException.Sync> { phone.sync.now(deadline = Duration.ofMillis(300)) }
                assertEquals("out_of_time", error.code)
            }
            // Lying: it says what no hub says.
            ServerSocket(0).use { lying ->
                thread(isDaemon = true) {
                    runCatching { while (true) lying.accept().use { it.getOutputStream().write(ByteArray(999) { 22 }) } }
                }
                at(lying.localPort)
                val error = failsWith<KitbagException.Sync> { phone.sync.now(deadline = Duration.ofSeconds(20)) }
                assertTrue(error.code in listOf("not_the_hub", "no_answer"), error.code)
            }
            // Another hub, with another key.
            Hub(world.folder.resolve("other"), world.root.programme.own().root).use { other ->
                at(other.address.text.substringAfterLast(':').substringBefore('/').toInt())
                assertEquals("not_the_hub", failsWith<KitbagException.Sync> { phone.sync.now() }.code)
            }
            assertEquals("not_the_hub", phone.sync.status().last.failed?.code)
            phone.programme.setHub(world.hub.address)
            assertEquals(Agreement.Whole, phone.sync.now())
        }
    }

    @Test
    fun aSyncThatDiesAnywhereLosesNothingAndTheNextGoesOn() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            val saved = (1..20).map { phone.records.record(world.team, reversal()) }.toSet()
            var died = 0
            for (bytes in 100L..40_000L step 150L) {
                phone.programme.setHub(world.hub.address.breakingAfter(bytes))
                val ended = runCatching { phone.sync.now() }
                if (ended.isSuccess) break
                assertEquals("no_answer", failsWith<KitbagException.Sync> { ended.getOrThrow() }.code)
                died += 1
            }
            assertTrue(died >= 5, "died $died times")
            phone.programme.setHub(world.hub.address)
            assertEquals(Agreement.Whole, phone.sync.now())
            assertTrue(phone.records.list(Search(most = 100)).rows.all { it.delivery == Delivery.OnHub })
            world.desk.sync.now()
            assertEquals(saved, world.desk.records.list(Search(most = 100)).rows.map { it.id }.toSet())
        }
    }

    @Test
    fun aHubThatForgotIsToldAgain() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            val first = phone.records.record(world.team, reversal())
            assertEquals(Agreement.Whole, phone.sync.now())
            // With its own key, and as it was a day ago: what it acknowledged since it says it never saw.
            world.hub.close()
            val (hub, kept) = world.folder.resolve("hub") to world.folder.resolve("kept")
            hub.toFile().copyRecursively(kept.toFile())
            Hub(hub, world.root.programme.own().root, world.hub.address.listens()).use {
                val second = phone.records.record(world.team, reversal())
                assertEquals(Agreement.Whole, phone.sync.now())
                assertEquals(setOf(first, second), phone.records.list().rows.map { it.id }.toSet())
            }
            hub.toFile().deleteRecursively()
            kept.toFile().copyRecursively(hub.toFile())
            Hub(hub, world.root.programme.own().root, world.hub.address.listens()).use {
                assertEquals(Agreement.Whole, phone.sync.now())
                world.desk.sync.now()
                assertEquals(2, world.desk.records.list().count)
            }
        }
    }

    @Test
    fun aPanicEndsOneCallAlone() = runBlocking<Unit> {
        World.new().use { world ->
            val panicked = failsWith<KitbagException.NotOpen> { crossing { org.kitbag.ffi.panicInACall() } }
            assertEquals("panicked", panicked.code)
            assertEquals("panicked", failsWith<KitbagException.NotOpen> { atOnce { org.kitbag.ffi.panicAtOnce() } }.code)
            assertEquals(0, world.desk.records.list().count)
        }
    }

    @Test
    fun aThousandThreadsSaveAndNoneIsLost() = runBlocking<Unit> {
        World.new().use { world ->
            val (phone, failed) = world.phone("phone") to AtomicInteger()
            val threads = (1..1_000).map {
                thread {
                    runCatching { runBlocking { phone.records.record(world.team, reversal()) } }
                        .onFailure { failed.incrementAndGet() }
                }
            }
            threads.forEach(Thread::join)
            assertEquals(0, failed.get())
            assertEquals(1_000, phone.records.list().count)
        }
    }
}
