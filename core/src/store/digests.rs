//! Digests over what a store holds, to compare stores by.

use super::{Store, StoreError};
use crate::model::{EntryId, RecordId, TeamId};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// How much of a record's digest a row holds: 96 bits. Whoever made two records with one digest signed both of them, and
/// changes no total by it.
pub(super) const DIGEST_LEN: usize = 12;

/// What stores of a team are compared by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// The team.
    pub team: TeamId,
    /// Its records, by id.
    pub records: Vec<RecordId>,
    /// Over their canonical bytes.
    pub canonical: [u8; 32],
    /// Over the verdicts of its entries.
    pub verdicts: [u8; 32],
}

impl Store {
    /// The digests of these teams.
    pub fn digests(&self, teams: &[TeamId]) -> Result<Vec<Digests>, StoreError> {
        let digests = teams.iter().map(|team| {
            let of_team = self.logs_of(*team);
            let (records, canonical) = of_records(self.sql()?, &of_team)?;
            let verdicts = of_verdicts(self.sql()?, &of_team)?;
            Ok(Digests { team: *team, records, canonical, verdicts })
        });
        digests.collect()
    }
}

/// The records of these logs, by id, and a digest over their canonical bytes.
pub(super) fn of_records(
    sql: &Connection,
    logs: &BTreeSet<i64>,
) -> Result<(Vec<RecordId>, [u8; 32]), StoreError> {
    let mut statement = sql.prepare(
        "SELECT record.log, entry.id, digest FROM record JOIN entry ON entry.arrival = number",
    )?;
    let mut digests = BTreeMap::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if logs.contains(&row.get(0)?) {
            let digest: [u8; DIGEST_LEN] = row.get(2)?;
            digests.insert(EntryId(row.get(1)?).record(), digest);
        }
    }
    let mut hasher = blake3::Hasher::new();
    for (id, digest) in &digests {
        hasher.update(&id.0).update(digest);
    }
    Ok((digests.into_keys().collect(), *hasher.finalize().as_bytes()))
}

/// A digest over (entry id, verdict) of the entries of these logs that are carried.
pub(super) fn of_verdicts(sql: &Connection, logs: &BTreeSet<i64>) -> Result<[u8; 32], StoreError> {
    let mut statement =
        sql.prepare("SELECT log, id, verdict FROM entry WHERE verdict <> ?1 ORDER BY id")?;
    let mut hasher = blake3::Hasher::new();
    let mut rows = statement.query([super::insert::HIDDEN])?;
    while let Some(row) = rows.next()? {
        if logs.contains(&row.get(0)?) {
            hasher.update(&row.get::<_, [u8; 32]>(1)?).update(&[row.get::<_, u8>(2)?]);
        }
    }
    Ok(*hasher.finalize().as_bytes())
}
