package org.kitbag

import java.time.Duration
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Opening, closing, forgetting, cancelling, listening. */
class LifetimeTest {
    private suspend fun until(what: String, holds: suspend () -> Boolean) {
        val last = System.nanoTime() + TimeUnit.SECONDS.toNanos(20)
        while (!holds()) {
            assertTrue(System.nanoTime() < last, what)
            delay(20)
        }
    }

    private suspend fun codeOf(call: suspend () -> Any?): String? =
        runCatching { call() }.exceptionOrNull()?.let { (it as KitbagException).code }

    @Test
    fun afterClosingEveryCallSaysClosed() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            val listened = async { phone.changes.toList() }
            yield()
            val kept = phone.sync.keep()
            phone.close()
            assertEquals("closed", codeOf { phone.records.record(world.team, reversal()) })
            assertEquals("closed", codeOf { phone.records.list() })
            assertEquals("closed", codeOf { phone.sync.now() })
            assertEquals("closed", codeOf { phone.sync.keep() })
            assertEquals("closed", codeOf { phone.changes.toList() })
            assertEquals("closed", codeOf { phone.resume() })
            phone.close()
            phone.closeAndWait()
            assertEquals(emptyList<String>(), held(world.folder).filter { "phone" in it })
            withTimeout(20_000) { listened.await() }
            kept.now()
            kept.close()
            until("its files are let go") { held(world.folder).none { "phone" in it } }
            Kitbag.open(world.opening("phone")).closeAndWait()
        }
    }

    @Test
    fun suspendedItHoldsNoFileAndResumedItGoesOn() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            phone.records.record(world.team, reversal())
            assertNotEquals(emptyList<String>(), held(world.folder).filter { "phone" in it })
            phone.suspend()
            assertEquals(emptyList<String>(), held(world.folder).filter { "phone" in it })
            assertEquals("suspended", codeOf { phone.records.list() })
            // Meanwhile a background job has the store.
            assertEquals(Agreement.Whole, Sync.inBackground(world.opening("phone"), Duration.ofSeconds(30)))
            phone.resume()
            assertEquals(Delivery.OnHub, phone.records.list().rows.single().delivery)
            assertEquals("in_use", codeOf { Sync.inBackground(world.opening("phone"), Duration.ofSeconds(5)) })
            phone.closeAndWait()
            Kitbag.openToRead(world.opening("phone")).use { reading ->
                reading.suspend()
                assertEquals("suspended", codeOf { reading.records.list() })
                reading.resume()
                assertEquals(1, reading.records.list().count)
            }
        }
    }

    @Test
    fun aKeystoreIsAskedOnceAndKeepsNobodyFromLettingGo() = runBlocking<Unit> {
        World.new().use { world ->
            world.phone("phone").closeAndWait()
            val (asked, release) = AtomicInteger() to CountDownLatch(1)
            val keystore = KeyProvider {
                if (asked.incrementAndGet() > 1) release.await(60, TimeUnit.SECONDS)
                ByteArray(32) { 7 }
            }
            val phone = Kitbag.open(world.opening("phone", keystore))
            (1..20).map { async(Dispatchers.IO) { phone.records.list() } }.forEach { it.await() }
            assertEquals(1, asked.get())
            // The phone is locked while the app comes to the front, and goes again.
            phone.suspend()
            val resuming = async(Dispatchers.IO) { codeOf { phone.resume() } }
            until("it asks") { asked.get() == 2 }
            withTimeout(5_000) { phone.suspend() }
            assertEquals("suspended", withTimeout(5_000) { resuming.await() })
            withTimeout(5_000) { phone.closeAndWait() }
            assertEquals(emptyList<String>(), held(world.folder).filter { "phone" in it })
            release.countDown()
        }
    }

    @Test
    fun anAppThatBlocksAllItsThreadsIsAnswered() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            val all = (1..4 * Runtime.getRuntime().availableProcessors()).map {
                async(Dispatchers.Default) { runBlocking { phone.records.list().count } }
            }
            withTimeout(20_000) { all.forEach { assertEquals(0, it.await()) } }
        }
    }

    @Test
    fun closingEndsWhatWaitsForAHub() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            java.net.ServerSocket(0).use { silent ->
                val pins = world.hub.address.text.substringAfterLast('/')
                phone.programme.setHub(HubAddress("kitbag://127.0.0.1:${silent.localPort}/$pins"))
                for (shut in listOf<suspend () -> Unit>({ phone.suspend() }, { phone.closeAndWait() })) {
                    val waits = async { codeOf { phone.totals.completeness(null, TODAY, TODAY) } }
                    delay(200)
                    shut()
                    val code = withTimeout(5_000) { waits.await() }
                    assertTrue(code == "suspended" || code == "closed", "$code")
                    if (code == "suspended") phone.resume()
                }
            }
        }
    }

    @Test
    fun whatIsForgottenIsFreed() = runBlocking<Unit> {
        World.new().use { world ->
            world.phone("phone").closeAndWait()
            val before = threads().count { it.startsWith("kitbag-") }
            repeat(5) {
                forget(world)
                until("a store that nobody holds is let go") {
                    System.gc()
                    held(world.folder).none { "phone" in it }
                }
            }
            until("no thread is left behind") { threads().count { it.startsWith("kitbag-") } <= before }
        }
    }

    private suspend fun forget(world: World) {
        val phone = Kitbag.open(world.opening("phone"))
        phone.records.list()
        phone.sync.start()
        phone.changes
    }

    @Test
    fun whoeverIsCancelledWaitsNoMoreAndNoRecordIsSaidThatIsNotThere() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            val said = CopyOnWriteArrayList<RecordId>()
            var cancelled = 0
            for (micros in 0L..15_000L step 100L) {
                val saving = launch(Dispatchers.Default) { said += phone.records.record(world.team, reversal()) }
                val until = System.nanoTime() + micros * 1_000
                while (System.nanoTime() < until) Thread.onSpinWait()
                saving.cancelAndJoin()
                if (saving.isCancelled) cancelled += 1
            }
            assertTrue(cancelled in 1..150, "$cancelled were cancelled")
            assertTrue(said.isNotEmpty())
            // What was begun is done to its end: a later save stands behind it.
            said += phone.records.record(world.team, reversal())
            val there = phone.records.list(Search(most = 1_000)).rows.map { it.id }.toSet()
            assertTrue(there.containsAll(said))
            assertTrue(there.size <= 152)
        }
    }

    @Test
    fun anOpeningThatIsCancelledHoldsNoStore() = runBlocking<Unit> {
        World.new().use { world ->
            world.phone("phone").closeAndWait()
            for (micros in 0L..8_000L step 400L) {
                val opening = launch(Dispatchers.Default) { Kitbag.open(world.opening("phone")).closeAndWait() }
                val until = System.nanoTime() + micros * 1_000
                while (System.nanoTime() < until) Thread.onSpinWait()
                opening.cancelAndJoin()
                until("whatever was opened is let go") { held(world.folder).none { "phone" in it } }
            }
            Kitbag.open(world.opening("phone")).closeAndWait()
            // Nor does a device that gave up joining.
            val invitation = world.desk.team.invite(world.team, Role.WORKER)
            Joining.ask(world.opening("new"), invitation.text).close()
            until("its store is let go") { held(world.folder).none { "new" in it } }
        }
    }

    @Test
    fun aSyncThatIsCancelledEndsAtOnceAndTheNextGoesOn() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            java.net.ServerSocket(0).use { silent ->
                val pins = world.hub.address.text.substringAfterLast('/')
                phone.programme.setHub(HubAddress("kitbag://127.0.0.1:${silent.localPort}/$pins"))
                phone.records.record(world.team, reversal())
                val syncing = launch { phone.sync.now() }
                delay(100)
                // A second one joins the first, and goes on when that is cancelled.
                val second = phone.sync.start()
                val joined = async { codeOf { second.ended() } }
                delay(100)
                val began = System.nanoTime()
                syncing.cancelAndJoin()
                val watching = launch { second.progress.collect {} }
                val late = codeOf { phone.sync.now(deadline = Duration.ofMillis(200)) }
                assertEquals("out_of_time", late, "its own deadline, and nobody else's")
                watching.cancelAndJoin()
                assertTrue(joined.isActive)
                second.cancel()
                assertEquals("cancelled", joined.await())
                assertTrue(System.nanoTime() - began < TimeUnit.SECONDS.toNanos(5))
                // So does a call that waits for the hub.
                val waits = launch { phone.totals.completeness(null, TODAY, TODAY) }
                delay(100)
                withTimeout(5_000) { waits.cancelAndJoin() }
            }
            phone.programme.setHub(world.hub.address)
            assertEquals(Agreement.Whole, phone.sync.now())
        }
    }

    @Test
    fun aListenerThatThrowsIsSlowOrGoneHarmsNobody() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            class Thrown : Exception()
            val throwing = async(Job()) { phone.changes.collect { throw Thrown() } }
            val (release, records) = CountDownLatch(1) to CopyOnWriteArrayList<RecordId>()
            // On a thread of its own: what it begins with may be there at once.
            val listens = CountDownLatch(1)
            val slow = launch(Dispatchers.IO) {
                phone.changes.collect {
                    records += it.records
                    listens.countDown()
                    release.await()
                }
            }
            assertTrue(withContext(Dispatchers.IO) { listens.await(60, TimeUnit.SECONDS) })
            val gone = launch { phone.changes.collect {} }
            delay(200)
            gone.cancelAndJoin()
            val saved = (1..20).map { phone.records.record(world.team, reversal()) }
            assertTrue(runCatching { throwing.await() }.exceptionOrNull() is Thrown)
            release.countDown()
            // All that came meanwhile, in one summary.
            until("none is lost") { records.toSet() == saved.toSet() }
            slow.cancelAndJoin()
        }
    }

    @Test
    fun aLogSinkThatThrowsOrBlocksHoldsNobodyUp() = runBlocking<Unit> {
        World.new().use { world ->
            val (lines, release) = CopyOnWriteArrayList<String>() to CountDownLatch(1)
            Logs.to { _, module, line ->
                lines += "$module $line"
                if (lines.size == 1) throw StackOverflowError("on purpose")
                release.await(60, TimeUnit.SECONDS)
            }
            // A damaged file is told in a log.
            repeat(3) { codeOf { crossing { org.kitbag.ffi.panicInACall() } } }
            val phone = world.phone("phone")
            repeat(5) { phone.records.record(world.team, reversal()) }
            assertEquals(5, phone.records.list().count)
            // Another sink does not wait for one that blocks.
            val others = CopyOnWriteArrayList<String>()
            Logs.to { _, _, line -> others += line }
            codeOf { crossing { org.kitbag.ffi.panicInACall() } }
            until("the new one is told") { others.isNotEmpty() }
            release.countDown()
            until("lines come, after one that threw") { lines.size >= 2 }
            assertTrue(lines.none { "riverside" in it }, "no record's content in $lines")
            Logs.to(null)
        }
    }

    @Test
    fun cancellationIsNotTakenForAnErrorOfOurs() = runBlocking<Unit> {
        World.new().use { world ->
            val phone = world.phone("phone")
            val job = launch(start = CoroutineStart.LAZY) { phone.records.list() }
            job.cancel()
            val listed = async(Job().apply { cancel() }) { phone.records.list() }
            assertTrue(runCatching { listed.await() }.exceptionOrNull() is CancellationException)
            assertEquals(0, phone.records.list().count)
        }
    }
}
