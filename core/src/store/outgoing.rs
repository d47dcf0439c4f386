//! What goes out: tips with their seals, and the runs that another store lacks.

use super::{Store, StoreError};
use crate::identity::SigningKey;
use crate::log::chain::{LogInfo, Place};
use crate::log::entry::{Entry, Header, Tip, seal};
use crate::log::run::{PAGE_BYTES_MAX, PAGE_ENTRIES_MAX, Run, SealedTip};
use crate::model::{EntryId, LogId, RecordId, TeamId};
use std::collections::BTreeMap;

/// For each log the tips that a store holds.
pub type Clock = BTreeMap<LogId, Vec<Tip>>;

impl Store {
    /// The tips of all logs in these teams.
    pub fn clock(&self, teams: &[TeamId]) -> Clock {
        let of_teams = self
            .chains
            .iter()
            .filter(|(_, info)| teams.contains(&info.team));
        of_teams.map(|(log, info)| (*log, info.tips())).collect()
    }

    /// The seal of each tip held of these teams, and the seals heard of what is not.
    pub fn sealed_tips(
        &self,
        teams: &[TeamId],
        own: Option<&SigningKey>,
    ) -> Result<Vec<SealedTip>, StoreError> {
        let mut sealed = Vec::new();
        for (log, (_, open)) in self
            .opens
            .iter()
            .filter(|(_, (_, open))| teams.contains(&open.team))
        {
            let Some(info) = self.chains.log(log) else {
                continue;
            };
            for tip in info.tips() {
                if let Some(seal) = self.seal_of(*log, info, tip, own)? {
                    sealed.push(SealedTip {
                        log: *log,
                        open: open.clone(),
                        tip,
                        seal,
                    });
                }
            }
        }
        sealed.extend(
            self.heard()?
                .into_iter()
                .filter(|sealed| teams.contains(&sealed.open.team)),
        );
        Ok(sealed)
    }

    fn seal_of(
        &self,
        log: LogId,
        info: &LogInfo,
        tip: Tip,
        own: Option<&SigningKey>,
    ) -> Result<Option<[u8; 64]>, StoreError> {
        if let Some(key) = own.filter(|key| key.device_key() == info.key) {
            return Ok(Some(seal(key, log, tip)));
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT seal FROM entry WHERE id = ?1")?;
        let mut rows = statement.query([tip.id.0])?;
        match rows.next()? {
            Some(row) => Ok(row.get(0)?),
            None => Ok(None),
        }
    }

    /// A page of runs that a store with this clock lacks: the programme's log first, then
    /// administration, then the rest. Empty when it lacks nothing that we can tell.
    pub fn runs_lacked(
        &self,
        teams: &[TeamId],
        theirs: &Clock,
        own: Option<&SigningKey>,
    ) -> Result<Vec<Run>, StoreError> {
        let mut room = Room {
            entries: PAGE_ENTRIES_MAX as usize,
            bytes: PAGE_BYTES_MAX / 2,
        };
        let mut runs = Vec::new();
        let mut logs: Vec<(&LogId, &LogInfo)> = self
            .chains
            .iter()
            .filter(|(_, info)| teams.contains(&info.team))
            .collect();
        let root = self.root;
        logs.sort_by_key(|(_, info)| {
            let coordinator = info.certificate != EntryId::NONE
                && self.authority.standing_is_coordinator(info, &self.chains);
            (info.key != root, !coordinator)
        });
        for (log, info) in logs {
            let known = theirs.get(log).map(Vec::as_slice).unwrap_or_default();
            let ahead = known.iter().any(|tip| {
                info.branches
                    .iter()
                    .all(|branch| branch.tip.position < tip.position)
            });
            let known = known
                .iter()
                .filter_map(|tip| self.locate(&tip.id).transpose())
                .collect::<Result<Vec<_>, _>>()?;
            // They are ahead of all that we hold: what we lack tells us first whether they forked.
            if ahead && known.is_empty() {
                continue;
            }
            for (number, branch) in (0u32..).zip(&info.branches) {
                let first = branch.parent.map_or(1, |parent| parent.position + 1);
                let held = known
                    .iter()
                    .flat_map(|(_, place)| info.path(*place))
                    .filter(|on| on.branch == number)
                    .map(|on| on.position)
                    .max();
                let from = Place {
                    branch: number,
                    position: first.max(held.map_or(0, |held| held + 1)),
                };
                runs.extend(self.run_from(*log, info, from, own, &mut room)?);
                if room.entries == 0 {
                    return Ok(runs);
                }
            }
        }
        Ok(runs)
    }

    /// The run of one branch from a place on, as far as the room and the seals held reach.
    fn run_from(
        &self,
        log: LogId,
        info: &LogInfo,
        from: Place,
        own: Option<&SigningKey>,
        room: &mut Room,
    ) -> Result<Option<Run>, StoreError> {
        let number = self.opens.get(&log).map(|(number, _)| *number);
        let mut statement = self.connection.prepare_cached(
            "SELECT entry.id, position, kind, creates, record, payload, payload_hash, seal,
               (SELECT id FROM entry AS before WHERE before.log = entry.log AND before.position = entry.position - 1
                 AND (before.branch = entry.branch OR before.branch = ?4) ORDER BY before.branch = entry.branch DESC LIMIT 1)
             FROM entry WHERE log = ?1 AND branch = ?2 AND position >= ?3 ORDER BY position",
        )?;
        let parent = info
            .branches
            .get(from.branch as usize)
            .and_then(|branch| branch.parent)
            .map(|place| place.branch);
        let mut rows = statement.query((number, from.branch, from.position as i64, parent))?;
        let mut open_run: Vec<Entry> = Vec::new();
        let mut sealed: Option<(usize, [u8; 64])> = None;
        let is_own = own.filter(|key| key.device_key() == info.key);
        while let Some(row) = rows.next()? {
            let payload: Option<Vec<u8>> = row.get(5)?;
            let creates: bool = row.get(3)?;
            let record: Option<[u8; 16]> = row.get(4)?;
            let header = Header {
                kind: row.get(2)?,
                log,
                position: row.get::<_, i64>(1)? as u64,
                previous: row
                    .get::<_, Option<[u8; 32]>>(8)?
                    .map_or(EntryId::NONE, EntryId),
                record: record.filter(|_| !creates).map(RecordId),
                payload_hash: match (&payload, row.get::<_, Option<[u8; 32]>>(6)?) {
                    (Some(payload), _) => *blake3::hash(payload).as_bytes(),
                    (None, hash) => hash.ok_or(StoreError::Damaged("a payload's hash"))?,
                },
            };
            let bytes = payload.as_ref().map_or(40, |payload| payload.len() + 24);
            if room.entries == 0 || room.bytes < bytes {
                room.entries = 0;
                break;
            }
            room.entries -= 1;
            room.bytes -= bytes;
            let entry = Entry {
                id: EntryId(row.get(0)?),
                header,
                payload,
            };
            let seal: Option<[u8; 64]> = row.get(7)?;
            open_run.push(entry);
            if let Some(seal) = seal {
                sealed = Some((open_run.len(), seal));
            }
        }
        if let (Some(key), Some(last)) = (is_own, open_run.last()) {
            sealed = Some((open_run.len(), seal_for(key, last)));
        }
        // A relay sends up to the last seal that it holds.
        Ok(sealed.and_then(|(length, seal)| Run::of(&open_run[..length], seal)))
    }

    /// Our own log for a team that still takes entries, of this use: 1 records, 2 administration.
    pub fn own_log(&self, team: TeamId, own: i64) -> Result<Option<(LogId, Tip)>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id FROM log WHERE own = ?1 ORDER BY number DESC")?;
        let rows = statement.query_map([own], |row| row.get::<_, [u8; 16]>(0))?;
        for id in rows {
            let id = LogId(id?);
            if let Some(info) = self
                .chains
                .log(&id)
                .filter(|info| info.team == team && info.branches.len() == 1)
            {
                return Ok(info.tips().first().map(|tip| (id, *tip)));
            }
        }
        Ok(None)
    }
}

struct Room {
    entries: usize,
    bytes: usize,
}

fn seal_for(key: &SigningKey, last: &Entry) -> [u8; 64] {
    seal(key, last.header.log, last.tip())
}
