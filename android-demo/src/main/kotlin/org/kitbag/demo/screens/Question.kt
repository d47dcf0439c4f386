package org.kitbag.demo.screens

import java.time.LocalDate
import org.kitbag.DeviceKey
import org.kitbag.Field
import org.kitbag.Form
import org.kitbag.Kind
import org.kitbag.Need
import org.kitbag.Shape
import org.kitbag.Value

/** One question: what may be chosen or typed, and what becomes of the form by it. */
class Question(
    private val app: App,
    private val words: Vocabulary,
    private val field: Field,
    /** The form as it stands. */
    private val current: () -> Form,
    private val device: DeviceKey,
    private val clockIsOff: Boolean,
    /** What this person handed out last: what is in the bag is what is given. */
    private val product: String?,
    /** Keeps what is ticked or typed so far. */
    private val hold: suspend (Form) -> Unit,
    /** Keeps the answer, and goes on. */
    private val answer: suspend (Form) -> Unit,
) {
    private val speech = app.speech
    private val form: Form get() = current()
    private val kind: Kind get() = form.kind

    /** What may be chosen. */
    fun items(): List<Item> = when (val shape = field.shape) {
        Shape.Code, is Shape.NumberOrUnknown -> codes(shape)
        is Shape.Number -> numbers(shape)
        Shape.CodeSet -> set()
        is Shape.Counts -> counts()
        Shape.Holder -> holders()
        is Shape.Elements -> elements()
        Shape.Date -> days() + typed(shape)
        Shape.Month, Shape.Period, Shape.Time, Shape.Text, Shape.Record -> typed(shape)
    }

    /** What goes on where choosing is not enough; nothing where it is. */
    fun foot(): List<Item> {
        val goOn = Item.Button(speech.say("app-next"), Look.MAIN) { answer(form) }
        val isOptional = field.need == Need.Optional && form.answers[field.name] != null
        val takeBack = Item.Button(speech.say("app-take_back"), Look.QUIET) { answer(form.takeBack(field.name)) }
        val typed = needsNext()
        return listOfNotNull(takeBack.takeIf { isOptional }, goOn.takeIf { typed })
    }

    private fun needsNext() = when (val shape = field.shape) {
        Shape.Code -> words.choices(field).isEmpty()
        is Shape.NumberOrUnknown, Shape.Holder, is Shape.Elements -> false
        is Shape.Number -> shape.max > MANY
        else -> true
    }

    private fun codes(shape: Shape): List<Item> {
        val choices = words.choices(field)
        if (choices.isEmpty()) return typed(shape)
        // A resupply and its reason are one tap.
        if (field.name == "supply_type") return supply(choices)
        return choices.map { choice -> option(choice.text, choice.code) }
    }

    private fun option(text: String, code: String) =
        Item.Option(text, form.answers[field.name] == Value.Text(code)) { answer(form.put(field.name, code)) }

    private fun supply(choices: List<Choice>): List<Item> {
        val reasons = words.field(kind, "resupply_reason") ?: return emptyList()
        val chosen = form.answers["resupply_reason"]
        return choices.flatMap { choice ->
            if (choice.code != "resupply") {
                listOf(Item.Option(choice.text, form.answers["supply_type"] == Value.Text(choice.code)) {
                    answer(form.put("supply_type", choice.code).takeBack("resupply_reason"))
                })
            } else words.choices(reasons).map { reason ->
                Item.Option(speech.say("app-resupply", reason.text), chosen == Value.Text(reason.code)) {
                    answer(form.put("supply_type", "resupply").put("resupply_reason", reason.code))
                }
            }
        }
    }

    private fun numbers(shape: Shape.Number): List<Item> {
        val few = (maxOf(shape.min, 1)..minOf(shape.max, FEW)).map { number ->
            val isChosen = form.answers[field.name] == Value.Number(number)
            Item.Option(speech.number(number), isChosen) { answer(form.put(field.name, number)) }
        }
        return few + if (shape.max > MANY) typed(shape) else emptyList()
    }

    private fun days(): List<Item> {
        if (clockIsOff) return emptyList()
        val today = app.phone.today()
        val day = { text: String, day: LocalDate ->
            val isChosen = form.answers[field.name] == Value.Text(day.toString())
            Item.Option(text, isChosen, speech.day(day)) { answer(form.put(field.name, day)) }
        }
        return listOf(day(speech.say("app-today"), today), day(speech.say("app-yesterday"), today.minusDays(1)))
    }

    private fun set(): List<Item> = words.choices(field).map { choice ->
        val name = "${field.name}.${choice.code}"
        val isTicked = form.answers[name] == Value.Flag(true)
        Item.Option(choice.text, isTicked) {
            hold(if (isTicked) form.takeBack(name) else form.put(name, true))
        }
    }

    private fun counts(): List<Item> = words.choices(field).map { choice ->
        val name = "${field.name}.${choice.code}"
        Item.Input(choice.text, text(name), Typing.NUMBER) { text -> type(name, text) }
    }

    private fun holders(): List<Item> {
        val sites = words.sites().map { "site:${it.code}" }
        val own = (form.answers["site"] as? Value.Text)?.let { listOf("site:${it.text}") }.orEmpty()
        val all = listOf("device:${device.text}") + (own + sites).distinct() + "outside"
        return all.map { holder -> option(words.holder(holder), holder) }
    }

    private fun elements(): List<Item> = when (field.name) {
        "administrations" -> administrations()
        "events" -> events()
        else -> emptyList()
    }

    private fun administrations(): List<Item> {
        val product = product ?: words.products().firstOrNull()?.code ?: "unknown"
        val one = { doses: Value ->
            mapOf(
                "product" to Value.Text(product),
                "route" to Value.Text(words.route(product)),
                "doses" to doses,
                "source" to Value.Text("this_programme"),
            )
        }
        val few = (1L..FEW).map { doses ->
            Item.Option(speech.count("app-doses", doses), false) {
                answer(form.copy(lists = form.lists + (field.name to listOf(one(Value.Number(doses))))))
            }
        }
        val unknown = Item.Option(speech.say("app-doses_unknown"), false) {
            answer(form.copy(lists = form.lists + (field.name to listOf(one(Value.Text("unknown"))))))
        }
        val none = Item.Option(speech.say("app-none_given"), false) {
            answer(form.copy(lists = form.lists - field.name).put("none_given_reason", "unknown"))
        }
        return few + unknown + none
    }

    private fun events(): List<Item> {
        val status = words.field(kind, "events.status") ?: return emptyList()
        // It is asked before; a clock that is known to be wrong says no day for anybody.
        val day = form.answers["occurred_on"] ?: Value.Text(app.phone.today().toString())
        return words.choices(status).filter { it.code in BEGINNINGS }.map { choice ->
            Item.Option(choice.text, false) {
                val event = mapOf("status" to Value.Text(choice.code), "on" to day)
                answer(form.copy(lists = form.lists + (field.name to listOf(event))))
            }
        }
    }

    private fun typed(shape: Shape): List<Item> {
        val typing = when (shape) {
            is Shape.Number, is Shape.NumberOrUnknown -> Typing.NUMBER
            Shape.Text -> Typing.LONG
            else -> Typing.TEXT
        }
        val hint = when (shape) {
            Shape.Date -> speech.say("app-typed_date", field.inWords)
            Shape.Month -> speech.say("app-typed_month", field.inWords)
            Shape.Time -> speech.say("app-typed_time", field.inWords)
            else -> field.inWords
        }
        return listOf(Item.Input(hint, text(field.name), typing) { text -> type(field.name, text) })
    }

    /** What stands in the field of an answer, as it was typed where it was. */
    private fun text(name: String): String = when (val said = form.answers[name]) {
        is Value.Text -> said.text
        is Value.Number -> said.number.toString()
        else -> ""
    }

    private suspend fun type(name: String, text: String) {
        hold(if (text.isBlank()) form.takeBack(name) else form.putText(name, text.trim()))
    }

    private companion object {
        /** As many as a thumb chooses from. */
        const val FEW = 5L
        /** Above this, a number may be typed, too. */
        const val MANY = 5L
        /** How a referral begins. */
        val BEGINNINGS = setOf("offered", "made", "accepted", "attended", "declined")
    }
}
