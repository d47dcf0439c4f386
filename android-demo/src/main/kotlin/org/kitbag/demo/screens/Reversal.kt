package org.kitbag.demo.screens

import java.time.Duration
import java.time.LocalDate
import java.time.LocalTime
import java.time.ZoneOffset
import java.time.temporal.ChronoUnit
import org.kitbag.DraftId
import org.kitbag.Form
import org.kitbag.Kind
import org.kitbag.Value

/** Whether the overdose is going on, or was told of afterwards. */
class ReversalBegin(app: App) : Screen(app) {
    override suspend fun page(): Page = Page(
        "reversal_begin",
        say("app-overdose"),
        listOf(Item.Words(say("app-call_first"), Tone.WARNING, Mark.TROUBLE)),
        listOf(
            Item.Button(say("app-is_over")) { app.replace(Recording.of(app, Kind.REVERSAL)) },
            Item.Button(say("app-goes_on"), Look.MAIN, mark = Mark.REVERSAL) { app.replace(Reversal.begun(app)) },
        ),
        isAtThumb = true,
    )
}

/**
 * A reversal while it is going on: one big tap for each dose, what to do as reminders, the rest later. All of it is a draft,
 * which outlives the app and the phone's battery.
 */
class Reversal(
    app: App,
    private val shift: OnShift,
    private var form: Form,
    private var draft: DraftId,
    /** When it began, where that was since the app started. */
    private val begunAt: Duration? = null,
) : Screen(app) {
    override val redrawnEachMs get() = 10_000L

    /** Both hands are at work. */
    override val locksAfter: Duration get() = Duration.ofMinutes(30)

    override suspend fun page(): Page {
        val words = app.vocabulary()
        val given = form.lists["administrations"].orEmpty()
        val items = ArrayList<Item>()
        minute()?.let { items += Item.Words(speech.count("app-minutes_since_start", it)) }
        given.forEachIndexed { number, dose ->
            val minute = (dose["minute"] as? Value.Number)?.number?.let { speech.count("app-after_minutes", it) }
            items += Item.Line(say("app-dose_number", speech.number(number + 1L)), minute, Tone.GOOD, Mark.TICK)
        }
        items += Item.Heading(say("app-steps"))
        steps(words).mapTo(items) { step -> step(step) }
        val foot = ArrayList<Item>()
        if (given.isNotEmpty()) items += Item.Button(say("app-take_back_dose"), Look.QUIET) { take(given.dropLast(1)) }
        foot += Item.Button(say("app-finish_now")) { app.replace(Recording(app, shift, form, draft).begin()) }
        foot += Item.Tap(say("app-dose_given"), speech.count("app-doses", given.size.toLong())) { give(words) }
        return Page("reversal", say("app-goes_on"), items, foot)
    }

    /** The programme's own reminders; where it has none, what the World Health Organization's guideline asks a bystander to do. */
    private fun steps(words: Vocabulary): List<Choice> = words.steps().ifEmpty { STEPS.map { Choice(it, say("app-step_$it")) } }

    private fun field(step: String): Pair<String, Value>? = when (step) {
        "ems_called" -> "ems_called" to Value.Text("yes")
        in RESPONSES -> "other_response.$step" to Value.Flag(true)
        else -> null
    }

    /** What is ticked is recorded; where the record has no place for it, it is a reminder alone. */
    private fun step(step: Choice): Item {
        val (name, value) = field(step.code) ?: return Item.Line(step.text)
        val isTicked = form.answers[name] == value
        return Item.Option(step.text, isTicked) { keep(if (isTicked) form.takeBack(name) else form.put(name, value)) }
    }

    private suspend fun give(words: Vocabulary) {
        val product = Recording.lastProduct(app, shift) ?: words.products().firstOrNull()?.code ?: "unknown"
        val dose = mapOf(
            "product" to Value.Text(product),
            "route" to Value.Text(words.route(product)),
            "doses" to Value.Number(1),
            "source" to Value.Text("this_programme"),
        )
        // No number rather than a wrong one.
        val minute = minute()?.takeIf { it <= MINUTE_MAX }?.let { mapOf("minute" to Value.Number(it)) }.orEmpty()
        take(form.lists["administrations"].orEmpty() + (dose + minute))
    }

    private suspend fun take(given: List<Map<String, Value>>) = keep(form.copy(lists = form.lists + ("administrations" to given)))

    private suspend fun keep(changed: Form) {
        form = changed
        draft = shift.kitbag.drafts.save(form, draft)
    }

    /**
     * How many minutes since it began: by what no clock that is set changes while the app lives, by the clock where it began
     * before that; null where that is not known.
     */
    private suspend fun minute(): Long? {
        begunAt?.let { return (app.phone.platform.uptime() - it).toMinutes() }
        if (shift.kitbag.sync.status().clockIsOff) return null
        val day = (form.answers["occurred_on"] as? Value.Text)?.text ?: return null
        val time = (form.answers["occurred_time"] as? Value.Text)?.text ?: return null
        val offset = (form.answers["utc_offset_min"] as? Value.Number)?.number ?: return null
        val began = LocalDate.parse(day).atTime(LocalTime.parse(time)).toInstant(ZoneOffset.ofTotalSeconds(offset.toInt() * 60))
        return Duration.between(began, app.phone.platform.now()).toMinutes().takeIf { it >= 0 }
    }

    companion object {
        /** As the data dictionary has it. */
        private const val MINUTE_MAX = 240L
        private val STEPS = listOf("ems_called", "rescue_breathing", "wait", "recovery_position", "stayed_with_person")
        private val RESPONSES = setOf("rescue_breathing", "chest_compressions", "recovery_position", "oxygen", "stayed_with_person")

        /** Begins one now; it is durable before it is shown. */
        suspend fun begun(app: App): Reversal {
            val shift = app.shift()
            val now = app.phone.platform.now().atZone(app.phone.platform.zone).truncatedTo(ChronoUnit.MINUTES)
            val begun = shift.kitbag.records.begin(shift.team, Kind.REVERSAL, now.toLocalDate(), app.phone.offsetMinutes())
            // A clock that is known to be wrong says no date for anybody: it is asked later.
            val dated = if ("occurred_on" in begun.fields) begun.on(now.toLocalDate(), now.toLocalTime(), app.phone.platform.zone) else begun
            val form = Recording.fromTheBag(app, shift, dated)
            return Reversal(app, shift, form, shift.kitbag.drafts.save(form), app.phone.platform.uptime())
        }
    }
}

/** The form as it is saved: the data dictionary counts a dose's minutes from the first dose, the draft from the beginning. */
internal fun Form.sinceFirstDose(): Form {
    val given = lists["administrations"].orEmpty()
    val first = (given.firstOrNull()?.get("minute") as? Value.Number)?.number
    if (first == 0L || given.isEmpty()) return this
    val since = given.map { dose ->
        val minute = (dose["minute"] as? Value.Number)?.number
        // Where it is not known when the first was given, no other has a minute after it.
        if (minute == null || first == null || minute < first) dose - "minute" else dose + ("minute" to Value.Number(minute - first))
    }
    return copy(lists = lists + ("administrations" to since))
}
