//! Pages: the runs that another store lacks, as far as it can be told what it holds.

use super::outgoing::Clock;
use super::payload::kept_if_any;
use super::{Store, StoreError};
use crate::identity::SigningKey;
use crate::log::chain::{LogInfo, Place};
use crate::log::entry::{Entry, Header, Tip, seal};
use crate::log::run::{Brought, RUNS_BYTES_MAX, Run, RunEntry, weight};
use crate::model::{EntryId, LogId, RecordId, TeamId};
use std::collections::{BTreeMap, BTreeSet};

/// The most logs that one message gives points of.
const POINT_LOGS_MAX: usize = 100;
/// How many points are enough for one message, of all logs.
const POINTS_MAX: usize = 2_000;
/// The most branches of one log that points are given of, the longest first.
const POINT_BRANCHES_MAX: usize = 16;

/// What the logs that hand out keys may weigh to go with an enrolment; else the first sync brings them.
const KEYS_BYTES_MAX: u64 = 256 << 10;

/// What is known of the other side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its tips.
    pub clock: Clock,
    /// More entries that it holds: where its tips are not held here, they tell where to go on.
    pub points: Clock,
    /// Logs of which it turned a run away: offering them again would starve those behind.
    pub skip: BTreeSet<LogId>,
}

impl Store {
    /// A page of runs that a store lacks: the programme's log first, then those that administer,
    /// then the rest. Empty when it lacks nothing that we can tell. Its entries weigh `weight_max` at
    /// most, but that there is always one.
    pub fn runs_lacked(
        &self,
        teams: &[TeamId],
        peer: &Peer,
        own: Option<&SigningKey>,
        weight_max: u64,
    ) -> Result<Vec<Run>, StoreError> {
        let mut logs = self.logs_in_order(teams);
        logs.retain(|log| !peer.skip.contains(log));
        self.page(&logs, peer, own, weight_max.min(RUNS_BYTES_MAX))
    }

    /// A page of runs of these logs that a store lacks, in this order.
    pub fn page_of(
        &self,
        logs: &[LogId],
        peer: &Peer,
        own: Option<&SigningKey>,
    ) -> Result<Vec<Run>, StoreError> {
        self.page(logs, peer, own, RUNS_BYTES_MAX)
    }

    /// The logs of these teams of which something is carried, in the order in which they travel.
    pub fn logs_in_order(&self, teams: &[TeamId]) -> Vec<LogId> {
        let mut logs: Vec<LogId> = self.offered(teams).map(|(log, _)| *log).collect();
        logs.sort_by_key(|log| self.rank(log));
        logs
    }

    /// How early a log travels: the root's, then those that certify, revoke, accept or erase, because
    /// an entry without payload is taken only by a store that holds its erasure.
    fn rank(&self, log: &LogId) -> u8 {
        match self.chains.log(log) {
            Some(info) if info.key == self.root => 0,
            _ if !self.authority.is_coordinators(log) => 2,
            _ if self.logs.get(log).is_some_and(|log| log.administers) => 1,
            _ => 2,
        }
    }

    /// Entries that we hold of logs that the other side holds otherwise: its tips are not held here,
    /// and it is not just further on. From each tip back at distances of 1, 2, 4, …, so that the
    /// other side finds where the branches part.
    pub fn points(&self, teams: &[TeamId], peer: &Peer) -> Result<Clock, StoreError> {
        let mut points = Clock::new();
        for (log, info) in self.offered(teams).filter(|(log, _)| !peer.skip.contains(log)) {
            let mut parted = false;
            let chained = peer.clock.get(log).into_iter().flatten().filter(|tip| !tip.is_alone());
            for tip in chained {
                parted |= tip.position <= info.length() && !self.holds_chained(&tip.id)?;
            }
            if parted {
                points.insert(*log, self.points_of(log, info)?);
            }
            let named: usize = points.values().map(Vec::len).sum();
            if points.len() == POINT_LOGS_MAX || named >= POINTS_MAX {
                break;
            }
        }
        Ok(points)
    }

    fn points_of(&self, log: &LogId, info: &LogInfo) -> Result<Vec<Tip>, StoreError> {
        let number = self.logs.get(log).map(|log| log.number);
        let reach = |number: u32, branch: &crate::log::chain::Branch| {
            let carried = self.carried.get(log).map_or(0, |log| log.carriage.reach(number));
            branch.tip.position.min(carried)
        };
        let mut branches: Vec<(u32, u64)> = (0..)
            .zip(&info.branches)
            .map(|(number, branch)| (number, reach(number, branch)))
            .filter(|(_, position)| *position > 0)
            .collect();
        branches.sort_by_key(|(_, position)| std::cmp::Reverse(*position));
        let mut wanted: BTreeSet<Place> = BTreeSet::new();
        for (branch, position) in branches.into_iter().take(POINT_BRANCHES_MAX) {
            let path = info.path(Place { branch, position });
            let distances = (0..64).map(|power| 1_u64 << power);
            let back = distances.map_while(|distance| position.checked_sub(distance));
            for position in back.filter(|position| *position > 0).chain([1]) {
                // The path goes from the tip to the root: the last part that reaches so far has it.
                let part = path.iter().rev().find(|part| part.position >= position);
                wanted.extend(part.map(|part| Place { branch: part.branch, position }));
            }
        }
        let mut statement = self.sql()?.prepare_cached(
            "SELECT id FROM entry WHERE log = ?1 AND branch = ?2 AND branch >= 0 AND position = ?3",
        )?;
        let mut points = BTreeSet::new();
        for place in wanted {
            let position = place.position as i64;
            let id = statement.query_row((number, place.branch, position), |row| row.get(0));
            points.insert(Tip { position: place.position, id: EntryId(id?) });
        }
        Ok(points.into_iter().collect())
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
        self.all_of(&logs, own)
    }

    /// The logs that hand out a team's keys, and the programme's code packs, whole, where they are short enough to go with an enrolment.
    pub fn runs_of_keys(&self, team: TeamId, own: &SigningKey) -> Result<Vec<Run>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT DISTINCT log.id FROM entry INDEXED BY entry_administration
               CROSS JOIN log ON log.number = entry.log WHERE kind IN (6, 7) AND kind < 16",
        )?;
        let rows = statement.query_map([], |row| Ok(LogId(row.get(0)?)))?;
        let mut logs: Vec<LogId> = rows.collect::<Result<_, _>>()?;
        let teams = [team, TeamId::PROGRAMME];
        logs.retain(|log| self.chains.log(log).is_some_and(|info| teams.contains(&info.team)));
        // What certifies those who hand them out, first.
        let mut proofs = Vec::new();
        for log in &logs {
            let certificate = self.chains.log(log).map_or(EntryId::NONE, |info| info.certificate);
            if let Some((of, _)) = self.locate(&certificate)?
                && !proofs.contains(&of)
            {
                proofs.push(of);
            }
        }
        let logs: Vec<LogId> = proofs.into_iter().chain(logs).collect();
        let runs = self.all_of(&logs, own)?;
        let weight: u64 = runs.iter().flat_map(|run| &run.entries).map(|e| e.body.weight()).sum();
        Ok(if weight > KEYS_BYTES_MAX { Vec::new() } else { runs })
    }

    /// All runs of these logs, in this order.
    fn all_of(&self, logs: &[LogId], own: &SigningKey) -> Result<Vec<Run>, StoreError> {
        let mut peer = Peer::default();
        let mut runs = Vec::new();
        loop {
            let page = self.page(logs, &peer, Some(own), RUNS_BYTES_MAX)?;
            if page.is_empty() {
                return Ok(runs);
            }
            for run in &page {
                let last = run.expand().last().map(Entry::tip);
                peer.clock.entry(run.log).or_default().extend(last);
            }
            runs.extend(page);
        }
    }

    /// A page of runs of these logs, in this order.
    fn page(
        &self,
        logs: &[LogId],
        peer: &Peer,
        own: Option<&SigningKey>,
        weight_max: u64,
    ) -> Result<Vec<Run>, StoreError> {
        let mut room = self.room(weight_max);
        let mut runs = Vec::new();
        let held = logs.iter().filter_map(|log| Some((log, self.chains.log(log)?)));
        for (log, info) in held {
            let Some(mut theirs) = self.held_by(log, info, peer)? else { continue };
            for (number, branch) in (0u32..).zip(&info.branches) {
                let first = branch.first();
                let position = theirs.get(&number).map_or(first, |held| first.max(held + 1));
                if position > branch.tip.position.min(self.reach(log, number)) {
                    continue;
                }
                let (from, to) = (Place { branch: number, position }, self.reach(log, number));
                let run = self.run_from(*log, info, from, to, own, &mut room)?;
                if let Some(run) = &run
                    && let Some((_, place)) =
                        run.expand().last().map(|last| self.locate(&last.id)).transpose()?.flatten()
                {
                    // It may have gone on along another branch.
                    theirs.extend(info.path(place).into_iter().map(|on| (on.branch, on.position)));
                }
                runs.extend(run);
                if room.is_full {
                    return Ok(runs);
                }
            }
        }
        Ok(runs)
    }

    /// A page of runs from these places on, in the order in which logs travel.
    pub(super) fn page_from(&self, mut from: Vec<(LogId, Place)>) -> Result<Vec<Run>, StoreError> {
        from.sort_by_key(|(log, _)| self.rank(log));
        let mut room = self.room(RUNS_BYTES_MAX);
        let mut runs = Vec::new();
        for (log, place) in from {
            let Some(info) = self.chains.log(&log) else { continue };
            let to = self.reach(&log, place.branch);
            runs.extend(self.run_from(log, info, place, to, None, &mut room)?);
            if room.is_full {
                break;
            }
        }
        Ok(runs)
    }

    /// How far a branch is carried.
    fn reach(&self, log: &LogId, branch: u32) -> u64 {
        self.carried.get(log).map_or(0, |carried| carried.carriage.reach(branch))
    }

    /// Whether an entry is held with what lies before it.
    pub fn holds_chained(&self, id: &EntryId) -> Result<bool, StoreError> {
        Ok(self.locate(id)?.is_some_and(|(_, place)| !place.is_alone()))
    }

    /// Entries of these teams that acceptances bring in and that a store with this clock lacks, as many as
    /// a page takes.
    pub fn brought_lacked(
        &self,
        teams: &[TeamId],
        theirs: &Clock,
    ) -> Result<Vec<Brought>, StoreError> {
        let mut lacked = Vec::new();
        let mut room = self.room(RUNS_BYTES_MAX / 4);
        for (log, _) in self.offered(teams) {
            let Some(carried) = self.carried.get(log) else { continue };
            let theirs = theirs.get(log).map(Vec::as_slice).unwrap_or_default();
            for tip in carried.brought.iter().filter(|tip| !theirs.contains(&Tip::alone(tip.id))) {
                let Some(brought) = self.brought(log, tip.id)? else { continue };
                if !room.take(&brought.expand()) {
                    return Ok(lacked);
                }
                lacked.push(brought);
            }
        }
        Ok(lacked)
    }

    /// An entry with its log's `open`, as it travels without what lies before it.
    pub fn brought(&self, log: &LogId, id: EntryId) -> Result<Option<Brought>, StoreError> {
        let (Some(held), Some(entry)) = (self.logs.get(log), self.whole_entry(log, id)?) else {
            return Ok(None);
        };
        Ok(Some(Brought {
            open: held.open.clone(),
            position: entry.header.position,
            previous: entry.header.previous,
            entry: RunEntry::of(&entry),
        }))
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

    pub(super) fn room(&self, bytes: u64) -> Room {
        Room { entries: self.page_entries_max, bytes, is_full: false, is_empty: true }
    }

    /// How far the other side holds each branch of a log; `None` where it holds some of the log, and
    /// nothing tells yet how much.
    fn held_by(
        &self,
        log: &LogId,
        info: &LogInfo,
        peer: &Peer,
    ) -> Result<Option<BTreeMap<u32, u64>>, StoreError> {
        let of = |clock: &Clock| clock.get(log).cloned().unwrap_or_default();
        let mut named = [of(&peer.clock), of(&peer.points)].concat();
        // What it holds alone says nothing of what lies before.
        named.retain(|tip| !tip.is_alone());
        let mut held: BTreeMap<u32, u64> = BTreeMap::new();
        // From the last on: what lies before one that is known needs no second walk.
        for tip in named.iter().rev() {
            let Some((_, place)) = self.locate(&tip.id)? else { continue };
            if place.is_alone() {
                continue;
            }
            for on in info.path(place) {
                let reach = held.entry(on.branch).or_default();
                if *reach >= on.position {
                    break;
                }
                *reach = on.position;
            }
        }
        Ok((named.is_empty() || !held.is_empty()).then_some(held))
    }

    /// The run from a place on to a position of its branch, as far as the room and the seals held reach.
    /// Where no seal is held on the branch, as below a kept tip of another one that leaves it, the run goes
    /// on along the first branch that is carried and leaves it there, up to that one's seal.
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
            let Some((leaves_at, next)) = next else { return Ok(None) };
            last.last = leaves_at;
            parts.push(next);
            if parts.len() > PARTS_MAX {
                return Ok(None);
            }
        }
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
            "SELECT entry.id, position, kind, changes, payload, payload_hash, seal, schema,
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
        let mut sealed: Option<([u8; 64], usize, Room)> = None;
        'parts: for part in parts {
            let parent = info.branches.get(part.branch as usize).and_then(|branch| branch.parent);
            let parent = parent.map(|place| place.branch);
            let last = part.last.min(i64::MAX as u64) as i64;
            let mut rows =
                statement.query((number, part.branch, part.first as i64, parent, last))?;
            while let Some(row) = rows.next()? {
                let entry = read_entry(log, row)?;
                // A relay never cuts a run before its first seal: it always fits an empty page, but for
                // pages made smaller.
                let may_cut =
                    sealed.is_some() || !room.is_empty || is_own.is_some() && !entries.is_empty();
                if !left.take(&entry) && (may_cut || parts.len() > 1) {
                    break 'parts;
                }
                let seal: Option<[u8; 64]> = row.get("seal")?;
                // Up to where a revocation keeps it, the revocation holds the signature.
                let is_last = entry.header.position == part.last;
                let kept = || self.kept_seal(info.key, log, entry.tip());
                let seal = seal.or_else(|| if is_last { kept() } else { None });
                entries.push(entry);
                if let Some(seal) = seal {
                    sealed = Some((seal, entries.len(), left));
                }
            }
        }
        if let (Some(key), Some(last)) = (is_own, entries.last()) {
            sealed = Some((seal(key, log, last.tip()), entries.len(), left));
        }
        // What no page can hand on keeps nothing else from going.
        room.is_full = left.is_full && (sealed.is_some() || !room.is_empty);
        // A relay sends up to the last seal that it holds; what lies behind takes no room.
        Ok(sealed.and_then(|(seal, length, left_then)| {
            *room = Room { is_full: left.is_full, is_empty: false, ..left_then };
            Run::of(&entries[..length], seal)
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
