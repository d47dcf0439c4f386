package org.kitbag.demo

import android.app.Activity
import android.content.Intent
import android.view.View
import android.view.ViewGroup
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.TextView
import java.nio.file.Files
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertTrue
import org.junit.Assert.fail
import org.kitbag.Role
import org.kitbag.demo.android.InputView
import org.kitbag.demo.android.KitbagApplication
import org.kitbag.demo.android.MainActivity
import org.kitbag.demo.screens.Item
import org.kitbag.demo.screens.Page
import org.kitbag.demo.screens.Tone
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.shadows.ShadowLooper

/** A hand that holds the phone: it sees what is drawn, taps and types, and counts its taps. */
class Hand {
    val application: KitbagApplication get() = RuntimeEnvironment.getApplication() as KitbagApplication
    var controller: ActivityController<MainActivity> = Robolectric.buildActivity(MainActivity::class.java).setup()
        private set
    val activity: MainActivity get() = controller.get()

    /** How often it tapped since it was asked last. */
    var taps = 0
        private set

    fun countedTaps(): Int = taps.also { taps = 0 }

    val page: Page get() = application.app.page.value

    /** Lets the thread that draws work, until this holds. */
    fun until(what: String, holds: () -> Boolean) {
        val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAITS_S)
        while (!holds()) {
            ShadowLooper.idleMainLooper()
            if (System.nanoTime() > end) fail("$what; seen is ${page.name}:\n${texts().joinToString("\n")}")
            Thread.sleep(2)
        }
        ShadowLooper.idleMainLooper()
    }

    /** Waits for a page. */
    fun at(name: String): Hand {
        until("there is no page $name") { page.name == name && texts().isNotEmpty() }
        return this
    }

    private fun all(view: View = activity.window.decorView): List<View> =
        if (view is ViewGroup) listOf(view) + (0 until view.childCount).flatMap { all(view.getChildAt(it)) } else listOf(view)

    /** All texts that are seen. */
    fun texts(): List<String> = all().filterIsInstance<TextView>().filter { it.visibility == View.VISIBLE }.map { it.text.toString() }

    fun sees(text: String): Boolean = texts().any { text in it }

    /** Waits until a text is seen. */
    fun see(text: String): Hand {
        until("nobody sees \"$text\"") { sees(text) }
        return this
    }

    private fun button(text: String): View? = button { it == text }

    private fun button(says: (String) -> Boolean): View? = all().firstOrNull { view ->
        val item = view.tag as? Item
        val said = when (item) {
            is Item.Button -> item.text
            is Item.Option -> item.text
            is Item.Line -> item.text
            is Item.Tap -> item.text
            else -> null
        }
        said != null && says(said) && view.isClickable && view.isShown
    }

    /** Taps what says this, as large as a thumb. */
    fun tap(text: String): Hand {
        until("nothing to tap says \"$text\"") { button(text) != null }
        val view = checkNotNull(button(text))
        assertTrue("$text is too small for a thumb", view.height >= 48 * activity.resources.displayMetrics.density)
        val before = page
        assertTrue(view.performClick())
        taps++
        ShadowLooper.idleMainLooper()
        until("tapping \"$text\" did nothing") { page !== before && !application.app.isTapping }
        return this
    }

    /** Taps what begins with this: the rest changes each second. */
    fun tapWhatBegins(text: String): Hand {
        until("nothing to tap begins with \"$text\"") { button { it.startsWith(text) } != null }
        val view = checkNotNull(button { it.startsWith(text) })
        return tap((view.tag as Item.Button).text)
    }

    /** Taps what leads to another app's screen: this one stays as it is until that gives something back. */
    fun ask(text: String): Hand {
        until("nothing to tap says \"$text\"") { button(text) != null && !application.app.isTapping }
        checkNotNull(button(text)).performClick()
        taps++
        return this
    }

    /** The one gesture that leads away. */
    fun quickExit() {
        val exit = all().first { it.contentDescription == say("app-quick_exit") }
        assertTrue(exit.performClick())
        ShadowLooper.idleMainLooper()
    }

    /** The app is opened again. */
    fun reopen(): Hand {
        controller = Robolectric.buildActivity(MainActivity::class.java).setup()
        return this
    }

    /** Types into the field with this label. */
    fun type(label: String, text: String): Hand {
        until("no field is called \"$label\"") { field(label) != null }
        val field = checkNotNull(field(label))
        field.setText("")
        if (text.length > THUMB) field.setText(text)
        else text.forEach { letter ->
            // As a thumb does, with what the app makes of each letter between.
            checkNotNull(field(label)).append(letter.toString())
            ShadowLooper.idleMainLooper()
            Thread.sleep(5)
            ShadowLooper.idleMainLooper()
        }
        ShadowLooper.idleMainLooper()
        return this
    }

    /** What a field says. */
    fun typed(label: String): String? = field(label)?.text?.toString()

    /** The field with this label. */
    fun input(label: String): View? = field(label)

    private fun field(label: String): EditText? =
        all().filterIsInstance<InputView>().firstOrNull { (it.tag as Item.Input).label == label }?.field

    /** The platform's way back. */
    @Suppress("DEPRECATION")
    fun back(): Hand {
        val before = page
        activity.onBackPressed()
        until("the way back did nothing") { page !== before && !application.app.isTapping }
        return this
    }

    /** The screen is turned, or the language changed: another activity over the same app. */
    fun turn(): Hand {
        controller.recreate()
        ShadowLooper.idleMainLooper()
        return this
    }

    /** The app is killed and opened again: its files are as they lay then, and nothing in memory is left of it. */
    fun killAndReopen(): Hand {
        val files = application.platform.folder
        val lay = Files.createTempDirectory("killed").toFile()
        files.copyRecursively(lay, overwrite = true)
        leave()
        files.deleteRecursively()
        lay.copyRecursively(files)
        lay.deleteRecursively()
        controller = Robolectric.buildActivity(MainActivity::class.java).setup()
        return this
    }

    /** The app ends: what it held is let go. */
    fun leave() {
        controller.pause().stop().destroy()
        runBlocking { application.phone.lock() }
        application.forgetAll()
    }

    /** The app goes behind another one, for so long. */
    fun away() {
        controller.pause().stop()
        ShadowLooper.idleMainLooper()
    }

    /** And comes back. */
    fun comesBack() {
        controller.restart().start().resume()
        ShadowLooper.idleMainLooper()
    }

    /** Whether another app's screen was asked for. */
    fun isAsking(): Boolean = shadowOf(activity).peekNextStartedActivityForResult() != null

    /** Whether something wrong is told above what is seen. */
    fun isTold(): Boolean = (page.items.firstOrNull() as? Item.Words)?.tone == Tone.BAD

    /** The six digits that are shown. */
    fun digits(): String = page.items.filterIsInstance<Item.Digits>().single().text

    /** What another app's screen gives back: a file that was chosen, a code that was seen. */
    fun given(data: Intent?): Hand {
        until("no other screen was asked for") { isAsking() }
        val asked = shadowOf(activity).nextStartedActivityForResult
        val result = if (data == null) Activity.RESULT_CANCELED else Activity.RESULT_OK
        shadowOf(activity).receiveResult(asked.intent, result, data)
        ShadowLooper.idleMainLooper()
        return this
    }

    /** Joins the programme by the desk's invitation. */
    fun join(world: World, name: String = "Ana", first: Boolean = true, named: Boolean = false, role: Role = Role.WORKER): Hand {
        if (first) at("naming")
        if (!named) type(say("app-name"), name).tap(say("app-next"))
        at("join")
        val invitation = world.invite(role, label = name)
        type(say("app-invitation"), invitation.text).tap(say("app-join")).at("join_digits")
        runBlocking {
            invitation.asked()
            world.inviter(role).team.approve(digits())
        }
        return at("today")
    }

    fun say(name: String, vararg filled: String): String = application.app.speech.say(name, *filled)

    fun count(name: String, number: Long, vararg filled: String): String = application.app.speech.count(name, number, *filled)

    private companion object {
        const val WAITS_S = 30L

        /** What is longer is pasted. */
        const val THUMB = 24
    }
}
