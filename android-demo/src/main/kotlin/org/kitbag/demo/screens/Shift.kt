package org.kitbag.demo.screens

import java.time.Duration
import org.kitbag.KitbagException

/** Who is on shift: one tap to choose, and a PIN where there is one. */
class Shift(app: App) : Screen(app) {
    override suspend fun page(): Page {
        val now = app.phone.onShift?.profile
        val profiles = app.phone.profiles().map { profile ->
            val detail = when {
                profile === now -> say("app-on_shift_now")
                !profile.hasStore -> say("app-not_joined")
                profile.needsPin -> say("app-with_pin")
                else -> null
            }
            Item.Line(speech.plain(profile.label), detail, mark = Mark.PERSON) { choose(profile) }
        }
        val add = Item.Button(say("app-add_person")) { app.show(Naming(app)) }
        return Page("shift", say("app-who"), profiles, listOf(add), isAtThumb = true, hasBack = now != null)
    }

    private suspend fun choose(profile: Profile) = enter(app, profile)

    companion object {
        /** The first screen: with one profile and no PIN it is no question. */
        suspend fun first(app: App): Screen {
            val profiles = app.phone.profiles()
            val only = profiles.singleOrNull() ?: return if (profiles.isEmpty()) Naming(app) else Shift(app)
            if (!only.hasStore) return Join(app, only)
            if (only.needsPin) return Unlock(app, only)
            return try {
                app.phone.unlock(only, null)
                Today(app)
            } catch (failed: KitbagException) {
                Closed(app, only, null, failed)
            } catch (_: SecretGone) {
                KeyGone(app, only)
            } catch (_: NoTeam) {
                Join(app, only)
            }
        }

        /** The first screen once the phone was locked: nothing opens by itself. */
        fun locked(app: App): Screen {
            val only = app.phone.profiles().singleOrNull()
            return if (only != null && only.needsPin) Unlock(app, only) else Shift(app)
        }

        /** Goes to a profile, by its PIN where it has one. */
        suspend fun enter(app: App, profile: Profile) {
            if (profile === app.phone.onShift?.profile) return app.begin(Today(app))
            // Whoever hands the phone over leaves nothing open behind the next one's screens.
            app.phone.lock()
            app.begin(Shift(app))
            when {
                !profile.hasStore -> app.show(Join(app, profile))
                profile.needsPin -> app.show(Unlock(app, profile))
                else -> opened(app, profile, null)
            }
        }

        /** Opens a profile's store; where that fails, says why and what to do. */
        suspend fun opened(app: App, profile: Profile, pin: String?) {
            try {
                app.phone.unlock(profile, pin)
                app.begin(Today(app))
            } catch (_: NoTeam) {
                app.show(Join(app, profile, pin))
            } catch (_: SecretGone) {
                app.show(KeyGone(app, profile))
            } catch (failed: KitbagException) {
                if (failed.code.startsWith("pin_")) throw failed
                app.show(Closed(app, profile, pin, failed))
            }
        }
    }
}

/** Names a new profile. */
class Naming(app: App) : Screen(app) {
    private var label = ""

    override suspend fun page(): Page {
        val items = listOf(
            Item.Words(say("app-name_why")),
            Item.Input(say("app-name"), label) { label = it },
        )
        val next = Item.Button(say("app-next"), Look.MAIN) {
            if (label.isBlank()) app.say(Trouble(say("app-name_missing"))) else join(app.phone.add(label.trim()))
        }
        val about = Item.Button(say("app-about"), Look.QUIET) { app.show(About(app)) }
        return Page("naming", say("app-name_title"), items, listOf(about, next), hasBack = !app.isAtFirst)
    }

    private suspend fun join(new: Profile) = if (app.phone.onShift == null) app.replace(Join(app, new)) else Shift.enter(app, new)
}

/** Asks for a PIN; wrong ones wait ever longer, and nothing is ever wiped. */
class Unlock(app: App, private val profile: Profile) : Screen(app) {
    private var pin = ""
    override val redrawnEachMs = 1_000L

    override suspend fun page(): Page {
        val wait = profile.key.wait
        val items = ArrayList<Item>()
        items += Item.Words(speech.plain(profile.label), mark = Mark.PERSON)
        if (wait > Duration.ZERO) items += Item.Words(waiting(wait), Tone.WARNING, Mark.WAITING)
        items += Item.Input(say("app-pin"), pin, Typing.SECRET) { pin = it }
        val open = Item.Button(say("app-unlock"), Look.MAIN) {
            val typed = pin
            pin = ""
            Shift.opened(app, profile, typed)
        }
        val forgotten = Item.Button(say("app-pin_forgotten"), Look.QUIET) { app.show(PinForgotten(app)) }
        val others = Item.Button(say("app-who"), Look.QUIET) { app.begin(Shift(app)) }
        return Page("unlock", say("app-locked"), items, listOf(forgotten, others, open), hasBack = !app.isAtFirst)
    }

    private fun waiting(wait: Duration): String {
        val seconds = wait.seconds + if (wait.nano > 0) 1 else 0
        return if (seconds < 60) speech.count("app-pin_wait_seconds", seconds)
        else speech.count("app-pin_wait_minutes", (seconds + 59) / 60)
    }
}

/** What can be done where nobody knows the PIN. */
class PinForgotten(app: App) : Screen(app) {
    override suspend fun page(): Page = Page(
        "pin_forgotten",
        say("app-pin_forgotten"),
        listOf(
            Item.Words(say("app-pin_forgotten_try")),
            Item.Words(say("app-pin_forgotten_sent")),
            Item.Words(say("app-pin_forgotten_new")),
        ),
        listOf(Item.Button(say("app-add_person")) { app.show(Naming(app)) }),
    )
}

/** The keystore has lost what opened a profile. */
class KeyGone(app: App, private val profile: Profile) : Screen(app) {
    override suspend fun page(): Page = Page(
        "key_gone",
        say("app-key_gone_title"),
        listOf(
            Item.Words(speech.plain(profile.label), mark = Mark.PERSON),
            Item.Words(say("app-key_gone"), Tone.BAD, Mark.TROUBLE),
            Item.Words(say("app-key_gone_next")),
        ),
        listOf(
            Item.Button(say("app-add_person")) { app.show(Naming(app)) },
            Item.Button(say("app-try_again"), Look.MAIN) {
                app.leave(this)
                Shift.enter(app, profile)
            },
        ),
        hasBack = !app.isAtFirst,
    )
}

/** A store that does not open: why, and what to do. */
class Closed(
    app: App,
    private val profile: Profile,
    private val pin: String?,
    private val failed: KitbagException,
) : Screen(app) {
    override suspend fun page(): Page {
        val items = ArrayList<Item>()
        items += Item.Words(speech.plain(profile.label), mark = Mark.PERSON)
        items += Item.Words(failed.inWords, Tone.BAD, Mark.TROUBLE)
        val foot = ArrayList<Item>()
        foot += Item.Button(say("app-who"), Look.QUIET) { app.begin(Shift(app)) }
        if (isDamaged(failed)) {
            items += Item.Words(say("app-recover_what"))
            foot += Item.Button(say("app-recover"), Look.MAIN) {
                val salvaged = app.phone.recover(profile, pin)
                app.begin(Today(app))
                app.say(Trouble(speech.count("app-recovered", salvaged)))
            }
        } else {
            foot += Item.Button(say("app-try_again"), Look.MAIN) {
                app.leave(this)
                Shift.opened(app, profile, pin)
            }
        }
        return Page("closed", say("app-not_opened"), items, foot, hasBack = !app.isAtFirst)
    }
}
