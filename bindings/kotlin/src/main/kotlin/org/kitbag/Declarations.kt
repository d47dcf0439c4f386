package org.kitbag

import org.kitbag.ffi.FieldNeed
import org.kitbag.ffi.FieldShape

/** What a field holds. */
public sealed interface Shape {
    public data object Code : Shape
    public data object CodeSet : Shape
    public data class Counts(val min: Long, val max: Long) : Shape
    public data object Date : Shape
    public data object Month : Shape
    public data object Period : Shape
    public data object Time : Shape
    public data class Number(val min: Long, val max: Long) : Shape
    public data class NumberOrUnknown(val min: Long, val max: Long) : Shape
    public data object Holder : Shape
    public data object Text : Shape
    public data object Record : Shape
    public data class Elements(val fields: List<Field>) : Shape
}

/** Whether a record is complete without a field. */
public sealed interface Need {
    public data object Required : Need
    public data class RequiredIf(val field: String, val codes: List<String>) : Need
    public data object Optional : Need
}

/** A field of a form. */
public data class Field(
    val name: String,
    val shape: Shape,
    val need: Need,
    val codes: List<String>,
    /** What people read. */
    val inWords: String,
    /** What people read of each code. A programme's own codes have labels in its [Pack]s. */
    val codesInWords: Map<String, String>,
)

/** A kind of record, with its fields in the order in which a form asks them. */
public data class KindDeclaration(
    val kind: Kind,
    val name: String,
    val inWords: String,
    val fields: List<Field>,
    val indicators: List<String>,
    val indicatorsInWords: Map<String, String>,
)

/** All kinds, with words in a language: asked once and kept. Screens are built of them. */
public suspend fun declarations(language: String): List<KindDeclaration> = crossing {
    org.kitbag.ffi.declarations(language).map { of ->
        val fields = of.fields.map { it.lift() }
        KindDeclaration(of.kind.lift(), of.name, of.inWords, fields, of.indicators, of.indicatorsInWords)
    }
}

/**
 * What people read of a message's id, as in Kitbag's files of words, in a language or in that of [Kitbag.setLanguage]; the
 * id where there is none.
 */
@JvmOverloads
public fun message(id: String, language: String? = null): String = atOnce { org.kitbag.ffi.message(language, id) }

private fun org.kitbag.ffi.FieldDeclaration.lift(): Field =
    Field(name, shape.lift(), need.lift(), codes, inWords, codesInWords)

private fun FieldNeed.lift(): Need = when (this) {
    FieldNeed.Required -> Need.Required
    is FieldNeed.RequiredIf -> Need.RequiredIf(field, codes)
    FieldNeed.Optional -> Need.Optional
}

private fun FieldShape.lift(): Shape = when (this) {
    FieldShape.Code -> Shape.Code
    FieldShape.CodeSet -> Shape.CodeSet
    is FieldShape.Counts -> Shape.Counts(min, max)
    FieldShape.Date -> Shape.Date
    FieldShape.Month -> Shape.Month
    FieldShape.Period -> Shape.Period
    FieldShape.Time -> Shape.Time
    is FieldShape.Int -> Shape.Number(min, max)
    is FieldShape.IntOrUnknown -> Shape.NumberOrUnknown(min, max)
    FieldShape.Holder -> Shape.Holder
    FieldShape.Text -> Shape.Text
    FieldShape.Record -> Shape.Record
    is FieldShape.Elements -> Shape.Elements(fields.map { it.lift() })
}
