package org.kitbag.demo.android

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import java.io.File
import java.security.GeneralSecurityException
import java.security.KeyStore
import java.security.ProviderException
import java.security.SecureRandom
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec
import org.kitbag.demo.screens.SecretGone

/**
 * Secrets under keys that never leave the phone's keystore: what lies in a file opens nothing without this phone's hardware.
 */
internal class Keystore(private val folder: File) {
    /** 32 bytes under a name, made on first use. */
    fun secret(name: String): ByteArray {
        val file = File(folder, "secret-$name")
        return try {
            if (file.exists()) opened(name, file.readBytes()) else made(name, file)
        } catch (_: GeneralSecurityException) {
            throw SecretGone()
        } catch (_: IllegalArgumentException) {
            // A file that is cut off.
            throw SecretGone()
        } catch (_: IndexOutOfBoundsException) {
            throw SecretGone()
        } catch (_: ProviderException) {
            // What a keystore's hardware answers on some phones.
            throw SecretGone()
        }
    }

    private fun made(name: String, file: File): ByteArray {
        val secret = ByteArray(SECRET_BYTES).also(SecureRandom()::nextBytes)
        val cipher = Cipher.getInstance(CIPHER).apply { init(Cipher.ENCRYPT_MODE, key(name) ?: newKey(name)) }
        val sealed = cipher.iv + cipher.doFinal(secret)
        // Whole or not at all: half a file would be a key that is gone.
        val beside = File(folder, "${file.name}.new")
        beside.outputStream().use {
            it.write(sealed)
            it.fd.sync()
        }
        if (!beside.renameTo(file)) throw java.io.IOException("not renamed")
        return secret
    }

    private fun opened(name: String, sealed: ByteArray): ByteArray {
        val key = key(name) ?: throw SecretGone()
        val cipher = Cipher.getInstance(CIPHER)
        cipher.init(Cipher.DECRYPT_MODE, key, GCMParameterSpec(TAG_BITS, sealed, 0, IV_BYTES))
        return cipher.doFinal(sealed, IV_BYTES, sealed.size - IV_BYTES)
    }

    private fun key(name: String): SecretKey? {
        val store = KeyStore.getInstance(STORE).apply { load(null) }
        return store.getKey("kitbag-$name", null) as? SecretKey
    }

    private fun newKey(name: String): SecretKey {
        val purposes = KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
        val asked = KeyGenParameterSpec.Builder("kitbag-$name", purposes)
            .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
            .setKeySize(256)
            .build()
        return KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, STORE).apply { init(asked) }.generateKey()
    }

    private companion object {
        const val STORE = "AndroidKeyStore"
        const val CIPHER = "AES/GCM/NoPadding"
        const val SECRET_BYTES = 32
        const val IV_BYTES = 12
        const val TAG_BITS = 128
    }
}
