//! Logs written by hand: what honest software would not write, or writes elsewhere.

use super::programme::{TEAM, reversal};
use kitbag_core::identity::SigningKey;
use kitbag_core::log::entry::{Entry, Tip, kind, sign};
use kitbag_core::log::payload::{Open, RecordPayload};
use kitbag_core::log::run::Run;
use kitbag_core::model::{EntryId, LogId, Operation, UnixMillis};

pub fn payload(after: Vec<EntryId>, operations: Vec<Operation>) -> Vec<u8> {
    let at = UnixMillis(1_520_000_000_000);
    RecordPayload { salt: [3; 8], at, after, operations }.encode()
}

pub fn creation() -> Vec<u8> {
    payload(vec![], reversal("died").operations().unwrap())
}

/// A log of a certified key, written by hand; its id begins with the byte asked for, because logs
/// travel in the order of their ids.
pub struct Written {
    pub key: SigningKey,
    pub log: LogId,
    pub tip: Tip,
    pub entries: Vec<Entry>,
}

impl Written {
    pub fn new(key: &[u8; 32], certificate: EntryId, first_byte: u8) -> Self {
        let key = SigningKey::from_seed(key);
        let open = (0_u64..)
            .map(|number| {
                let mut random = [0; 16];
                random[..8].copy_from_slice(&number.to_be_bytes());
                Open { key: key.device_key(), team: TEAM, random, certificate }
            })
            .find(|open| open.log().0[0] == first_byte)
            .unwrap();
        let entry = Entry::new(open.log(), None, (kind::OPEN, 1), None, open.encode());
        Written { key, log: open.log(), tip: entry.tip(), entries: vec![entry] }
    }

    pub fn add(&mut self, of_kind: u8, record: Option<EntryId>, payload: Vec<u8>) -> EntryId {
        self.add_of((of_kind, 1), record, payload)
    }

    /// One of this kind and schema version.
    pub fn add_of(&mut self, how: (u8, u16), record: Option<EntryId>, payload: Vec<u8>) -> EntryId {
        let record = record.map(|record| record.record());
        let entry = Entry::new(self.log, Some(self.tip), how, record, payload);
        self.tip = entry.tip();
        self.entries.push(entry);
        self.tip.id
    }

    pub fn run(&mut self) -> Run {
        let entries = std::mem::take(&mut self.entries);
        Run::of(&entries, sign(&self.key, self.log, self.tip)).unwrap()
    }
}
