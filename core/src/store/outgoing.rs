//! What goes out: tips with their seals, and the runs that another store lacks.

use super::{LogUse, Store, StoreError};
use crate::identity::SigningKey;
use crate::log::chain::{LogInfo, Place};
use crate::log::entry::{Entry, Header, Tip, seal};
use crate::log::run::{PAGE_ENTRIES_MAX, RUNS_BYTES_MAX, Run, SealedTip, weight};
use crate::model::{EntryId, LogId, RecordId, TeamId};
use std::collections::BTreeMap;

/// The most seals that one message carries.
pub const SEALS_MAX: usize = 1_000;

/// For each log the tips that a store holds.
pub type Clock = BTreeMap<LogId, Vec<Tip>>;

impl Store {
    /// The tips of all logs in these teams whose author has a certificate.
    pub fn clock(&self, teams: &[TeamId]) -> Clock {
        self.offered(teams).map(|(log, info)| (*log, info.tips())).collect()
    }

    fn offered(&self, teams: &[TeamId]) -> impl Iterator<Item = (&LogId, &LogInfo)> {
        self.chains
            .iter()
            .filter(|(log, info)| teams.contains(&info.team) && self.authority.is_named(log))
    }

    /// The seals of what a store with this clock lacks: of each tip held, and those heard of what is
    /// not. At most [`SEALS_MAX`], so that a message stays bounded.
    pub fn seals_lacked(
        &self,
        teams: &[TeamId],
        theirs: &Clock,
        own: Option<&SigningKey>,
    ) -> Result<Vec<SealedTip>, StoreError> {
        let lacks = |log: &LogId, tip: &Tip| theirs.get(log).is_none_or(|tips| !tips.contains(tip));
        let mut sealed = Vec::new();
        for (log, info) in self.offered(teams) {
            let Some(held) = self.logs.get(log) else { continue };
            for tip in info.tips().into_iter().filter(|tip| lacks(log, tip)) {
                if let Some(seal) = self.seal_of(*log, info, tip, own)? {
                    sealed.push(SealedTip { log: *log, open: held.open.clone(), tip, seal });
                }
            }
        }
        sealed.extend(
            self.heard()?
                .into_iter()
                .filter(|seal| teams.contains(&seal.open.team) && lacks(&seal.log, &seal.tip)),
        );
        sealed.truncate(SEALS_MAX);
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
        let mut statement = self.sql()?.prepare_cached("SELECT seal FROM entry WHERE id = ?1")?;
        let mut rows = statement.query([tip.id.0])?;
        match rows.next()? {
            Some(row) => Ok(row.get(0)?),
            None => Ok(None),
        }
    }

    /// A page of runs that a store with this clock lacks: the programme's log first, then
    /// coordinators', then the rest. Empty when it lacks nothing that we can tell.
    pub fn runs_lacked(
        &self,
        teams: &[TeamId],
        theirs: &Clock,
        own: Option<&SigningKey>,
    ) -> Result<Vec<Run>, StoreError> {
        let mut logs: Vec<LogId> = self.offered(teams).map(|(log, _)| *log).collect();
        logs.sort_by_key(|log| self.authority.rank(log));
        self.page(&logs, theirs, own)
    }

    /// All that proves a certificate, from the root down: the logs that certify, whole.
    pub fn runs_for_certificate(
        &self,
        certificate: EntryId,
        own: &SigningKey,
    ) -> Result<Vec<Run>, StoreError> {
        let mut logs = Vec::new();
        let mut next = certificate;
        // A device's certificate stands in a coordinator's log, and that one's in the root's.
        while let (Some((log, _)), true) = (self.locate(&next)?, logs.len() < 2) {
            logs.push(log);
            next = self.chains.log(&log).map_or(EntryId::NONE, |info| info.certificate);
        }
        logs.reverse();
        let mut theirs = Clock::new();
        let mut runs = Vec::new();
        loop {
            let page = self.page(&logs, &theirs, Some(own))?;
            if page.is_empty() {
                return Ok(runs);
            }
            for run in &page {
                let last = run.expand().last().map(Entry::tip);
                theirs.entry(run.log).or_default().extend(last);
            }
            runs.extend(page);
        }
    }

    /// A page of runs of these logs, in this order.
    fn page(
        &self,
        logs: &[LogId],
        theirs: &Clock,
        own: Option<&SigningKey>,
    ) -> Result<Vec<Run>, StoreError> {
        let mut room = Room { entries: PAGE_ENTRIES_MAX, bytes: RUNS_BYTES_MAX, is_full: false };
        let mut runs = Vec::new();
        let held = logs.iter().filter_map(|log| Some((log, self.chains.log(log)?)));
        for (log, info) in held {
            let known = theirs.get(log).map(Vec::as_slice).unwrap_or_default();
            let ahead = known
                .iter()
                .any(|tip| info.branches.iter().all(|branch| branch.tip.position < tip.position));
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
                let from =
                    Place { branch: number, position: first.max(held.map_or(0, |held| held + 1)) };
                runs.extend(self.run_from(*log, info, from, own, &mut room)?);
                if room.is_full {
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
        let number = self.logs.get(&log).map(|log| log.number);
        let mut statement = self.sql()?.prepare_cached(
            "SELECT entry.id, position, kind, creates, record, payload, payload_hash, seal,
               (SELECT id FROM entry AS before
                WHERE before.log = entry.log AND before.position = entry.position - 1
                  AND (before.branch = entry.branch OR before.branch = ?4)
                ORDER BY before.branch = entry.branch DESC LIMIT 1)
             FROM entry WHERE log = ?1 AND branch = ?2 AND position >= ?3 ORDER BY position",
        )?;
        let parent = info.branches.get(from.branch as usize).and_then(|branch| branch.parent);
        let parent = parent.map(|place| place.branch);
        let mut rows = statement.query((number, from.branch, from.position as i64, parent))?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut left = *room;
        let mut sealed: Option<([u8; 64], usize, Room)> = None;
        while let Some(row) = rows.next()? {
            let entry = read_entry(log, row)?;
            if !left.take(&entry) {
                break;
            }
            entries.push(entry);
            if let Some(seal) = row.get("seal")? {
                sealed = Some((seal, entries.len(), left));
            }
        }
        let is_own = own.filter(|key| key.device_key() == info.key);
        if let (Some(key), Some(last)) = (is_own, entries.last()) {
            sealed = Some((seal(key, log, last.tip()), entries.len(), left));
        }
        room.is_full = left.is_full;
        // A relay sends up to the last seal that it holds; what lies behind takes no room.
        Ok(sealed.and_then(|(seal, length, left_then)| {
            *room = Room { is_full: left.is_full, ..left_then };
            Run::of(&entries[..length], seal)
        }))
    }

    /// Our own log of this use, under this certificate, that still takes entries, with its tip.
    pub fn own_log(
        &self,
        team: TeamId,
        certificate: EntryId,
        log_use: LogUse,
    ) -> Result<Option<(LogId, Tip)>, StoreError> {
        let mut statement =
            self.sql()?.prepare_cached("SELECT id FROM log WHERE own = ?1 ORDER BY number DESC")?;
        let rows = statement.query_map([log_use.number()], |row| row.get::<_, [u8; 16]>(0))?;
        for id in rows {
            let id = LogId(id?);
            let info = self.chains.log(&id).filter(|info| {
                info.team == team && info.certificate == certificate && info.branches.len() == 1
            });
            if let Some(info) = info {
                return Ok(info.tips().first().map(|tip| (id, *tip)));
            }
        }
        Ok(None)
    }
}

/// What a page can still take.
#[derive(Clone, Copy)]
struct Room {
    entries: u64,
    bytes: u64,
    is_full: bool,
}

impl Room {
    fn take(&mut self, entry: &Entry) -> bool {
        let weight = weight(entry.payload.as_deref());
        match (self.entries.checked_sub(1), self.bytes.checked_sub(weight)) {
            (Some(entries), Some(bytes)) => *self = Room { entries, bytes, ..*self },
            _ => self.is_full = true,
        }
        !self.is_full
    }
}

fn read_entry(log: LogId, row: &rusqlite::Row<'_>) -> Result<Entry, StoreError> {
    let payload: Option<Vec<u8>> = row.get("payload")?;
    let creates: bool = row.get("creates")?;
    let record: Option<[u8; 16]> = row.get("record")?;
    let previous: Option<[u8; 32]> = row.get(8)?;
    let header = Header {
        kind: row.get("kind")?,
        log,
        position: row.get::<_, i64>("position")? as u64,
        previous: previous.map_or(EntryId::NONE, EntryId),
        record: record.filter(|_| !creates).map(RecordId),
        payload_hash: match (&payload, row.get::<_, Option<[u8; 32]>>("payload_hash")?) {
            (Some(payload), _) => *blake3::hash(payload).as_bytes(),
            (None, hash) => hash.ok_or(StoreError::Damaged("a payload's hash"))?,
        },
    };
    Ok(Entry { id: EntryId(row.get("id")?), header, payload })
}
