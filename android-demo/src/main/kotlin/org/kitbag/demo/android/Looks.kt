package org.kitbag.demo.android

import android.content.Context
import android.content.res.ColorStateList
import android.graphics.drawable.Drawable
import android.graphics.drawable.GradientDrawable
import android.graphics.drawable.RippleDrawable
import org.kitbag.demo.R
import org.kitbag.demo.screens.Mark
import org.kitbag.demo.screens.Tone

/** Pixels of so many density-independent ones. */
internal fun Context.dp(dp: Int): Int = Math.round(dp * resources.displayMetrics.density)

/** A picture in a colour. */
internal fun Context.mark(picture: Int, colour: Int): Drawable? =
    getDrawable(picture)?.mutate()?.apply { setTintList(ColorStateList.valueOf(getColor(colour))) }

/** The picture of a mark. */
internal fun Mark.picture(): Int = when (this) {
    Mark.KIT -> R.drawable.mark_kit
    Mark.REVERSAL -> R.drawable.mark_reversal
    Mark.REFERRAL -> R.drawable.mark_referral
    Mark.BAG -> R.drawable.mark_bag
    Mark.SENT -> R.drawable.mark_sent
    Mark.WAITING -> R.drawable.mark_waiting
    Mark.TROUBLE -> R.drawable.mark_trouble
    Mark.TICK -> R.drawable.mark_tick
    Mark.SCAN -> R.drawable.mark_scan
    Mark.PERSON -> R.drawable.mark_person
}

/** The colour of a tone; each tone has a mark beside its colour. */
internal fun Tone.colour(): Int = when (this) {
    Tone.PLAIN -> R.color.ink
    Tone.GOOD -> R.color.good
    Tone.WARNING -> R.color.warning
    Tone.BAD -> R.color.bad
}

/** A ground with rounded corners: filled or outlined, which shows where it is touched. */
internal fun Context.ground(fill: Int, line: Int?): Drawable {
    val shape = GradientDrawable().apply {
        cornerRadius = dp(10).toFloat()
        setColor(getColor(fill))
        if (line != null) setStroke(dp(2), getColor(line))
    }
    return RippleDrawable(ColorStateList.valueOf(getColor(R.color.line) and 0x00FFFFFF or 0x55000000), shape, null)
}
