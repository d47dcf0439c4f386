package org.kitbag.demo.android

import android.app.Activity
import android.os.Bundle
import android.view.Gravity
import android.widget.LinearLayout
import android.widget.TextClock
import org.kitbag.demo.R

/** A clock: what stays on the screen after a quick exit. */
class HarmlessActivity : Activity() {
    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        val clock = TextClock(this).apply {
            textSize = 64f
            setTextColor(getColor(R.color.ink))
            gravity = Gravity.CENTER
        }
        val day = TextClock(this).apply {
            format12Hour = "EEEE d MMMM"
            format24Hour = "EEEE d MMMM"
            textSize = 22f
            setTextColor(getColor(R.color.faint))
            gravity = Gravity.CENTER
        }
        setContentView(LinearLayout(this).apply {
            orientation = LinearLayout.VERTICAL
            gravity = Gravity.CENTER
            addView(clock)
            addView(day)
        })
    }
}
