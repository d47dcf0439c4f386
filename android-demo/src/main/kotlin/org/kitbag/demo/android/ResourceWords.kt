package org.kitbag.demo.android

import android.content.Context
import java.util.Locale
import org.kitbag.demo.screens.Words

/** The words of `locales/app`, as resources: a name's `-` is `_` there. */
internal class ResourceWords(private val context: Context) : Words {
    override val locale: Locale get() = context.resources.configuration.locales[0]

    override fun say(name: String, vararg filled: String): String {
        val id = id(name, "string")
        return if (filled.isEmpty()) context.getString(id) else context.getString(id, *filled)
    }

    override fun count(name: String, number: Long, vararg filled: String): String {
        // A plural is chosen by an Int: what is more than that has the last form of every language.
        val quantity = number.coerceIn(Int.MIN_VALUE.toLong(), Int.MAX_VALUE.toLong()).toInt()
        return context.resources.getQuantityString(id(name, "plurals"), quantity, number, *filled)
    }

    private fun id(name: String, type: String): Int {
        val id = context.resources.getIdentifier(name.replace('-', '_'), type, context.packageName)
        check(id != 0) { "no word is called $name" }
        return id
    }
}
