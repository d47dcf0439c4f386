package org.kitbag

import java.time.Duration
import org.kitbag.ffi.ProtectedKey as FfiProtectedKey

/**
 * A store's key in a file that the platform's keystore and, where a person chose one, a PIN open together: what [KeyProvider]
 * gives while the app is unlocked. Wrong PINs wait ever longer, up to an hour; nothing is ever wiped. Keep one for as long
 * as the app runs.
 */
public class ProtectedKey(path: String) : AutoCloseable {
    private val ffi = atOnce { FfiProtectedKey.at(path.wellFormed("path")) }

    /** Whether it was made. */
    public val isMade: Boolean get() = atOnce { ffi.isMade() }

    /** Whether a PIN opens it. */
    public val needsPin: Boolean get() = atOnce { ffi.needsPin() }

    /** How long a PIN has to wait; zero where it need not. */
    public val wait: Duration get() = Duration.ofMillis(atOnce { ffi.waitMs() }.toLong())

    /** Whether it is under this secret: after an interrupted [change] it may be under the one before. */
    public fun isUnder(secret: ByteArray): Boolean = atOnce { ffi.isUnder(secret) }

    /** Makes a new key under 32 bytes that the keystore keeps, without a PIN. */
    public suspend fun make(secret: ByteArray): ByteArray = crossing { ffi.make(secret) }

    /** The key. It fails with `pin_wrong`, with `pin_wait` while [wait] is not over, with `key_not_had` for another secret. */
    public suspend fun open(secret: ByteArray, pin: String? = null): ByteArray =
        crossing { ffi.open(secret, pin?.wellFormed("pin")) }

    /**
     * Wraps the key anew: another PIN, one where there was none, none where there was one; and another secret, so that the
     * keystore can forget the one that opened what the file held before. Whole, or not at all.
     */
    public suspend fun change(secret: ByteArray, pin: String?, newSecret: ByteArray, newPin: String?): Unit =
        crossing { ffi.change(secret, pin?.wellFormed("pin"), newSecret, newPin?.wellFormed("newPin")) }

    /** Lets it go. */
    override fun close(): Unit = atOnce { ffi.destroy() }
}
