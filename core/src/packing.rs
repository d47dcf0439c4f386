//! Compression: zstd with a dictionary, and a cap on what it may inflate to.
//!
//! The dictionary is part of the protocol's version. It was trained on made-up rows by
//! `cargo xtask dictionary`, so that a batch of a few records, too small to teach a compressor
//! anything, costs little more than what is random in it. Payloads at rest are packed with it, too.

use std::cell::RefCell;
use std::sync::OnceLock;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::CParameter;

/// The dictionary of protocol version 1.
const DICTIONARY: &[u8] = include_bytes!("dictionary-1.bin");
/// Up to this many bytes the strongest level takes a few milliseconds on a cheap phone.
const SMALL_BYTES_MAX: usize = 64 << 10;

/// An answer that carries nothing: no level makes it less.
const TINY_BYTES_MAX: usize = 128;

/// For pages of many records. What it gives over level 9 was not measured apart from larger pages
/// (docs/benchmarks.md).
const LARGE_LEVEL: i32 = 12;

static STRONG: OnceLock<EncoderDictionary<'static>> = OnceLock::new();
static LARGE: OnceLock<EncoderDictionary<'static>> = OnceLock::new();
static FAST: OnceLock<EncoderDictionary<'static>> = OnceLock::new();
static INFLATING: OnceLock<DecoderDictionary<'static>> = OnceLock::new();

thread_local! {
    // Making one costs more than packing a payload.
    static QUICK_PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses a message: the fewer the bytes, the harder; but where there is next to nothing, in no time.
pub fn pack(body: &[u8]) -> Vec<u8> {
    if body.len() <= TINY_BYTES_MAX {
        return pack_quickly(body);
    }
    let prepared = if body.len() <= SMALL_BYTES_MAX {
        STRONG.get_or_init(|| EncoderDictionary::new(DICTIONARY, 19))
    } else {
        LARGE.get_or_init(|| EncoderDictionary::new(DICTIONARY, LARGE_LEVEL))
    };
    packer(prepared)
        .and_then(|mut packer| packer.compress(body))
        .expect("compressing in memory cannot fail")
}

/// Compresses quickly, for what is kept.
pub fn pack_quickly(body: &[u8]) -> Vec<u8> {
    QUICK_PACKER
        .with_borrow_mut(|kept| {
            if kept.is_none() {
                *kept = Some(packer(fast())?);
            }
            match kept {
                Some(packer) => packer.compress(body),
                None => Ok(Vec::new()),
            }
        })
        .expect("compressing in memory cannot fail")
}

fn fast() -> &'static EncoderDictionary<'static> {
    FAST.get_or_init(|| EncoderDictionary::new(DICTIONARY, 3))
}

fn packer(prepared: &'static EncoderDictionary<'static>) -> std::io::Result<Compressor<'static>> {
    let mut packer = Compressor::with_prepared_dictionary(prepared)?;
    // The protocol's version tells which dictionary, and every length is capped.
    packer.set_parameter(CParameter::DictIdFlag(false))?;
    packer.set_parameter(CParameter::ContentSizeFlag(false))?;
    Ok(packer)
}

/// Inflates to at most `max` bytes; `None` where the bytes are not of this form, or inflate to more.
pub fn unpack(packed: &[u8], max: usize) -> Option<Vec<u8>> {
    let prepared = INFLATING.get_or_init(|| DecoderDictionary::new(DICTIONARY));
    UNPACKER.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Decompressor::with_prepared_dictionary(prepared).ok();
        }
        kept.as_mut()?.decompress(packed, max).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_inflates_to_the_cap_and_no_further() {
        let bomb = zstd::bulk::compress(&vec![0; 8 << 20], 19).expect("in memory");
        assert!(bomb.len() < 2_000);
        assert_eq!(unpack(&bomb, 1 << 20), None);
        assert_eq!(unpack(&bomb, 8 << 20).map(|bytes| bytes.len()), Some(8 << 20));
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        for length in [0, 1, 1_000, 100_000] {
            let body: Vec<u8> = (0..length).map(|at: u32| (at % 251) as u8).collect();
            assert_eq!(unpack(&pack(&body), body.len()), Some(body));
        }
    }
}
