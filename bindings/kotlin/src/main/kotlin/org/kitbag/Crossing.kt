package org.kitbag

import com.sun.jna.CallbackThreadInitializer
import com.sun.jna.Native
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.currentCoroutineContext
import kotlin.coroutines.ContinuationInterceptor
import org.kitbag.ffi.Cancel
import org.kitbag.ffi.uniffiRustFutureContinuationCallbackImpl

/**
 * Where calls are made: nobody's cancellation ends one midway, as an answer that nobody takes would be held for good. The
 * threads are Kitbag's share of an elastic pool: an app that blocks all of its own keeps none of them.
 */
private val calls = CoroutineScope(SupervisorJob() + Dispatchers.IO.limitedParallelism(4))

/**
 * A call across the boundary: never on the caller's dispatcher, which may be the one that draws. Where the caller is
 * cancelled, what was begun is done to its end, its answer is not waited for, and what still comes goes to [forget].
 */
internal suspend fun <T> crossing(forget: (T) -> Unit = {}, call: suspend () -> T): T = awaited(forget, {}, call)

/** The same for a call that waits for others: cancelling the coroutine ends it. */
internal suspend fun <T> waiting(forget: (T) -> Unit = {}, call: suspend (Cancel) -> T): T {
    Boundary.ready()
    val cancel = atOnce { Cancel() }
    return awaited(forget, cancel::cancel) {
        try {
            call(cancel)
        } finally {
            cancel.destroy()
        }
    }
}

@OptIn(ExperimentalCoroutinesApi::class)
private suspend fun <T> awaited(forget: (T) -> Unit, cancel: () -> Unit, call: suspend () -> T): T {
    // Whoever is off the screen's thread already needs no other to call from.
    val isThere = currentCoroutineContext()[ContinuationInterceptor] === Dispatchers.Default
    val answer = calls.async(start = if (isThere) CoroutineStart.UNDISPATCHED else CoroutineStart.DEFAULT) {
        Boundary.ready()
        try {
            call()
        } catch (error: Throwable) {
            throw lift(error)
        }
    }
    try {
        return answer.await()
    } catch (cancelled: CancellationException) {
        // It may be over already, and its handle let go.
        runCatching(cancel)
        answer.invokeOnCompletion { failed -> if (failed == null) forget(answer.getCompleted()) }
        throw cancelled
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
