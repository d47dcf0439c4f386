package org.kitbag.demo

import java.io.File
import java.time.Clock
import java.time.Duration
import java.time.Instant
import java.time.ZoneOffset
import org.kitbag.demo.android.KitbagApplication

/** The time and the randomness of a test: both the app's and the library's, so that pictures are the same on every run. */
object Stopped {
    var now: Instant = Instant.parse("2026-03-14T14:05:00Z")
        private set

    private val library = Class.forName("org.kitbag.ffi.KitbagKt")

    /** From now on time stands still, and what is drawn by lot begins with this seed. */
    fun begin(seed: Long) {
        library.methods.first { it.name.startsWith("beginScenario") }.invoke(null, seed)
        at(Instant.parse("2026-03-14T14:05:00Z"))
    }

    /** It is this late now. */
    fun at(instant: Instant) {
        now = instant
        library.methods.first { it.name.startsWith("setScenarioClock") }.invoke(null, instant.toEpochMilli())
    }

    /** It is so much later now. */
    fun later(seconds: Long) = at(now.plusSeconds(seconds))

    /** Time goes on as it does. */
    fun end() {
        library.methods.first { it.name.startsWith("beginScenario") }.invoke(null, 0L)
    }
}

/** The app, with the time of the test. */
class StoppedApplication : KitbagApplication() {
    override val uptime: Duration get() = Duration.between(Instant.EPOCH, Stopped.now)

    override val clock: Clock = object : Clock() {
        override fun getZone() = ZoneOffset.UTC

        override fun withZone(zone: java.time.ZoneId) = this

        override fun instant(): Instant = Stopped.now
    }
}

/** The app on a disk of 3 MB. */
class SmallDiskApplication : KitbagApplication() {
    override val folder: File get() = File(System.getProperty("kitbag.small-disk"), "app").apply { mkdirs() }
}
