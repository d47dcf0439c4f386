package org.kitbag

import java.time.LocalDate
import java.time.LocalTime
import java.time.ZoneId
import java.time.format.DateTimeFormatter
import java.util.Locale
import org.kitbag.ffi.Change as FfiChange
import org.kitbag.ffi.ElementName as FfiElementName
import org.kitbag.ffi.FilledForm
import org.kitbag.ffi.Value as FfiValue

/** The kinds of record. */
public enum class Kind {
    DISTRIBUTION,
    REVERSAL,
    REFERRAL,
    STOCK_MOVEMENT,
    TRAINING,
    CONTACT,
    TARGET,
    REPORT,
}

/** What a field says. */
public sealed interface Value {
    /** Nothing: in a change, takes an answer back. */
    public data object Nothing : Value

    /** Yes or no: a code of a set. */
    public data class Flag(val flag: Boolean) : Value

    /** A whole number. */
    public data class Number(val number: Long) : Value

    /** A code, a date, or a text. */
    public data class Text(val text: String) : Value

    /** A text that this device cannot read, or that a list does not show: there is one. */
    public data object Sealed : Value
}

/** A form's answers to one element of a list. */
public typealias Element = Map<String, Value>

/**
 * A record as somebody fills it in. It is a plain value: putting an answer gives another form, and nothing is called
 * until it is saved. What is wrong with it, [Records.faults] says, and saving it.
 */
public data class Form(
    /** The kind of record that it becomes. */
    val kind: Kind,
    /** Answers by field; of a set, and of numbers by code, `field.code`. */
    val fields: Map<String, Value> = emptyMap(),
    /** Elements of lists: the administrations of a reversal, the events of a referral. */
    val lists: Map<String, List<Element>> = emptyMap(),
    private val texts: Map<String, String> = emptyMap(),
    private val unknowns: Boolean = false,
) {
    /** With this answer. */
    public fun put(field: String, value: Value): Form = copy(fields = fields + (field to value), texts = texts - field)

    /** With this code, date or text. */
    public fun put(field: String, text: String): Form = put(field, Value.Text(text))

    /** With this date. */
    public fun put(field: String, date: LocalDate): Form = put(field, date.toString())

    /** With this number. */
    public fun put(field: String, number: Long): Form = put(field, Value.Number(number))

    /** With this number. */
    public fun put(field: String, number: Int): Form = put(field, number.toLong())

    /** With this yes or no. */
    public fun put(field: String, flag: Boolean): Form = put(field, Value.Flag(flag))

    /**
     * Puts the day, the time where it is known, and how far local time was ahead of UTC then: of a time that comes twice that of
     * the first, of one that is passed over that of the hour before.
     */
    public fun on(day: LocalDate, time: LocalTime? = null, zone: ZoneId = ZoneId.systemDefault()): Form {
        val offset = zone.rules.getOffset(day.atTime(time ?: LocalTime.NOON))
        val dated = put("occurred_on", day).put("utc_offset_min", (offset.totalSeconds / 60).toLong())
        return if (time == null) dated else dated.put("occurred_time", time.format(DateTimeFormatter.ofPattern("HH:mm", Locale.ROOT)))
    }

    /** With this code of a set ticked. */
    public fun tick(set: String, code: String): Form = put("$set.$code", true)

    /** With what somebody typed, read as the field has it. */
    public fun putText(field: String, text: String): Form = copy(texts = texts + (field to text), fields = fields - field)

    /** All answers by field, those that were typed as they were typed: what a screen shows. */
    public val answers: Map<String, Value> get() = fields + texts.mapValues { Value.Text(it.value) }

    /** Without this answer. */
    public fun takeBack(field: String): Form = copy(fields = fields - field, texts = texts - field)

    /** With one more element of a list. */
    public fun add(list: String, element: Element): Form = copy(lists = lists + (list to lists[list].orEmpty() + element))

    /** With *unknown* wherever an answer is required, is open, and may be unknown: "I do not know" for a whole form. */
    public fun withUnknowns(): Form = copy(unknowns = true)

    internal fun lower(): FilledForm = FilledForm(
        kind.lower(),
        fields.lower(),
        texts.mapValues { (field, text) -> text.wellFormed(field) }.mapKeys { it.key.wellFormed("field") },
        lists.mapValues { (list, elements) -> elements.map { it.lower("$list.") } }.mapKeys { it.key.wellFormed("list") },
        unknowns,
    )
}

/** The name of a list's element. */
public data class ElementName(val entry: EntryId, val index: Int)

/** A change of a record. */
public sealed interface Change {
    /** Gives a field another value; the old one stays in the history. */
    public data class Put(val field: String, val value: Value) : Change

    /** Gives a field of a list's element another value; `void` with a reason takes the element out. */
    public data class PutIn(val list: String, val element: ElementName, val field: String, val value: Value) : Change

    /** Adds an element to a list. */
    public data class Add(val list: String, val element: Element) : Change
}

internal fun Kind.lower() = org.kitbag.ffi.Kind.valueOf(name)

internal fun org.kitbag.ffi.Kind.lift() = Kind.valueOf(name)

internal fun Value.lower(field: String): FfiValue = when (this) {
    Value.Nothing -> FfiValue.Null
    is Value.Flag -> FfiValue.Bool(flag)
    is Value.Number -> FfiValue.Int(number)
    is Value.Text -> FfiValue.Text(text.wellFormed(field))
    Value.Sealed -> FfiValue.Bytes(ByteArray(0))
}

internal fun FfiValue.lift(): Value = when (this) {
    FfiValue.Null -> Value.Nothing
    is FfiValue.Bool -> Value.Flag(v1)
    is FfiValue.Int -> Value.Number(v1)
    is FfiValue.Text -> Value.Text(v1)
    is FfiValue.Bytes -> Value.Sealed
}

internal fun Element.lower(list: String = ""): Map<String, FfiValue> =
    mapValues { (field, value) -> value.lower(list + field) }.mapKeys { it.key.wellFormed("field") }

internal fun Map<String, FfiValue>.lift(): Element = mapValues { it.value.lift() }

internal fun FilledForm.lift() = Form(kind.lift(), fields.lift(), lists.mapValues { (_, all) -> all.map { it.lift() } })

internal fun ElementName.lower() = FfiElementName(entry.text, index.toUInt())

internal fun FfiElementName.lift() = ElementName(EntryId(entry), index.toInt())

internal fun Change.lower(): FfiChange = when (this) {
    is Change.Put -> FfiChange.Put(field.wellFormed("field"), value.lower(field))
    is Change.PutIn ->
        FfiChange.PutIn(list.wellFormed("list"), element.lower(), field.wellFormed("field"), value.lower("$list.$field"))
    is Change.Add -> FfiChange.Add(list.wellFormed("list"), element.lower("$list."))
}

internal fun FfiChange.lift(): Change = when (this) {
    is FfiChange.Put -> Change.Put(field, value.lift())
    is FfiChange.PutIn -> Change.PutIn(list, element.lift(), field, value.lift())
    is FfiChange.Add -> Change.Add(list, element.lift())
}
