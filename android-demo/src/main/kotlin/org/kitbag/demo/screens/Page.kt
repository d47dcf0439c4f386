package org.kitbag.demo.screens

/** What a person's tap does. */
typealias Act = suspend () -> Unit

/** How something is meant: never by colour alone, each has a mark of its own. */
enum class Tone { PLAIN, GOOD, WARNING, BAD }

/** How much a button stands out. */
enum class Look { MAIN, PLAIN, QUIET, DANGER }

/** The pictures beside words. */
enum class Mark { KIT, REVERSAL, REFERRAL, BAG, SENT, WAITING, TROUBLE, TICK, SCAN, PERSON }

/** What may be typed. */
enum class Typing { TEXT, NUMBER, DIGITS, SECRET, LONG }

/** One thing on a screen. A view draws each as it is; what it means was decided before. */
sealed interface Item {
    /** A sentence. */
    data class Words(val text: String, val tone: Tone = Tone.PLAIN, val mark: Mark? = null) : Item

    /** What the items below it are about. */
    data class Heading(val text: String) : Item

    /** Something to do. */
    data class Button(
        val text: String,
        val look: Look = Look.PLAIN,
        val detail: String? = null,
        val mark: Mark? = null,
        val act: Act,
    ) : Item

    /** An answer to choose. */
    data class Option(val text: String, val isChosen: Boolean, val detail: String? = null, val act: Act) : Item

    /** A line of a list, that leads somewhere where it has an act. */
    data class Line(
        val text: String,
        val detail: String? = null,
        val tone: Tone = Tone.PLAIN,
        val mark: Mark? = null,
        val act: Act? = null,
    ) : Item

    /** Something to type. What was typed is kept at each letter. */
    data class Input(
        val label: String,
        val value: String,
        val typing: Typing = Typing.TEXT,
        val typed: suspend (String) -> Unit,
    ) : Item

    /** A number to compare or to read aloud: very large, a digit at a time for a screen reader. */
    data class Digits(val text: String) : Item

    /** A picture for another phone's camera, with what it is for. */
    data class Code(val text: String, val about: String) : Item

    /** A bar of a chart, with its number beside it; [most] is the longest of its chart. */
    data class Bar(val text: String, val value: Long, val most: Long, val said: String, val isBefore: Boolean = false) : Item

    /** How far something is. */
    data class Progress(val text: String, val done: Long, val all: Long) : Item

    /** A very large button for a hand that shakes, with how often it was tapped. */
    data class Tap(val text: String, val count: String, val act: Act) : Item

    /** It is done: a large tick, and words. */
    data class Done(val text: String) : Item
}

/** A screen as it is now. */
data class Page(
    /** Its name, for tests and pictures. */
    val name: String,
    val title: String,
    /** From the top down. */
    val items: List<Item>,
    /** What stays in reach of the thumb, from the top down. */
    val foot: List<Item> = emptyList(),
    /** Whether the items stand at the bottom, in reach of the thumb: answers to a question. */
    val isAtThumb: Boolean = false,
    /** Whether a way back is shown. */
    val hasBack: Boolean = true,
    /** Whether a person is told by touch that something was saved. */
    val isSaved: Boolean = false,
    /** How many letters it knows of: what was typed since stands in its field alone. */
    val heard: Long = 0,
) {
    /** All that can be tapped, by its words. */
    fun act(text: String): Act? = (items + foot).firstNotNullOfOrNull {
        when (it) {
            is Item.Button -> it.act.takeIf { _ -> it.text == text }
            is Item.Option -> it.act.takeIf { _ -> it.text == text }
            is Item.Line -> it.act.takeIf { _ -> it.text == text }
            is Item.Tap -> it.act.takeIf { _ -> it.text == text }
            else -> null
        }
    }
}
