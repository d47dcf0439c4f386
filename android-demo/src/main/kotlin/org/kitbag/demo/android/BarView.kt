package org.kitbag.demo.android

import android.app.Activity
import android.graphics.Canvas
import android.graphics.Paint
import android.view.View
import android.widget.LinearLayout
import android.widget.TextView
import org.kitbag.demo.R
import org.kitbag.demo.screens.Item

/** A bar with its words and its number above it: filled is now, striped is before. */
internal class BarView(activity: Activity, private val item: Item.Bar) : LinearLayout(activity) {
    init {
        orientation = VERTICAL
        contentDescription = "${item.text}: ${item.said}"
        isFocusable = true
        val words = { text: String -> TextView(activity).apply { this.text = text; textSize = 16f; setTextColor(activity.getColor(R.color.ink)) } }
        addView(LinearLayout(activity).apply {
            addView(words(item.text), LayoutParams(0, LayoutParams.WRAP_CONTENT, 1f))
            addView(words(item.said))
        })
        addView(Stripes(activity, item), LayoutParams(LayoutParams.MATCH_PARENT, activity.dp(18)))
    }
}

private class Stripes(private val activity: Activity, private val item: Item.Bar) : View(activity) {
    private val paint = Paint(Paint.ANTI_ALIAS_FLAG).apply { color = activity.getColor(R.color.main) }

    override fun onDraw(canvas: Canvas) {
        if (item.most <= 0 || item.value <= 0) return
        val length = width * item.value.toFloat() / item.most
        val isMirrored = layoutDirection == LAYOUT_DIRECTION_RTL
        val (start, end) = if (isMirrored) width - length to width.toFloat() else 0f to length
        paint.style = if (item.isBefore) Paint.Style.STROKE else Paint.Style.FILL
        paint.strokeWidth = activity.dp(2).toFloat()
        val inside = paint.strokeWidth / 2
        canvas.drawRect(start + inside, inside, end - inside, height - inside, paint)
        if (!item.isBefore) return
        canvas.save()
        canvas.clipRect(start, 0f, end, height.toFloat())
        var x = start - height
        while (x < end) {
            canvas.drawLine(x, height.toFloat(), x + height, 0f, paint)
            x += activity.dp(8)
        }
        canvas.restore()
    }
}
