//! Entries come in: our own, and runs from others.

use super::Setting;
use super::on_path::Path;
use super::{Settling, Store, StoreError};
use crate::log::chain::Place;
use crate::log::entry::{Entry, Tip, signature_is_good};
use crate::log::payload::Open;
use crate::log::run::{Brought, Run, SignedTip, TurnedAway};
use crate::log::{Author, Ending};
use crate::model::{DeviceKey, EntryId, LogId};
use std::collections::{BTreeMap, BTreeSet};

/// A run whose chain and signature were looked at.
#[derive(Clone, Debug)]
pub struct VerifiedRun {
    /// The log.
    pub log: LogId,
    /// Its entries, with their ids.
    pub entries: Vec<Entry>,
    /// What opens the log, where the run begins it.
    pub open: Option<Open>,
    /// The signature over the last; `None` where the last is held, so that it was not looked at.
    pub signature: Option<[u8; 64]>,
}

/// How often authority is settled among the runs of one message: the root's log, a coordinator's, and once
/// more where one of them came in two runs.
const SETTLED_AMONG_RUNS_MAX: u8 = 4;

/// What of a message can be stored, the signatures looked at.
#[derive(Debug, Default)]
pub struct Incoming {
    /// The runs, each with its place among those sent.
    pub runs: Vec<(u64, VerifiedRun)>,
    /// Entries that acceptances name, each with its place behind the runs.
    pub brought: Vec<(u64, Brought)>,
    /// Tips with their signatures, which were looked at.
    pub signed: Vec<SignedTip>,
}

/// Asked for each new log and branch of an author, whether it may come now: a hub's budget, which delays
/// and never decides.
pub type MayBranch<'a> = &'a mut dyn FnMut(DeviceKey) -> bool;

/// What became of what came in.
#[derive(Debug, Default)]
pub struct Received {
    /// Entries that were not held before and are carried.
    pub new_entries: u64,
    /// Runs that were turned away, by their place among those received.
    pub turned_away: Vec<(u64, TurnedAway)>,
    /// The last carried entry of each run, with its log.
    pub held: Vec<(LogId, Tip)>,
    /// The last of the entries of each run that came, carried or not: what a progress is measured by.
    pub carried: Vec<(LogId, Tip)>,
}

/// What becomes of one run.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) new_entries: u64,
    /// The last entry of it that is carried.
    pub(super) held: Option<Tip>,
    /// Why a part of it is not carried.
    pub(super) turned_away: Option<TurnedAway>,
}

impl Store {
    /// Verifies runs and takes them in: for a device, whose store nobody else waits for.
    pub fn receive(&mut self, runs: &[&Run], heard: &[SignedTip]) -> Result<Received, StoreError> {
        let signed = heard.iter().filter(|signed| signed.is_good()).cloned().collect();
        let mut incoming = Incoming { signed, ..Incoming::default() };
        let mut turned_away = Vec::new();
        let mut opened: BTreeMap<LogId, DeviceKey> = BTreeMap::new();
        for (index, run) in (0..).zip(runs) {
            let known = self.chains.log(&run.log).map(|info| info.key);
            // A long log comes in several runs: only the first says whose it is.
            match run.verify(known.or_else(|| opened.get(&run.log).copied())) {
                Ok((entries, open)) => {
                    opened.extend(open.iter().map(|open| (run.log, open.key)));
                    let signature = Some(run.signature);
                    incoming
                        .runs
                        .push((index, VerifiedRun { log: run.log, entries, open, signature }));
                }
                Err(reason) => turned_away.push((index, reason)),
            }
        }
        let mut received = self.take_in(incoming, &mut |_| true)?;
        self.settle_postponed()?;
        received.turned_away.extend(turned_away);
        received.turned_away.sort_by_key(|(index, _)| *index);
        Ok(received)
    }

    fn take_one(
        &mut self,
        index: u64,
        run: &VerifiedRun,
        may_branch: MayBranch<'_>,
        received: &mut Received,
    ) -> Result<(), StoreError> {
        match self.take_run(run, may_branch)? {
            Ok(taken) => {
                received.new_entries += taken.new_entries;
                if let Some(tip) = taken.held {
                    received.held.push((run.log, tip));
                    if taken.new_entries > 0 {
                        received.carried.push((run.log, tip));
                    }
                }
                received.turned_away.extend(taken.turned_away.map(|why| (index, why)));
            }
            Err(reason) => received.turned_away.push((index, reason)),
        }
        Ok(())
    }

    /// Takes runs again whose certificate, or whose erasure, came behind them: an acceptance brought it, or
    /// authority was settled often enough among the runs.
    fn take_again(
        &mut self,
        incoming: &Incoming,
        may_branch: MayBranch<'_>,
        received: &mut Received,
    ) -> Result<(), StoreError> {
        if incoming.brought.is_empty() && self.judging.settlings < SETTLED_AMONG_RUNS_MAX {
            return Ok(());
        }
        let may_come_now = |(index, why): &(u64, TurnedAway)| {
            let waited = matches!(
                why,
                TurnedAway::NoCertificate
                    | TurnedAway::PayloadMissing
                    | TurnedAway::LogNotHeld
                    | TurnedAway::PreviousNotHeld
            );
            waited.then_some(*index)
        };
        let again: BTreeSet<u64> = received.turned_away.iter().filter_map(may_come_now).collect();
        received.turned_away.retain(|(index, _)| !again.contains(index));
        for (index, run) in incoming.runs.iter().filter(|(index, _)| again.contains(index)) {
            self.take_one(*index, run, may_branch, received)?;
        }
        self.settle_authority_if_stale()
    }

    /// Settles authority among the runs of one message: as often as levels of certificates need, and not
    /// once for each run.
    fn settle_authority_here(&mut self) -> Result<(), StoreError> {
        if self.judging.settlings >= SETTLED_AMONG_RUNS_MAX
            || self.setting(&Setting::AuthorityStale)?.is_none()
        {
            return Ok(());
        }
        self.judging.settlings += 1;
        self.settle_authority_if_stale()
    }

    /// Takes in what was verified. What is not carried is turned away by its reason and stops nothing; a
    /// hub keeps a little of it aside. When this returns, what was taken is durable.
    pub fn take_in(
        &mut self,
        incoming: Incoming,
        may_branch: MayBranch<'_>,
    ) -> Result<Received, StoreError> {
        self.transact(|store| {
            let mut received = Received::default();
            store.judging.settlings = 0;
            store.judging.brought.clear();
            for (index, run) in &incoming.runs {
                store.take_one(*index, run, may_branch, &mut received)?;
            }
            // Even a hub, which settles records behind, acknowledges by certificates.
            store.settle_authority_if_stale()?;
            for (index, brought) in &incoming.brought {
                match store.take_brought(brought)? {
                    Ok((is_new, held)) => {
                        received.new_entries += u64::from(is_new);
                        received.held.push(held);
                        received.carried.extend(is_new.then_some(held));
                    }
                    Err(reason) => received.turned_away.push((*index, reason)),
                }
            }
            store.settle_authority_if_stale()?;
            store.take_again(&incoming, may_branch, &mut received)?;
            for signed in &incoming.signed {
                store.hear(signed)?;
            }
            if store.settling == Settling::Within {
                store.settle_brought()?;
            }
            Ok(received)
        })
    }

    fn take_run(
        &mut self,
        run: &VerifiedRun,
        may_branch: MayBranch<'_>,
    ) -> Result<Result<Taken, TurnedAway>, StoreError> {
        let held = self.logs.get(&run.log).map(|log| log.open.clone());
        let Some(open) = held.or(run.open.clone()) else { return Ok(Err(TurnedAway::LogNotHeld)) };
        if !self.holds_team(open.team) {
            return Ok(Err(TurnedAway::ForeignTeam));
        }
        if self.author_by(&open).is_none() {
            // Its certificate may have come in the same page.
            self.settle_authority_here()?;
        }
        let Some(author) = self.author_by(&open) else { return Ok(Err(TurnedAway::NoCertificate)) };
        let Some(first) = run.entries.first() else { return Ok(Ok(Taken::default())) };
        let mut previous = None;
        if first.header.position > 1 {
            match self.locate(&first.header.previous)? {
                Some((log, place))
                    if log == run.log
                        && !place.is_alone()
                        && place.position + 1 == first.header.position =>
                {
                    previous = Some((log, place));
                }
                Some(_) => return Ok(Err(TurnedAway::Chain)),
                None => return Ok(Err(TurnedAway::PreviousNotHeld)),
            }
        }
        if run.entries.iter().any(|entry| entry.payload.is_none()) {
            self.settle_authority_here()?;
            let erased = |entry: &Entry| {
                entry.record().is_some_and(|record| self.authority.is_erased(open.team, record))
            };
            let lacking =
                run.entries.iter().filter(|entry| entry.payload.is_none() && !erased(entry));
            // What is held is held with what it says: whoever sends it dropped that where it captures only.
            for entry in lacking {
                if !self.holds_chained(&entry.id)? {
                    return Ok(Err(TurnedAway::PayloadMissing));
                }
            }
        }
        // What is held already, in its chain, is passed over.
        let mut new = run.entries.as_slice();
        while let Some((entry, rest)) = new.split_first() {
            match self.locate(&entry.id)? {
                Some((log, place)) if !place.is_alone() => previous = Some((log, place)),
                _ => break,
            }
            if crate::planted!(DedupeOff)
                && let Some(record) = entry.record()
            {
                self.count_again(record)?;
            }
            new = rest;
        }
        self.take_new(run, author, open.key, previous, new, may_branch)
    }

    /// Takes in the entries of a run that are not held, which follow `previous`.
    fn take_new(
        &mut self,
        run: &VerifiedRun,
        author: Author,
        key: DeviceKey,
        previous: Option<(LogId, Place)>,
        new: &[Entry],
        may_branch: MayBranch<'_>,
    ) -> Result<Result<Taken, TurnedAway>, StoreError> {
        let Some(last) = run.entries.last().map(Entry::tip).filter(|_| !new.is_empty()) else {
            return self.take_known(run);
        };
        let reaches = |to: &Result<u64, TurnedAway>| matches!(to, Ok(to) if *to >= last.position);
        let mut to = self.carried_to(&run.log, previous, new)?;
        if !reaches(&to) {
            // Another revocation, which keeps more, may have come in the same page.
            self.settle_authority_here()?;
            to = self.carried_to(&run.log, previous, new)?;
        }
        let to = match to {
            Ok(to) => to,
            Err(reason) => return self.keep_aside(run, author, previous, new, reason),
        };
        // Looked at before anything is stored: a refusal costs nothing.
        let mut path = Path::after(author, previous);
        let mut looked = Vec::with_capacity(new.len());
        for entry in new {
            let on_path = self.look(&mut path, entry)?;
            if let Some(ending) = on_path.ending {
                let is_last = entry.id == last.id;
                match ending {
                    Ending::Newer => return Ok(Err(TurnedAway::Newer)),
                    // The evidence is carried where a signature covers just it.
                    _ if !is_last => return Ok(Err(TurnedAway::Ended)),
                    _ => {}
                }
            }
            looked.push(on_path);
        }
        let carried = new.iter().filter(|entry| entry.header.position <= to).count();
        let mut turned_away = None;
        let mut stored = new;
        if carried < new.len() {
            let (kept, rest) = new.split_at(carried);
            let is_sealed = kept
                .last()
                .is_some_and(|last| self.kept_signature(key, run.log, last.tip()).is_some());
            turned_away = Some(TurnedAway::Revoked);
            if !self.has_room_aside(&run.log, run.open.as_ref(), rest)? {
                match (is_sealed, self.scope.is_some() && !kept.is_empty()) {
                    (true, _) => stored = kept,
                    // Only a signature behind what is kept covers it: the rest of the run is held, hidden.
                    (false, true) => {}
                    (false, false) => return Ok(Err(TurnedAway::Revoked)),
                }
            } else if kept.is_empty() {
                return self.keep_aside(run, author, previous, new, TurnedAway::Revoked);
            }
        }
        if self.starts_a_branch(&run.log, previous) && !may_branch(key) {
            return Ok(Err(TurnedAway::Later));
        }
        let mut path = Path::after(author, previous);
        for (entry, on_path) in stored.iter().zip(looked) {
            self.insert(&mut path, entry, on_path, 0)?;
        }
        let is_aside = self.scope.is_none() && stored.len() == new.len();
        if let Some((_, rest)) = new.split_at_checked(carried).filter(|_| is_aside) {
            self.count_aside(&run.log, rest)?;
        }
        if stored.len() == run.entries.len() || stored.last().map(Entry::tip) == Some(last) {
            self.note_signature(last.id, run.signature)?;
        }
        if let Some(last) = stored.last().filter(|last| last.header.position <= to) {
            // The revocation has the signature over the part that it keeps.
            self.note_signature(last.id, self.kept_signature(key, run.log, last.tip()))?;
        }
        self.close_own_log(&run.log)?;
        let held = stored.get(..carried).and_then(<[Entry]>::last).map(Entry::tip);
        let new_entries = carried.min(stored.len()) as u64;
        Ok(Ok(Taken { new_entries, held: held.or(self.last_carried(run)?), turned_away }))
    }

    /// A run of which everything is held.
    fn take_known(&mut self, run: &VerifiedRun) -> Result<Result<Taken, TurnedAway>, StoreError> {
        if let Some(last) = run.entries.last() {
            self.note_signature(last.id, run.signature)?;
        }
        let held = self.last_carried(run)?;
        let is_whole = held == run.entries.last().map(Entry::tip);
        let turned_away = (!is_whole).then(|| self.why_hidden(&run.log));
        Ok(Ok(Taken { new_entries: 0, held, turned_away }))
    }

    /// Up to which position entries behind `previous` are carried by what revocations keep; an error where
    /// `previous` stands at or behind an end, or is not carried.
    fn carried_to(
        &self,
        log: &LogId,
        previous: Option<(LogId, Place)>,
        new: &[Entry],
    ) -> Result<Result<u64, TurnedAway>, StoreError> {
        if crate::planted!(RelayPastRevocation) {
            return Ok(Ok(u64::MAX));
        }
        let info = self.chains.log(log);
        if let (Some((_, place)), Some(info)) = (previous, info) {
            let sound = info.sound_of(place.branch);
            let branch = info.branches.get(place.branch as usize);
            let ends_before = branch.and_then(|branch| branch.end).is_some_and(|(at, ending)| {
                place.position >= at || (ending == Ending::Newer && place.position + 1 >= at)
            });
            if place.position > sound || ends_before {
                let is_newer = branch.and_then(|branch| branch.end).is_some_and(|(at, ending)| {
                    ending == Ending::Newer && place.position + 1 >= at
                });
                return Ok(Err(if is_newer { TurnedAway::Newer } else { TurnedAway::Ended }));
            }
        }
        let open_certificate = self.logs.get(log).map(|log| log.open.certificate);
        let revoked = open_certificate.or_else(|| {
            let payload = new.first()?.payload.as_deref()?;
            Open::decode(payload).ok().map(|open| open.certificate)
        });
        if !revoked.is_some_and(|certificate| self.authority.is_revoked(&certificate)) {
            return Ok(Ok(u64::MAX));
        }
        let is_sound = |place: &Place| {
            !place.is_alone()
                && info.is_some_and(|info| info.sound_of(place.branch) >= place.position)
        };
        let mut kept: Vec<Tip> = match self.authority.standing(log) {
            // Held where its chain stands, a tip shows by itself what it keeps.
            Some(standing) => {
                let kept = standing.cuts.iter().flatten();
                kept.filter(|kept| kept.held.is_none_or(|at| !is_sound(&at)))
                    .map(|kept| kept.tip)
                    .collect()
            }
            None => self.authority.kept_of(&revoked.unwrap_or(EntryId::NONE), log).concat(),
        };
        // From the highest on: the first that is not held tells, so that few are looked up.
        kept.sort_unstable_by_key(|tip| std::cmp::Reverse(tip.position));
        let mut new: Vec<(EntryId, u64)> =
            new.iter().map(|entry| (entry.id, entry.header.position)).collect();
        new.sort_unstable();
        let mut to = 0;
        for tip in kept {
            if tip.position <= to {
                break;
            }
            to = match new.binary_search_by_key(&tip.id, |(id, _)| *id) {
                Ok(at) => new[at].1.max(to),
                Err(_) => match self.locate(&tip.id)? {
                    Some((of, place)) if of == *log && is_sound(&place) => to,
                    _ => tip.position,
                },
            };
        }
        Ok(Ok(to))
    }

    /// The signature over a tip that a revocation carries, where it is this device's.
    pub(super) fn kept_signature(&self, key: DeviceKey, log: LogId, tip: Tip) -> Option<[u8; 64]> {
        let signature = self.authority.kept_signature(tip.id, key)?;
        signature_is_good(&key, log, tip, &signature).then_some(signature)
    }

    pub(super) fn note_signature(
        &self,
        id: EntryId,
        signature: Option<[u8; 64]>,
    ) -> Result<(), StoreError> {
        if let Some(signature) = signature {
            self.sql()?
                .prepare_cached(
                    "UPDATE entry SET signature = ?2 WHERE id = ?1 AND signature IS NULL",
                )?
                .execute((id.0, signature))?;
        }
        Ok(())
    }

    /// A device that hears of an entry of its own log that it does not hold was restored or cloned:
    /// it goes on in a new log.
    pub(super) fn close_own_log(&self, log: &LogId) -> Result<(), StoreError> {
        self.sql()?
            .prepare_cached("UPDATE log SET own = 3 WHERE id = ?1 AND own IN (1, 2, 4, 5, 6)")?
            .execute([log.0])?;
        Ok(())
    }

    /// Whether a run that goes on behind `previous` starts a log or leaves a branch.
    fn starts_a_branch(&self, log: &LogId, previous: Option<(LogId, Place)>) -> bool {
        let Some(info) = self.chains.log(log) else { return true };
        let branch = previous
            .and_then(|(_, place)| Some((place, info.branches.get(place.branch as usize)?)));
        branch.is_none_or(|(place, branch)| branch.tip.position != place.position)
    }
}
