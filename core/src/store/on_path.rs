//! What the entries of a path add up to: what bounds a log.

use super::{Store, StoreError};
use crate::log::Author;
use crate::log::chain::Place;
use crate::log::ending::{self, CHANGES_ON_PATH_MAX, Ending, NEWER_BYTES_MAX, NEWER_ON_PATH_MAX};
use crate::log::entry::{Entry, Tip, is_known};
use crate::log::run::weight;
use crate::model::{LogId, RecordId, TeamId};
use rusqlite::OptionalExtension;
use std::collections::{BTreeMap, HashMap};

/// What is known of a path while entries are added to it.
pub(super) struct Path {
    pub(super) author: Author,
    /// Where the next entry goes on; `None` before `open`.
    pub(super) previous: Option<(LogId, Place)>,
    /// The changes of each record that are on the path, once asked for.
    pub(super) changes: BTreeMap<RecordId, u64>,
    /// What of the path only a newer version can judge: entries, and what they weigh; once asked for.
    pub(super) newer: Option<(u64, u64)>,
    /// How far the path goes in each branch, once asked for, and which branch is its last.
    pub(super) reach: Option<(u32, Reach)>,
}

/// How far a path goes in each of its branches.
type Reach = HashMap<u32, u64>;

/// How an entry stands on its path.
#[derive(Clone, Copy)]
pub(super) struct OnPath {
    pub(super) changes: Option<u64>,
    /// Where only a newer version can judge it: what of the path is so, up to here.
    pub(super) newer: Option<(u64, u64)>,
    pub(super) ending: Option<Ending>,
}

impl Path {
    pub(super) fn after(author: Author, previous: Option<(LogId, Place)>) -> Self {
        Path { author, previous, changes: BTreeMap::new(), newer: None, reach: None }
    }
}

/// Of a path of so many branches each is asked; of one with more, what was found of all is looked through.
const BRANCHES_ASKED_MAX: usize = 4;

/// The counters of the last of these rows (branch, position, one counter or two), highest position first,
/// that lies on a path.
fn last_on(path: &Reach, mut rows: rusqlite::Rows<'_>) -> Result<Option<(u64, u64)>, StoreError> {
    while let Some(row) = rows.next()? {
        let (branch, position): (u32, i64) = (row.get(0)?, row.get(1)?);
        if path.get(&branch).is_some_and(|reach| *reach >= position as u64) {
            let second: i64 = if row.as_ref().column_count() > 3 { row.get(3)? } else { 0 };
            return Ok(Some((row.get::<_, i64>(2)? as u64, second as u64)));
        }
    }
    Ok(None)
}

/// A path's branches, its last first: each leaves one that is numbered before it.
fn from_the_last(path: &Reach) -> impl Iterator<Item = (u32, u64)> {
    let sorted: BTreeMap<u32, u64> = path.iter().map(|(branch, to)| (*branch, *to)).collect();
    sorted.into_iter().rev()
}

impl Store {
    /// How the next entry of a path stands on it; the path goes on behind it.
    pub(super) fn look(&self, path: &mut Path, entry: &Entry) -> Result<OnPath, StoreError> {
        let header = &entry.header;
        let changes = match header.record {
            Some(record) => {
                let before = match path.changes.get(&record) {
                    Some(before) => *before,
                    None => self.changes_on_path(path.previous, record, &mut path.reach)?,
                };
                path.changes.insert(record, before + 1);
                Some(before + 1)
            }
            None => None,
        };
        // What is erased says nothing and weighs nothing, whether its payload came or not.
        let team = match path.author {
            Author::Certified(_, team) => team,
            Author::Root => TeamId::PROGRAMME,
        };
        let is_erased = |record: &RecordId| self.authority.is_erased(team, *record);
        let payload = entry.payload.as_deref();
        let payload = payload.filter(|_| !entry.record().as_ref().is_some_and(is_erased));
        let looked = ending::Looked {
            kind: header.kind,
            schema: header.schema,
            payload,
            changes_on_path: changes.unwrap_or(0),
        };
        let mut ending = ending::ending(path.author, looked);
        let mut newer = None;
        if !is_known(header.kind, header.schema) && !crate::planted!(LogNeverEnds) {
            let (entries, bytes) = match path.newer {
                Some(newer) => newer,
                None => self.newer_on_path(path.previous, &mut path.reach)?,
            };
            let up_to_here = (entries + 1, bytes + weight(payload));
            path.newer = Some(up_to_here);
            newer = Some(up_to_here);
            if up_to_here.0 > NEWER_ON_PATH_MAX || up_to_here.1 > NEWER_BYTES_MAX {
                ending = Some(Ending::Newer);
            }
        }
        Ok(OnPath { changes, newer, ending })
    }

    /// How far a path goes in each of its branches; what was known before goes on to this place.
    fn reach_to<'path>(
        &self,
        (log, place): (LogId, Place),
        known: &'path mut Option<(u32, Reach)>,
    ) -> &'path Reach {
        let reach = match known.take() {
            Some((branch, mut reach)) if branch == place.branch => {
                reach.insert(branch, place.position);
                reach
            }
            _ => {
                let path = self.chains.log(&log).map(|info| info.path(place));
                path.into_iter().flatten().map(|part| (part.branch, part.position)).collect()
            }
        };
        &known.insert((place.branch, reach)).1
    }

    /// How many changes of a record a path holds.
    fn changes_on_path(
        &self,
        previous: Option<(LogId, Place)>,
        record: RecordId,
        known: &mut Option<(u32, Reach)>,
    ) -> Result<u64, StoreError> {
        let Some(at) = previous else { return Ok(0) };
        let number = self.logs.get(&at.0).map(|log| log.number);
        let reach = self.reach_to(at, known);
        if reach.len() > BRANCHES_ASKED_MAX {
            let mut statement = self.sql()?.prepare_cached(
                "SELECT branch, position, on_path FROM entry
                 WHERE changes = ?1 AND log = ?2 AND branch >= 0 ORDER BY position DESC",
            )?;
            let rows = statement.query((record.0, number))?;
            return Ok(last_on(reach, rows)?.map_or(0, |(on_path, _)| on_path));
        }
        let mut statement = self.sql()?.prepare_cached(
            "SELECT on_path FROM entry WHERE changes = ?1 AND log = ?2 AND branch = ?3
               AND position <= ?4 ORDER BY position DESC LIMIT 1",
        )?;
        for (branch, position) in from_the_last(reach) {
            let asked = (record.0, number, branch, position as i64);
            let found: Option<i64> = statement.query_row(asked, |row| row.get(0)).optional()?;
            if let Some(found) = found {
                return Ok(found as u64);
            }
        }
        Ok(0)
    }

    /// Whether a log of one branch may hold so many more changes of a record.
    pub(super) fn takes_more(
        &self,
        log: &LogId,
        tip: Tip,
        of_record: Option<(RecordId, u64)>,
    ) -> Result<bool, StoreError> {
        let Some((record, more)) = of_record else { return Ok(true) };
        let place = Place { branch: 0, position: tip.position };
        Ok(self.changes_on_path(Some((*log, place)), record, &mut None)? + more
            <= CHANGES_ON_PATH_MAX)
    }

    /// What of a path only a newer version can judge: entries, and what they weigh.
    fn newer_on_path(
        &self,
        previous: Option<(LogId, Place)>,
        known: &mut Option<(u32, Reach)>,
    ) -> Result<(u64, u64), StoreError> {
        let Some(at) = previous else { return Ok((0, 0)) };
        let number = self.logs.get(&at.0).map(|log| log.number);
        let reach = self.reach_to(at, known);
        if reach.len() > BRANCHES_ASKED_MAX {
            let mut statement = self.sql()?.prepare_cached(
                "SELECT branch, position, newer, newer_bytes FROM entry INDEXED BY entry_newer
                 WHERE log = ?1 AND branch >= 0 AND newer IS NOT NULL ORDER BY position DESC",
            )?;
            let rows = statement.query([number])?;
            return Ok(last_on(reach, rows)?.unwrap_or((0, 0)));
        }
        let mut statement = self.sql()?.prepare_cached(
            "SELECT newer, newer_bytes FROM entry INDEXED BY entry_newer
             WHERE log = ?1 AND branch = ?2 AND position <= ?3 AND newer IS NOT NULL
             ORDER BY position DESC LIMIT 1",
        )?;
        for (branch, position) in from_the_last(reach) {
            let asked = (number, branch, position as i64);
            let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
            if let Some((entries, bytes)) = statement.query_row(asked, read).optional()? {
                return Ok((entries as u64, bytes as u64));
            }
        }
        Ok((0, 0))
    }
}
