package org.kitbag.demo.android

import android.app.Activity
import android.content.Intent
import android.os.Bundle
import android.view.HapticFeedbackConstants
import android.view.WindowManager
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch
import org.kitbag.demo.screens.App
import org.kitbag.demo.screens.Page

/** Shows the page that is seen, and hands on what is tapped and typed. */
class MainActivity : Activity() {
    private val application get() = getApplication() as KitbagApplication
    private val scope = CoroutineScope(OnScreen)
    private var watching: Job? = null
    private lateinit var view: PageView
    private lateinit var app: App
    private var last: Page? = null

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        // No picture of it: not by another app, not in the list of recent ones.
        window.setFlags(WindowManager.LayoutParams.FLAG_SECURE, WindowManager.LayoutParams.FLAG_SECURE)
        app = application.app
        view = PageView(this, app, ::quickExit)
        setContentView(view)
    }

    override fun onStart() {
        super.onStart()
        application.platform.activity = this
        if (app !== application.app) {
            recreate()
            return
        }
        // Whoever was away for long sees nothing of before.
        app.came()
        watching = scope.launch { app.page.collect { show(it) } }
    }

    override fun onStop() {
        watching?.cancel()
        app.went()
        super.onStop()
    }

    override fun onDestroy() {
        if (application.platform.activity === this) application.platform.activity = null
        // Another app's screen that was asked for answers nobody any more.
        if (!isChangingConfigurations) application.platform.giveUp()
        super.onDestroy()
    }

    private fun show(page: Page) {
        view.show(page)
        if (page.isSaved && last?.isSaved != true) view.performHapticFeedback(HapticFeedbackConstants.LONG_PRESS)
        last = page
    }

    override fun onUserInteraction() {
        super.onUserInteraction()
        application.phone.touch()
    }

    @Deprecated("What API 33 has in its place is not there down to 26.")
    @Suppress("DEPRECATION")
    override fun onBackPressed() {
        if (app.isAtFirst) super.onBackPressed() else app.back()
    }

    @Deprecated("The replacement is a library that the app does without.")
    override fun onActivityResult(code: Int, result: Int, data: Intent?) {
        application.platform.answered(code, result, data)
    }

    /** One tap, and another app's screen is there; this one is locked, and not among the recent ones. */
    private fun quickExit() {
        app.lockAtOnce()
        startActivity(Intent(this, HarmlessActivity::class.java).addFlags(Intent.FLAG_ACTIVITY_NEW_TASK))
        finishAndRemoveTask()
    }
}
