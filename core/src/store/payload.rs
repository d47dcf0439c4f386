//! Payloads at rest: a byte of form, then the payload as it came or packed with the dictionary.

use super::StoreError;
use crate::log::entry::PAYLOAD_BYTES_MAX;
use crate::packing::{pack_quickly, unpack};

const PLAIN: u8 = 0;
/// zstd with the dictionary of protocol version 1.
const PACKED: u8 = 1;

/// So short a payload is kept as it came: packing it takes longer than writing it.
const SHORT_BYTES: usize = 48;

/// A payload as it is kept.
pub(super) fn keep(payload: &[u8]) -> Vec<u8> {
    if payload.len() <= SHORT_BYTES {
        return [&[PLAIN], payload].concat();
    }
    let packed = pack_quickly(payload);
    let (form, body) =
        if packed.len() < payload.len() { (PACKED, packed.as_slice()) } else { (PLAIN, payload) };
    [&[form], body].concat()
}

/// The payload that was kept so.
pub(super) fn kept(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let payload = match bytes.split_first() {
        Some((&PLAIN, body)) => Some(body.to_vec()),
        Some((&PACKED, body)) => unpack(body, PAYLOAD_BYTES_MAX as usize),
        _ => None,
    };
    payload.ok_or(StoreError::Damaged("a payload"))
}

/// The payload of a row, `None` where it was erased.
pub(super) fn kept_if_any(bytes: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, StoreError> {
    bytes.map(|bytes| kept(&bytes)).transpose()
}
