//! Canonical CBOR (RFC 8949 §4.2.1): definite lengths, shortest integers, sorted keys.
//!
//! Everything hashed or signed is read, written again and compared, so that one meaning has one
//! form of bytes.

use super::Value;
use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

/// Writes to memory, which cannot fail.
pub type Writer = Encoder<Vec<u8>>;

/// Bytes that are not the form expected, with the offset at which reading stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not CBOR, or not of this shape.
    #[error("not the expected form at byte {0}")]
    Shape(u64),
    /// Well formed, but not the one canonical form.
    #[error("not in canonical form")]
    NotCanonical,
    /// Longer, deeper or more numerous than allowed.
    #[error("{what} is larger than {max} allows")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// The largest that is taken.
        max: u64,
    },
    /// Written by a version that knows more.
    #[error("written by a newer version")]
    Newer,
}

impl From<minicbor::decode::Error> for Malformed {
    fn from(error: minicbor::decode::Error) -> Self {
        Malformed::Shape(error.position().map_or(0, |at| at as u64))
    }
}

/// Encodes by a closure into a fresh buffer.
pub fn encode(write: impl FnOnce(&mut Writer) -> Written) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder).expect("writing to memory cannot fail");
    encoder.into_writer()
}

/// The outcome of writing to memory.
pub type Written = Result<(), minicbor::encode::Error<core::convert::Infallible>>;

/// The order of text keys in a canonical map: shorter first, then by bytes.
pub fn key_order(a: &str, b: &str) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.as_bytes().cmp(b.as_bytes()))
}

/// Reads an array's head and checks its length.
pub fn array_of(decoder: &mut Decoder<'_>, length: u64) -> Result<(), Malformed> {
    match array_up_to(decoder, length, "array")? {
        found if found == length => Ok(()),
        _ => Err(Malformed::Shape(decoder.position() as u64)),
    }
}

/// Reads the head of an array of at most `max` items.
pub fn array_up_to(
    decoder: &mut Decoder<'_>,
    max: u64,
    what: &'static str,
) -> Result<u64, Malformed> {
    let length = decoder.array()?.ok_or(Malformed::NotCanonical)?;
    if length > max {
        return Err(Malformed::TooLarge { what, max });
    }
    Ok(length)
}

/// Reads the head of a map of at most `max` pairs.
pub fn map_up_to(
    decoder: &mut Decoder<'_>,
    max: u64,
    what: &'static str,
) -> Result<u64, Malformed> {
    let length = decoder.map()?.ok_or(Malformed::NotCanonical)?;
    if length > max {
        return Err(Malformed::TooLarge { what, max });
    }
    Ok(length)
}

/// Reads a byte string of exactly `N` bytes.
pub fn fixed<const N: usize>(decoder: &mut Decoder<'_>) -> Result<[u8; N], Malformed> {
    let at = decoder.position() as u64;
    decoder.bytes()?.try_into().map_err(|_| Malformed::Shape(at))
}

/// Nothing may follow.
pub fn end(decoder: &Decoder<'_>) -> Result<(), Malformed> {
    if decoder.position() == decoder.input().len() {
        Ok(())
    } else {
        Err(Malformed::Shape(decoder.position() as u64))
    }
}

/// Whether the head of every item is as short as it can be, so that what a reader took, whose maps are in
/// order and whose lengths are definite, has this one form of bytes: cheaper than writing it once more.
/// Bytes that are no sequence of items, and floats, have none.
pub fn heads_are_shortest(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some((head, behind)) = rest.split_first() {
        let (major, info) = (head >> 5, head & 0x1f);
        let width = match info {
            0..24 => 0,
            24..28 => 1_usize << (info - 24),
            _ => return false,
        };
        let Some((argument, behind)) = behind.split_at_checked(width) else { return false };
        let (argument, least) = match width {
            0 => (u64::from(info), 0),
            _ => (
                argument.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
                if width == 1 { 24 } else { 1 << (4 * width) },
            ),
        };
        if argument < least || (major == MAJOR_SIMPLE && width > 0) {
            return false;
        }
        rest = match major {
            MAJOR_BYTES | MAJOR_TEXT => {
                let length = usize::try_from(argument).ok();
                let Some(behind) = length.and_then(|length| behind.get(length..)) else {
                    return false;
                };
                behind
            }
            _ => behind,
        };
    }
    true
}

const MAJOR_BYTES: u8 = 2;
const MAJOR_TEXT: u8 = 3;
const MAJOR_SIMPLE: u8 = 7;

/// Writes one value.
pub fn write_value(encoder: &mut Writer, value: &Value) -> Written {
    match value {
        Value::Null => encoder.null()?,
        Value::Bool(flag) => encoder.bool(*flag)?,
        Value::Int(number) => encoder.i64(*number)?,
        Value::Text(text) => encoder.str(text)?,
        Value::Bytes(bytes) => encoder.bytes(bytes)?,
    };
    Ok(())
}

/// One value as it stands in the bytes that are read.
pub enum ValueRef<'b> {
    /// See [`Value`].
    Null,
    /// See [`Value`].
    Bool(bool),
    /// See [`Value`].
    Int(i64),
    /// See [`Value`].
    Text(&'b str),
    /// See [`Value`].
    Bytes(&'b [u8]),
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Value::Null,
            ValueRef::Bool(flag) => Value::Bool(flag),
            ValueRef::Int(number) => Value::Int(number),
            ValueRef::Text(text) => Value::Text(text.to_owned()),
            ValueRef::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
        }
    }
}

/// Reads one value; a type that this version does not know is [`Malformed::Newer`].
pub fn read_value<'b>(decoder: &mut Decoder<'b>) -> Result<ValueRef<'b>, Malformed> {
    Ok(match decoder.datatype()? {
        Type::Null => {
            decoder.null()?;
            ValueRef::Null
        }
        Type::Bool => ValueRef::Bool(decoder.bool()?),
        Type::U8
        | Type::U16
        | Type::U32
        | Type::U64
        | Type::I8
        | Type::I16
        | Type::I32
        | Type::I64 => ValueRef::Int(decoder.i64()?),
        Type::String => ValueRef::Text(decoder.str()?),
        Type::Bytes => ValueRef::Bytes(decoder.bytes()?),
        _ => return Err(Malformed::Newer),
    })
}
