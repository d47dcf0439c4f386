//! What of the logs held is carried here: how far each branch goes, and which entries acceptances bring in.

use super::{Store, StoreError};
use crate::log::authority::Standing;
use crate::log::chain::{LogInfo, Place};
use crate::log::ending::Ending;
use crate::log::entry::{Entry, Tip, kind};
use crate::log::payload::Waived;
use crate::log::run::{Brought, TurnedAway};
use crate::log::{Author, Carriage};
use crate::model::{DeviceKey, EntryId, LogId, TeamId};

/// Whether an entry that came alone is new, and where it stands.
type TakenAlone = (bool, (LogId, Tip));

/// What is carried of one log.
#[derive(Default)]
pub(super) struct CarriedLog {
    pub(super) carriage: Carriage,
    /// Its last entries, where they are not those of its branches.
    tips: Option<Vec<Tip>>,
    /// Entries beyond, which acceptances name.
    pub(super) brought: Vec<Tip>,
}

/// What tells whether an acceptance brings an entry in.
#[derive(Clone, Copy)]
pub(super) struct Looked {
    pub(super) id: EntryId,
    pub(super) kind: u8,
    pub(super) ending: Option<Ending>,
}

impl Store {
    /// What is carried of all logs, from authority as it stands.
    pub(super) fn load_carriage(&mut self) -> Result<(), StoreError> {
        self.carried.clear();
        let logs: Vec<LogId> = self.chains.iter().map(|(log, _)| *log).collect();
        logs.iter().try_for_each(|log| self.refresh_carriage(log))?;
        self.load_brought()
    }

    /// Looks at one log anew: it forked, or ended, or authority changed.
    pub(super) fn refresh_carriage(&mut self, log: &LogId) -> Result<(), StoreError> {
        let (Some(info), Some(standing)) = (self.chains.log(log), self.authority.standing(log))
        else {
            self.carried.remove(log);
            return Ok(());
        };
        let carriage = standing.carriage(info);
        let is_whole = |place: &Place| {
            let branch = info.branches.get(place.branch as usize);
            branch.is_some_and(|branch| branch.tip.position == place.position)
        };
        let places = carriage.tips(info);
        let tips = if places.len() == info.branches.len() && places.iter().all(is_whole) {
            None
        } else {
            Some(self.tips_at(log, &places)?)
        };
        let brought = self.carried.remove(log).map(|carried| carried.brought).unwrap_or_default();
        self.carried.insert(*log, CarriedLog { carriage, tips, brought });
        Ok(())
    }

    /// Notes an entry that goes on behind another, or begins a branch of a log that nothing cuts, without a
    /// look at all other branches; returns whether that tells what is carried.
    pub(super) fn note_next(&mut self, entry: &Entry, place: Place, begins: bool) -> bool {
        let log = &entry.header.log;
        let (Some(info), Some(carried)) = (self.chains.log(log), self.carried.get_mut(log)) else {
            return false;
        };
        if begins {
            // One that leaves another behind its end is not carried.
            if info.sound_of(place.branch) < place.position {
                return false;
            }
            carried.carriage.add_branch(info.branches.last().and_then(|branch| branch.parent));
        }
        let is_carried = carried.carriage.carries(place);
        match &mut carried.tips {
            Some(tips) if is_carried => {
                tips.retain(|tip| tip.id != entry.header.previous);
                tips.push(entry.tip());
                true
            }
            Some(_) => true,
            None => is_carried,
        }
    }

    fn tips_at(&self, log: &LogId, places: &[Place]) -> Result<Vec<Tip>, StoreError> {
        let mut tips = Vec::new();
        for place in places {
            tips.push(Tip { position: place.position, id: self.id_at_place(log, *place)? });
        }
        Ok(tips)
    }

    pub(super) fn id_at_place(&self, log: &LogId, place: Place) -> Result<EntryId, StoreError> {
        let number = self.logs.get(log).map(|log| log.number);
        let mut statement = self.sql()?.prepare_cached(
            "SELECT id FROM entry
             WHERE log = ?1 AND branch = ?2 AND branch >= 0 AND position = ?3",
        )?;
        let id =
            statement.query_row((number, place.branch, place.position as i64), |row| row.get(0))?;
        Ok(EntryId(id))
    }

    /// The entries that acceptances name and that are not carried by their chain, log by log.
    pub(super) fn load_brought(&mut self) -> Result<(), StoreError> {
        self.carried.values_mut().for_each(|carried| carried.brought.clear());
        let named: Vec<EntryId> = self.authority.brought().copied().collect();
        for id in named {
            self.note_brought(id)?;
        }
        Ok(())
    }

    /// Notes whether an entry that an acceptance may name is among those that are carried beyond their chain.
    pub(super) fn note_brought(&mut self, id: EntryId) -> Result<(), StoreError> {
        let mut statement =
            self.sql()?.prepare_cached("SELECT kind, ends FROM entry WHERE id = ?1")?;
        let mut rows = statement.query([id.0])?;
        let Some(row) = rows.next()? else { return Ok(()) };
        let looked = Looked { id, kind: row.get(0)?, ending: Ending::from_number(row.get(1)?) };
        drop(rows);
        drop(statement);
        let Some((log, place)) = self.locate(&id)? else { return Ok(()) };
        let is_beyond = !self.is_carried_by_chain(&log, place) && self.is_brought(&log, looked);
        let tip = Tip { position: place.position, id };
        if let Some(carried) = self.carried.get_mut(&log) {
            match (carried.brought.binary_search(&tip), is_beyond) {
                (Err(at), true) => carried.brought.insert(at, tip),
                // Its chain came.
                (Ok(at), false) => _ = carried.brought.remove(at),
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes in an entry that an acceptance names, without what lies before it.
    pub(super) fn take_brought(
        &mut self,
        brought: &Brought,
    ) -> Result<Result<TakenAlone, TurnedAway>, StoreError> {
        let (entry, open) = (brought.expand(), &brought.open);
        let log = entry.header.log;
        if !self.holds_team(open.team) {
            return Ok(Err(TurnedAway::ForeignTeam));
        }
        let Some(author) = self.author_by(open) else { return Ok(Err(TurnedAway::NoCertificate)) };
        let waives = self.authority.waives(&entry.id, Waived::Revoked, open.key, open.team);
        let looked = Self::looked_at(author, &entry);
        if !waives || entry.header.position < 2 || looked.ending.is_some_and(Ending::is_by_content)
        {
            return Ok(Err(TurnedAway::NotAccepted));
        }
        let held = (log, Tip::alone(entry.id));
        if self.locate(&entry.id)?.is_some() {
            return Ok(Ok((false, held)));
        }
        let is_erased =
            entry.record().is_some_and(|record| self.authority.is_erased(open.team, record));
        if entry.payload.is_none() && !is_erased {
            return Ok(Err(TurnedAway::PayloadMissing));
        }
        self.insert_alone(open, &entry)?;
        Ok(Ok((true, held)))
    }

    /// The signature kept with an entry, which was looked at when it came, and what it is over.
    pub(super) fn signature_held(
        &self,
        id: EntryId,
    ) -> Result<Option<(LogId, Tip, [u8; 64])>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT log.id, position, signature FROM entry JOIN log ON log.number = entry.log
             WHERE entry.id = ?1 AND signature IS NOT NULL",
        )?;
        let mut rows = statement.query([id.0])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let tip = Tip { position: row.get::<_, i64>(1)? as u64, id };
        Ok(Some((LogId(row.get(0)?), tip, row.get(2)?)))
    }

    /// Whether an acceptance that stands brings an entry of this log in, past a cut or behind an end. One
    /// that itself ends a branch by what it says is never brought in.
    pub(super) fn is_brought(&self, log: &LogId, looked: Looked) -> bool {
        let is_of_kind = looked.kind == kind::CERTIFY || looked.kind >= kind::RECORDS_FROM;
        is_of_kind
            && !looked.ending.is_some_and(Ending::is_by_content)
            && self.chains.log(log).is_some_and(|info| {
                self.authority.waives(&looked.id, Waived::Revoked, info.key, info.team)
            })
    }

    /// What authority makes of a log whose certificate stands.
    pub(super) fn standing(&self, log: &LogId) -> Option<(&LogInfo, &Standing)> {
        Some((self.chains.log(log)?, self.authority.standing(log)?))
    }

    /// Whether a log's certificate stands, and no revocation names it.
    pub(super) fn is_uncut(&self, log: &LogId) -> bool {
        self.authority.standing(log).is_some_and(|standing| standing.cuts.is_empty())
    }

    /// Who writes a log, by a certificate that stands here.
    pub fn author_of(&self, log: &LogId) -> Option<Author> {
        self.authority.standing(log).map(|standing| standing.author)
    }

    /// Whether an entry is carried by its chain in a log of this device's.
    pub fn carries_of(&self, id: &EntryId, device: DeviceKey) -> Result<bool, StoreError> {
        let Some((log, place)) = self.locate(id)? else { return Ok(false) };
        let is_of = self.chains.log(&log).is_some_and(|info| info.key == device);
        Ok(is_of && self.is_carried_by_chain(&log, place))
    }

    pub(super) fn is_carried_by_chain(&self, log: &LogId, place: Place) -> bool {
        self.carried.get(log).is_some_and(|carried| carried.carriage.carries(place))
    }

    /// Whether an entry held is carried.
    pub(super) fn is_carried(&self, log: &LogId, place: Place, id: EntryId) -> bool {
        self.carried.get(log).is_some_and(|carried| {
            let tip = Tip { position: place.position, id };
            carried.carriage.carries(place) || carried.brought.binary_search(&tip).is_ok()
        })
    }

    /// Whether anything of a log is carried.
    pub fn is_carried_log(&self, log: &LogId) -> bool {
        self.carried.contains_key(log) && !self.tips(log).is_empty()
    }

    /// The last entries carried of a log: of its branches, and those that acceptances bring in.
    pub fn tips(&self, log: &LogId) -> Vec<Tip> {
        let (Some(info), Some(carried)) = (self.chains.log(log), self.carried.get(log)) else {
            return Vec::new();
        };
        let mut tips = match &carried.tips {
            Some(tips) => tips.clone(),
            None => info.branches.iter().map(|branch| branch.tip).collect(),
        };
        tips.extend(carried.brought.iter().map(|tip| Tip::alone(tip.id)));
        tips.sort();
        if crate::planted!(TipsWithoutForks) {
            tips.truncate(1);
        }
        tips
    }

    /// How often the logs of a team, or of all teams, forked, in what is carried.
    pub fn forks(&self, team: Option<TeamId>) -> u64 {
        let of_team = |log: &LogId| {
            self.chains.log(log).is_some_and(|info| team.is_none_or(|team| team == info.team))
        };
        let carried = self.carried.iter().filter(|(log, _)| of_team(log));
        carried.map(|(_, carried)| carried.carriage.forks()).sum()
    }

    /// The logs of these teams of which something is carried.
    pub(super) fn offered(&self, teams: &[TeamId]) -> impl Iterator<Item = (&LogId, &LogInfo)> {
        let of_teams = self.chains.iter().filter(|(_, info)| teams.contains(&info.team));
        of_teams.filter(|(log, _)| self.is_carried_log(log))
    }

    /// The last entry of a run that is carried with all before it. What an acceptance brings in is not: it
    /// says nothing of what lies before.
    pub(super) fn last_carried(
        &self,
        run: &super::ingest::VerifiedRun,
    ) -> Result<Option<Tip>, StoreError> {
        for entry in run.entries.iter().rev() {
            if let Some((log, place)) = self.locate(&entry.id)?
                && self.is_carried_by_chain(&log, place)
            {
                return Ok(Some(entry.tip()));
            }
        }
        Ok(None)
    }

    /// Why what is held of a log is not carried.
    pub(super) fn why_hidden(&self, log: &LogId) -> TurnedAway {
        match self.authority.standing(log) {
            None => TurnedAway::NoCertificate,
            Some(standing) if standing.cuts.is_empty() => TurnedAway::Ended,
            Some(_) => TurnedAway::Revoked,
        }
    }
}
