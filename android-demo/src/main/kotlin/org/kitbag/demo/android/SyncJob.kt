package org.kitbag.demo.android

import android.app.job.JobParameters
import android.app.job.JobService
import java.time.Duration
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch
import org.kitbag.KitbagException
import org.kitbag.demo.screens.SecretGone

/** Syncs each profile whose key no PIN keeps, while nobody looks; the screen of the sync says when it last ran. */
class SyncJob : JobService() {
    private var running: Job? = null

    override fun onStartJob(parameters: JobParameters): Boolean {
        val phone = (application as KitbagApplication).phone
        running = CoroutineScope(OnScreen).launch {
            var isToRepeat = false
            for (profile in phone.profiles()) {
                try {
                    phone.syncInBackground(profile, DEADLINE)
                } catch (_: KitbagException) {
                    // The store notes why, and the screen says it.
                    isToRepeat = true
                } catch (_: SecretGone) {
                    // Whoever opens the profile is told.
                } catch (_: java.io.IOException) {
                    isToRepeat = true
                }
            }
            jobFinished(parameters, isToRepeat)
        }
        return true
    }

    override fun onStopJob(parameters: JobParameters): Boolean {
        running?.cancel()
        return true
    }

    private companion object {
        /** Shorter than Android lets a job run. */
        val DEADLINE: Duration = Duration.ofMinutes(2)
    }
}
