//! A store's key, wrapped by what the platform's keystore holds and, where a person chose one, by a PIN.

use super::StoreError;
use super::key::{KeyFault, StoreKey};
use crate::identity::slow_hash::slow_hash;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// What a file of a wrapped key begins with.
const FORM: [u8; 2] = [2, 1];
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 24;
const NAME_BYTES: usize = 8;
/// The fewest characters of a PIN: a million of digits, each of which costs Argon2id and the keystore.
pub const PIN_CHARS_MIN: usize = 6;

/// Wraps a store's key under a secret and, where one is chosen, a PIN: the bytes of a file.
///
/// # Errors
/// [`KeyFault::PinTooShort`] for a PIN of less than [`PIN_CHARS_MIN`] characters.
pub fn wrapped(
    key: &StoreKey,
    secret: &StoreKey,
    pin: Option<&str>,
) -> Result<Vec<u8>, StoreError> {
    if pin.is_some_and(|pin| pin.chars().count() < PIN_CHARS_MIN) {
        return Err(StoreError::Key(KeyFault::PinTooShort));
    }
    let mut public = [0; SALT_BYTES + NONCE_BYTES];
    let not_had = |error: getrandom::Error| {
        StoreError::Key(KeyFault::NotHad(std::io::Error::from(error).kind()))
    };
    getrandom::fill(&mut public).map_err(not_had)?;
    let (salt, nonce) = public.split_at(SALT_BYTES);
    let head = [&FORM[..], &[u8::from(pin.is_some())], &name_of(secret), salt].concat();
    let cipher = cipher(secret, pin, salt).ok_or(StoreError::Key(KeyFault::NotAKey))?;
    let mut nonce_bytes = [0; NONCE_BYTES];
    nonce_bytes.copy_from_slice(nonce);
    let sealed = Payload { msg: key.0.as_ref(), aad: &head };
    let sealed = cipher.encrypt(&XNonce::from(nonce_bytes), sealed);
    let sealed = sealed.map_err(|_| StoreError::Key(KeyFault::NotAKey))?;
    Ok([&head, nonce, &sealed].concat())
}

/// Whether a PIN opens a wrapped key; `None` where it is no wrapped key.
pub fn needs_pin(file: &[u8]) -> Option<bool> {
    Parts::of(file).map(|parts| parts.has_pin)
}

/// Whether a key is wrapped under this secret; `None` where it is no wrapped key.
pub fn is_under(file: &[u8], secret: &StoreKey) -> Option<bool> {
    Parts::of(file).map(|parts| *parts.name == name_of(secret))
}

/// The key that is wrapped.
///
/// # Errors
/// [`KeyFault::OtherSecret`] where another secret wrapped it, [`KeyFault::OtherPin`] where another PIN did or none is
/// given, [`KeyFault::NotAKey`] where it is no wrapped key.
pub fn unwrapped(
    file: &[u8],
    secret: &StoreKey,
    pin: Option<&str>,
) -> Result<StoreKey, StoreError> {
    let fault = |fault| StoreError::Key(fault);
    let parts = Parts::of(file).ok_or(fault(KeyFault::NotAKey))?;
    if *parts.name != name_of(secret) {
        return Err(fault(KeyFault::OtherSecret));
    }
    if parts.has_pin != pin.is_some() {
        return Err(fault(KeyFault::OtherPin));
    }
    let cipher = cipher(secret, pin, parts.salt).ok_or(fault(KeyFault::NotAKey))?;
    let sealed = Payload { msg: parts.sealed, aad: parts.head };
    let key = cipher.decrypt(&XNonce::from(*parts.nonce), sealed);
    // Without a PIN nothing but damage is left.
    let wrong = if pin.is_some() { KeyFault::OtherPin } else { KeyFault::NotAKey };
    let key = Zeroizing::new(key.map_err(|_| fault(wrong))?);
    key.as_slice().try_into().map(StoreKey::new).map_err(|_| fault(KeyFault::NotAKey))
}

struct Parts<'a> {
    /// What is bound to what is sealed.
    head: &'a [u8],
    has_pin: bool,
    name: &'a [u8; NAME_BYTES],
    salt: &'a [u8],
    nonce: &'a [u8; NONCE_BYTES],
    sealed: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(file: &'a [u8]) -> Option<Self> {
        let rest = file.strip_prefix(&FORM)?;
        let (has_pin, rest) = rest.split_first()?;
        let (name, rest) = rest.split_first_chunk::<NAME_BYTES>()?;
        let (salt, rest) = rest.split_at_checked(SALT_BYTES)?;
        let head = file.get(..FORM.len() + 1 + NAME_BYTES + SALT_BYTES)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>()?;
        Some(Parts { head, has_pin: *has_pin != 0, name, salt, nonce, sealed })
    }
}

/// Tells secrets apart, and says nothing of them.
fn name_of(secret: &StoreKey) -> [u8; NAME_BYTES] {
    let mut name = [0; NAME_BYTES];
    let whole = blake3::derive_key("kitbag name of a keystore's secret 1", secret.0.as_ref());
    name.copy_from_slice(&whole[..NAME_BYTES]);
    name
}

/// Both are needed: who has the file and the keystore's secret guesses the PIN at Argon2id's cost, who has the PIN alone
/// nothing.
fn cipher(secret: &StoreKey, pin: Option<&str>, salt: &[u8]) -> Option<XChaCha20Poly1305> {
    let mut hasher = blake3::Hasher::new_derive_key("kitbag store key wrapped 1");
    hasher.update(secret.0.as_ref());
    hasher.update(salt);
    if let Some(pin) = pin {
        hasher.update(slow_hash(pin.as_bytes(), salt)?.as_ref());
    }
    let key = Zeroizing::new(*hasher.finalize().as_bytes());
    Some(XChaCha20Poly1305::new((&*key).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(read: Result<StoreKey, StoreError>) -> Option<KeyFault> {
        match read {
            Err(StoreError::Key(fault)) => Some(fault),
            _ => None,
        }
    }

    #[test]
    fn a_key_is_opened_by_its_secret_and_its_pin_together_and_by_nothing_else() {
        let (key, secret) = (StoreKey::new([1; 32]), StoreKey::new([2; 32]));
        let bytes = |read: Result<StoreKey, StoreError>| read.ok().map(|key| *key.0);
        let plain = wrapped(&key, &secret, None).expect("no PIN is asked for");
        assert_eq!(needs_pin(&plain), Some(false));
        assert_eq!(bytes(unwrapped(&plain, &secret, None)), Some([1; 32]));
        assert_eq!(fault(unwrapped(&plain, &secret, Some("246810"))), Some(KeyFault::OtherPin));
        let held = wrapped(&key, &secret, Some("246810")).expect("six digits");
        assert_eq!(needs_pin(&held), Some(true));
        assert_eq!(bytes(unwrapped(&held, &secret, Some("246810"))), Some([1; 32]));
        for wrong in [None, Some("246811"), Some("")] {
            assert_eq!(fault(unwrapped(&held, &secret, wrong)), Some(KeyFault::OtherPin));
        }
        let other = StoreKey::new([3; 32]);
        assert_eq!(fault(unwrapped(&held, &other, Some("246810"))), Some(KeyFault::OtherSecret));
        assert_eq!((is_under(&held, &secret), is_under(&held, &other)), (Some(true), Some(false)));
        assert!(matches!(
            wrapped(&key, &secret, Some("12345")),
            Err(StoreError::Key(KeyFault::PinTooShort))
        ));
        for length in [0, 1, 2, 3, 11, 27, 51, held.len() - 1] {
            assert!(unwrapped(&held[..length], &secret, Some("246810")).is_err(), "{length}");
        }
        // A PIN cannot be said away.
        let mut without = held.clone();
        without[2] = 0;
        assert_eq!(fault(unwrapped(&without, &secret, None)), Some(KeyFault::NotAKey));
    }
}
