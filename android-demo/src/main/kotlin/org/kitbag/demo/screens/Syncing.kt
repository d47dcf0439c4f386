package org.kitbag.demo.screens

import java.util.Base64
import kotlinx.coroutines.flow.collect
import org.kitbag.Agreement
import org.kitbag.BundleOf
import org.kitbag.KitbagException
import org.kitbag.Progress
import org.kitbag.SyncRun

/** The state of sync: how far it is, what went wrong and when it is tried again; by file and by picture where there is no hub. */
class Syncing(app: App) : Screen(app) {
    private var progress: Progress? = null
    private var run: SyncRun? = null
    private var ended: Item? = null

    override suspend fun page(): Page {
        val shift = app.shift()
        val items = ArrayList<Item>(syncing(app, shift.kitbag.sync.status()).map { if (it is Item.Line) it.copy(act = null) else it })
        progress?.let { items += Item.Progress(said(it), it.sent + it.received, it.toSend + it.toReceive) }
        ended?.let { items += it }
        items += background(shift)
        items += Item.Heading(say("app-without_hub"))
        items += Item.Button(say("app-send_file"), detail = say("app-send_file_what")) { send(shift) }
        if (shift.kitbag.records.isCaptureOnly()) items += Item.Words(say("app-send_file_captured"), Tone.WARNING, Mark.TROUBLE)
        items += Item.Button(say("app-receive_file"), detail = say("app-receive_file_what")) { receive(shift) }
        items += Item.Button(say("app-announce"), detail = say("app-announce_what")) { app.show(Announcing(app)) }
        items += Item.Button(say("app-hear"), detail = say("app-hear_what"), mark = Mark.SCAN) { hear(shift) }
        val isRunning = progress != null
        val now = Item.Button(say(if (isRunning) "app-stop" else "app-sync_now"), Look.MAIN) { if (isRunning) stop() else sync(shift) }
        return Page("sync", say("app-sync"), items, listOf(now))
    }

    private fun background(shift: OnShift): Item {
        val ran = shift.profile.ranAt
        val text = when {
            shift.profile.needsPin -> say("app-background_pin")
            ran == null -> say("app-background_never")
            else -> say("app-background_ran", speech.ago(ran, app.phone.platform.now()))
        }
        return Item.Words(text)
    }

    private fun said(progress: Progress): String {
        val (done, all) = (progress.sent + progress.received) to (progress.toSend + progress.toReceive)
        return if (all == 0L) say("app-syncing") else say("app-progress", speech.number(done), speech.number(all))
    }

    private fun sync(shift: OnShift) {
        ended = null
        progress = Progress(0, 0, 0, 0)
        val begun = shift.kitbag.sync.start()
        run = begun
        await {
            try {
                begun.progress.collect {
                    progress = it
                    app.redraw()
                }
                ended = said(begun.ended())
            } catch (failed: KitbagException) {
                // What somebody stopped did not go wrong.
                if (run === begun) throw failed
            } finally {
                if (run === begun) progress = null
            }
        }
    }

    /** It ends where nobody else wants it; what was acknowledged stays so. */
    private fun stop() {
        val stopped = run
        run = null
        progress = null
        stopped?.cancel()
    }

    private fun said(agreement: Agreement): Item = when (agreement) {
        Agreement.Whole, Agreement.CaughtUp -> Item.Words(say("app-synced"), Tone.GOOD, Mark.SENT)
        is Agreement.Without -> Item.Words(say("app-uncertified"), Tone.BAD, Mark.TROUBLE)
        is Agreement.Partial -> Item.Words(speech.count("app-not_sent", agreement.waiting), Tone.WARNING, Mark.WAITING)
    }

    private suspend fun send(shift: OnShift) {
        val file = shift.profile.bundle()
        val written = shift.kitbag.bundles.export(shift.team, BundleOf.WAITING, file.path)
        if (written.entries == 0L) shift.kitbag.bundles.export(shift.team, BundleOf.EVERYTHING, file.path)
        // Another app's screen may stay for long: neither a tap nor the lock waits for it.
        val sending = await {
            val isSent = app.phone.platform.send(file)
            ended = if (isSent) Item.Words(say("app-file_written"), Tone.GOOD, Mark.TICK) else null
        }
        sending.invokeOnCompletion { file.delete() }
    }

    private fun receive(shift: OnShift) = await {
        val file = app.phone.platform.receive() ?: return@await
        val taken = try {
            shift.kitbag.bundles.import(file.path)
        } finally {
            file.delete()
        }
        ended = if (taken.turnedAway > 0) Item.Words(speech.count("app-turned_away", taken.turnedAway), Tone.WARNING, Mark.TROUBLE)
        else Item.Words(speech.count("app-file_taken", taken.newEntries), Tone.GOOD, Mark.TICK)
    }

    private fun hear(shift: OnShift) = await {
        val seen = app.phone.platform.scan() ?: return@await
        val announcement = seen.removePrefix(ANNOUNCED).takeIf { it != seen }?.let { runCatching { Base64.getUrlDecoder().decode(it) }.getOrNull() }
        if (announcement == null) return@await app.say(Trouble(say("app-not_announced")))
        shift.kitbag.team.hear(announcement)
        ended = Item.Words(say("app-heard"), Tone.GOOD, Mark.TICK)
    }

    internal companion object {
        /** What a code begins with that another phone hears. */
        const val ANNOUNCED = "kitbag-announce:"
    }
}

/** Shows what this device's log reaches, for another phone's camera. */
class Announcing(app: App) : Screen(app) {
    override suspend fun page(): Page {
        val announced = app.shift().kitbag.team.announce(app.shift().team)
        val code = Syncing.ANNOUNCED + Base64.getUrlEncoder().withoutPadding().encodeToString(announced)
        return Page("announcing", say("app-announce"), listOf(Item.Code(code, say("app-announce_how"))))
    }
}
