package org.kitbag

import com.sun.jna.CallbackThreadInitializer
import com.sun.jna.Native
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import org.kitbag.ffi.Cancel
import org.kitbag.ffi.uniffiRustFutureContinuationCallbackImpl

/**
 * A call across the boundary: never on the caller's dispatcher, which may be the one that draws. Where the caller is
 * cancelled, what was begun is done to its end, and its answer is not waited for.
 */
internal suspend fun <T> crossing(call: suspend () -> T): T = withContext(Dispatchers.Default) {
    Boundary.ready()
    try {
        call()
    } catch (error: Throwable) {
        throw lift(error)
    }
}

/** The same for a call that waits for others: cancelling the coroutine ends it. */
internal suspend fun <T> waiting(call: suspend (Cancel) -> T): T = crossing {
    val cancel = Cancel()
    try {
        call(cancel)
    } catch (cancelled: CancellationException) {
        cancel.cancel()
        throw cancelled
    } finally {
        cancel.destroy()
    }
}

/** What is set once, before the first call. */
internal object Boundary {
    init {
        // The library's threads stay the JVM's: else each answer would attach and detach one, at half a millisecond.
        val initializer = CallbackThreadInitializer(true, false, "kitbag")
        Native.setCallbackThreadInitializer(uniffiRustFutureContinuationCallbackImpl, initializer)
    }

    fun ready() = Unit
}

/** A call that answers at once. */
internal fun <T> atOnce(call: () -> T): T = try {
    call()
} catch (error: Throwable) {
    throw lift(error)
}
