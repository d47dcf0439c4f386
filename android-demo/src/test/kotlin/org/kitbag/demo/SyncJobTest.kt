package org.kitbag.demo

import android.app.job.JobParameters
import java.net.InetAddress
import java.net.ServerSocket
import java.util.concurrent.CompletableFuture
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.kitbag.HubAddress
import org.kitbag.demo.android.SyncJob
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadow.api.Shadow

/** The platform's job, which syncs while nobody looks. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], qualifiers = "en-rUS-w360dp-h640dp-port-xhdpi")
class SyncJobTest {
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

    private fun distribution() {
        hand.tap("Naloxone given").at("question")
            .tap("Riverside").tap("Person at risk").tap("First supply").tap("Street outreach").tap("1").tap("Brief")
            .at("review").tap("Save").at("saved").tap("Done").at("today")
    }

    private fun job(): SyncJob = Robolectric.buildService(SyncJob::class.java).create().get()

    private fun parameters(): JobParameters = Shadow.newInstanceOf(JobParameters::class.java)

    @Test
    fun whatWaitsIsSentAndTheJobIsDone() {
        hand.join(world)
        world.hub.close()
        distribution()
        hand.leave()
        world.hub = world.hub.again()
        val job = job()
        assertTrue(job.onStartJob(parameters()))
        hand.until("it does not end") { shadowOf(job).isJobFinished }
        assertFalse(shadowOf(job).isRescheduleNeeded)
        assertEquals(1, world.atDesk().size)
        hand.reopen().at("today").tap("More").at("more").tap("Sync").at("sync").see("It ran by itself last just now.")
    }

    @Test
    fun aJobThatMeetsNoHubIsTriedAgainAndSaysThatItRan() {
        hand.join(world)
        world.hub.close()
        distribution()
        hand.leave()
        val job = job()
        job.onStartJob(parameters())
        hand.until("it does not end") { shadowOf(job).isJobFinished }
        assertTrue(shadowOf(job).isRescheduleNeeded)
        hand.reopen().at("today").see("The hub did not answer.").tap("More").at("more").tap("Sync").at("sync").see("It ran by itself last just now.")
    }

    @Test
    fun aPersonWhoOpensTheAppWaitsForNoJob() {
        hand.join(world)
        // A hub that takes the call and says nothing holds the job until its deadline.
        ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { silent ->
            val address = world.hub.address.text
            val place = address.removePrefix("kitbag://").substringBefore('/')
            runBlocking { hand.application.phone.onShift!!.kitbag.programme.setHub(HubAddress(address.replace(place, "127.0.0.1:${silent.localPort}"))) }
            hand.leave()
            val job = job()
            val called = CompletableFuture.supplyAsync { silent.accept() }
            job.onStartJob(parameters())
            hand.until("the job calls nobody") { called.isDone }
            assertFalse(shadowOf(job).isJobFinished)
            called.get().use {
                hand.reopen().at("today")
                hand.until("the job goes on") { shadowOf(job).isJobFinished }
            }
        }
    }
}
