//! A hash that is slow on purpose, for what can be guessed: passphrases, six digits. Owns argon2.

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

/// Argon2id's cost: 64 MiB, 3 passes, one lane; a quarter of a second on a laptop (RFC 9106 §4 asks for
/// 64 MiB and 3 passes where memory is short).
const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;

/// The slow hash of what was said under a salt of at least 8 bytes; `None` for a shorter salt.
pub(crate) fn slow_hash(said: &[u8], salt: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let costs = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).ok()?;
    let mut hash = Zeroizing::new([0; 32]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, costs);
    argon2.hash_password_into(said, salt, hash.as_mut()).ok()?;
    Some(hash)
}
