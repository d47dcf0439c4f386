package org.kitbag.demo.screens

import org.kitbag.DeviceKey
import org.kitbag.Element
import org.kitbag.Field
import org.kitbag.Form
import org.kitbag.Kind
import org.kitbag.KindDeclaration
import org.kitbag.Pack
import org.kitbag.PackCode
import org.kitbag.Shape
import org.kitbag.Value

/** A code with what people read of it. */
data class Choice(val code: String, val text: String)

/** What people read of kinds, fields and codes: the data dictionary's, and the programme's own. */
class Vocabulary(
    private val declarations: List<KindDeclaration>,
    private val packs: List<Pack>,
    private val speech: Speech,
    private val device: DeviceKey,
) {
    private val language: String get() = speech.locale.language

    fun kind(kind: Kind): KindDeclaration = declarations.first { it.kind == kind }

    /** A field of a kind; of a list's element as `list.field`. */
    fun field(kind: Kind, name: String): Field? {
        val (outer, inner) = name.substringBefore('.') to name.substringAfter('.', "")
        val field = kind(kind).fields.firstOrNull { it.name == outer } ?: return null
        val elements = field.shape as? Shape.Elements ?: return field
        return if (inner.isEmpty()) field else elements.fields.firstOrNull { it.name == inner }
    }

    /** What may be chosen for a field, in the order of the programme or of the data dictionary; none where it is typed. */
    fun choices(field: Field): List<Choice> {
        val own = if (field.name == "indicator") indicators() else ofProgramme(field.name)
        if (own.isNotEmpty()) return own
        return field.codes.map { Choice(it, field.codesInWords[it] ?: it) }
    }

    /** What can be wanted: whatever is counted. */
    private fun indicators(): List<Choice> =
        declarations.flatMap { kind -> kind.indicatorsInWords.map { (name, text) -> Choice(name, text) } }.distinctBy(Choice::code)

    private fun ofProgramme(field: String): List<Choice> = when (field) {
        "site" -> packs.flatMap { it.sites }.choices()
        "receiving_service" -> packs.flatMap { it.services }.choices()
        "product" -> packs.flatMap { it.products }.map { Choice(it.code, PackCode(it.code, it.labels).label(language)) }
        else -> packs.flatMap { it.lists[field].orEmpty() }.choices()
    }.distinctBy(Choice::code)

    private fun List<PackCode>.choices() = map { Choice(it.code, it.label(language)) }

    /** The sites of the programme. */
    fun sites(): List<Choice> = ofProgramme("site")

    /** The products of the programme, or of the data dictionary. */
    fun products(): List<Choice> = field(Kind.DISTRIBUTION, "product")?.let(::choices).orEmpty()

    /** How a product is given. */
    fun route(product: String): String =
        packs.flatMap { it.products }.firstOrNull { it.code == product }?.route
            ?: when (product.substringBefore('_')) {
                "nasal" -> "IN"
                "intramuscular", "prefilled" -> "IM"
                else -> "unknown"
            }

    /** The reminders of the response, in the programme's own words. */
    fun steps(): List<Choice> = packs.flatMap { it.response }.choices()

    /** That this phone captures only, and who wants it so. */
    fun capturesOnly(): String =
        speech.say(if (packs.any { it.captureOnly }) "app-capture_only_programme" else "app-capture_only_now")

    /** What people read of a site. */
    fun site(code: String): String = packs.flatMap { it.sites }.firstOrNull { it.code == code }?.label(language) ?: code

    /** What people read of a product. */
    fun product(code: String): String = field(Kind.DISTRIBUTION, "product")?.let { said(it, Value.Text(code)) } ?: code

    /** Who holds stock. */
    fun holder(holder: String): String = when {
        holder == "outside" -> speech.say("app-outside")
        holder == "device:${device.text}" -> speech.say("app-my_bag")
        holder.startsWith("site:") -> site(holder.removePrefix("site:"))
        else -> speech.say("app-colleague")
    }

    /** A value as people read it. */
    fun said(field: Field, value: Value): String = when (value) {
        Value.Nothing -> speech.say("app-no_answer")
        Value.Sealed -> speech.say("app-sealed")
        is Value.Flag -> field.codesInWords[if (value.flag) "yes" else "no"] ?: speech.say(if (value.flag) "app-yes" else "app-no")
        is Value.Number -> speech.number(value.number)
        is Value.Text -> when (field.shape) {
            Shape.Holder -> holder(value.text)
            Shape.Date -> runCatching { speech.day(java.time.LocalDate.parse(value.text)) }.getOrDefault(value.text)
            else -> choices(field).firstOrNull { it.code == value.text }?.text ?: field.codesInWords[value.text] ?: speech.plain(value.text)
        }
    }

    /** An answer of a form as people read it; of a set, all that is ticked; null where there is none. */
    fun said(kind: Kind, field: Field, form: Form): String? {
        form.answers[field.name]?.let { return said(field, it) }
        val codes = form.answers.filterKeys { it.startsWith("${field.name}.") }
        if (codes.isNotEmpty()) return codes.map { (name, value) -> ofSet(field, name.substringAfter('.'), value) }.joinToString()
        val elements = form.lists[field.name].orEmpty()
        return if (elements.isEmpty()) null else elements.joinToString("; ") { element(kind, field, it) }
    }

    private fun ofSet(field: Field, code: String, value: Value): String {
        val label = field.codesInWords[code] ?: code
        return when (value) {
            is Value.Number -> "$label ${speech.number(value.number)}"
            is Value.Text -> "$label ${speech.plain(value.text)}"
            is Value.Flag -> if (value.flag) label else "$label: ${speech.say("app-no")}"
            else -> label
        }
    }

    /** An element of a list as people read it. */
    fun element(kind: Kind, list: Field, element: Element): String = (list.shape as Shape.Elements).fields
        .mapNotNull { inner -> element[inner.name]?.let { said(inner, it) } }
        .joinToString(", ")
}
