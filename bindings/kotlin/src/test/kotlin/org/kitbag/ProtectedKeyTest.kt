package org.kitbag

import java.nio.file.Files
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** A key behind a PIN. */
class ProtectedKeyTest {
    private suspend fun codeOf(call: suspend () -> Any?): String? =
        runCatching { call() }.exceptionOrNull()?.let { (it as KitbagException).code }

    @Test
    fun aPinAndTheKeystoreOpenAStoreTogetherAndWrongOnesWait() = runBlocking<Unit> {
        val path = Files.createTempDirectory("kitbag").resolve("phone.protected").toString()
        val (one, two) = ByteArray(32) { 1 } to ByteArray(32) { 2 }
        ProtectedKey(path).use { held ->
            assertEquals(false, held.isMade)
            val key = held.make(one)
            assertEquals(true to false, held.isMade to held.needsPin)
            held.change(one, null, two, "135790")
            assertEquals(listOf(true, false, true), listOf(held.needsPin, held.isUnder(one), held.isUnder(two)))
            assertArrayEquals(key, held.open(two, "135790"))
            assertEquals("key_not_had", codeOf { held.open(one, "135790") })
            assertEquals("pin_too_short", codeOf { held.change(two, "135790", two, "12345") })
            assertEquals("argument", codeOf { held.open(ByteArray(3), "135790") })
            repeat(5) { assertEquals("pin_wrong", codeOf { held.open(two, "000000") }) }
            assertEquals("pin_wait", codeOf { held.open(two, "135790") })
            assertTrue(held.wait.seconds in 25..30, "${held.wait}")
        }
    }

    @Test
    fun aStoreOpensByTheKeyThatAPinGave() = runBlocking<Unit> {
        World.new().use { world ->
            val secret = ByteArray(32) { 7 }
            ProtectedKey(world.folder.resolve("worker.protected").toString()).use { held ->
                held.make(secret)
                held.change(secret, null, secret, "246810")
                val key = held.open(secret, "246810")
                val invitation = world.desk.team.invite(world.team, Role.WORKER)
                val joining = Joining.ask(world.opening("worker") { key }, invitation.text)
                joining.close()
                Kitbag.open(world.opening("worker") { key }).close()
                assertEquals("wrong_key", codeOf { Kitbag.open(world.opening("worker") { ByteArray(32) }) })
            }
        }
    }
}
