//! Records that devices made of the same row of the same file: of each set of them one counts (docs/adr/0024).
//!
//! In a set are the records of one team and kind with one `import_key` and the same operations at their creation, but for
//! sealed texts and what local time was ahead of UTC. Out of
//! it stand void ones and those that a worker has changed: they count for themselves. Of the rest one that a coordinator
//! has changed counts, by more than saying that it is apart from another one; else one that a coordinator made, else any; of several the one of the lowest id. So nobody's copy
//! hides a colleague's record. The others are as if they were linked to it.

use super::{Store, StoreError};
use crate::model::cbor;
use crate::model::{Operation, RecordId, Value};
use crate::record::Record;
use rusqlite::OptionalExtension;
use std::collections::BTreeSet;

/// A set's name: the first bytes of the BLAKE3 of what its records share.
pub(super) type SetId = [u8; 16];

/// Where a record stands in its set.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Standing {
    set: SetId,
    /// 0 where a coordinator has changed what it says, 1 where one made it, else 2.
    rank: u8,
}

impl Store {
    /// Notes which set a record is in now, and which of its records are to be looked at again for that.
    pub(super) fn note_equal_import(
        &mut self,
        id: RecordId,
        record: Option<&Record>,
    ) -> Result<(), StoreError> {
        let before = self.standing_in_set(id)?;
        let now = record.and_then(standing);
        if before == now {
            return self.relink_beside_another(id, now);
        }
        let sets: BTreeSet<SetId> =
            before.iter().chain(&now).map(|standing| standing.set).collect();
        let counted = |store: &Store| -> Result<Vec<Option<RecordId>>, StoreError> {
            sets.iter().map(|set| store.counted_of_set(set)).collect()
        };
        let counted_before = counted(self)?;
        self.sql()?.prepare_cached("DELETE FROM equal_import WHERE id = ?1")?.execute([id.0])?;
        if let Some(Standing { set, rank }) = now {
            self.sql()?
                .prepare_cached(
                    "INSERT INTO equal_import (set_id, rank, id, is_linked) VALUES (?1, ?2, ?3,
                       EXISTS (SELECT 1 FROM link WHERE a = ?3) OR EXISTS (SELECT 1 FROM link WHERE b = ?3))",
                )?
                .execute((set, rank, id.0))?;
        }
        for ((set, before), now) in sets.iter().zip(counted_before).zip(counted(self)?) {
            if before != now {
                // What counted alone, and goes on to, is as its row says.
                let alone = [before, now].contains(&None);
                self.judging.relinked.extend(before.into_iter().chain(now).filter(|_| !alone));
                let linked = self.linked_of_set(set)?;
                self.judging.relinked.extend(linked);
            }
        }
        self.relink_beside_another(id, now)
    }

    /// Its row is written anew, as one that counts: where another one of its set does, it is looked at again.
    fn relink_beside_another(
        &mut self,
        id: RecordId,
        now: Option<Standing>,
    ) -> Result<(), StoreError> {
        if let Some(Standing { set, .. }) = now
            && self.counted_of_set(&set)? != Some(id)
        {
            self.judging.relinked.insert(id);
        }
        Ok(())
    }

    fn standing_in_set(&self, id: RecordId) -> Result<Option<Standing>, StoreError> {
        let mut statement =
            self.sql()?.prepare_cached("SELECT set_id, rank FROM equal_import WHERE id = ?1")?;
        let read = |row: &rusqlite::Row<'_>| Ok(Standing { set: row.get(0)?, rank: row.get(1)? });
        Ok(statement.query_row([id.0], read).optional()?)
    }

    /// The set that a record is in.
    pub(super) fn set_of(&self, id: RecordId) -> Result<Option<SetId>, StoreError> {
        Ok(self.standing_in_set(id)?.map(|standing| standing.set))
    }

    /// The record of a set that counts.
    pub(super) fn counted_of_set(&self, set: &SetId) -> Result<Option<RecordId>, StoreError> {
        let order = if crate::planted!(EqualImportByArrival) {
            "(SELECT arrival FROM entry WHERE entry.id BETWEEN equal_import.id AND CAST(equal_import.id || x'ffffffffffffffffffffffffffffffff' AS BLOB))"
        } else {
            "rank, id"
        };
        let mut statement = self.sql()?.prepare_cached(&format!(
            "SELECT id FROM equal_import WHERE set_id = ?1 ORDER BY {order} LIMIT 1"
        ))?;
        Ok(statement.query_row([set], |row| Ok(RecordId(row.get(0)?))).optional()?)
    }

    /// A link leads from one record to another.
    pub(super) fn note_link(&self, one: RecordId, other: RecordId) -> Result<(), StoreError> {
        self.sql()?
            .prepare_cached("UPDATE equal_import SET is_linked = 1 WHERE id IN (?1, ?2)")?
            .execute((one.0, other.0))?;
        Ok(())
    }

    /// The records of a set that links lead from or to, or once did: which of them count may hang on which of the set does.
    /// Links within one are coordinators' alone, as a worker's would be a change that takes its record out of it.
    pub(super) fn linked_of_set(&self, set: &SetId) -> Result<Vec<RecordId>, StoreError> {
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT id FROM equal_import WHERE set_id = ?1 AND is_linked = 1")?;
        let rows = statement.query_map([set], |row| Ok(RecordId(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Where a record stands in the set of those made of the same row, if it is of one.
fn standing(record: &Record) -> Option<Standing> {
    let creation = record.history.first()?;
    let put = |name: &str| {
        creation.operations.iter().find_map(|operation| match operation {
            Operation::Put { field, value } if field == name => Some(value),
            _ => None,
        })
    };
    put("import_key")?.as_text()?;
    let (_, changes) = record.history.split_first()?;
    let is_of_a_set = !record.is_void()
        && put("duplicate_of").is_none()
        && changes.iter().all(|change| change.by_coordinator);
    if !is_of_a_set {
        return None;
    }
    // What local time was ahead of UTC is the machine's, and a sealed text is other bytes once the team's key is another.
    let is_shared = |operation: &&Operation| match operation {
        Operation::Put { field, value } => {
            field != "utc_offset_min" && !matches!(value, Value::Bytes(_))
        }
        _ => true,
    };
    let shared: Vec<&Operation> = creation.operations.iter().filter(is_shared).collect();
    let said = cbor::encode(|encoder| {
        encoder.array(shared.len() as u64)?;
        shared.iter().try_for_each(|operation| operation.write(encoder))
    });
    let mut hasher = blake3::Hasher::new_derive_key("kitbag equal import 1");
    hasher.update(&record.team.0).update(&[record.kind.number()]).update(&said);
    let mut set = [0; 16];
    set.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    // That it is apart from another one changes nothing that it says.
    let is_apart = |operation: &Operation| matches!(operation, Operation::Put { field, .. } if field.starts_with("distinct."));
    let is_as_made = changes.iter().all(|change| change.operations.iter().all(is_apart));
    let rank = match (is_as_made, creation.by_coordinator) {
        (false, _) => 0,
        (true, true) => 1,
        (true, false) => 2,
    };
    Some(Standing { set, rank })
}
