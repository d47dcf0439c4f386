//! Digests over what a store holds, to compare stores by; also read beside the one that writes.

use super::files::connect_to_read;
use super::{Store, StoreError, StoreKey};
use crate::log::payload::Open;
use crate::model::{EntryId, RecordId, TeamId};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

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

/// Reads a store beside the one that writes it, on a connection of its own: each call as of one moment.
#[derive(Clone)]
pub struct Reader {
    path: PathBuf,
    key: StoreKey,
}

impl Store {
    /// What reads this store beside it.
    pub fn reader(&self) -> Reader {
        Reader { path: self.path.clone(), key: self.key.clone() }
    }
}

impl Reader {
    /// The digests of these teams, as of one moment.
    pub fn digests(&self, teams: &[TeamId]) -> Result<Vec<Digests>, StoreError> {
        let connection = connect_to_read(&self.path, &self.key)?;
        connection.execute_batch("BEGIN")?;
        let mut logs: BTreeMap<TeamId, BTreeSet<i64>> = BTreeMap::new();
        let mut statement = connection.prepare("SELECT number, open FROM log")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let open = Open::decode(&row.get::<_, Vec<u8>>(1)?);
            let open = open.map_err(|_| StoreError::Damaged("a log's open"))?;
            logs.entry(open.team).or_default().insert(row.get(0)?);
        }
        let nothing = BTreeSet::new();
        let digests = teams.iter().map(|team| {
            let of_team = logs.get(team).unwrap_or(&nothing);
            let (records, canonical) = of_records(&connection, of_team)?;
            let verdicts = of_verdicts(&connection, of_team)?;
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
            let digest: [u8; 16] = row.get(2)?;
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
