package org.kitbag.demo.screens

import kotlinx.coroutines.Job
import org.kitbag.Joining
import org.kitbag.KitbagException
import org.kitbag.Opening
import org.kitbag.Role

/** Joins a programme: an invitation is scanned or pasted, six digits are compared. */
class Join(app: App, private val profile: Profile, private val pin: String? = null) : Screen(app) {
    private var invitation = ""
    private var asked: Pair<Joining, Opening>? = null
    private var failedOnce = false
    private var waiting: Job? = null

    override suspend fun page(): Page = asked?.let { digits(it.first) } ?: asking()

    private fun asking(): Page {
        val items = working() + listOf(
            Item.Words(say("app-join_how")),
            Item.Input(say("app-invitation"), invitation, Typing.LONG) { invitation = it },
            Item.Words(say("app-join_old_phone")),
        )
        val scan = Item.Button(say("app-scan"), mark = Mark.SCAN) {
            await { app.phone.platform.scan()?.let { ask(it) } }
        }
        val join = Item.Button(say("app-join"), Look.MAIN) { ask(invitation) }
        return Page("join", say("app-join_title"), items, listOf(scan, join), hasBack = !app.isAtFirst)
    }

    private fun ask(text: String) {
        invitation = text.trim()
        if (invitation.isEmpty()) return app.say(Trouble(say("app-invitation_missing")))
        work {
            val asked = app.phone.join(profile, invitation, pin)
            // Whoever left meanwhile joins nothing any more.
            if (isLeft) return@work asked.first.close()
            this.asked = asked
            wait(asked)
        }
    }

    private fun wait(asked: Pair<Joining, Opening>) {
        waiting?.cancel()
        waiting = await {
            try {
                val kitbag = asked.first.approved()
                app.phone.enter(profile, asked.second, kitbag)
                app.begin(Today(app))
            } catch (failed: KitbagException) {
                // It may be approved later: the digits stay, and so does the way to wait on.
                failedOnce = true
                throw failed
            }
        }
    }

    private fun digits(joining: Joining): Page {
        val role = say(if (joining.role == Role.COORDINATOR) "app-join_as_coordinator" else "app-join_as_worker")
        val items = listOf(Item.Words(say("app-digits_how")), Item.Digits(joining.code), Item.Words(role))
        val again = Item.Button(say("app-wait_on"), Look.MAIN) {
            failedOnce = false
            asked?.let(::wait)
        }
        val other = Item.Button(say("app-other_invitation"), Look.QUIET) { giveUp() }
        val foot = if (failedOnce) listOf(other, again) else listOf(other)
        return Page("join_digits", say("app-digits_title"), items, foot, hasBack = false)
    }

    private fun giveUp() {
        failedOnce = false
        left()
    }

    override fun left() {
        super.left()
        // Whoever joined holds the store already; whoever leaves gives up.
        asked?.first?.close()
        asked = null
    }
}
