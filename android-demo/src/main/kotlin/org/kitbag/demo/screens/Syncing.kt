package org.kitbag.demo.screens

import java.util.Base64
import kotlinx.coroutines.flow.collect
import org.kitbag.Agreement
import org.kitbag.BundleOf
import org.kitbag.Progress

/** The state of sync: how far it is, what went wrong and when it is tried again; by file and by picture where there is no hub. */
class Syncing(app: App) : Screen(app) {
    private var progress: Progress? = null
    private var ended: Item? = null

    override suspend fun page(): Page {
        val shift = app.shift()
        val items = ArrayList<Item>(syncing(app, shift.kitbag.sync.status()).map { if (it is Item.Line) it.copy(act = null) else it })
        progress?.let { items += Item.Progress(said(it), it.sent + it.received, it.toSend + it.toReceive) }
        ended?.let { items += it }
        items += background(shift)
        items += Item.Heading(say("app-without_hub"))
        items += Item.Button(say("app-send_file"), detail = say("app-send_file_what")) { send(shift) }
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
            shift.profile.key.needsPin -> say("app-background_pin")
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
        await {
            val run = shift.kitbag.sync.start()
            try {
                run.progress.collect {
                    progress = it
                    app.redraw()
                }
                ended = said(run.ended())
            } finally {
                progress = null
            }
        }
    }

    /** What is being sent goes on where somebody else wants it; this screen waits for it no more. */
    private fun stop() {
        progress = null
        super.left()
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
        val isSent = try {
            app.phone.platform.send(file)
        } finally {
            file.delete()
        }
        ended = if (isSent) Item.Words(say("app-file_written"), Tone.GOOD, Mark.TICK) else null
    }

    private suspend fun receive(shift: OnShift) {
        val file = app.phone.platform.receive() ?: return
        val taken = try {
            shift.kitbag.bundles.import(file.path)
        } finally {
            file.delete()
        }
        ended = if (taken.turnedAway > 0) Item.Words(speech.count("app-turned_away", taken.turnedAway), Tone.WARNING, Mark.TROUBLE)
        else Item.Words(speech.count("app-file_taken", taken.newEntries), Tone.GOOD, Mark.TICK)
    }

    private suspend fun hear(shift: OnShift) {
        val seen = app.phone.platform.scan() ?: return
        val announcement = seen.removePrefix(ANNOUNCED).takeIf { it != seen }?.let { runCatching { Base64.getUrlDecoder().decode(it) }.getOrNull() }
        if (announcement == null) return app.say(Trouble(say("app-not_announced")))
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
