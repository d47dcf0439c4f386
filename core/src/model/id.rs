//! Identifiers: fixed bytes, written as lower-case hexadecimal.

use std::fmt;
use std::str::FromStr;

/// Text that is not the hexadecimal form of an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} lower-case hexadecimal digits")]
pub struct NotAnId {
    /// How many digits the identifier has.
    pub expected: usize,
}

/// Parses exactly `N` bytes of lower-case hexadecimal.
fn from_hex<const N: usize>(text: &str) -> Result<[u8; N], NotAnId> {
    let fault = NotAnId { expected: N * 2 };
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return Err(fault);
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |c: u8| match c {
            b'0'..=b'9' => Some(c - b'0'),
            b'a'..=b'f' => Some(c - b'a' + 10),
            _ => None,
        };
        match (digit(pair[0]), digit(pair[1])) {
            (Some(high), Some(low)) => *byte = high << 4 | low,
            _ => return Err(fault),
        }
    }
    Ok(bytes)
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $bytes]);

        impl $name {
            /// Reads the identifier from a slice of exactly its length.
            pub fn from_slice(slice: &[u8]) -> Option<Self> {
                slice.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                from_hex(text).map(Self)
            }
        }
    };
}

identifier!(
    /// A team, the unit of scope. [`TeamId::PROGRAMME`] is the programme's own scope.
    TeamId,
    16
);
identifier!(
    /// One device's log for one team.
    LogId,
    16
);
identifier!(
    /// A record: the first 16 bytes of its creating entry's id.
    RecordId,
    16
);
identifier!(
    /// An entry: BLAKE3 of its header.
    EntryId,
    32
);
identifier!(
    /// A device's Ed25519 public key; the programme's root key has the same shape.
    DeviceKey,
    32
);

impl TeamId {
    /// The scope of the root's log: certificates of coordinators, their revocations, code packs.
    pub const PROGRAMME: TeamId = TeamId([0; 16]);
}

impl EntryId {
    /// Stands where no entry is: before a log's first one, and for the root's certificate.
    pub const NONE: EntryId = EntryId([0; 32]);

    /// The id of the record that this entry creates.
    pub fn record(&self) -> RecordId {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[..16]);
        RecordId(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_refuses_other_text() {
        let id = RecordId([0xa7; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "a7", &"A7".repeat(16), &"g0".repeat(16), &"a".repeat(33)] {
            assert_eq!(RecordId::from_str(text), Err(NotAnId { expected: 32 }));
        }
    }
}
