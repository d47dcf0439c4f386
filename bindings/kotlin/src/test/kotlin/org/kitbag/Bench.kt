package org.kitbag

import java.lang.Long.parseUnsignedLong
import java.util.concurrent.atomic.AtomicInteger
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.kitbag.ffi.savesInRust

private const val ROUNDS = 5
private const val SAVES = 300

/** Rounds after which the JVM has compiled what a save runs through. */
private const val WARMING = 12

private fun median(of: List<Double>) = of.sorted()[of.size / 2]

/** What is held once what frees memory outside of the heap, after each collection of garbage, has done so. */
private suspend fun heapMib(): Double {
    repeat(5) {
        System.gc()
        delay(100)
    }
    return Runtime.getRuntime().let { (it.totalMemory() - it.freeMemory()) / 1_048_576.0 }
}

/** What the boundary costs, for `cargo xtask bench`: `STORE COMMAND`, on a store that it made. */
public fun main(arguments: Array<String>): Unit = runBlocking(Dispatchers.Default) {
    val kitbag = Kitbag.open(Opening(arguments[0], { ByteArray(32) { 9 } }))
    val team = kitbag.team.own().single().team
    val form = reversal()
    when (arguments[1]) {
        // In turn with the same save in Rust: the median of five rounds' medians.
        "saves" -> {
            suspend fun ours() = median((1..SAVES).map {
                val began = System.nanoTime()
                kitbag.records.record(team, form)
                (System.nanoTime() - began).toDouble()
            })
            suspend fun theirs() =
                median(savesInRust(kitbag.ffi, team.text, form.lower(), SAVES.toUInt()).map { it.toDouble() })
            val first = ours() / theirs()
            repeat(WARMING) { ours() }
            val rounds = (1..ROUNDS).map { ours() to theirs() }
            println("ratio ${median(rounds.map { (ours, theirs) -> ours / theirs })}")
            println("first $first")
            println("us ${median(rounds.map { it.first }) / 1e3} ${median(rounds.map { it.second }) / 1e3}")
        }
        "list" -> {
            val took = (1..150).map {
                val began = System.nanoTime()
                check(kitbag.records.list(Search(most = 50)).rows.size == 50)
                (System.nanoTime() - began) / 1e6
            }
            println("ms ${median(took.drop(50))}")
        }
        "changes" -> {
            // Half of each id, where it takes no memory of its own: what is measured is what Kitbag leaves.
            val (seen, count) = LongArray(100_000) to AtomicInteger()
            val listening = launch(start = CoroutineStart.UNDISPATCHED) {
                kitbag.changes.collect { changed ->
                    changed.records.forEach { seen[count.getAndIncrement()] = parseUnsignedLong(it.text.take(16), 16) }
                }
            }
            delay(200)
            savesInRust(kitbag.ffi, team.text, form.lower(), 2_000u)
            delay(200)
            val before = heapMib()
            savesInRust(kitbag.ffi, team.text, form.lower(), 8_000u)
            delay(500)
            val after = heapMib()
            println("lost ${10_000 - seen.take(count.get()).toSet().size}")
            println("mib ${after - before}")
            listening.cancelAndJoin()
        }
        else -> error("no command is ${arguments[1]}")
    }
    kitbag.closeAndWait()
}
