package org.kitbag.demo.android

import android.app.Application
import android.app.job.JobInfo
import android.app.job.JobScheduler
import android.content.ComponentName
import android.net.ConnectivityManager
import android.net.Network
import android.os.Handler
import android.os.Looper
import android.os.SystemClock
import java.io.File
import java.time.Clock
import java.time.Duration
import kotlin.coroutines.CoroutineContext
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.SupervisorJob
import org.kitbag.Kitbag
import org.kitbag.demo.screens.App
import org.kitbag.demo.screens.Phone

/** The app, for as long as its process lives: a turn of the screen makes a new activity, and nothing else. */
open class KitbagApplication : Application() {
    /** What time it is. */
    open val clock: Clock get() = Clock.systemUTC()

    /** How long the phone has been on, asleep or awake. */
    open val uptime: Duration get() = Duration.ofMillis(SystemClock.elapsedRealtime())

    private val scope = CoroutineScope(SupervisorJob() + OnScreen)

    /** Where everything lies: in no backup. */
    open val folder: File get() = noBackupFilesDir

    /** What the activities ask of the platform. */
    val platform: AndroidPlatform by lazy { AndroidPlatform(this) }

    private var held: Phone? = null
    private var shown: App? = null

    /** Who uses the phone. */
    val phone: Phone get() = held ?: Phone(platform).also { held = it }

    /** The screens, in the language that the phone has now. */
    val app: App
        get() = shown ?: App(phone, ResourceWords(this), scope).also {
            Kitbag.setLanguage(resources.configuration.locales[0].language)
            shown = it
            it.start()
        }

    override fun onCreate() {
        super.onCreate()
        keepSynced()
        getSystemService(ConnectivityManager::class.java).registerDefaultNetworkCallback(object : ConnectivityManager.NetworkCallback() {
            override fun onAvailable(network: Network) {
                OnScreen.post { shown?.phone?.syncNow() }
            }
        })
    }

    /** The language changed, or the app is to forget what it showed. */
    fun forgetScreens() {
        shown?.end()
        shown = null
    }

    /** Begins anew, as after the app's end. */
    internal fun forgetAll() {
        forgetScreens()
        held = null
    }

    override fun onConfigurationChanged(configuration: android.content.res.Configuration) {
        super.onConfigurationChanged(configuration)
        val language = shown?.speech?.locale?.language
        if (language != null && language != configuration.locales[0].language) forgetScreens()
    }

    /** The platform's way to sync while nobody looks: as often as it lets any app, with a network, across a restart. */
    private fun keepSynced() {
        val scheduler = getSystemService(JobScheduler::class.java)
        // Scheduled anew it would end one that is running, as where that is what began the process.
        if (scheduler.getPendingJob(SYNC) != null) return
        val job = JobInfo.Builder(SYNC, ComponentName(this, SyncJob::class.java))
            .setPeriodic(EACH.toMillis())
            .setRequiredNetworkType(JobInfo.NETWORK_TYPE_ANY)
            .setPersisted(true)
            .build()
        scheduler.schedule(job)
    }

    private companion object {
        const val SYNC = 1
        val EACH: Duration = Duration.ofMinutes(30)
    }
}

/** Runs coroutines on the thread that draws. */
internal object OnScreen : CoroutineDispatcher() {
    private val handler = Handler(Looper.getMainLooper())

    override fun dispatch(context: CoroutineContext, block: Runnable) {
        handler.post(block)
    }

    fun post(block: () -> Unit) {
        handler.post(block)
    }
}
