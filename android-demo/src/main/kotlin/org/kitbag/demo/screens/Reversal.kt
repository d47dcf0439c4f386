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
class Reversal(app: App, private val shift: OnShift, private var form: Form, private var draft: DraftId) : Screen(app) {
    override val redrawnEachMs get() = 10_000L

    override suspend fun page(): Page {
        val words = app.vocabulary()
        val given = form.lists["administrations"].orEmpty()
        val items = ArrayList<Item>()
        items += Item.Words(speech.count("app-minutes_since_start", minute()))
        given.forEachIndexed { number, dose ->
            val minute = (dose["minute"] as? Value.Number)?.number ?: 0
            items += Item.Line(say("app-dose_number", speech.number(number + 1L)), speech.count("app-after_minutes", minute), Tone.GOOD, Mark.TICK)
        }
        items += Item.Heading(say("app-steps"))
        steps(words).mapTo(items) { step -> Item.Option(step.text, isTicked(step.code)) { tick(step.code) } }
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

    private val ticked = HashSet<String>()

    private fun isTicked(step: String) = field(step)?.let { (name, value) -> form.fields[name] == value } ?: (step in ticked)

    private suspend fun tick(step: String) {
        val noted = field(step)
        when {
            noted == null -> if (!ticked.remove(step)) ticked += step
            isTicked(step) -> keep(form.takeBack(noted.first))
            else -> keep(form.put(noted.first, noted.second))
        }
    }

    private suspend fun give(words: Vocabulary) {
        val product = (form.fields["product"] as? Value.Text)?.text ?: lastProduct() ?: words.products().firstOrNull()?.code ?: "unknown"
        val dose = mapOf(
            "product" to Value.Text(product),
            "route" to Value.Text(words.route(product)),
            "doses" to Value.Number(1),
            "minute" to Value.Number(minute().coerceIn(0, 240)),
            "source" to Value.Text("this_programme"),
        )
        take(form.lists["administrations"].orEmpty() + dose)
    }

    /** What this person hands out: what is in the bag is what is given. */
    private suspend fun lastProduct(): String? {
        val begun = shift.kitbag.records.begin(shift.team, Kind.DISTRIBUTION, app.phone.today(), app.phone.offsetMinutes())
        return (begun.fields["product"] as? Value.Text)?.text
    }

    private suspend fun take(given: List<Map<String, Value>>) = keep(form.copy(lists = form.lists + ("administrations" to given)))

    private suspend fun keep(changed: Form) {
        form = changed
        draft = shift.kitbag.drafts.save(form, draft)
    }

    /** How many minutes since it began; what a clock that was set makes negative is none. */
    private fun minute(): Long {
        val day = (form.fields["occurred_on"] as? Value.Text)?.text ?: return 0
        val time = (form.fields["occurred_time"] as? Value.Text)?.text ?: return 0
        val offset = (form.fields["utc_offset_min"] as? Value.Number)?.number ?: return 0
        val began = LocalDate.parse(day).atTime(LocalTime.parse(time)).toInstant(ZoneOffset.ofTotalSeconds(offset.toInt() * 60))
        return Duration.between(began, app.phone.platform.now()).toMinutes().coerceAtLeast(0)
    }

    companion object {
        private val STEPS = listOf("ems_called", "rescue_breathing", "wait", "recovery_position", "stayed_with_person")
        private val RESPONSES = setOf("rescue_breathing", "chest_compressions", "recovery_position", "oxygen", "stayed_with_person")

        /** Begins one now; it is durable before it is shown. */
        suspend fun begun(app: App): Reversal {
            val shift = app.shift()
            val now = app.phone.platform.now().atZone(app.phone.platform.zone).truncatedTo(ChronoUnit.MINUTES)
            val begun = shift.kitbag.records.begin(shift.team, Kind.REVERSAL, now.toLocalDate(), app.phone.offsetMinutes())
            // A clock that is known to be wrong says no date for anybody: it is asked later.
            val form = if ("occurred_on" in begun.fields) begun.on(now.toLocalDate(), now.toLocalTime(), app.phone.platform.zone) else begun
            return Reversal(app, shift, form, shift.kitbag.drafts.save(form))
        }
    }
}
