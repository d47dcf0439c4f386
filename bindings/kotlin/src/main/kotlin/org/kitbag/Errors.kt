package org.kitbag

import org.kitbag.ffi.ErrorKind
import org.kitbag.ffi.InternalException
import org.kitbag.ffi.KitbagException as FfiException

/** What is wrong with one answer. It never holds the answer. */
public data class Fault(
    /** The field; of a list's element `list.field`. */
    val field: String,
    /** A stable code: `required`, `shape`, `contradicts`, … */
    val code: String,
    /** The other field, where it takes two to be wrong. */
    val other: String?,
    /** What people read beside the field, in the language of [Kitbag.setLanguage]. */
    val inWords: String,
)

/**
 * What can go wrong: twelve kinds, each with a stable [code] to branch on and words for people. Nothing else is thrown by
 * Kitbag, but what cancels a coroutine.
 */
public sealed class KitbagException(
    /** The stable code. */
    public val code: String,
    /** The number that goes with it: entries that would be lost or wait, a hub's status. */
    public val number: Long?,
    /** The argument that cannot be used, where it is one: `team`, `record`, `date`, … */
    public val argument: String?,
    /** What people read: what happened, and what to do next, in the language of [Kitbag.setLanguage]. */
    public val inWords: String,
) : Exception(code) {
    /** Answers do not hold what their fields allow: every fault at once. Nothing was saved. */
    public class Invalid internal constructor(public val faults: List<Fault>, words: String) :
        KitbagException("invalid", null, null, words)

    /** This device may not do this, or not now. Nothing was changed. */
    public class NotAllowed internal constructor(code: String, words: String) : KitbagException(code, null, null, words)

    /** There is no such record, draft, team or the like here. */
    public class NotFound internal constructor(code: String, words: String) : KitbagException(code, null, null, words)

    /** Leaving now would lose so many entries ([number]) that only this device has. */
    public class WouldLose internal constructor(code: String, number: Long?, words: String) :
        KitbagException(code, number, null, words)

    /** What was given cannot be used: an argument, an invitation, a code pack. Nothing was changed. */
    public class NotUsable internal constructor(code: String, argument: String?, words: String) :
        KitbagException(code, null, argument, words)

    /** The device's storage is full: what was being saved is not saved. */
    public class StorageFull internal constructor(code: String, words: String) : KitbagException(code, null, null, words)

    /** Another program, or another [Kitbag], uses the store. */
    public class InUse internal constructor(code: String, words: String) : KitbagException(code, null, null, words)

    /** The key does not open the store. No byte of it was changed. */
    public class WrongKey internal constructor(code: String, words: String) : KitbagException(code, null, null, words)

    /** Another version of Kitbag is needed for this store. */
    public class OtherVersion internal constructor(code: String, words: String) :
        KitbagException(code, null, null, words)

    /** The store is damaged: nothing more is written to it; [Kitbag.recover] it. */
    public class Damaged internal constructor(code: String, words: String) : KitbagException(code, null, null, words)

    /** A sync did not end whole; what is here stays, and the next one goes on. */
    public class Sync internal constructor(code: String, number: Long?, words: String) :
        KitbagException(code, number, null, words)

    /** The store was closed, or is suspended, or cannot be had; the code says which. */
    public class NotOpen internal constructor(code: String, words: String) : KitbagException(code, null, null, words)
}

internal fun lift(error: FfiException): KitbagException = when (error) {
    is FfiException.Failed -> with(error) {
        when (kind) {
            ErrorKind.INVALID -> KitbagException.Invalid(faults.map { it.lift() }, inWords)
            ErrorKind.NOT_ALLOWED -> KitbagException.NotAllowed(code, inWords)
            ErrorKind.NOT_FOUND -> KitbagException.NotFound(code, inWords)
            ErrorKind.WOULD_LOSE -> KitbagException.WouldLose(code, number?.toLong(), inWords)
            ErrorKind.NOT_USABLE -> KitbagException.NotUsable(code, argument, inWords)
            ErrorKind.STORAGE_FULL -> KitbagException.StorageFull(code, inWords)
            ErrorKind.IN_USE -> KitbagException.InUse(code, inWords)
            ErrorKind.WRONG_KEY -> KitbagException.WrongKey(code, inWords)
            ErrorKind.OTHER_VERSION -> KitbagException.OtherVersion(code, inWords)
            ErrorKind.DAMAGED -> KitbagException.Damaged(code, inWords)
            ErrorKind.SYNC -> KitbagException.Sync(code, number?.toLong(), inWords)
            ErrorKind.NOT_OPEN -> KitbagException.NotOpen(code, inWords)
        }
    }
}

internal fun org.kitbag.ffi.Fault.lift() = Fault(field, code, other, inWords)

/** Whatever the layer below throws, as one of ours: a panic is a fault of Kitbag's, and ends one call alone. */
internal fun lift(error: Throwable): Throwable = when (error) {
    is FfiException -> lift(error)
    is InternalException -> KitbagException.NotOpen("panicked", message("error-panicked"))
    // The handle was let go.
    is IllegalStateException -> if (error is kotlinx.coroutines.CancellationException) error else closed()
    // Text that is none, as half of an emoji; a number that no field can hold.
    is java.nio.charset.CharacterCodingException, is ArithmeticException -> KitbagException.NotUsable(
        "argument", if (error is ArithmeticException) "number" else "text", message("error-argument"),
    )
    // The app's package lacks the library for this machine; there are no words of it to ask for.
    is LinkageError -> KitbagException.NotOpen("no_library", NO_LIBRARY)
    else -> error
}

private const val NO_LIBRARY =
    "Kitbag's native library cannot be loaded: the app's package lacks it for this kind of device. Install the app anew."

/** A text as it crosses; half of an emoji is none, and is named by what it was given for. */
internal fun String.wellFormed(name: String): String {
    val isHalf = indices.any { at ->
        when {
            this[at].isHighSurrogate() -> getOrNull(at + 1)?.isLowSurrogate() != true
            this[at].isLowSurrogate() -> getOrNull(at - 1)?.isHighSurrogate() != true
            else -> false
        }
    }
    if (isHalf) throw KitbagException.NotUsable("argument", name, message("error-argument"))
    return this
}

internal fun closed() = KitbagException.NotOpen("closed", message("error-closed"))
