//! What this device wrote and cannot bring to the hub by itself: its certificate fell, or was revoked.

use super::{Clock, Store, StoreError};
use crate::identity::SigningKey;
use crate::log::chain::{LogInfo, Place};
use crate::log::entry::{Tip, kind};
use crate::log::run::Run;
use crate::model::{DeviceKey, EntryId, LogId, TeamId};

/// The most accepted entries of a device that one message tells it of.
const ACCEPTED_TOLD_MAX: usize = 1_000;

impl Store {
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
        for (log, number, place) in self.hidden_from(teams)? {
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
    /// hub, with the log's number here.
    fn hidden_from(&self, teams: &[TeamId]) -> Result<Vec<(LogId, i64, Place)>, StoreError> {
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

    /// Runs of what this device wrote and a revocation hides, as far as a page takes them: a hub keeps a little
    /// of it aside for coordinators. What it turned away before is not offered once more.
    pub fn runs_hidden(
        &self,
        teams: &[TeamId],
        own: &SigningKey,
        weight_max: u64,
    ) -> Result<Vec<Run>, StoreError> {
        let turned_away = self.turned_away()?;
        let mut room = self.room(weight_max);
        let mut runs = Vec::new();
        for (log, number, from) in self.hidden_from(teams)? {
            // Without a certificate that stands a hub keeps nothing.
            let Some((info, _)) = self.standing(&log) else { continue };
            let tip =
                info.branches.get(from.branch as usize).map_or(0, |branch| branch.tip.position);
            if room.is_full || turned_away.contains_key(&number) {
                continue;
            }
            runs.extend(self.run_from(log, info, from, tip, Some(own), &mut room)?);
        }
        Ok(runs)
    }

    /// The entries of a device in these teams that acceptances bring in, as many as one message tells: a revoked
    /// device, which reads no team, hears so what became of its own.
    pub fn accepted_of(&self, device: DeviceKey, teams: &[TeamId]) -> Vec<(LogId, Tip)> {
        let of_device = self.chains.iter().filter(|(_, info)| info.key == device);
        let of_teams = of_device.filter(|(_, info)| teams.contains(&info.team));
        let brought = of_teams.flat_map(|(log, _)| {
            let carried = self.carried.get(log).into_iter();
            carried.flat_map(|carried| &carried.brought).map(|tip| (*log, Tip::alone(tip.id)))
        });
        brought.take(ACCEPTED_TOLD_MAX).collect()
    }

    /// Notes, durably, which entries of this device's own the hub says are accepted.
    pub fn note_own_accepted(&mut self, told: &Clock) -> Result<(), StoreError> {
        let mut is_new = self.sql()?.prepare_cached(
            "SELECT 1 FROM entry JOIN log ON log.number = entry.log WHERE entry.id = ?1 AND own > 0
               AND entry.id NOT IN (SELECT entry FROM own_accepted)",
        )?;
        let mut new: Vec<EntryId> = Vec::new();
        for tip in told.values().flatten().filter(|tip| tip.is_alone()) {
            if is_new.exists([tip.id.0])? {
                new.push(tip.id);
            }
        }
        drop(is_new);
        if new.is_empty() {
            return Ok(());
        }
        self.transact(|store| {
            let mut insert =
                store.sql()?.prepare_cached("INSERT OR IGNORE INTO own_accepted VALUES (?1)")?;
            new.iter().try_for_each(|id| insert.execute([id.0]).map(drop))?;
            Ok(())
        })
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
