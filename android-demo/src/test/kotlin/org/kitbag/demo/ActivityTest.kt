package org.kitbag.demo

import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.kitbag.Kind
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

/** The real activities over the real library and a real hub. */
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
        hand.controller.pause().stop().destroy()
        kotlinx.coroutines.runBlocking { hand.application.phone.lock() }
        world.close()
    }

    /** The first time more is asked: where, by which way. */
    private fun firstDistribution() {
        hand.tap("Naloxone given").at("question")
            .tap("Riverside").tap("Person at risk").tap("First supply").tap("Street outreach").tap("1").tap("Brief")
            .at("review").tap("Save").at("saved").tap("Done").at("today")
    }

    @Test
    fun aUsualDistributionTakesSixTaps() {
        hand.join(world)
        firstDistribution()
        hand.countedTaps()
        hand.tap("Naloxone given").at("question").tap("Family or friend").tap("Resupply: Used on another person").tap("2").tap("Trained before")
            .at("review").tap("Save").at("saved").see("Saved.")
        val taps = hand.countedTaps()
        println("taps: distribution $taps")
        assertTrue("$taps taps", taps <= 6)
        hand.tap("Done").at("today").see("Sent")
        val rows = world.atDesk()
        assertEquals(listOf(Kind.DISTRIBUTION, Kind.DISTRIBUTION), rows.map { it.kind })
    }
}
