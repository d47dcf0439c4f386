package org.kitbag.demo.screens

import java.time.Duration
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import org.kitbag.KindDeclaration
import org.kitbag.KitbagException
import org.kitbag.declarations
import org.kitbag.message

/** One screen: what it shows now, and what its acts do. All of it runs on one thread, the platform's. */
abstract class Screen(protected val app: App) {
    private val waits = ArrayList<Job>()

    /** What it shows now. */
    abstract suspend fun page(): Page

    /** Where its way back leads. */
    open suspend fun back() = app.leave(this)

    /** Whether it is shown no more. */
    protected var isLeft = false
        private set

    /** It is not shown any more. */
    internal fun gone() {
        isLeft = true
        left()
    }

    /** What it waits for is not wanted any more. */
    protected open fun left() {
        waits.forEach { it.cancel() }
        waits.clear()
    }

    /** How long it stays open while nobody touches the phone. */
    open val locksAfter: Duration get() = Phone.IDLE

    /** How often it is drawn anew by itself, as what it says of time passes. */
    open val redrawnEachMs: Long get() = 30_000

    /** Waits for something while the screen is shown: nobody's tap has to wait for that. */
    protected fun await(wait: suspend () -> Unit): Job {
        waits.removeAll { it.isCompleted }
        return app.launch { if (!isLeft) wait() }.also(waits::add)
    }

    /** Whether it waits for something. */
    internal val isWaiting: Boolean get() = waits.any { it.isActive }

    private var working: Job? = null

    /** Asks the hub for something, once at a time: it may take long, and nobody's tap has to wait for it. */
    protected fun work(work: suspend () -> Unit) {
        if (working?.isActive != true) working = await(work)
    }

    /** That it does, above what it shows. */
    protected fun working(): List<Item> =
        if (working?.isActive == true) listOf(Item.Progress(say("app-working"), 0, 0)) else emptyList()

    protected val speech: Speech get() = app.speech

    protected fun say(name: String, vararg filled: String): String = speech.say(name, *filled)
}

/** What is wrong, in words, above whatever the screen shows. */
data class Trouble(val text: String)

/** The phone was locked while something was asked of who is on shift. */
class Locked : Exception()

/** The screens of the app, one above the other, and the page that is seen. */
class App(val phone: Phone, words: Words, val scope: CoroutineScope) {
    val speech = Speech(words) { phone.platform.zone }
    private val screens = ArrayList<Screen>()
    private val turn = Mutex()
    private var trouble: Trouble? = null
    private var ticking: Job? = null
    private var watched: OnShift? = null
    private var watching: Job? = null

    /** Whether a tap is being done. */
    internal var isTapping = false
        private set
    private var drawn = 0L
    private var shownLast = 0L
    private val seen = MutableStateFlow(Page("starting", "", emptyList(), hasBack = false))

    /** The page that is seen. */
    val page: StateFlow<Page> get() = seen

    private var declared: List<KindDeclaration>? = null

    /** Who is on shift. */
    fun shift(): OnShift = phone.onShift ?: throw Locked()

    /** What people read of kinds, fields and codes, in this programme. */
    suspend fun vocabulary(): Vocabulary {
        val declarations = declared ?: declarations(speech.locale.language).also { declared = it }
        return Vocabulary(declarations, shift().kitbag.programme.packs(), speech, shift().device)
    }

    /** Begins where a person begins: with who is on shift. */
    fun start() {
        launch {
            try {
                show(Shift.first(this))
            } catch (cancelled: CancellationException) {
                throw cancelled
            } catch (failed: Exception) {
                // Whatever it is: somebody may choose, and is told.
                show(Shift(this))
                throw failed
            }
        }
        tick(TICK_MS)
    }

    /** Looks at the time: whether it is to be locked, and whether what is said of time is old. */
    private fun tick(eachMs: Long) {
        ticking?.cancel()
        if (isOver) return
        ticking = scope.launch {
            var passedMs = 0L
            while (true) {
                delay(eachMs)
                passedMs += eachMs
                if (isIdle) lockAtOnce()
                else if (!isTapping && passedMs >= (screens.lastOrNull()?.redrawnEachMs ?: 0)) {
                    passedMs = 0
                    redraw()
                }
            }
        }
    }

    /** The app is in front again: what waited is sent, and who was away for long unlocks it anew. */
    fun came() {
        if (isOver) return
        tick(TICK_MS)
        if (isIdle) return lockAtOnce()
        launch { phone.syncNow() }
    }

    /** Another app is in front: this one looks at the time now and then, to lock. */
    fun went() = tick(TICK_BEHIND_MS)

    private val isIdle: Boolean get() = phone.isIdle(screens.lastOrNull()?.locksAfter ?: Phone.IDLE)

    /** Locks, whatever is being done: the first screen is the one that opens it. */
    fun lockAtOnce() {
        // Nothing of before is seen while the store is being closed.
        shownLast = ++drawn
        seen.value = Page("locking", "", emptyList(), hasBack = false)
        scope.launch {
            begin(Shift.locked(this@App))
            guarded { phone.lock() }
            redraw()
        }
    }

    private fun watch() {
        val shift = phone.onShift
        if (shift === watched) return
        watched = shift
        watching?.cancel()
        watching = shift?.let { scope.launch { it.kitbag.changes.collect { redraw() } } }
    }

    private var isOver = false

    /** Ends everything that it waits for, and begins nothing any more. */
    fun end() {
        isOver = true
        ticking?.cancel()
        watching?.cancel()
        screens.forEach(Screen::gone)
    }

    /** What a tap does, after what was typed before it; while another one is being done, nothing: whoever shakes taps twice. */
    fun tap(act: Act): Job? {
        if (isTapping) return null
        isTapping = true
        return scope.launch {
            val long = launch {
                delay(LONG_MS)
                val so = Item.Progress(speech.say("app-working"), 0, 0)
                seen.value = seen.value.let { it.copy(items = listOf(so) + it.items) }
            }
            try {
                turn.withLock {
                    trouble = null
                    guarded(act)
                }
                // Before another tap: what is tapped then is what is seen.
                long.cancel()
                redraw()
            } finally {
                long.cancel()
                isTapping = false
            }
        }
    }

    /** What was typed is kept, in its order; the page is drawn anew once all of it was heard. */
    fun typed(text: String, keep: suspend (String) -> Unit): Job {
        // A keyboard's letters are no touch of the app's own.
        phone.touch()
        typed++
        return scope.launch {
            turn.withLock { guarded { keep(text) } }
            heard++
            // Whoever turns the screen in the next moment sees it.
            if (heard == typed && !isTapping) redraw()
        }
    }

    /** How often somebody typed, and how often that was heard. */
    var typed = 0L
        private set
    private var heard = 0L

    /** The platform's way back. */
    fun back(): Job? = tap { screens.lastOrNull()?.back() }

    /** Whether the way back leads out of the app. */
    val isAtFirst: Boolean get() = screens.size <= 1

    /** Shows a screen above the others. */
    suspend fun show(screen: Screen) {
        screens += screen
    }

    /** Shows a screen in the place of the one above. */
    suspend fun replace(screen: Screen) {
        screens.removeLastOrNull()?.gone()
        screens += screen
    }

    /** Shows this screen alone. */
    suspend fun begin(screen: Screen) {
        screens.asReversed().forEach(Screen::gone)
        screens.clear()
        screens += screen
    }

    /** Leaves a screen, with all above it. */
    fun leave(screen: Screen) {
        while (screens.size > 1 && screen in screens) screens.removeLast().gone()
    }

    /** Leaves all but the first. */
    fun home() {
        while (screens.size > 1) screens.removeLast().gone()
    }

    /** Says what is wrong, until the next tap. */
    fun say(trouble: Trouble) {
        this.trouble = trouble
    }

    /** Draws the page that is seen anew. */
    suspend fun redraw() {
        val screen = screens.lastOrNull() ?: return
        val number = ++drawn
        val heard = heard
        watch()
        var page: Page? = null
        guarded { page = screen.page() }
        val said = trouble?.let { listOf(Item.Words(it.text, Tone.BAD, Mark.TROUBLE)) } ?: emptyList()
        val shown = page ?: Page("trouble", "", emptyList())
        // One that was begun later says what is true now, where it is shown already.
        if (screen !== screens.lastOrNull() || number <= shownLast) return
        shownLast = number
        seen.value = shown.copy(items = said + shown.items, heard = heard)
    }

    internal fun launch(wait: suspend () -> Unit): Job {
        val waits = scope.launch { guarded(wait) }
        // Whoever waited may have been left meanwhile, by what it waited for.
        waits.invokeOnCompletion { scope.launch { redraw() } }
        return waits
    }

    private suspend fun guarded(act: Act) {
        try {
            act()
        } catch (cancelled: CancellationException) {
            throw cancelled
        } catch (failed: KitbagException) {
            trouble = Trouble(failed.inWords)
        } catch (_: Locked) {
            begin(Shift.locked(this))
        } catch (_: SecretGone) {
            trouble = Trouble(speech.say("app-key_gone"))
        } catch (_: java.io.IOException) {
            trouble = Trouble(speech.say("app-file_failed"))
        } catch (_: NoTeam) {
            begin(Shift.locked(this))
        } catch (_: RuntimeException) {
            // A fault of the app's own ends one act: what was saved is saved.
            trouble = Trouble(message("error-panicked"))
        }
    }

    private companion object {
        /** What takes longer says that it is being done. */
        const val LONG_MS = 500L
        const val TICK_MS = 1_000L
        const val TICK_BEHIND_MS = 30_000L
    }
}
