//! Pages: the runs that another store lacks, as far as it can be told what it holds.

use super::outgoing::Frontier;
use super::payload::kept;
use super::runs::Room;
use super::{Store, StoreError};
use crate::identity::SigningKey;
use crate::log::chain::{LogInfo, Place};
use crate::log::entry::{Entry, Tip, kind};
use crate::log::payload::Administration;
use crate::log::run::{Brought, RUNS_BYTES_MAX, Run, RunEntry};
use crate::model::{DeviceKey, EntryId, LogId, TeamId};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The most logs that one message gives points of.
const POINT_LOGS_MAX: usize = 100;
/// How many points are enough for one message, of all logs.
const POINTS_MAX: usize = 2_000;
/// The most branches of one log that points are given of, the longest first.
const POINT_BRANCHES_MAX: usize = 16;

/// What logs may weigh that go with an enrolment beside its proof; else the first sync brings them.
const BESIDE_BYTES_MAX: u64 = 256 << 10;

/// What is known of the other side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its tips.
    pub clock: Frontier,
    /// More entries that it holds: where its tips are not held here, they tell where to go on.
    pub points: Frontier,
    /// Logs of which it turned a run away: offering them again would starve those behind.
    pub skip: BTreeSet<LogId>,
}

impl Store {
    /// A page of runs that a store lacks: the programme's log first, then this device's own with what
    /// certifies it, then those that administer, then the rest: whatever others wrote, and however much a
    /// bundle brought of it, nobody's own waits behind it. Empty when it lacks nothing that we can tell. Its
    /// entries weigh `weight_max` at most, but that there is always one run.
    pub fn runs_lacked(
        &self,
        teams: &[TeamId],
        peer: &Peer,
        own: Option<&SigningKey>,
        weight_max: u64,
    ) -> Result<Vec<Run>, StoreError> {
        self.page_lacked(teams, peer, own, self.room(weight_max.min(RUNS_BYTES_MAX)))
    }

    /// The same for who may send so many bytes at most: runs of others that are heavier stay here.
    pub fn runs_lacked_within(
        &self,
        teams: &[TeamId],
        peer: &Peer,
        own: &SigningKey,
        weight_max: u64,
    ) -> Result<Vec<Run>, StoreError> {
        let mut room = self.room(weight_max.min(RUNS_BYTES_MAX));
        room.is_strict = true;
        self.page_lacked(teams, peer, Some(own), room)
    }

    fn page_lacked(
        &self,
        teams: &[TeamId],
        peer: &Peer,
        own: Option<&SigningKey>,
        room: Room,
    ) -> Result<Vec<Run>, StoreError> {
        let mut logs = self.logs_in_order(teams);
        logs.retain(|log| !peer.skip.contains(log));
        if let Some(own) = own.map(SigningKey::device_key) {
            let turned_away = self.own_turned_away(own)?;
            logs.retain(|log| !turned_away.contains(log));
            self.put_own_first(&mut logs, own)?;
        }
        self.page(&logs, peer, own, room)
    }

    /// A page of runs of these logs that a store lacks, in this order.
    pub fn page_of(
        &self,
        logs: &[LogId],
        peer: &Peer,
        own: Option<&SigningKey>,
    ) -> Result<Vec<Run>, StoreError> {
        self.page(logs, peer, own, self.room(RUNS_BYTES_MAX))
    }

    /// The logs of these teams of which something is carried, in the order in which they travel.
    pub fn logs_in_order(&self, teams: &[TeamId]) -> Vec<LogId> {
        let mut logs: Vec<LogId> = self.offered(teams).map(|(log, _)| *log).collect();
        logs.sort_by_key(|log| self.rank(log));
        logs
    }

    fn put_own_first(&self, logs: &mut [LogId], own: DeviceKey) -> Result<(), StoreError> {
        let is_own = |info: &LogInfo| info.key == own;
        let mut certified_in: BTreeSet<LogId> = BTreeSet::new();
        for info in logs.iter().filter_map(|log| self.chains.log(log)).filter(|info| is_own(info)) {
            certified_in.extend(self.locate(&info.certificate)?.map(|(log, _)| log));
        }
        logs.sort_by_key(|log| match self.rank(log) {
            0 => 0,
            _ if certified_in.contains(log) => 1,
            _ if self.chains.log(log).is_some_and(is_own) => 2,
            _ => 3,
        });
        Ok(())
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
    pub fn points(&self, teams: &[TeamId], peer: &Peer) -> Result<Frontier, StoreError> {
        let mut points = Frontier::new();
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

    /// The logs that hand out a team's keys, and the programme's code packs, whole, where they are short enough
    /// to go with an enrolment.
    pub fn runs_of_keys(&self, team: TeamId, own: &SigningKey) -> Result<Vec<Run>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT DISTINCT log.id FROM entry INDEXED BY entry_administration
               CROSS JOIN log ON log.number = entry.log WHERE kind IN (6, 7) AND kind < 16",
        )?;
        let rows = statement.query_map([], |row| Ok(LogId(row.get(0)?)))?;
        let mut logs: Vec<LogId> = rows.collect::<Result<_, _>>()?;
        let teams = [team, TeamId::PROGRAMME];
        logs.retain(|log| self.chains.log(log).is_some_and(|info| teams.contains(&info.team)));
        self.short_with_proofs(logs, own)
    }

    /// The logs that revoke earlier certificates of a device in a team, whole, where they are short enough to go
    /// with an enrolment: it writes on by the new one at once.
    pub fn runs_of_revocations(
        &self,
        device: DeviceKey,
        team: TeamId,
        own: &SigningKey,
    ) -> Result<Vec<Run>, StoreError> {
        let of_device = self.authority.members(team).filter(|(_, key, _)| *key == device);
        let revoked: BTreeSet<EntryId> =
            of_device.map(|(id, _, _)| id).filter(|id| self.authority.is_revoked(id)).collect();
        if revoked.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = self.sql()?.prepare_cached(
            "SELECT log.id, payload FROM entry INDEXED BY entry_administration
               CROSS JOIN log ON log.number = entry.log
             WHERE kind = ?1 AND kind < 16 AND verdict = 1 AND payload IS NOT NULL",
        )?;
        let mut rows = statement.query([kind::REVOKE])?;
        let mut logs = Vec::new();
        while let Some(row) = rows.next()? {
            let (log, payload) = (LogId(row.get(0)?), kept(&row.get::<_, Vec<u8>>(1)?)?);
            let revokes = matches!(
                Administration::decode(kind::REVOKE, &payload),
                Ok(Administration::Revoke { certificate, .. }) if revoked.contains(&certificate)
            );
            if revokes && !logs.contains(&log) {
                logs.push(log);
            }
        }
        self.short_with_proofs(logs, own)
    }

    /// These logs, what certifies those who write them first, as many as go with an enrolment, the shortest first.
    fn short_with_proofs(
        &self,
        logs: Vec<LogId>,
        own: &SigningKey,
    ) -> Result<Vec<Run>, StoreError> {
        let mut proofs = Vec::new();
        for log in &logs {
            let certificate = self.chains.log(log).map_or(EntryId::NONE, |info| info.certificate);
            if let Some((of, _)) = self.locate(&certificate)?
                && !proofs.contains(&of)
            {
                proofs.push(of);
            }
        }
        let weighed = |log: LogId| -> Result<(u64, Vec<Run>), StoreError> {
            let runs = self.all_of(&[log], own)?;
            Ok((runs.iter().flat_map(|run| &run.entries).map(|e| e.body.weight()).sum(), runs))
        };
        let proofs = proofs.into_iter().map(weighed).collect::<Result<Vec<_>, _>>()?;
        let mut logs = logs.into_iter().map(weighed).collect::<Result<Vec<_>, _>>()?;
        // Whoever writes much keeps nobody's from going along.
        logs.sort_by_key(|(weight, _)| *weight);
        let mut room = BESIDE_BYTES_MAX;
        let fitting = proofs.into_iter().chain(logs).filter(|(weight, _)| {
            let fits = *weight <= room;
            room -= if fits { *weight } else { 0 };
            fits
        });
        Ok(fitting.flat_map(|(_, runs)| runs).collect())
    }

    /// All runs of these logs, in this order.
    fn all_of(&self, logs: &[LogId], own: &SigningKey) -> Result<Vec<Run>, StoreError> {
        let mut peer = Peer::default();
        let mut runs = Vec::new();
        loop {
            let page = self.page(logs, &peer, Some(own), self.room(RUNS_BYTES_MAX))?;
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
        mut room: Room,
    ) -> Result<Vec<Run>, StoreError> {
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
    pub(super) fn reach(&self, log: &LogId, branch: u32) -> u64 {
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
        theirs: &Frontier,
    ) -> Result<Vec<Brought>, StoreError> {
        let mut lacked = Vec::new();
        let mut room = self.room(RUNS_BYTES_MAX / 4);
        for (log, _) in self.offered(teams) {
            let Some(carried) = self.carried.get(log) else { continue };
            let theirs = theirs.get(log).map(Vec::as_slice).unwrap_or_default();
            let theirs: HashSet<EntryId> =
                theirs.iter().filter(|tip| tip.is_alone()).map(|tip| tip.id).collect();
            for tip in carried.brought.iter().filter(|tip| !theirs.contains(&tip.id)) {
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

    /// How far the other side holds each branch of a log; `None` where it holds some of the log, and
    /// nothing tells yet how much.
    fn held_by(
        &self,
        log: &LogId,
        info: &LogInfo,
        peer: &Peer,
    ) -> Result<Option<BTreeMap<u32, u64>>, StoreError> {
        let of = |clock: &Frontier| clock.get(log).cloned().unwrap_or_default();
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
}
