//! Sealing to a key: HPKE (RFC 9180) with X25519, HKDF-SHA256 and ChaCha20-Poly1305.
//!
//! Texts and bundles are sealed to a team's key, and a team's secret key to each device's. A device is
//! sealed to by the X25519 form of its Ed25519 key (docs/adr/0007), so that it has one key only.

use super::SigningKey;
use crate::model::DeviceKey;
use ed25519_dalek::VerifyingKey;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{Kem as _, X25519HkdfSha256};
use hpke::{Deserializable, OpModeR, OpModeS, Serializable};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use zeroize::Zeroizing;

type Kem = X25519HkdfSha256;
/// What sealing adds to a text, in bytes: the encapsulated key and the tag.
pub const SEALING_BYTES: usize = 32 + 16;

/// The public half of a sealing key.
pub type SealingPublic = [u8; 32];

/// The secret half of a sealing key. Never shown; wiped when dropped.
#[derive(Clone)]
pub struct SealingSecret(Zeroizing<[u8; 32]>);

impl SealingSecret {
    /// A new key, from 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let (secret, _) = Kem::derive_keypair(seed);
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(&secret.to_bytes());
        SealingSecret(bytes)
    }

    /// The secret of these bytes, as they were sealed to a device.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(SealingSecret(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// The secret's bytes, to be sealed to a device and nothing else.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }

    /// The public half.
    pub fn public(&self) -> Option<SealingPublic> {
        let secret = <Kem as hpke::Kem>::PrivateKey::from_bytes(self.0.as_ref()).ok()?;
        Kem::sk_to_pk(&secret).to_bytes().as_slice().try_into().ok()
    }

    /// Opens what was sealed to this key for this purpose; `None` where it was not, or was changed.
    pub fn open(&self, purpose: &str, beside: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (encapsulated, text) = sealed.split_at_checked(32)?;
        let secret = <Kem as hpke::Kem>::PrivateKey::from_bytes(self.0.as_ref()).ok()?;
        let encapsulated = <Kem as hpke::Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
            &OpModeR::Base,
            &secret,
            &encapsulated,
            purpose.as_bytes(),
            text,
            beside,
        )
        .ok()
        .map(Zeroizing::new)
    }
}

impl SigningKey {
    /// The secret that opens what is sealed to this device.
    pub(crate) fn sealing_secret(&self) -> SealingSecret {
        SealingSecret(Zeroizing::new(self.0.to_scalar_bytes()))
    }
}

/// The key that seals to a device; `None` where its key is no point of the curve.
pub fn sealing_public(device: &DeviceKey) -> Option<SealingPublic> {
    let key = VerifyingKey::from_bytes(&device.0).ok()?;
    (!key.is_weak()).then(|| key.to_montgomery().to_bytes())
}

/// Seals a text to a key for one purpose, with what stands beside it authenticated; `seed` is random
/// and used once. `None` where the key cannot be sealed to.
pub fn seal_to(
    public: &SealingPublic,
    purpose: &str,
    beside: &[u8],
    text: &[u8],
    seed: &Zeroizing<[u8; 32]>,
) -> Option<Vec<u8>> {
    let public = <Kem as hpke::Kem>::PublicKey::from_bytes(public).ok()?;
    let mut random = ChaCha20Rng::from_seed(**seed);
    let (encapsulated, sealed) =
        hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Kem>(
            &OpModeS::Base,
            &public,
            purpose.as_bytes(),
            text,
            beside,
            &mut random,
        )
        .ok()?;
    let mut bytes = encapsulated.to_bytes().to_vec();
    bytes.extend(sealed);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(byte: u8) -> Zeroizing<[u8; 32]> {
        Zeroizing::new([byte; 32])
    }

    #[test]
    fn what_is_sealed_to_a_device_opens_with_its_key_and_no_other() {
        let device = SigningKey::from_seed(&[1; 32]);
        let public = sealing_public(&device.device_key()).expect("a good key");
        assert_eq!(device.sealing_secret().public(), Some(public));
        let sealed = seal_to(&public, "test", b"beside", b"text", &seed(3)).expect("sealed");
        assert_eq!(sealed.len(), 4 + SEALING_BYTES);
        let open = |key: &SigningKey, purpose, beside: &[u8], sealed: &[u8]| {
            key.sealing_secret().open(purpose, beside, sealed).map(|text| text.to_vec())
        };
        assert_eq!(open(&device, "test", b"beside", &sealed), Some(b"text".to_vec()));
        let other = SigningKey::from_seed(&[2; 32]);
        assert_eq!(open(&other, "test", b"beside", &sealed), None);
        assert_eq!(open(&device, "other", b"beside", &sealed), None);
        assert_eq!(open(&device, "test", b"other", &sealed), None);
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert_eq!(open(&device, "test", b"beside", &flipped), None, "flipped at {at}");
            assert_eq!(open(&device, "test", b"beside", &sealed[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn keys_of_low_order_are_not_sealed_to() {
        assert_eq!(sealing_public(&DeviceKey([0; 32])), None);
        let mut one = [0; 32];
        one[0] = 1;
        assert_eq!(sealing_public(&DeviceKey(one)), None);
    }
}
