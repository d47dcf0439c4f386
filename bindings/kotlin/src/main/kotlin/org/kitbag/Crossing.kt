package org.kitbag

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import org.kitbag.ffi.Cancel

/**
 * A call across the boundary: never on the caller's dispatcher, which may be the one that draws. Where the caller is
 * cancelled, what was begun is done to its end, and its answer is not waited for.
 */
internal suspend fun <T> crossing(call: suspend () -> T): T = withContext(Dispatchers.Default) {
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

/** A call that answers at once. */
internal fun <T> atOnce(call: () -> T): T = try {
    call()
} catch (error: Throwable) {
    throw lift(error)
}
