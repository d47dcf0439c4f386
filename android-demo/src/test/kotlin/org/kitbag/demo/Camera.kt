package org.kitbag.demo

import android.graphics.Bitmap
import android.graphics.Canvas
import android.view.View
import java.io.File
import org.robolectric.shadows.ShadowLooper

/** Draws what a hand's phone shows, to the pixel as it would be there. */
class Camera(private val hand: Hand, private val variant: String) {
    private val folder: File = folderOf("kitbag.pictures")

    /** A picture of the page that is seen. */
    fun shoot(name: String) {
        ShadowLooper.idleMainLooper()
        val root = hand.activity.window.decorView
        val metrics = hand.activity.resources.displayMetrics
        val (width, height) = metrics.widthPixels to metrics.heightPixels
        root.clearFocus()
        root.measure(
            View.MeasureSpec.makeMeasureSpec(width, View.MeasureSpec.EXACTLY),
            View.MeasureSpec.makeMeasureSpec(height, View.MeasureSpec.EXACTLY),
        )
        root.layout(0, 0, width, height)
        // Without it what is to be read from the right lies elsewhere.
        root.viewTreeObserver.dispatchOnPreDraw()
        root.jumpDrawablesToCurrentState()
        val picture = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
        root.draw(Canvas(picture))
        File(folder, "$variant-$name.png").outputStream().use { picture.compress(Bitmap.CompressFormat.PNG, 100, it) }
    }
}
