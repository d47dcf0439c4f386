//! What the hub is known to hold, so that a device can say what waits.

use super::Setting;
use super::payload::kept_if_any;
use super::rows::last_id_of;
use super::{Frontier, OF_RECORD, RECORD, Store, StoreError};
use crate::log::TurnedAway;
use crate::log::chain::Place;
use crate::log::entry::Tip;
use crate::log::payload::RecordPayload;
use crate::model::{EntryId, LogId, RecordId, TeamId, UnixMillis};
use std::collections::{BTreeMap, BTreeSet};

/// A log, a branch, up to where the hub holds it, and how many entries lie beyond.
type Beyond = (i64, u32, i64, u64);
/// A digest of a clock: BLAKE3 of its canonical bytes, the first 16.
pub type FrontierDigest = [u8; 16];

/// Whether the hub is known to hold all of a record that this store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Some of it is only here, as far as is known.
    Waiting,
    /// The hub acknowledged all of it.
    OnHub,
    /// The hub turned some of it away, by this reason: it is only here, and counts nowhere else, until a
    /// coordinator looks at it.
    Aside(Reason),
}

/// Why a hub turned entries of this device away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// This device's certificate was revoked before the hub saw them.
    Revoked,
    /// The hub knows of no certificate of this device that holds.
    NoCertificate,
    /// Another one: a fault, or a hub of an older version.
    Other(u8),
}

impl Reason {
    /// The reason of this number (docs/protocol.md, turned away).
    pub fn from_code(code: u8) -> Self {
        match TurnedAway::from_code(code) {
            Some(TurnedAway::Revoked) => Reason::Revoked,
            Some(TurnedAway::NoCertificate) => Reason::NoCertificate,
            _ => Reason::Other(code),
        }
    }

    /// Its name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Revoked => "revoked",
            Reason::NoCertificate => "no_certificate",
            Reason::Other(_) => "other",
        }
    }
}

/// What a store holds that the hub is not known to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitingForHub {
    /// How many entries.
    pub entries: u64,
    /// How many records they create or change.
    pub records: u64,
    /// Since when the first of them waits, by its author's clock and what its log knew.
    pub since: Option<UnixMillis>,
    /// How many entries of this device the hub turned away, which no sync will bring there.
    pub aside: u64,
    /// Why the last of those were.
    pub why_aside: Option<Reason>,
}

/// The digest of a clock.
pub fn digest_of(clock: &Frontier) -> FrontierDigest {
    let mut hasher = blake3::Hasher::new_derive_key("kitbag clock 1");
    for (log, tips) in clock {
        hasher.update(&log.0).update(&(tips.len() as u64).to_be_bytes());
        for tip in tips {
            hasher.update(&tip.position.to_be_bytes()).update(&tip.id.0);
        }
    }
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    digest
}

impl Store {
    /// The digest of the clock of these teams and the programme's scope.
    pub fn clock_digest(&self, teams: &[TeamId]) -> FrontierDigest {
        digest_of(&self.clock(teams))
    }

    /// The last entry of each branch in these teams that the hub is known to hold.
    pub fn hub_clock(&self, teams: &[TeamId]) -> Result<Frontier, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT log.id, entry.position, entry.id FROM on_hub
               CROSS JOIN log ON log.number = on_hub.log
               CROSS JOIN entry INDEXED BY entry_place ON entry.log = on_hub.log AND entry.branch = on_hub.branch
                 AND entry.branch >= 0 AND entry.position = on_hub.position",
        )?;
        let rows = statement.query_map([], |row| {
            let tip = Tip { position: row.get::<_, i64>(1)? as u64, id: EntryId(row.get(2)?) };
            Ok((LogId(row.get(0)?), tip))
        })?;
        let mut clock = Frontier::new();
        for row in rows {
            let (log, tip) = row?;
            if self.chains.log(&log).is_some_and(|info| teams.contains(&info.team)) {
                clock.entry(log).or_default().push(tip);
            }
        }
        clock.values_mut().for_each(|tips| tips.sort());
        Ok(clock)
    }

    /// Notes entries that the hub says it holds, durably, with all before them.
    pub fn note_on_hub(&mut self, held: &Frontier) -> Result<(), StoreError> {
        if held.is_empty() {
            return Ok(());
        }
        self.transact(|store| held.iter().try_for_each(|(log, tips)| store.mark_on_hub(log, tips)))
    }

    /// Notes the hub's whole clock of these teams, durably: what it does not show waits again, as
    /// after a hub was restored from a backup; but for logs that it left out.
    pub fn note_hub_clock(
        &mut self,
        teams: &[TeamId],
        clock: &Frontier,
        not_shown: &BTreeSet<LogId>,
    ) -> Result<(), StoreError> {
        if self.hub_clock(teams)? == *clock {
            return Ok(());
        }
        self.transact(|store| {
            let of_teams = store
                .logs
                .iter()
                .filter(|(id, log)| teams.contains(&log.open.team) && !not_shown.contains(*id));
            of_teams.into_iter().try_for_each(|(log, _)| store.forget_on_hub(log))?;
            clock.iter().try_for_each(|(log, tips)| store.mark_on_hub(log, tips))
        })
    }

    /// Notes, durably, that the hub and this store hold the same, what the hub gave for next time, and
    /// up to which signature heard it was told, where not all could be.
    pub fn note_agreement(
        &mut self,
        teams: &[TeamId],
        cursor: &[u8],
        told_to: Option<i64>,
    ) -> Result<(), StoreError> {
        let ours = self.clock(teams);
        let heard = told_to.map_or_else(|| self.last_heard(), Ok)?;
        let known = self.hub_clock(teams)?;
        let is_noted = self.setting(&Setting::Cursor)?.as_deref() == Some(cursor)
            && self.told()? == heard
            && known == ours
            && self.has_own_brought(teams)?;
        if is_noted {
            return Ok(());
        }
        self.transact(|store| {
            let others = known.iter().filter(|(log, tips)| ours.get(*log) != Some(*tips));
            others.into_iter().try_for_each(|(log, _)| store.forget_on_hub(log))?;
            let new = ours.iter().filter(|(log, tips)| known.get(*log) != Some(*tips));
            new.into_iter().try_for_each(|(log, tips)| store.mark_on_hub(log, tips))?;
            store.note_own_brought(teams)?;
            store.put_setting(&Setting::Cursor, cursor)?;
            store.put_setting(&Setting::Told, &heard.to_be_bytes())
        })
    }

    /// Notes the hub's epoch, the first bytes of its cursors. Another one than before says that the hub
    /// was put back: nothing is known of what it holds until it says so again.
    pub fn note_hub_epoch(&mut self, cursor: &[u8]) -> Result<bool, StoreError> {
        let Some(epoch) = cursor.get(..8) else { return Ok(false) };
        let before = self.setting(&Setting::HubEpoch)?;
        if before.as_deref() == Some(epoch) {
            return Ok(false);
        }
        self.transact(|store| {
            let sql = store.sql()?;
            store.put_setting(&Setting::HubEpoch, epoch)?;
            if before.is_some() {
                sql.execute("DELETE FROM on_hub", [])?;
                store.drop_setting(&Setting::Cursor)?;
                store.drop_setting(&Setting::Told)?;
                // What it kept aside may be gone, too: it is offered again.
                sql.execute("DELETE FROM turned_away", [])?;
                sql.execute("DELETE FROM own_accepted", [])?;
            }
            Ok(before.is_some())
        })
    }

    /// Notes, durably, which of these teams the hub keeps from this device. Of its own logs there it names all
    /// that it carries: what it was known to hold and does not name, it holds no more, as where a revocation
    /// came later that does not keep it. Of its logs that the hub turned away for want of a certificate, those that
    /// it names, and those of teams that it lets the device read, are offered again, where a sync begins.
    pub fn note_unread(
        &mut self,
        unread: &[TeamId],
        told: &Frontier,
        begins: bool,
    ) -> Result<(), StoreError> {
        let named: Vec<u8> = unread.iter().flat_map(|team| team.0).collect();
        if self.setting(&Setting::Unread)?.unwrap_or_default() != named {
            self.set(&[(Setting::Unread, named)])?;
        }
        let mut not_there = Vec::new();
        for (log, number) in self.own_logs(unread)? {
            // A tip that is not held here, as after this device was put back, does not tell how far the hub is.
            let mut is_ahead = false;
            for tip in told.get(&log).into_iter().flatten().filter(|tip| !tip.is_alone()) {
                is_ahead |= self.locate(&tip.id)?.is_none();
            }
            if is_ahead {
                continue;
            }
            let known = self.known_on_hub(number)?;
            let reach = self.reached(&log, told.get(&log).map_or(&[], Vec::as_slice))?;
            if known.iter().any(|(branch, to)| reach.get(branch).is_none_or(|reach| reach < to)) {
                not_there.push(log);
            }
        }
        let mut again = if begins { self.turned_away()? } else { BTreeMap::new() };
        let (unknown, revoked) = (TurnedAway::NoCertificate.code(), TurnedAway::Revoked.code());
        again.retain(|_, code| [unknown, revoked].contains(code));
        let is_kept_out = |log: &LogId| {
            self.team_of(log).is_none_or(|team| unread.contains(&team)) && !told.contains_key(log)
        };
        let logs = if again.is_empty() { None } else { Some(&self.logs) };
        for (log, held) in logs.into_iter().flatten() {
            // A hub that spoke of a revocation that is not here may have been somebody else.
            let is_unread = unread.contains(&held.open.team);
            let is_cut = again.get(&held.number) == Some(&revoked);
            if is_cut && (is_unread || !self.is_uncut(log)) || is_kept_out(log) {
                again.remove(&held.number);
            }
        }
        if not_there.is_empty() && again.is_empty() {
            return Ok(());
        }
        self.transact(|store| {
            let mut delete =
                store.sql()?.prepare_cached("DELETE FROM turned_away WHERE log = ?1")?;
            again.keys().try_for_each(|log| delete.execute([log]).map(drop))?;
            for log in not_there {
                store.forget_on_hub(&log)?;
                store.mark_on_hub(&log, told.get(&log).map_or(&[], Vec::as_slice))?;
            }
            Ok(())
        })
    }

    /// Up to where each branch of a log is known to be on the hub.
    fn known_on_hub(&self, log: i64) -> Result<BTreeMap<u32, u64>, StoreError> {
        let mut known =
            self.sql()?.prepare_cached("SELECT branch, position FROM on_hub WHERE log = ?1")?;
        let rows = known.query_map([log], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What certifies a log of this device's is offered again, but for logs that were already: the hub does not know
    /// it any more. Returns whether there is any.
    pub fn offer_proofs(
        &mut self,
        log: LogId,
        offered: &BTreeSet<LogId>,
    ) -> Result<bool, StoreError> {
        let teams: Vec<TeamId> = self.team_of(&log).into_iter().collect();
        if !self.own_logs(&teams)?.iter().any(|(own, _)| *own == log) {
            return Ok(false);
        }
        let mut proofs = Vec::new();
        let mut next = Some(log);
        while let Some(certificate) = next.and_then(|log| Some(self.chains.log(&log)?.certificate))
        {
            next = self.locate(&certificate)?.map(|(log, _)| log);
            proofs.extend(next.filter(|log| !offered.contains(log)));
        }
        self.transact(|store| proofs.iter().try_for_each(|log| store.forget_on_hub(log)))?;
        Ok(!proofs.is_empty())
    }

    fn forget_on_hub(&self, log: &LogId) -> Result<(), StoreError> {
        self.notice_delivery();
        let Some(number) = self.logs.get(log).map(|log| log.number) else { return Ok(()) };
        self.sql()?.prepare_cached("DELETE FROM on_hub WHERE log = ?1")?.execute([number])?;
        Ok(())
    }

    fn mark_on_hub(&self, log: &LogId, tips: &[Tip]) -> Result<(), StoreError> {
        self.notice_delivery();
        let Some(number) = self.logs.get(log).map(|log| log.number) else { return Ok(()) };
        let mut insert = self.sql()?.prepare_cached(
            "INSERT INTO on_hub (log, branch, position) VALUES (?1, ?2, ?3)
             ON CONFLICT (log, branch) DO UPDATE SET position = max(position, ?3)",
        )?;
        for (branch, position) in self.reached(log, tips)? {
            insert.execute((number, branch, position as i64))?;
        }
        Ok(())
    }

    /// Up to where these entries of a log, those that are held, lie on each branch, with all before them.
    fn reached(&self, log: &LogId, tips: &[Tip]) -> Result<BTreeMap<u32, u64>, StoreError> {
        let mut reached: BTreeMap<u32, u64> = BTreeMap::new();
        let Some(info) = self.chains.log(log) else { return Ok(reached) };
        // From the last on: what lies before one that is known needs no second walk.
        for tip in tips.iter().rev().filter(|tip| !tip.is_alone()) {
            let Some((of, place)) = self.locate(&tip.id)? else { continue };
            if of != *log || place.is_alone() {
                continue;
            }
            for Place { branch, position } in info.path(place) {
                let reach = reached.entry(branch).or_default();
                if *reach >= position {
                    break;
                }
                *reach = position;
            }
        }
        Ok(reached)
    }

    /// What the hub is not known to hold of these teams.
    pub fn waiting_for_hub(&self, teams: &[TeamId]) -> Result<WaitingForHub, StoreError> {
        let mut waiting = WaitingForHub::default();
        let turned_away = self.turned_away()?;
        let mut first = self.sql()?.prepare_cached(
            "SELECT payload, id FROM entry WHERE log = ?1 AND branch = ?2 AND branch >= 0 AND position > ?3
               AND kind >= 16 AND payload IS NOT NULL ORDER BY position LIMIT 1",
        )?;
        let mut records = BTreeSet::new();
        let mut of_branch = self.sql()?.prepare_cached(&format!(
            "SELECT DISTINCT {RECORD} FROM entry
             WHERE log = ?1 AND branch = ?2 AND branch >= 0 AND position > ?3 AND kind >= 16"
        ))?;
        for (log, branch, beyond, entries) in self.beyond_hub(teams)? {
            if let Some(code) = turned_away.get(&log) {
                // What opens a log says nothing that could be lost.
                let opens = u64::from(branch == 0 && beyond == 0);
                let accepted = self.accepted_beyond(log, branch, beyond)?;
                let aside = entries.saturating_sub(accepted + opens);
                waiting.aside += aside;
                if aside > 0 {
                    waiting.why_aside = Some(Reason::from_code(*code));
                }
                continue;
            }
            waiting.entries += entries;
            for record in
                of_branch.query_map((log, branch, beyond), |row| row.get::<_, [u8; 16]>(0))?
            {
                records.insert(record?);
            }
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, EntryId(row.get(1)?)));
            let first = first.query_map((log, branch, beyond), read)?.next().transpose()?;
            let at = match first {
                Some((payload, id)) => kept_if_any(payload)?
                    .and_then(|payload| RecordPayload::clock_of(&payload))
                    .map(|at| self.told_time(id, at))
                    .transpose()?,
                None => None,
            };
            waiting.since = waiting.since.into_iter().chain(at).min();
        }
        waiting.records = records.len() as u64;
        Ok(waiting)
    }

    /// The logs, by this store's numbers, of which the hub turned entries away, with the reason.
    pub(super) fn turned_away(&self) -> Result<BTreeMap<i64, u8>, StoreError> {
        let mut statement = self.sql()?.prepare_cached("SELECT log, reason FROM turned_away")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes, durably, that the hub turned entries of these logs away, for good as far as it says; and of
    /// those of which it names more than it was known to hold, that it takes them again.
    pub fn note_turned_away(
        &mut self,
        turned_away: &[(LogId, u8)],
        held: &Frontier,
    ) -> Result<(), StoreError> {
        let numbers = |log: &LogId| self.logs.get(log).map(|log| log.number);
        let away: Vec<(i64, u8)> =
            turned_away.iter().filter_map(|(log, code)| Some((numbers(log)?, *code))).collect();
        let known = self.turned_away()?;
        let mut taken: Vec<i64> = Vec::new();
        for (log, tips) in held {
            let number = numbers(log).filter(|number| known.contains_key(number));
            let Some(number) = number.filter(|log| away.iter().all(|(away, _)| away != log)) else {
                continue;
            };
            let known = self.known_on_hub(number)?;
            let reach = self.reached(log, tips)?;
            if reach.iter().any(|(branch, to)| known.get(branch).is_none_or(|known| known < to)) {
                taken.push(number);
            }
        }
        let is_new = away.iter().any(|(log, code)| known.get(log) != Some(code));
        if !is_new && taken.is_empty() {
            return Ok(());
        }
        self.transact(|store| {
            let sql = store.sql()?;
            for log in taken {
                sql.execute("DELETE FROM turned_away WHERE log = ?1", [log])?;
            }
            for (log, code) in away {
                sql.execute("INSERT OR REPLACE INTO turned_away VALUES (?1, ?2)", (log, code))?;
            }
            Ok(())
        })
    }

    /// The logs of these teams of which something waits for the hub.
    pub fn logs_beyond_hub(&self, teams: &[TeamId]) -> Result<BTreeSet<LogId>, StoreError> {
        let numbers: BTreeSet<i64> =
            self.beyond_hub(teams)?.into_iter().map(|(log, _, _, _)| log).collect();
        let waiting = self.logs.iter().filter(|(_, log)| numbers.contains(&log.number));
        Ok(waiting.map(|(id, _)| *id).collect())
    }

    /// How many entries of these teams the hub is not known to hold, and did not turn away.
    pub fn entries_beyond_hub(&self, teams: &[TeamId]) -> Result<u64, StoreError> {
        let turned_away = self.turned_away()?;
        let beyond = self.beyond_hub(teams)?.into_iter();
        let waiting = beyond.filter(|(log, _, _, _)| !turned_away.contains_key(log));
        Ok(waiting.map(|(_, _, _, entries)| entries).sum())
    }

    /// By log and branch, the position up to which the hub is known to hold it.
    pub(super) fn beyond_hub(&self, teams: &[TeamId]) -> Result<Vec<Beyond>, StoreError> {
        let sql = "SELECT position FROM on_hub WHERE log = ?1 AND branch = ?2";
        let mut known = self.sql()?.prepare_cached(sql)?;
        let mut beyond = Vec::new();
        for (log, info) in self.offered(teams) {
            let Some(number) = self.logs.get(log).map(|log| log.number) else { continue };
            for (branch, held) in (0u32..).zip(&info.branches) {
                let reach = self.carried.get(log).map_or(0, |log| log.carriage.reach(branch));
                let start = held.parent.map_or(0, |parent| parent.position as i64);
                let position: Option<i64> =
                    known.query_map((number, branch), |row| row.get(0))?.next().transpose()?;
                let position = position.unwrap_or(start).max(start);
                let tip = held.tip.position.min(reach);
                let entries = tip.saturating_sub(position as u64);
                if entries > 0 {
                    beyond.push((number, branch, position, entries));
                }
            }
        }
        Ok(beyond)
    }

    /// Whether the hub is known to hold all of a record that is held here; `None` where nothing of it is.
    pub fn delivery(&self, record: RecordId) -> Result<Option<Delivery>, StoreError> {
        let of_record = (record.0, last_id_of(record));
        let mut held = self
            .sql()?
            .prepare_cached(&format!("SELECT 1 FROM entry WHERE {OF_RECORD} LIMIT 1"))?;
        if !held.exists(of_record)? {
            return Ok(None);
        }
        let waits = self
            .sql()?
            .prepare_cached(&format!(
                "SELECT 1 FROM entry
                   LEFT JOIN on_hub ON on_hub.log = entry.log AND on_hub.branch = entry.branch
                 WHERE {OF_RECORD} AND entry.branch >= 0
                   AND entry.position > coalesce(on_hub.position, 0)
                   AND entry.id NOT IN (SELECT entry FROM own_accepted) LIMIT 1",
            ))?
            .exists(of_record)?;
        if !waits {
            return Ok(Some(Delivery::OnHub));
        }
        let mut aside = self.sql()?.prepare_cached(&format!(
            "SELECT reason FROM entry JOIN turned_away ON turned_away.log = entry.log
               LEFT JOIN on_hub ON on_hub.log = entry.log AND on_hub.branch = entry.branch
             WHERE {OF_RECORD} AND entry.position > coalesce(on_hub.position, 0)
               AND entry.id NOT IN (SELECT entry FROM own_accepted) LIMIT 1"
        ))?;
        let reason = aside.query_map(of_record, |row| row.get(0))?.next().transpose()?;
        Ok(Some(reason.map_or(Delivery::Waiting, |code| Delivery::Aside(Reason::from_code(code)))))
    }

    /// Up to which signature heard the hub was told.
    pub(super) fn told(&self) -> Result<i64, StoreError> {
        let told = self.setting(&Setting::Told)?.and_then(|told| told.try_into().ok());
        Ok(told.map_or(0, i64::from_be_bytes))
    }
}
