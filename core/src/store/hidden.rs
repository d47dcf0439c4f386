//! What this device wrote and cannot bring to the hub by itself: its certificate fell, or was revoked.

use super::Setting;
use super::delivery::Reason;
use super::{Frontier, Store, StoreError};
use crate::identity::SigningKey;
use crate::log::chain::{LogInfo, Place};
use crate::log::entry::{Tip, kind};
use crate::log::run::Run;
use crate::model::{DeviceKey, EntryId, LogId, TeamId};
use std::collections::{BTreeMap, BTreeSet};

/// The most tips of a device's own logs that one message tells it of.
pub const OWN_TOLD_MAX: usize = 4_000;
/// How many entries that a hub may only keep aside go in one run: it keeps a run whole or not at all.
pub const ASIDE_RUN_ENTRIES: u64 = 250;
/// And how much they weigh, in bytes, unless it is a single one.
pub const ASIDE_RUN_BYTES: u64 = 128 << 10;

/// How far what is hidden was offered to the hub, as noted from one sync to the next.
struct Offered {
    /// Of what is hidden, and what of it was accepted.
    digest: [u8; 32],
    /// So many runs of it.
    runs: u64,
    /// Whether all of them.
    is_whole: bool,
    /// Whether what was accepted goes with them, to a hub of this epoch that may hold nothing before it.
    is_all: bool,
    epoch: Vec<u8>,
}

impl Offered {
    /// How far it is offered now: what changed since is offered from the first on.
    fn after(before: Option<Self>, digest: [u8; 32], epoch: Vec<u8>) -> Self {
        match before {
            Some(before) if before.digest == digest && before.epoch == epoch => before,
            before => {
                let is_known = before.is_some_and(|before| {
                    before.epoch == epoch && (before.is_whole || !before.is_all)
                });
                Offered { digest, runs: 0, is_whole: false, is_all: !is_known, epoch }
            }
        }
    }

    fn encode(&self) -> Vec<u8> {
        let flags = [u8::from(self.is_whole), u8::from(self.is_all)];
        [self.digest.as_slice(), &self.runs.to_be_bytes(), &flags, &self.epoch].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (digest, rest) = bytes.split_first_chunk()?;
        let (runs, rest) = rest.split_first_chunk()?;
        let ([is_whole, is_all], epoch) = rest.split_first_chunk()?;
        Some(Offered {
            digest: *digest,
            runs: u64::from_be_bytes(*runs),
            is_whole: *is_whole == 1,
            is_all: *is_all == 1,
            epoch: epoch.to_vec(),
        })
    }
}

impl Store {
    /// This device's own logs of these teams, each with its number here.
    pub(super) fn own_logs(&self, teams: &[TeamId]) -> Result<Vec<(LogId, i64)>, StoreError> {
        let mut own = self.sql()?.prepare_cached("SELECT id, number FROM log WHERE own > 0")?;
        let rows = own.query_map([], |row| Ok((LogId(row.get(0)?), row.get(1)?)))?;
        let rows: Vec<(LogId, i64)> = rows.collect::<Result<_, _>>()?;
        let is_of = |log: &LogId| self.team_of(log).is_some_and(|team| teams.contains(&team));
        Ok(rows.into_iter().filter(|(log, _)| is_of(log)).collect())
    }

    /// How many entries of this device's own logs of these teams, but for those that open logs, are neither
    /// carried nor accepted, because their certificate fell or was revoked, and are not known to be at the hub:
    /// no sync brings them there, and this store may have the only copy.
    pub fn own_hidden(&self, teams: &[TeamId]) -> Result<u64, StoreError> {
        let mut beyond = self.sql()?.prepare_cached(
            "SELECT id, position FROM entry
             WHERE log = ?1 AND branch = ?2 AND branch >= 0 AND position > ?3 AND kind <> ?4
               AND id NOT IN (SELECT entry FROM own_accepted)",
        )?;
        let mut hidden = 0;
        for (log, number, place) in self.hidden_from(teams, &BTreeMap::new())? {
            let seen = place.position - 1;
            let mut rows = beyond.query((number, place.branch, seen as i64, kind::OPEN))?;
            while let Some(row) = rows.next()? {
                let place = Place { position: row.get::<_, i64>(1)? as u64, ..place };
                hidden += u64::from(!self.is_carried(&log, place, EntryId(row.get(0)?)));
            }
        }
        Ok(hidden)
    }

    /// Where each branch of this device's own logs of these teams is no longer carried, nor known to be at the
    /// hub, with the log's number here; of logs that the hub turned away, where it is not known to be at the hub.
    fn hidden_from(
        &self,
        teams: &[TeamId],
        turned_away: &BTreeMap<i64, u8>,
    ) -> Result<Vec<(LogId, i64, Place)>, StoreError> {
        let mut own = self.sql()?.prepare_cached("SELECT id, number FROM log WHERE own > 0")?;
        let mut known = self
            .sql()?
            .prepare_cached("SELECT position FROM on_hub WHERE log = ?1 AND branch = ?2")?;
        let mut hidden = Vec::new();
        let mut rows = own.query([])?;
        while let Some(row) = rows.next()? {
            let (log, number) = (LogId(row.get(0)?), row.get::<_, i64>(1)?);
            let of_teams = |info: &&LogInfo| teams.contains(&info.team);
            let Some(info) = self.chains.log(&log).filter(of_teams) else { continue };
            for (branch, held) in (0u32..).zip(&info.branches) {
                let carried = self.carried.get(&log).map_or(0, |log| log.carriage.reach(branch));
                let carried = if turned_away.contains_key(&number) { 0 } else { carried };
                let on_hub: Option<i64> =
                    known.query_map((number, branch), |row| row.get(0))?.next().transpose()?;
                let start = held.parent.map_or(0, |parent| parent.position);
                let seen = carried.max(on_hub.unwrap_or(0) as u64).max(start);
                if held.tip.position > seen {
                    hidden.push((log, number, Place { branch, position: seen + 1 }));
                }
            }
        }
        Ok(hidden)
    }

    /// Runs of what this device wrote and a revocation hides, or the hub turned away, as far as a page takes them: a
    /// hub keeps a little of it aside for coordinators. What was accepted is passed over where a run would begin
    /// with it. With them what to note once the hub answered, so that the next sync goes on behind them; nothing
    /// where all was offered, and nothing changed since.
    pub fn runs_hidden(
        &self,
        teams: &[TeamId],
        own: &SigningKey,
        weight_max: u64,
    ) -> Result<(Vec<Run>, Vec<u8>), StoreError> {
        let mut accepted = self.sql()?.prepare_cached(
            "SELECT position FROM own_accepted CROSS JOIN entry ON entry.id = own_accepted.entry
             WHERE log = ?1 AND branch = ?2 AND branch >= 0 AND position >= ?3",
        )?;
        let mut hasher = blake3::Hasher::new();
        // A hub that was put back, and one that lets this device read again, is offered all anew.
        let epoch = self.setting(&Setting::HubEpoch)?.unwrap_or_default();
        hasher.update(&epoch).update(&self.setting(&Setting::Unread)?.unwrap_or_default());
        let mut hidden = Vec::new();
        for (log, number, from) in self.hidden_from(teams, &self.turned_away_revoked()?)? {
            // Without a certificate that stands a hub keeps nothing.
            let Some((info, standing)) = self.standing(&log) else { continue };
            let asked = (number, from.branch, from.position as i64);
            let accepted = accepted.query_map(asked, |row| row.get::<_, i64>(0))?;
            let accepted: BTreeSet<u64> =
                accepted.map(|at| at.map(|at| at as u64)).collect::<Result<_, _>>()?;
            let tip =
                info.branches.get(from.branch as usize).map_or(0, |branch| branch.tip.position);
            hasher.update(&[u8::from(standing.cuts.is_empty())]);
            hasher.update(&log.0).update(&from.branch.to_be_bytes());
            for number in [from.position, tip, accepted.len() as u64] {
                hasher.update(&number.to_be_bytes());
            }
            hidden.push((log, info, from, tip, accepted));
        }
        let digest = *hasher.finalize().as_bytes();
        let before = Offered::decode(&self.setting(&Setting::Offered)?.unwrap_or_default());
        let mut offered = Offered::after(before, digest, epoch);
        if hidden.is_empty() || offered.is_whole {
            return Ok((Vec::new(), Vec::new()));
        }
        let mut room = self.room(weight_max);
        let mut runs = Vec::new();
        let mut at = 0;
        offered.is_whole = true;
        for (log, info, mut from, tip, accepted) in hidden {
            loop {
                // The `open` goes with each that is accepted. A hub that was put back may hold what was
                // accepted apart, and nothing of what lies before it: it is offered all.
                let is_passed = |position: u64| {
                    accepted.contains(&position) || position == 1 && accepted.contains(&2)
                };
                while !offered.is_all && is_passed(from.position) {
                    from.position += 1;
                }
                if from.position > tip {
                    break;
                }
                if room.is_full {
                    offered.is_whole = false;
                    break;
                }
                let to = tip.min(from.position + ASIDE_RUN_ENTRIES - 1);
                let mut of_run = self.room(ASIDE_RUN_BYTES);
                let run = self.run_from(log, info, from, to, Some(own), &mut of_run)?;
                let Some(run) = run else { break };
                from.position += run.entries.len() as u64;
                at += 1;
                if at <= offered.runs {
                    continue;
                }
                // What is heavier than the page goes alone in one.
                let is_within = run.expand().iter().all(|entry| room.take(entry));
                if is_within || runs.is_empty() {
                    offered.runs = at;
                    runs.push(run);
                }
            }
        }
        offered.is_whole &= at == offered.runs;
        Ok((runs, offered.encode()))
    }

    /// The logs that the hub turned away because their certificate is revoked.
    fn turned_away_revoked(&self) -> Result<BTreeMap<i64, u8>, StoreError> {
        let mut turned_away = self.turned_away()?;
        turned_away.retain(|_, code| Reason::from_code(*code) == Reason::Revoked);
        Ok(turned_away)
    }

    /// The logs of this device that the hub turned away as revoked, which go by [`Store::runs_hidden`], or for want
    /// of a certificate, which wait until it knows that.
    pub(super) fn own_turned_away(&self, own: DeviceKey) -> Result<BTreeSet<LogId>, StoreError> {
        let mut turned_away = self.turned_away()?;
        turned_away.retain(|_, code| {
            [Reason::Revoked, Reason::NoCertificate].contains(&Reason::from_code(*code))
        });
        let is_own = |log: &LogId| self.chains.log(log).is_some_and(|info| info.key == own);
        let logs = self
            .logs
            .iter()
            .filter(|(log, held)| turned_away.contains_key(&held.number) && is_own(log));
        Ok(logs.map(|(log, _)| *log).collect())
    }

    /// What is carried of a device's logs in these teams, as many tips as one message tells: a revoked device,
    /// which reads no team, hears so what became of its own. Those that acceptances bring in come last.
    pub fn carried_of(&self, device: DeviceKey, teams: &[TeamId]) -> Vec<(LogId, Tip)> {
        let of_device = self.chains.iter().filter(|(_, info)| info.key == device);
        let of_teams = of_device.filter(|(_, info)| teams.contains(&info.team));
        let mut tips: Vec<(LogId, Tip)> = Vec::new();
        let mut brought: Vec<(LogId, Tip)> = Vec::new();
        for (log, _) in of_teams {
            tips.extend(
                self.tips(log).into_iter().filter(|tip| !tip.is_alone()).map(|tip| (*log, tip)),
            );
            let carried = self.carried.get(log).into_iter().flat_map(|carried| &carried.brought);
            brought.extend(carried.map(|tip| (*log, Tip::alone(tip.id))));
        }
        // From the first on, so that where there are more than one message tells, those that it tells are passed
        // over, and the rest follows.
        tips.append(&mut brought);
        tips.truncate(OWN_TOLD_MAX);
        tips
    }

    /// Notes, durably, which entries of this device's own the hub says are accepted, as it says now: what it
    /// named before and does not name any more is aside again, but for what this store carries of a team that it
    /// may read.
    pub fn note_own_accepted(
        &mut self,
        told: &Frontier,
        readable: &[TeamId],
    ) -> Result<(), StoreError> {
        let known = self.own_accepted()?;
        let mut is_own = self.sql()?.prepare_cached(
            "SELECT 1 FROM entry JOIN log ON log.number = entry.log WHERE entry.id = ?1 AND own > 0",
        )?;
        // Where there are more than one message tells, what is known stays.
        let is_cut = told.values().map(Vec::len).sum::<usize>() >= OWN_TOLD_MAX;
        let mut now: BTreeSet<EntryId> = if is_cut { known.clone() } else { BTreeSet::new() };
        for tip in told.values().flatten().filter(|tip| tip.is_alone()) {
            if known.contains(&tip.id) || is_own.exists([tip.id.0])? {
                now.insert(tip.id);
            }
        }
        for id in &known {
            let place = self.locate(id)?;
            if let Some((log, place)) = place
                && self.team_of(&log).is_some_and(|team| readable.contains(&team))
                && self.is_carried(&log, place, *id)
            {
                now.insert(*id);
            }
        }
        drop(is_own);
        if now == known {
            return Ok(());
        }
        self.transact(|store| {
            let sql = store.sql()?;
            let mut delete = sql.prepare_cached("DELETE FROM own_accepted WHERE entry = ?1")?;
            known.difference(&now).try_for_each(|id| delete.execute([id.0]).map(drop))?;
            let mut insert = sql.prepare_cached("INSERT INTO own_accepted VALUES (?1)")?;
            now.difference(&known).try_for_each(|id| insert.execute([id.0]).map(drop))?;
            Ok(())
        })
    }

    /// Notes that of its own entries in these teams, of which the hub now holds the same as this store, those that
    /// acceptances bring in are there.
    pub(super) fn note_own_brought(&self, teams: &[TeamId]) -> Result<(), StoreError> {
        let mut insert =
            self.sql()?.prepare_cached("INSERT OR IGNORE INTO own_accepted VALUES (?1)")?;
        for id in self.own_brought(teams)? {
            insert.execute([id.0])?;
        }
        Ok(())
    }

    /// Whether all of them are noted.
    pub(super) fn has_own_brought(&self, teams: &[TeamId]) -> Result<bool, StoreError> {
        let brought = self.own_brought(teams)?;
        Ok(brought.is_empty() || brought.is_subset(&self.own_accepted()?))
    }

    fn own_brought(&self, teams: &[TeamId]) -> Result<BTreeSet<EntryId>, StoreError> {
        let own = self.own_logs(teams)?;
        let brought = own.iter().filter_map(|(log, _)| self.carried.get(log));
        Ok(brought.flat_map(|carried| &carried.brought).map(|tip| tip.id).collect())
    }

    fn own_accepted(&self) -> Result<BTreeSet<EntryId>, StoreError> {
        let mut known = self.sql()?.prepare_cached("SELECT entry FROM own_accepted")?;
        let rows = known.query_map([], |row| Ok(EntryId(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many entries of a branch beyond a position the hub said are accepted.
    pub(super) fn accepted_beyond(
        &self,
        log: i64,
        branch: u32,
        position: i64,
    ) -> Result<u64, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT count(*) FROM own_accepted JOIN entry ON entry.id = own_accepted.entry
             WHERE log = ?1 AND branch = ?2 AND branch >= 0 AND position > ?3",
        )?;
        Ok(statement.query_row((log, branch, position), |row| row.get::<_, i64>(0))? as u64)
    }
}
