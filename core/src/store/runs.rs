//! Runs and entries, made from what is held.

use super::payload::kept_if_any;
use super::{Store, StoreError};
use crate::identity::SigningKey;
use crate::log::chain::{LogInfo, Place};
use crate::log::entry::{Entry, Header, sign};
use crate::log::run::{Run, weight};
use crate::model::{EntryId, LogId, RecordId};

impl Store {
    pub(super) fn room(&self, bytes: u64) -> Room {
        let entries = self.page_entries_max;
        Room { entries, bytes, is_full: false, is_empty: true, is_strict: false }
    }

    /// An entry held, with all of its header.
    pub(super) fn whole_entry(
        &self,
        log: &LogId,
        id: EntryId,
    ) -> Result<Option<Entry>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT id, position, kind, changes, payload, payload_hash, schema, coalesce(previous,
               (SELECT id FROM entry AS before
                WHERE before.log = entry.log AND before.position = entry.position - 1
                  AND before.branch >= 0 AND before.branch IN (entry.branch,
                    (SELECT parent_branch FROM branch
                     WHERE branch.log = entry.log AND branch.number = entry.branch))
                ORDER BY before.branch = entry.branch DESC LIMIT 1)) AS previous
             FROM entry WHERE id = ?1",
        )?;
        let mut rows = statement.query([id.0])?;
        match rows.next()? {
            Some(row) => Ok(Some(read_entry(*log, row)?)),
            None => Ok(None),
        }
    }

    /// The run from a place on to a position of its branch, as far as the room and the signatures held reach.
    /// Where no signature is held on the branch, as below a kept tip of another one that leaves it, the run goes
    /// on along the first branch that is carried and leaves it there, up to that one's signature.
    pub(super) fn run_from(
        &self,
        log: LogId,
        info: &LogInfo,
        from: Place,
        to: u64,
        own: Option<&SigningKey>,
        room: &mut Room,
    ) -> Result<Option<Run>, StoreError> {
        let mut parts = vec![Part { branch: from.branch, first: from.position, last: to }];
        loop {
            let run = self.run_along(log, info, &parts, own, room)?;
            let Some(last) = parts.last_mut().filter(|_| run.is_none() && !room.is_full) else {
                return Ok(run);
            };
            let leaves = |parent: Place| {
                parent.branch == last.branch
                    && parent.position >= last.first
                    && parent.position <= last.last
            };
            let next = (0u32..).zip(&info.branches).find_map(|(number, branch)| {
                let parent = branch.parent.filter(|parent| leaves(*parent))?;
                let part =
                    Part { branch: number, first: branch.first(), last: self.reach(&log, number) };
                (part.last >= part.first).then_some((parent.position, part))
            });
            let Some((leaves_at, next)) = next else {
                return self.run_beyond(log, info, (from, to), room);
            };
            last.last = leaves_at;
            parts.push(next);
            if parts.len() > PARTS_MAX {
                return Ok(None);
            }
        }
    }

    /// The run from a place on to the first signature behind what is carried, where none covers just that.
    fn run_beyond(
        &self,
        log: LogId,
        info: &LogInfo,
        (from, to): (Place, u64),
        room: &mut Room,
    ) -> Result<Option<Run>, StoreError> {
        let number = self.logs.get(&log).map(|log| log.number);
        let mut signed = self.sql()?.prepare_cached(
            "SELECT position FROM entry WHERE log = ?1 AND branch = ?2 AND branch >= 0
               AND position > ?3 AND signature IS NOT NULL ORDER BY position LIMIT 1",
        )?;
        let after = to.min(i64::MAX as u64) as i64;
        let signed: Option<i64> =
            signed.query_map((number, from.branch, after), |row| row.get(0))?.next().transpose()?;
        let Some(last) = signed.map(|position| position as u64) else { return Ok(None) };
        let part = Part { branch: from.branch, first: from.position, last };
        self.run_along(log, info, &[part], None, room)
    }

    /// The run along these parts, one behind the other.
    fn run_along(
        &self,
        log: LogId,
        info: &LogInfo,
        parts: &[Part],
        own: Option<&SigningKey>,
        room: &mut Room,
    ) -> Result<Option<Run>, StoreError> {
        let number = self.logs.get(&log).map(|log| log.number);
        let mut statement = self.sql()?.prepare_cached(
            "SELECT entry.id, position, kind, changes, payload, payload_hash, signature, schema,
               (SELECT id FROM entry AS before
                WHERE before.log = entry.log AND before.position = entry.position - 1
                  AND before.branch >= 0 AND (before.branch = entry.branch OR before.branch = ?4)
                ORDER BY before.branch = entry.branch DESC LIMIT 1) AS previous
             FROM entry WHERE log = ?1 AND branch = ?2 AND branch >= 0 AND position BETWEEN ?3 AND ?5
             ORDER BY position",
        )?;
        let is_own = own.filter(|key| key.device_key() == info.key);
        let mut entries: Vec<Entry> = Vec::new();
        let mut left = *room;
        let mut signed: Option<([u8; 64], usize, Room)> = None;
        'parts: for part in parts {
            let parent = info.branches.get(part.branch as usize).and_then(|branch| branch.parent);
            let parent = parent.map(|place| place.branch);
            let last = part.last.min(i64::MAX as u64) as i64;
            let mut rows =
                statement.query((number, part.branch, part.first as i64, parent, last))?;
            while let Some(row) = rows.next()? {
                let entry = read_entry(log, row)?;
                // A relay never cuts a run before its first signature: it always fits an empty page, but for
                // pages made smaller.
                let may_cut = signed.is_some()
                    || !room.is_empty
                    || is_own.is_some() && !entries.is_empty()
                    || is_own.is_none() && room.is_strict;
                if !left.take(&entry) && (may_cut || parts.len() > 1) {
                    break 'parts;
                }
                let signature: Option<[u8; 64]> = row.get("signature")?;
                // Up to where a revocation keeps it, the revocation holds the signature.
                let is_last = entry.header.position == part.last;
                let kept = || self.kept_signature(info.key, log, entry.tip());
                let signature = signature.or_else(|| if is_last { kept() } else { None });
                entries.push(entry);
                if let Some(signature) = signature {
                    signed = Some((signature, entries.len(), left));
                }
            }
        }
        if let (Some(key), Some(last)) = (is_own, entries.last()) {
            signed = Some((sign(key, log, last.tip()), entries.len(), left));
        }
        // What no page can hand on keeps nothing else from going.
        room.is_full = left.is_full && (signed.is_some() || !room.is_empty);
        // A relay sends up to the last signature that it holds; what lies behind takes no room.
        Ok(signed.and_then(|(signature, length, left_then)| {
            *room = Room { is_full: left.is_full, is_empty: false, ..left_then };
            Run::of(&entries[..length], signature)
        }))
    }
}

/// The entries of one branch from one position to another.
struct Part {
    branch: u32,
    first: u64,
    last: u64,
}

/// How many branches one run goes along at most.
const PARTS_MAX: usize = 64;

/// What a page can still take.
#[derive(Clone, Copy)]
pub(super) struct Room {
    entries: u64,
    bytes: u64,
    pub(super) is_full: bool,
    is_empty: bool,
    /// Whether a run of others that is heavier is not begun, as where little may be sent: it goes when more may.
    pub(super) is_strict: bool,
}

impl Room {
    pub(super) fn take(&mut self, entry: &Entry) -> bool {
        let weight = weight(entry.payload.as_deref());
        match (self.entries.checked_sub(1), self.bytes.checked_sub(weight)) {
            (Some(entries), Some(bytes)) => *self = Room { entries, bytes, ..*self },
            _ => self.is_full = true,
        }
        !self.is_full
    }
}

fn read_entry(log: LogId, row: &rusqlite::Row<'_>) -> Result<Entry, StoreError> {
    let payload = kept_if_any(row.get("payload")?)?;
    let changes: Option<[u8; 16]> = row.get("changes")?;
    let previous: Option<[u8; 32]> = row.get("previous")?;
    let header = Header {
        kind: row.get("kind")?,
        schema: row.get("schema")?,
        log,
        position: row.get::<_, i64>("position")? as u64,
        previous: previous.map_or(EntryId::NONE, EntryId),
        record: changes.map(RecordId),
        payload_hash: match (&payload, row.get::<_, Option<[u8; 32]>>("payload_hash")?) {
            (Some(payload), _) => *blake3::hash(payload).as_bytes(),
            (None, hash) => hash.ok_or(StoreError::Damaged("a payload's hash"))?,
        },
    };
    Ok(Entry { id: EntryId(row.get("id")?), header, payload })
}
