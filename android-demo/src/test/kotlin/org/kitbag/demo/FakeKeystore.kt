package org.kitbag.demo

import java.io.InputStream
import java.io.OutputStream
import java.security.Key
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.SecureRandom
import java.security.Security
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey
import javax.crypto.spec.SecretKeySpec

/** A phone's keystore in memory, by the name that Android's has: what asks for it is the app's own code. */
object FakeKeystore {
    internal val keys = HashMap<String, SecretKey>()

    /** From now on the JVM has one. */
    fun install() {
        Security.removeProvider("AndroidKeyStore")
        Security.addProvider(FakeProvider())
    }

    /** The phone has forgotten all keys. */
    fun forget() = keys.clear()
}

private class FakeProvider : Provider("AndroidKeyStore", "1", "a keystore in memory") {
    init {
        put("KeyStore.AndroidKeyStore", FakeStore::class.java.name)
        put("KeyGenerator.AES", FakeGenerator::class.java.name)
    }

    override fun getService(type: String, algorithm: String): Service? {
        val made: Any = when {
            type == "KeyStore" && algorithm == "AndroidKeyStore" -> FakeStore()
            type == "KeyGenerator" && algorithm == "AES" -> FakeGenerator()
            else -> return null
        }
        // A class of Robolectric's loader is not found by its name.
        return object : Service(this, type, algorithm, made.javaClass.name, null, null) {
            override fun newInstance(parameter: Any?): Any = made
        }
    }
}

class FakeGenerator : KeyGeneratorSpi() {
    private var alias = ""

    override fun engineInit(random: SecureRandom?) = Unit

    override fun engineInit(size: Int, random: SecureRandom?) = Unit

    override fun engineInit(asked: AlgorithmParameterSpec, random: SecureRandom?) {
        alias = (asked as android.security.keystore.KeyGenParameterSpec).keystoreAlias
    }

    override fun engineGenerateKey(): SecretKey {
        val key = SecretKeySpec(ByteArray(32).also(SecureRandom()::nextBytes), "AES")
        FakeKeystore.keys[alias] = key
        return key
    }
}

class FakeStore : KeyStoreSpi() {
    override fun engineLoad(stream: InputStream?, password: CharArray?) = Unit

    override fun engineGetKey(alias: String, password: CharArray?): Key? = FakeKeystore.keys[alias]

    override fun engineContainsAlias(alias: String): Boolean = alias in FakeKeystore.keys

    override fun engineIsKeyEntry(alias: String): Boolean = alias in FakeKeystore.keys

    override fun engineSize(): Int = FakeKeystore.keys.size

    override fun engineAliases(): Enumeration<String> = Collections.enumeration(FakeKeystore.keys.keys)

    override fun engineDeleteEntry(alias: String) {
        FakeKeystore.keys -= alias
    }

    override fun engineGetCertificateChain(alias: String): Array<Certificate>? = null

    override fun engineGetCertificate(alias: String): Certificate? = null

    override fun engineGetCreationDate(alias: String): Date? = null

    override fun engineIsCertificateEntry(alias: String): Boolean = false

    override fun engineGetCertificateAlias(certificate: Certificate): String? = null

    override fun engineStore(stream: OutputStream?, password: CharArray?) = Unit

    override fun engineSetKeyEntry(alias: String, key: Key, password: CharArray?, chain: Array<Certificate>?) = Unit

    override fun engineSetKeyEntry(alias: String, key: ByteArray, chain: Array<Certificate>?) = Unit

    override fun engineSetCertificateEntry(alias: String, certificate: Certificate) = Unit
}
