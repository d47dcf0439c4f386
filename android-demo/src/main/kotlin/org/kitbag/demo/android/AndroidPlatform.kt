package org.kitbag.demo.android

import android.app.Activity
import android.content.Intent
import android.content.pm.ApplicationInfo
import java.io.File
import java.io.IOException
import java.time.Duration
import java.time.Instant
import java.time.ZoneId
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import org.kitbag.demo.screens.Platform

/** What Android gives: the keystore, the camera, files that a person chooses. */
class AndroidPlatform(private val context: KitbagApplication) : Platform {
    override val folder: File = context.folder
    private val keystore by lazy { Keystore(folder) }

    /** Who is asked to show another app's screen, while it is shown. */
    var activity: Activity? = null
    private val asked = HashMap<Int, CompletableDeferred<Intent?>>()
    private var asks = 0

    override val zone: ZoneId get() = ZoneId.systemDefault()

    override fun secret(name: String): ByteArray = keystore.secret(name)

    override fun now(): Instant = context.clock.instant()

    override fun uptime(): Duration = context.uptime

    override val isInDevelopment: Boolean
        get() = context.applicationInfo.flags and ApplicationInfo.FLAG_DEBUGGABLE != 0

    override suspend fun send(file: File): Boolean {
        val intent = Intent(Intent.ACTION_CREATE_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE)
            .setType("application/octet-stream").putExtra(Intent.EXTRA_TITLE, "carried.kitbag")
        val to = answer(intent)?.data ?: return false
        withContext(Dispatchers.IO) {
            val out = context.contentResolver.openOutputStream(to, "wt") ?: throw IOException("no file")
            out.use { file.inputStream().use { from -> from.copyTo(it) } }
        }
        return true
    }

    override suspend fun receive(): File? {
        val intent = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("*/*")
        val from = answer(intent)?.data ?: return null
        val file = File(folder, "received.kitbag")
        try {
            withContext(Dispatchers.IO) {
                val input = context.contentResolver.openInputStream(from) ?: throw IOException("no file")
                input.use { file.outputStream().use { out -> it.copyTo(out) } }
            }
        } catch (failed: Exception) {
            // Also where nobody waits for it any more.
            file.delete()
            throw failed
        }
        return file
    }

    override suspend fun scan(): String? = answer(Intent(context, ScanActivity::class.java))?.getStringExtra(ScanActivity.TEXT)

    /** Shows another screen, and waits for what came of it; null where nothing did. */
    private suspend fun answer(intent: Intent): Intent? {
        val from = activity ?: return null
        // One at a time: whoever shakes taps twice.
        if (asked.values.any { !it.isCompleted }) return null
        val code = ++asks
        val answered = CompletableDeferred<Intent?>()
        asked[code] = answered
        try {
            @Suppress("DEPRECATION")
            from.startActivityForResult(intent, code)
        } catch (_: android.content.ActivityNotFoundException) {
            asked.remove(code)
            return null
        }
        return try {
            answered.await()
        } finally {
            asked.remove(code)
        }
    }

    /** Nobody is left to answer. */
    fun giveUp() {
        asked.values.toList().forEach { it.complete(null) }
        asked.clear()
    }

    /** What another screen gave. */
    fun answered(code: Int, result: Int, data: Intent?) {
        asked.remove(code)?.complete(data.takeIf { result == Activity.RESULT_OK })
    }
}
