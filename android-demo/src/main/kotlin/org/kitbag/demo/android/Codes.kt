package org.kitbag.demo.android

import android.graphics.Bitmap
import android.graphics.Color
import com.google.zxing.BarcodeFormat
import com.google.zxing.BinaryBitmap
import com.google.zxing.DecodeHintType
import com.google.zxing.EncodeHintType
import com.google.zxing.PlanarYUVLuminanceSource
import com.google.zxing.ReaderException
import com.google.zxing.common.HybridBinarizer
import com.google.zxing.qrcode.QRCodeReader
import com.google.zxing.qrcode.QRCodeWriter

/** QR codes: drawn, and read from the camera's pictures. */
internal object Codes {
    private const val CODE_BYTES_MAX = 2_900

    /** A text as a picture, dark on light whatever the theme is: cameras want it so. */
    fun picture(text: String, sizePx: Int): Bitmap? {
        // More than the largest code holds.
        if (text.toByteArray().size > CODE_BYTES_MAX) return null
        val hints = mapOf(EncodeHintType.MARGIN to 2, EncodeHintType.CHARACTER_SET to "UTF-8")
        val matrix = QRCodeWriter().encode(text, BarcodeFormat.QR_CODE, sizePx, sizePx, hints)
        val pixels = IntArray(matrix.width * matrix.height) { at ->
            if (matrix[at % matrix.width, at / matrix.width]) Color.BLACK else Color.WHITE
        }
        return Bitmap.createBitmap(pixels, matrix.width, matrix.height, Bitmap.Config.ARGB_8888)
    }

    /** The text in a picture of brightness alone; null where there is none. */
    fun read(brightness: ByteArray, width: Int, height: Int): String? {
        val source = PlanarYUVLuminanceSource(brightness, width, height, 0, 0, width, height, false)
        return try {
            QRCodeReader().decode(BinaryBitmap(HybridBinarizer(source)), mapOf(DecodeHintType.TRY_HARDER to true)).text
        } catch (_: ReaderException) {
            null
        }
    }
}
