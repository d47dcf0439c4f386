package org.kitbag.demo.screens

import java.text.NumberFormat
import java.time.Duration
import java.time.Instant
import java.time.LocalDate
import java.time.ZoneId
import java.time.format.DateTimeFormatter
import java.time.format.DecimalStyle
import java.time.format.FormatStyle
import java.time.temporal.ChronoUnit
import java.util.Locale

/** The app's words, as the platform keeps them: one text for each name of `locales/app`. */
interface Words {
    /** A text, with what is filled in, in the order of its names in English. */
    fun say(name: String, vararg filled: String): String

    /** A text that varies by a number. */
    fun count(name: String, number: Long, vararg filled: String): String

    /** The language in which they are. */
    val locale: Locale
}

/** Words with dates and numbers in them, as a person says them. */
class Speech(private val words: Words, private val where: () -> ZoneId) : Words by words {
    private val zone: ZoneId get() = where()

    /** A number, with the digits of the language. */
    fun number(number: Long): String = NumberFormat.getIntegerInstance(locale).format(number)

    /**
     * What somebody typed, as a line that hides nothing: without what turns the direction of writing or cannot be seen, and
     * no longer than a screen.
     */
    fun plain(text: String): String {
        val seen = text.filterNot { it.category in UNSEEN || it in LINES }
        return if (seen.length <= LONG) seen else seen.take(LONG) + "…"
    }

    /** The same among other words: its direction is its own. */
    fun aside(text: String): String = "\u2068${plain(text)}\u2069"

    /** A day of the year. */
    fun day(day: LocalDate): String = day.format(DateTimeFormatter.ofLocalizedDate(FormatStyle.MEDIUM).inWords())

    /** A time of the day. */
    fun time(at: Instant): String =
        at.atZone(zone).format(DateTimeFormatter.ofLocalizedTime(FormatStyle.SHORT).inWords())

    /** In the language, with its digits. */
    private fun DateTimeFormatter.inWords() = withLocale(locale).withDecimalStyle(DecimalStyle.of(locale))

    /** How long ago something was: minutes, hours, the day of the week, the date. */
    fun ago(at: Instant, now: Instant): String {
        val minutes = Duration.between(at, now).toMinutes()
        val days = ChronoUnit.DAYS.between(at.atZone(zone).toLocalDate(), now.atZone(zone).toLocalDate())
        return when {
            // A clock that was set back says nothing of how long ago it was.
            minutes < -1 -> say("app-on_day", day(at.atZone(zone).toLocalDate()))
            minutes < 1 -> say("app-just_now")
            minutes < 60 -> count("app-minutes_ago", minutes)
            days == 0L -> say("app-today_at", time(at))
            days == 1L -> say("app-yesterday_at", time(at))
            else -> say("app-on_day", dayOfThePast(at, days))
        }
    }

    /** Since when something is so: a time today, a day of the week, a date. */
    fun since(at: Instant, now: Instant): String {
        val days = ChronoUnit.DAYS.between(at.atZone(zone).toLocalDate(), now.atZone(zone).toLocalDate())
        return if (days <= 0) time(at) else dayOfThePast(at, days)
    }

    private fun dayOfThePast(at: Instant, days: Long): String {
        val date = at.atZone(zone)
        return if (days < 7) date.format(DateTimeFormatter.ofPattern("EEEE", locale)) else day(date.toLocalDate())
    }

    private companion object {
        val UNSEEN = setOf(CharCategory.FORMAT, CharCategory.CONTROL, CharCategory.LINE_SEPARATOR, CharCategory.PARAGRAPH_SEPARATOR)
        const val LINES = "\u115F\u1160\u3164\uFFA0"
        const val LONG = 300
    }
}
