package org.kitbag.demo.android

import android.app.Activity
import android.graphics.drawable.GradientDrawable
import android.os.Build
import android.view.Gravity
import android.view.View
import android.view.ViewGroup.LayoutParams.MATCH_PARENT
import android.view.ViewGroup.LayoutParams.WRAP_CONTENT
import android.widget.ImageButton
import android.widget.LinearLayout
import android.widget.ScrollView
import android.widget.TextView
import org.kitbag.demo.R
import org.kitbag.demo.screens.App
import org.kitbag.demo.screens.Item
import org.kitbag.demo.screens.Page

/** A page as views: the way back and the quick exit above, what is to be read between, what is to be done at the thumb. */
internal class PageView(private val activity: Activity, private val app: App, quickExit: () -> Unit) : LinearLayout(activity) {
    private val views = ItemViews(activity, app)
    private val back = bar(R.drawable.mark_back, "app-back") { app.back() }
    private val title = TextView(activity).apply {
        textSize = 22f
        setTextColor(activity.getColor(R.color.ink))
        setTypeface(typeface, android.graphics.Typeface.BOLD)
        textAlignment = View.TEXT_ALIGNMENT_VIEW_START
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) isAccessibilityHeading = true
    }
    private val items = column()
    private val foot = column()
    private val scroll = ScrollView(activity).apply {
        isFillViewport = true
        // Whoever sees it knows that there is more.
        isScrollbarFadingEnabled = false
        addView(items, LayoutParams(MATCH_PARENT, WRAP_CONTENT))
    }
    private var shown: Page? = null

    init {
        orientation = VERTICAL
        fitsSystemWindows = true
        addView(LinearLayout(activity).apply {
            gravity = Gravity.CENTER_VERTICAL
            isBaselineAligned = false
            minimumHeight = activity.dp(56)
            setPaddingRelative(activity.dp(4), 0, activity.dp(4), 0)
            addView(back)
            addView(title, LayoutParams(0, WRAP_CONTENT, 1f).apply { marginStart = activity.dp(12) })
            addView(bar(R.drawable.mark_leave, "app-quick_exit") { quickExit() })
        })
        addView(scroll, LayoutParams(MATCH_PARENT, 0, 1f))
        addView(foot)
    }

    private fun column() = LinearLayout(activity).apply {
        orientation = VERTICAL
        setPaddingRelative(activity.dp(16), activity.dp(4), activity.dp(16), activity.dp(8))
    }

    private fun bar(picture: Int, words: String, act: () -> Unit) = ImageButton(activity).apply {
        setImageDrawable(activity.mark(picture, R.color.ink))
        contentDescription = app.speech.say(words)
        background = GradientDrawable().apply { setColor(activity.getColor(R.color.ground)) }
        minimumWidth = activity.dp(56)
        minimumHeight = activity.dp(56)
        setOnClickListener { act() }
    }

    /** Shows a page. What stays as it was keeps its view: a screen reader stays where it is, and so does the keyboard. */
    fun show(page: Page) {
        val before = shown
        shown = page
        val isSame = before != null && before.name == page.name && before.title == page.title
        back.visibility = if (page.hasBack) VISIBLE else GONE
        title.text = page.title
        // As high as its lines: in a bar that another button made narrower, how high it was before would stay.
        title.requestLayout()
        items.gravity = if (page.isAtThumb) Gravity.BOTTOM else Gravity.TOP
        // One that was made before the last letter was heard knows nothing of it.
        val isCurrent = page.heard == app.typed
        fill(items, before?.items.orEmpty().takeIf { isSame }, page.items, isCurrent)
        fill(foot, before?.foot.orEmpty().takeIf { isSame }, page.foot, isCurrent)
        if (!isSame) {
            scroll.scrollTo(0, 0)
            // A screen reader begins with what the page is about.
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) accessibilityPaneTitle = page.title
        }
    }

    private fun fill(column: LinearLayout, before: List<Item>?, now: List<Item>, isCurrent: Boolean) {
        if (before == null) column.removeAllViews()
        val held = before.orEmpty().toMutableList()
        now.forEachIndexed { at, item ->
            // What came in above, as what is wrong, moves the rest and changes none of it.
            val found = (at until held.size).firstOrNull { views.isSame(held[it], item) }
            if (found == null) {
                held.add(minOf(at, held.size), item)
                column.addView(views.of(item), at, LayoutParams(MATCH_PARENT, WRAP_CONTENT).apply { topMargin = activity.dp(8) })
            } else {
                repeat(found - at) { held.removeAt(at) }
                column.removeViews(at, found - at)
                views.update(column.getChildAt(at), item, isCurrent)
            }
        }
        column.removeViews(now.size, column.childCount - now.size)
    }
}
