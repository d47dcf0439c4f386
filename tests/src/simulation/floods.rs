//! Hostile devices that write without end, past an end, or of what never was.

use super::Failure;
use super::hostile::REVERSAL;
use super::oracle::{Answer, Deed};
use super::people::operation;
use super::world::{TEAMS, World};
use kitbag_core::log::entry::{Tip, kind, sign};
use kitbag_core::log::payload::{Administration, Open};
use kitbag_core::log::run::SignedTip;
use kitbag_core::model::EntryId;
use kitbag_core::sync::Message;
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// One more than a path may change a record (docs/protocol.md, where a log ends).
const TOO_MANY: usize = 501;

impl World {
    /// Writes what no honest software of its role writes: its log ends there, and it goes on.
    pub(super) fn end_its_log(&mut self, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        let salt: [u8; 8] = self.hostile.random.random();
        let opened = self.hostile.path.first().and_then(|open| open.payload.clone());
        let (of_kind, record, payload) = match dice.random_range(0..6) {
            0 => (REVERSAL, None, salt.to_vec()),
            4 => (kind::OPEN, None, salt.to_vec()),
            5 => (kind::OPEN, None, opened.unwrap_or_default()),
            1 => (kind::CERTIFY, None, salt.to_vec()),
            2 => {
                let records = self.done.intents.iter().map(|intent| EntryId(intent.record));
                let records = records.map(|id| id.record()).collect();
                (kind::ERASE, None, Administration::Erase { team: TEAMS[0], records }.encode())
            }
            _ => {
                let kept = Vec::new();
                let certificate = self.certificates.choose(dice).map(|one| EntryId(one.label));
                let certificate = certificate.unwrap_or(EntryId::NONE);
                (kind::REVOKE, None, Administration::Revoke { certificate, kept }.encode())
            }
        };
        let entry = self.hostile.append((of_kind, 1), record, payload);
        self.hostile.others.insert(entry.id.0);
        self.hostile.note_end();
        self.send_path()?;
        self.hostile_creation(REVERSAL, Vec::new()).map(drop)
    }

    /// Many logs, many branches; where pages are large, more changes of one record than a path may hold.
    pub(super) fn flood(&mut self, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        if self.pages_are_large() && dice.random_bool(0.2) {
            self.hostile.begin();
            let record = self.hostile_creation(REVERSAL, Vec::new())?;
            for n in 0..TOO_MANY {
                let deeds = vec![Deed::Put("outcome".to_owned(), Answer::Word("died".to_owned()))];
                let operations = deeds.iter().map(|deed| operation(REVERSAL, deed)).collect();
                let payload = self.hostile.payload(self.at(), vec![record], operations);
                let of_record = Some(record.record());
                let entry = self.hostile.append((REVERSAL, 1), of_record, payload);
                if n + 1 == TOO_MANY {
                    self.hostile.others.insert(entry.id.0);
                } else {
                    self.note_hostile(&entry, (REVERSAL, Some(record)), &[record], deeds);
                }
            }
            self.hostile.note_end();
            return self.send_path();
        }
        for _ in 0..dice.random_range(1..8) {
            if dice.random_bool(0.5) {
                self.hostile.begin();
            }
            self.fork(dice)?;
        }
        Ok(())
    }

    /// A change that names as seen what nobody has: what is written counts all the same.
    pub(super) fn dead_after(&mut self) -> Result<(), Failure> {
        let nowhere = EntryId(self.hostile.random.random());
        let (of_kind, record) = match self.hostile.own.last().copied() {
            Some((of_kind, record)) if of_kind == REVERSAL => (of_kind, record),
            _ => (REVERSAL, self.hostile_creation(REVERSAL, Vec::new())?),
        };
        let deed = Deed::Put("outcome".to_owned(), Answer::Word("unknown".to_owned()));
        self.hostile_deeds((record, of_kind), vec![nowhere], vec![deed])
    }

    /// Says by its signature that it holds what it never wrote.
    pub(super) fn claim(&mut self, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        if self.hostile.path.is_empty() {
            self.hostile.begin();
        }
        let Some(first) = self.hostile.path.first().cloned() else { return Ok(()) };
        let open = first.payload.as_deref().and_then(|payload| Open::decode(payload).ok());
        let Some(open) = open else { return Ok(()) };
        let position = [5, 3_000, 1 << 40, i64::MAX as u64 - 1].choose(dice).copied().unwrap_or(5);
        let tip = Tip { position, id: EntryId(dice.random()) };
        let signature = sign(&self.hostile.key, first.header.log, tip);
        let signed = SignedTip { log: first.header.log, open, tip, signature };
        self.hostile.has_claimed = true;
        let message = Message { teams: vec![TEAMS[0]], signed: vec![signed], ..Message::default() };
        self.fly(message.encode());
        Ok(())
    }
}
