package org.kitbag.demo.android

import android.app.Activity
import android.graphics.Typeface
import android.graphics.drawable.Drawable
import android.os.Build
import android.text.Editable
import android.text.InputType
import android.text.TextWatcher
import android.view.Gravity
import android.view.View
import android.widget.Button
import android.widget.EditText
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.ProgressBar
import android.widget.TextView
import kotlinx.coroutines.Job
import org.kitbag.demo.R
import org.kitbag.demo.screens.Act
import org.kitbag.demo.screens.App
import org.kitbag.demo.screens.Item
import org.kitbag.demo.screens.Look
import org.kitbag.demo.screens.Mark
import org.kitbag.demo.screens.Tone
import org.kitbag.demo.screens.Typing

/** One view for each item. A view's tag is its item: what it does is what the item says now. */
internal class ItemViews(private val activity: Activity, private val app: App) {
    fun of(item: Item): View = when (item) {
        is Item.Words -> words(item)
        is Item.Heading -> heading(item)
        is Item.Button -> if (item.detail == null) button(item) else explained(item)
        is Item.Option -> option(item)
        is Item.Line -> line(item)
        is Item.Input -> input(item)
        is Item.Digits -> digits(item)
        is Item.Code -> code(item)
        is Item.Bar -> BarView(activity, item)
        is Item.Progress -> progress(item)
        is Item.Tap -> tap(item)
        is Item.Done -> done(item)
    }.also { it.tag = item }

    /** Whether nothing that is seen changed: then the view stays. */
    fun isSame(was: Item, now: Item): Boolean = was::class == now::class && seen(was) == seen(now)

    /** What a view that stays means from now on. */
    fun update(view: View, now: Item, isCurrent: Boolean) {
        view.tag = now
        // Seconds that pass are no other button.
        if (now is Item.Button && view is Button) view.text = now.text
        if (now is Item.Input && isCurrent) (view as InputView).follow(now)
    }

    private fun seen(item: Item): List<Any?> = when (item) {
        is Item.Button -> listOf(if (item.detail == null) "" else item.text, item.look, item.detail, item.mark)
        is Item.Option -> listOf(item.text, item.isChosen, item.detail, "option")
        is Item.Line -> listOf(item.text, item.detail, item.tone, item.mark, item.act == null)
        is Item.Input -> listOf(item.label, item.typing)
        is Item.Tap -> listOf(item.text, item.count)
        else -> listOf(item)
    }

    /** Does what the view is for; null where that was not heard, as another tap is being done. */
    private fun act(view: View): Job? {
        val act: Act? = when (val item = view.tag) {
            is Item.Button -> item.act
            is Item.Option -> item.act
            is Item.Line -> item.act
            is Item.Tap -> item.act
            else -> null
        }
        return act?.let(app::tap)
    }

    private fun text(size: Float, text: String, colour: Int = R.color.ink) = TextView(activity).apply {
        this.text = text
        textSize = size
        setTextColor(activity.getColor(colour))
        textAlignment = View.TEXT_ALIGNMENT_VIEW_START
    }

    private fun TextView.beside(mark: Mark?, colour: Int) {
        if (mark == null) return
        val picture: Drawable? = activity.mark(mark.picture(), colour)
        setCompoundDrawablesRelativeWithIntrinsicBounds(picture, null, null, null)
        compoundDrawablePadding = activity.dp(12)
    }

    private fun words(item: Item.Words): View = text(BODY, item.text, item.tone.colour()).apply {
        beside(item.mark, item.tone.colour())
        gravity = Gravity.CENTER_VERTICAL
        if (item.tone == Tone.BAD) {
            setTypeface(typeface, Typeface.BOLD)
            accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_ASSERTIVE
        }
    }

    private fun heading(item: Item.Heading): View = text(BODY, item.text).apply {
        setTypeface(typeface, Typeface.BOLD)
        setPaddingRelative(0, activity.dp(12), 0, 0)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) isAccessibilityHeading = true
    }

    private fun button(item: Item.Button): View {
        val ink = when (item.look) {
            Look.MAIN -> R.color.on_main
            Look.DANGER -> R.color.bad
            else -> R.color.ink
        }
        val button = Button(activity).apply {
            text = item.text
            isAllCaps = false
            textSize = if (item.look == Look.MAIN) LARGE else BODY
            setTextColor(activity.getColor(ink))
            if (item.look == Look.MAIN) setTypeface(typeface, Typeface.BOLD)
            minHeight = activity.dp(if (item.look == Look.MAIN) 68 else 56)
            stateListAnimator = null
            background = when (item.look) {
                Look.MAIN -> activity.ground(R.color.main, null)
                Look.QUIET -> activity.ground(R.color.ground, null)
                Look.DANGER -> activity.ground(R.color.ground, R.color.bad)
                Look.PLAIN -> activity.ground(R.color.ground, R.color.line)
            }
            setPaddingRelative(activity.dp(16), activity.dp(8), activity.dp(16), activity.dp(8))
            gravity = Gravity.START or Gravity.CENTER_VERTICAL
            textAlignment = View.TEXT_ALIGNMENT_VIEW_START
            setOnClickListener { act(it) }
        }
        button.beside(item.mark ?: if (item.look == Look.DANGER) Mark.TROUBLE else null, ink)
        if (item.look == Look.QUIET) button.paintFlags = button.paintFlags or android.graphics.Paint.UNDERLINE_TEXT_FLAG
        return button
    }

    /** A button that says what it is for. */
    private fun explained(item: Item.Button): View = two(item.text, item.detail, R.color.ink).apply {
        item.mark?.let { addView(picture(it, R.color.ink), 0) }
        background = activity.ground(R.color.ground, R.color.line)
        contentDescription = listOfNotNull(item.text, item.detail).joinToString(". ")
    }

    private fun option(item: Item.Option): View = two(item.text, item.detail, R.color.ink).apply {
        background = activity.ground(if (item.isChosen) R.color.chosen else R.color.ground, if (item.isChosen) R.color.main else R.color.line)
        if (item.isChosen) addView(picture(Mark.TICK, R.color.main))
        isSelected = item.isChosen
        contentDescription = listOfNotNull(item.text, item.detail, app.speech.say("app-chosen").takeIf { item.isChosen }).joinToString(". ")
    }

    private fun line(item: Item.Line): View = two(item.text, item.detail, item.tone.colour()).apply {
        item.mark?.let { addView(picture(it, item.tone.colour()), 0) }
        background = if (item.act == null) null else activity.ground(R.color.ground, R.color.line)
        isClickable = item.act != null
        contentDescription = listOfNotNull(item.text, item.detail).joinToString(". ")
        if (item.act == null) {
            minimumHeight = 0
            setPaddingRelative(0, activity.dp(4), 0, activity.dp(4))
        }
    }

    /** A text with a smaller one below it, as large as a thumb. */
    private fun two(text: String, detail: String?, colour: Int) = LinearLayout(activity).apply {
        gravity = Gravity.CENTER_VERTICAL
        minimumHeight = activity.dp(56)
        setPaddingRelative(activity.dp(16), activity.dp(8), activity.dp(16), activity.dp(8))
        addView(LinearLayout(activity).apply {
            orientation = LinearLayout.VERTICAL
            addView(text(BODY, text, colour))
            if (detail != null) addView(text(SMALL, detail, R.color.faint))
        }, LinearLayout.LayoutParams(0, LinearLayout.LayoutParams.WRAP_CONTENT, 1f))
        isClickable = true
        isFocusable = true
        setOnClickListener { act(it) }
    }

    private fun picture(mark: Mark, colour: Int) = ImageView(activity).apply {
        setImageDrawable(activity.mark(mark.picture(), colour))
        setPaddingRelative(0, 0, activity.dp(12), 0)
        importantForAccessibility = View.IMPORTANT_FOR_ACCESSIBILITY_NO
    }

    private fun input(item: Item.Input): View = InputView(activity, item) { text ->
        app.typed(text) { (tag as Item.Input).typed(it) }
    }

    private fun digits(item: Item.Digits): View = text(52f, item.text.chunked(3).joinToString(" ")).apply {
        typeface = Typeface.MONOSPACE
        gravity = Gravity.CENTER
        textAlignment = View.TEXT_ALIGNMENT_CENTER
        textDirection = View.TEXT_DIRECTION_LTR
        // One by one: whoever hears them compares them.
        contentDescription = item.text.toList().joinToString(" ")
    }

    private fun code(item: Item.Code): View = LinearLayout(activity).apply {
        orientation = LinearLayout.VERTICAL
        addView(text(BODY, item.about))
        val picture = Codes.picture(item.text, activity.dp(300))
        if (picture != null) addView(ImageView(activity).apply {
            setImageBitmap(picture)
            contentDescription = item.about
            setPaddingRelative(0, activity.dp(12), 0, 0)
        })
        addView(text(SMALL, item.text, R.color.faint).apply { setTextIsSelectable(true) })
    }

    private fun progress(item: Item.Progress): View = LinearLayout(activity).apply {
        orientation = LinearLayout.VERTICAL
        addView(text(BODY, item.text).apply { accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_POLITE })
        addView(ProgressBar(activity, null, android.R.attr.progressBarStyleHorizontal).apply {
            max = 1000
            isIndeterminate = item.all == 0L
            progress = if (item.all == 0L) 0 else (item.done * 1000 / item.all).toInt()
        })
    }

    private fun tap(item: Item.Tap): View = Button(activity).apply {
        text = "${item.text}\n${item.count}"
        isAllCaps = false
        textSize = 30f
        setTypeface(typeface, Typeface.BOLD)
        setTextColor(activity.getColor(R.color.on_main))
        background = activity.ground(R.color.main, null)
        minHeight = activity.dp(150)
        stateListAnimator = null
        setOnClickListener {
            // What the hand feels was heard.
            if (act(it) != null) it.performHapticFeedback(android.view.HapticFeedbackConstants.LONG_PRESS)
        }
    }

    private fun done(item: Item.Done): View = text(LARGE, item.text, R.color.good).apply {
        beside(Mark.TICK, R.color.good)
        setTypeface(typeface, Typeface.BOLD)
        gravity = Gravity.CENTER_VERTICAL
        minHeight = activity.dp(72)
        accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_ASSERTIVE
    }

    private companion object {
        const val SMALL = 16f
        const val BODY = 18f
        const val LARGE = 22f
    }
}

/** A labelled field: the label stays above what is typed. */
internal class InputView(activity: Activity, item: Item.Input, typed: InputView.(String) -> Unit) : LinearLayout(activity) {
    private var isFollowing = false

    val field = EditText(activity)

    init {
        orientation = VERTICAL
        val label = TextView(activity).apply {
            text = item.label
            textSize = 16f
            setTextColor(activity.getColor(R.color.faint))
            textAlignment = View.TEXT_ALIGNMENT_VIEW_START
        }
        field.apply {
            id = View.generateViewId()
            setText(item.value)
            textSize = 20f
            setTextColor(activity.getColor(R.color.ink))
            minHeight = activity.dp(56)
            inputType = kind(item.typing)
            textAlignment = View.TEXT_ALIGNMENT_VIEW_START
            // Neither the keyboard nor the phone's filler learns what is typed.
            imeOptions = android.view.inputmethod.EditorInfo.IME_FLAG_NO_PERSONALIZED_LEARNING
            importantForAutofill = View.IMPORTANT_FOR_AUTOFILL_NO
            isSaveEnabled = false
            addTextChangedListener(object : TextWatcher {
                override fun beforeTextChanged(text: CharSequence?, start: Int, count: Int, after: Int) = Unit
                override fun onTextChanged(text: CharSequence?, start: Int, before: Int, count: Int) = Unit
                override fun afterTextChanged(text: Editable) {
                    if (!isFollowing) typed(text.toString())
                }
            })
        }
        label.labelFor = field.id
        addView(label)
        addView(field)
    }

    private fun kind(typing: Typing): Int = when (typing) {
        Typing.TEXT -> InputType.TYPE_CLASS_TEXT or InputType.TYPE_TEXT_FLAG_NO_SUGGESTIONS
        Typing.LONG -> InputType.TYPE_CLASS_TEXT or InputType.TYPE_TEXT_FLAG_MULTI_LINE or InputType.TYPE_TEXT_FLAG_NO_SUGGESTIONS
        Typing.NUMBER, Typing.DIGITS -> InputType.TYPE_CLASS_NUMBER or InputType.TYPE_NUMBER_FLAG_SIGNED
        Typing.SECRET -> InputType.TYPE_CLASS_TEXT or InputType.TYPE_TEXT_VARIATION_PASSWORD
    }

    /** Shows what the app made of it, as a field that was emptied. */
    fun follow(item: Item.Input) {
        // A space at the end may be followed by a word.
        if (item.value.trim() == field.text.toString().trim()) return
        isFollowing = true
        field.setText(item.value)
        field.setSelection(item.value.length)
        isFollowing = false
    }
}
