package org.kitbag.demo.screens

import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.withContext
import org.kitbag.KitbagException
import org.kitbag.Member
import org.kitbag.Role

/** What is seldom needed. */
class More(app: App) : Screen(app) {
    override suspend fun page(): Page {
        val shift = app.shift()
        val items = ArrayList<Item>()
        items += Item.Button(say("app-switch"), mark = Mark.PERSON) { app.show(Shift(app)) }
        items += Item.Button(say("app-sync")) { app.show(Syncing(app)) }
        items += Item.Button(say("app-protection")) { app.show(Protection(app)) }
        if (shift.isCoordinator) items += Item.Button(say("app-invite")) { app.show(Inviting(app)) }
        items += Item.Button(say("app-about")) { app.show(About(app)) }
        items += Item.Button(say("app-leave_team"), Look.DANGER) { app.show(Leaving(app)) }
        return Page("more", say("app-more"), items, isAtThumb = true)
    }
}

/** A PIN, and what keeps others out. */
class Protection(app: App) : Screen(app) {
    override suspend fun page(): Page {
        val shift = app.shift()
        val profile = shift.profile
        val items = ArrayList<Item>()
        val hasPin = profile.needsPin
        items += Item.Words(say(if (hasPin) "app-has_pin" else "app-no_pin"), if (hasPin) Tone.GOOD else Tone.WARNING, if (hasPin) Mark.TICK else Mark.TROUBLE)
        items += Item.Button(say(if (hasPin) "app-pin_change" else "app-pin_set")) { app.show(PinSetting(app, false)) }
        if (hasPin) items += Item.Button(say("app-pin_remove"), Look.QUIET) { app.show(PinSetting(app, true)) }
        if (hasPin) items += Item.Button(say("app-lock_now")) {
            app.phone.lock()
            app.begin(Unlock(app, profile))
        }
        items += Item.Heading(say("app-capture_only"))
        when {
            shift.kitbag.records.isCaptureOnly() -> items += Item.Words(app.vocabulary().capturesOnly(), Tone.GOOD, Mark.TICK)
            shift.isWorker -> items += Item.Button(say("app-capture_only_begin"), detail = say("app-capture_only_short")) { app.show(Capturing(app)) }
            else -> items += Item.Words(say("app-capture_only_workers"))
        }
        items += Item.Heading(say("app-quick_exit"))
        items += Item.Words(say("app-quick_exit_how"))
        return Page("protection", say("app-protection"), items)
    }
}

/** Captures only from now on: said is what that means, and what a hub that was put back would then lack. */
class Capturing(app: App) : Screen(app) {
    override suspend fun page(): Page = Page(
        "capturing",
        say("app-capture_only"),
        listOf(
            Item.Words(say("app-capture_only_what")),
            Item.Words(say("app-capture_only_no_totals")),
            Item.Words(say("app-capture_only_hub"), Tone.WARNING, Mark.TROUBLE),
            Item.Words(say("app-capture_only_for_good"), Tone.WARNING, Mark.TROUBLE),
        ),
        listOf(
            Item.Button(say("app-capture_only_begin"), Look.DANGER) {
                app.shift().kitbag.records.captureOnly()
                app.leave(this)
            },
        ),
    )
}

/** Sets, changes or takes away a PIN. */
class PinSetting(app: App, private val isRemoval: Boolean) : Screen(app) {
    private var old = ""
    private var new = ""
    private var again = ""

    override suspend fun page(): Page {
        val hasPin = app.shift().profile.needsPin
        val items = ArrayList<Item>()
        if (!isRemoval) items += Item.Words(say("app-pin_what"))
        if (hasPin) items += Item.Input(say("app-pin_old"), old, Typing.SECRET) { old = it }
        if (!isRemoval) {
            items += Item.Input(say("app-pin_new"), new, Typing.SECRET) { new = it }
            items += Item.Input(say("app-pin_again"), again, Typing.SECRET) { again = it }
        }
        val save = Item.Button(say(if (isRemoval) "app-pin_remove" else "app-pin_set"), Look.MAIN) { set(hasPin) }
        return Page("pin", say(if (isRemoval) "app-pin_remove" else "app-pin_set"), items, listOf(save))
    }

    private suspend fun set(hasPin: Boolean) {
        if (!isRemoval && new != again) return app.say(Trouble(say("app-pin_differs")))
        app.shift().profile.changePin(old.takeIf { hasPin }, new.takeIf { !isRemoval })
        app.leave(this)
    }
}

/** Invites a device into the team: what a coordinator does. */
class Inviting(app: App) : Screen(app) {
    private var label = ""
    private var old: Member? = null
    private var shown: String? = null
    private var hasAsked = false
    private var digits = ""

    override suspend fun page(): Page = when {
        shown == null -> Page(
            "invite", say("app-invite"),
            working() + listOf(Item.Words(say("app-invite_how")), Item.Input(say("app-name"), label) { label = it }) + places(),
            listOf(Item.Button(say("app-next"), Look.MAIN) { invite() }),
        )
        !hasAsked -> Page("invite_code", say("app-invite"), listOf(Item.Code(shown.orEmpty(), say("app-invite_show"))))
        else -> Page(
            "invite_digits", say("app-invite"),
            working() + listOf(Item.Words(say("app-invite_digits")), Item.Input(say("app-digits"), digits, Typing.DIGITS) { digits = it }),
            listOf(Item.Button(say("app-let_in"), Look.MAIN) { approve() }),
        )
    }

    /** Whose old phone the new one takes the place of: it then corrects what that one recorded. */
    private suspend fun places(): List<Item> {
        val members = app.shift().kitbag.team.members(app.shift().team)
        val workers = members.filter { it.role == Role.WORKER }.associateBy { it.person }.values
        if (workers.isEmpty()) return emptyList()
        return listOf<Item>(Item.Heading(say("app-invite_place"))) + workers.map { member ->
            val name = member.label?.let(speech::plain) ?: say("app-colleague")
            val since = speech.ago(member.joined, app.phone.platform.now())
            Item.Option(name, old?.person == member.person, since) { old = member.takeIf { old?.person != member.person } }
        }
    }

    private fun invite() = work {
        val name = label.trim().ifEmpty { null }
        val invitation = app.shift().kitbag.team.invite(app.shift().team, Role.WORKER, old?.certificate, name)
        shown = invitation.text
        await {
            try {
                invitation.asked()
                hasAsked = true
            } catch (failed: KitbagException) {
                // Nobody asks by this one any more: another can be made.
                shown = null
                throw failed
            }
        }
    }

    private fun approve() = work {
        app.shift().kitbag.team.approve(digits.filter { it.isDigit() })
        app.leave(this)
    }
}

/** Leaves the team: what is not sent would be lost, and keeps it from being left. */
class Leaving(app: App) : Screen(app) {
    private var wouldLose = false

    override suspend fun page(): Page {
        val items = ArrayList<Item>(working())
        items += Item.Words(say("app-leave_what"))
        val begun = app.shift().kitbag.drafts.list().size
        if (begun > 0) items += Item.Words(speech.count("app-leave_drafts", begun.toLong()), Tone.WARNING, Mark.TROUBLE)
        if (wouldLose) items += Item.Words(say("app-leave_sync_first"), Tone.BAD, Mark.TROUBLE)
        val leave = Item.Button(say("app-leave_team"), Look.DANGER) { leave() }
        return Page("leave", say("app-leave_team"), items, listOf(leave))
    }

    private fun leave() = work {
        val shift = app.shift()
        try {
            shift.kitbag.team.leave(shift.team)
        } catch (failed: KitbagException.WouldLose) {
            wouldLose = true
            throw failed
        }
        // The team is left: what follows is done, whatever is seen meanwhile.
        withContext(NonCancellable) {
            shift.kitbag.drafts.list().forEach { shift.kitbag.drafts.discard(it.id) }
            app.phone.lock()
            app.begin(Shift.first(app))
        }
    }
}

/** What is safe on a lost phone, and what is not. */
class About(app: App) : Screen(app) {
    override suspend fun page(): Page = Page(
        "about",
        say("app-about"),
        listOf("safe" to Tone.GOOD, "not_safe" to Tone.WARNING).flatMap { (part, tone) ->
            listOf<Item>(Item.Heading(say("app-about_$part"))) +
                (1..ABOUT.getValue(part)).map { Item.Words(say("app-about_${part}_$it"), tone, if (tone == Tone.GOOD) Mark.TICK else Mark.TROUBLE) }
        },
    )

    private companion object {
        /** How many sentences each part has. */
        val ABOUT = mapOf("safe" to 4, "not_safe" to 4)
    }
}
