//! What people do, and what becomes of messages: one function for each kind of step.

use super::Failure;
use super::forms::{self, KINDS, word};
use super::hostile::Hostile;
use super::oracle::{Answer, Deed, Hand, Intent, Label, Said, Waiver, Word};
use super::plan::Step;
use super::rogue::aside;
use super::story;
use super::world::{COORDINATORS, HUB, Pending, ROOT, TEAMS, WORKERS, World};
use crate::disk::{Disk, Stop};
use kitbag_core::engine::EngineError;
use kitbag_core::log::entry::kind;
use kitbag_core::log::payload::{Administration, Waived};
use kitbag_core::log::{Refusal, Verdict};
use kitbag_core::model::{
    CivilDate, ElementName, EntryId, Kind, Operation, RecordId, TeamId, Value,
};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

type Dice = ChaCha8Rng;

impl World {
    pub(super) fn act(&mut self, step: Step, dice: &mut Dice) -> Result<(), Failure> {
        let anybody = dice.random_range(COORDINATORS[0]..self.phones.len());
        let worker = self.some_worker(dice);
        story::begins(step, self.today(), (anybody, worker));
        match step {
            Step::Create => self.create(anybody, dice),
            Step::Correct => self.correct(anybody, dice),
            Step::Void => {
                let reason = ["test", "undone"].choose(dice).copied();
                let answer = if dice.random_bool(0.6) {
                    word(reason.unwrap_or("test"))
                } else {
                    Answer::Nothing
                };
                self.change(anybody, dice, |_, _, _| vec![Deed::Put("void".to_owned(), answer)])
            }
            Step::Duplicate => self.change(anybody, dice, |_, others, dice| {
                let other = others.choose(dice).map_or(Answer::Nothing, |id| word(&id.to_string()));
                vec![Deed::Put("duplicate_of".to_owned(), other)]
            }),
            Step::Add => self.add(anybody, dice),
            Step::PutIn => self.put_in(anybody, dice),
            Step::Undo => self.undo(anybody, dice),
            Step::Sync => self.sync(dice.random_range(0..self.phones.len()), dice),
            Step::Carry => self.carry(anybody, dice),
            Step::Deliver => self.deliver(dice),
            Step::Lose | Step::Twice | Step::Cut => {
                self.disturb(step, dice);
                Ok(())
            }
            Step::Settle => {
                let settled = self.hub().settle_some();
                self.after_hub(settled).map(drop)
            }
            Step::Revoke => self.revoke(dice),
            Step::Certify => self.certify_anew(worker, dice),
            Step::Accept => self.accept(dice),
            Step::Erase => self.erase(dice),
            Step::Crash => {
                let at = dice.random_range(0..=self.phones.len());
                let machine = self.phones.get(at).map_or(HUB.to_owned(), |p| p.machine.clone());
                let stop = if dice.random_bool(0.3) { Stop::Killed } else { Stop::PowerLoss };
                self.arm(&machine, dice.random_range(0..40), stop);
                Ok(())
            }
            Step::BackUp => {
                self.close(worker);
                let backup = Disk::with(|disk| disk.back_up(&self.phones[worker].machine));
                self.phones[worker].backup = Some(backup);
                self.open(worker)
            }
            Step::Restore => {
                let Some(backup) = self.phones[worker].backup.clone() else { return Ok(()) };
                self.close(worker);
                Disk::with(|disk| disk.restore(&self.phones[worker].machine, &backup));
                self.open(worker)?;
                self.note_what_may_be_gone()
            }
            Step::Clone if self.phones.len() < WORKERS.end + 2 => self.clone_phone(worker),
            Step::Clone => Ok(()),
            Step::BackUpHub => {
                self.close_hub();
                self.hub_backup = Some(Disk::with(|disk| disk.back_up(HUB)));
                self.reopen_hub()
            }
            Step::RestoreHub => {
                let Some(backup) = self.hub_backup.clone() else { return Ok(()) };
                self.close_hub();
                Disk::with(|disk| disk.restore(HUB, &backup));
                self.reopen_hub()?;
                self.note_what_may_be_gone()
            }
            Step::Reopen => {
                self.close(anybody);
                self.open(anybody)
            }
            Step::Leave => self.leave(worker, dice),
            Step::Hostile => self.hostile_act(dice),
            Step::NewPhone => self.new_phone(dice),
            Step::Import => self.import(anybody, dice),
            Step::KeepApart => self.keep_apart(anybody, dice),
            Step::Label => self.call(anybody, dice),
            Step::Clock => {
                self.set_clock(anybody, dice);
                Ok(())
            }
        }
    }

    fn some_worker(&self, dice: &mut Dice) -> usize {
        let workers: Vec<usize> = WORKERS.chain(WORKERS.end..self.phones.len()).collect();
        workers.choose(dice).copied().unwrap_or(WORKERS.start)
    }

    pub(super) fn team_of(&mut self, at: usize, dice: &mut Dice) -> Result<Option<usize>, Failure> {
        let mut teams = Vec::new();
        for team in 0..TEAMS.len() {
            if self.is_member(at, team)? {
                teams.push(team);
            }
        }
        Ok(teams.choose(dice).copied())
    }

    fn create(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        let Some(team) = self.team_of(at, dice)? else { return Ok(()) };
        // Reversals are half of them: they are what programmes record most carefully.
        let kind =
            if dice.random_bool(0.5) { 17 } else { KINDS.choose(dice).copied().unwrap_or(17) };
        let site = ["riverside", "station", "north"].choose(dice).copied().unwrap_or("north");
        let days = self.some_days();
        let mut deeds = forms::creation(kind, &days, dice);
        deeds.extend(dice.random_bool(0.1).then(forms::note));
        deeds.push(Deed::Put("site".to_owned(), word(site)));
        deeds.push(Deed::Put("occurred_on".to_owned(), self.some_date(dice)));
        if dice.random_bool(0.1) {
            deeds.push(Deed::Put("through".to_owned(), self.some_date(dice)));
        }
        let by = self.hand(at, team)?;
        let operations = deeds.iter().map(|deed| operation(kind, deed)).collect();
        let intent = self.intent(by, (kind, None), BTreeSet::new(), deeds);
        let of_kind = Kind::from_number(kind).ok_or(Failure("an unknown kind".to_owned()))?;
        self.save_new(at, (team, of_kind), (intent, operations), dice)
    }

    /// The label of an intent that is not saved yet is all zeros, and so is its record's where it
    /// creates one.
    pub(super) fn intent(
        &self,
        by: Hand,
        (kind, record): (u8, Option<Label>),
        after: BTreeSet<Label>,
        deeds: Vec<Deed>,
    ) -> Intent {
        let record = record.unwrap_or_default();
        Intent { id: [0; 32], by, record, kind, after, deeds }
    }

    /// Somebody changes a record that their screen shows.
    pub(super) fn change(
        &mut self,
        at: usize,
        dice: &mut Dice,
        deeds: impl FnOnce(u8, &[RecordId], &mut Dice) -> Vec<Deed>,
    ) -> Result<(), Failure> {
        let Some(team) = self.team_of(at, dice)? else { return Ok(()) };
        let records = self.engine(at).store().record_ids(TEAMS[team])?;
        let Some(id) = records.choose(dice).copied() else { return Ok(()) };
        let kind = self.engine(at).get(id)?.kind.number();
        let deeds = deeds(kind, &records, dice);
        self.change_record(at, (team, id), deeds)
    }

    fn change_record(
        &mut self,
        at: usize,
        (team, id): (usize, RecordId),
        deeds: Vec<Deed>,
    ) -> Result<(), Failure> {
        let shown = self.engine(at).get(id)?;
        let saw: BTreeSet<Label> = shown.history.iter().map(|change| change.entry.0).collect();
        let after: BTreeSet<Label> = shown.heads.iter().map(|entry| entry.0).collect();
        self.builds_on_all(&saw, &after)?;
        let record = shown.history.first().map(|change| change.entry.0);
        let by = self.hand(at, team)?;
        let kind = shown.kind.number();
        let operations = deeds.iter().map(|deed| operation(kind, deed)).collect();
        let intent = self.intent(by, (kind, record), after, deeds);
        let saved = self.save(at, (shown.team, shown.kind, Some(id)), operations);
        self.after_try(at, intent, saved)
    }

    /// Whether what a change names leads to everything that the screen showed.
    fn builds_on_all(&self, saw: &BTreeSet<Label>, after: &BTreeSet<Label>) -> Result<(), Failure> {
        let mut next: Vec<Label> = after.iter().copied().collect();
        let mut reached = after.clone();
        while let Some(label) = next.pop() {
            let known = self.done.intents.iter().find(|intent| intent.id == label);
            let elements = known.into_iter().flat_map(|intent| &intent.deeds);
            let elements = elements.filter_map(|deed| match deed {
                Deed::PutIn((entry, _), _, _) => Some(*entry),
                _ => None,
            });
            let record = known.map(|intent| intent.record);
            let named = known.into_iter().flat_map(|intent| intent.after.iter().copied());
            next.extend(named.chain(elements).chain(record).filter(|label| reached.insert(*label)));
        }
        if saw.is_subset(&reached) {
            Ok(())
        } else {
            Err(Failure("a screen shows more than a change is built on".to_owned()))
        }
    }

    fn correct(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        let date = self.some_date(dice);
        self.change(at, dice, |kind, _, dice| {
            let choices = [
                forms::correction(kind, dice),
                ("note".to_owned(), word(forms::SEALED)),
                ("site".to_owned(), word(["riverside", "station"].choose(dice).unwrap_or(&""))),
                ("occurred_on".to_owned(), date),
            ];
            let count = dice.random_range(1..3);
            let chosen = choices.sample(dice, count);
            chosen.map(|(field, answer)| Deed::Put(field.clone(), answer.clone())).collect()
        })
    }

    /// Somebody adds an element to a record that has a list.
    fn add(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        let days = self.some_days();
        self.change(at, dice, |kind, _, dice| match forms::list_of(kind) {
            Some(_) => vec![forms::element(kind, &days, dice)],
            None => {
                let (field, answer) = forms::correction(kind, dice);
                vec![Deed::Put(field, answer)]
            }
        })
    }

    fn put_in(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        let Some(team) = self.team_of(at, dice)? else { return Ok(()) };
        let records = self.engine(at).store().record_ids(TEAMS[team])?;
        let Some(id) = records.choose(dice).copied() else { return Ok(()) };
        let shown = self.engine(at).get(id)?;
        let kind = shown.kind.number();
        let elements = shown.lists.values().flatten().collect::<Vec<_>>();
        let Some(element) = elements.choose(dice) else { return Ok(()) };
        let (field, answer) = forms::element_correction(kind, &self.some_days(), dice);
        let name = (element.name.entry.0, element.name.index);
        self.change_record(at, (team, id), vec![Deed::PutIn(name, field, answer)])
    }

    /// A coordinator revokes a worker's certificate, or the root one of a coordinator's: what the
    /// one who revokes holds of its logs stands.
    fn revoke(&mut self, dice: &mut Dice) -> Result<(), Failure> {
        let by_root = dice.random_bool(0.2);
        let coordinator = *COORDINATORS.choose(dice).unwrap_or(&COORDINATORS[0]);
        let mut candidates = Vec::new();
        for certified in self.certificates.clone() {
            let of_coordinator = COORDINATORS.contains(&(certified.person as usize))
                || certified.person == Hostile::ROGUE;
            let own = certified.person as usize == coordinator;
            if of_coordinator == by_root && !own && self.is_member(coordinator, certified.team)? {
                candidates.push(certified);
            }
        }
        let Some(chosen) = candidates.choose(dice).copied() else { return Ok(()) };
        let certificate = EntryId(chosen.label);
        let store = self.engine(coordinator).store();
        if !by_root && !store.entries()?.iter().any(|entry| entry.id == certificate) {
            return Ok(());
        }
        let tips = store.tips_to_keep(certificate)?;
        let logs: BTreeSet<_> = tips.iter().map(|kept| kept.log).collect();
        let kept: BTreeSet<Label> = store
            .entries()?
            .into_iter()
            .filter(|entry| entry.is_carried && logs.contains(&entry.log))
            .map(|entry| entry.id.0)
            .collect();
        let word = Word::Revoke { certificate: chosen.label, kept };
        let (by, hand) = if by_root {
            (ROOT, None)
        } else {
            (coordinator, Some(self.hand(coordinator, chosen.team)?))
        };
        let said = Said { id: [0; 32], by: hand, word };
        // One certificate, where an engine revokes all of the device's.
        let revoke = Administration::Revoke { certificate, kept: tips };
        let scope = if by_root { TeamId::PROGRAMME } else { TEAMS[chosen.team] };
        let saved = self.engine(by).administer(scope, &revoke);
        self.after_save(by, Pending::Said(said), saved)
    }

    fn certify_anew(&mut self, worker: usize, dice: &mut Dice) -> Result<(), Failure> {
        let coordinator = *COORDINATORS.choose(dice).unwrap_or(&COORDINATORS[0]);
        let team = dice.random_range(0..TEAMS.len());
        if !self.is_member(coordinator, team)? {
            return Ok(());
        }
        self.disarm();
        let key = self.engine(worker).device_key();
        let person = self.phones[worker].person;
        let enrolment = self.certify(coordinator, key, person, team)?;
        match self.engine(worker).join(&enrolment) {
            Err(EngineError::AlreadyAMember) => Ok(()),
            other => Ok(other?),
        }
    }

    fn accept(&mut self, dice: &mut Dice) -> Result<(), Failure> {
        let coordinator = *COORDINATORS.choose(dice).unwrap_or(&COORDINATORS[0]);
        let store = self.engine(coordinator).store();
        let mut refused = Vec::new();
        for entry in store.entries()? {
            let team = store.chains().log(&entry.log).map(|info| info.team);
            let team = TEAMS.iter().position(|known| Some(*known) == team);
            let waiver = match entry.verdict {
                Some(Verdict::Refused(Refusal::Role)) if entry.kind >= kind::RECORDS_FROM => {
                    Waiver::Role
                }
                Some(Verdict::Refused(Refusal::Revoked))
                    if entry.kind >= kind::RECORDS_FROM || entry.kind == kind::CERTIFY =>
                {
                    Waiver::Revoked
                }
                _ => continue,
            };
            refused.extend(team.map(|team| (entry.id, team, waiver)));
        }
        // And what the hub keeps aside of certificates that were revoked.
        for certified in self.certificates.clone() {
            let hub = self.hub();
            if !hub.authority().is_revoked(&EntryId(certified.label)) {
                continue;
            }
            let aside = aside(hub, EntryId(certified.label))?;
            for entry in aside {
                if self.is_member(coordinator, certified.team)?
                    && (entry.header.kind >= kind::RECORDS_FROM
                        || entry.header.kind == kind::CERTIFY)
                {
                    refused.push((entry.id, certified.team, Waiver::Revoked));
                }
            }
        }
        let Some((entry, team, waiver)) = refused.choose(dice).copied() else { return Ok(()) };
        let by = Some(self.hand(coordinator, team)?);
        let word = Word::Accept { waiver, entry: entry.0 };
        let waived = match waiver {
            Waiver::Role => Waived::Role,
            Waiver::Revoked => Waived::Revoked,
        };
        let accept = Administration::Accept { waived, entries: vec![entry] };
        let saved = self.engine(coordinator).administer(TEAMS[team], &accept);
        self.after_save(coordinator, Pending::Said(Said { id: [0; 32], by, word }), saved)
    }

    /// The root erases a record, or a coordinator or a worker asks for it, which does nothing.
    fn erase(&mut self, dice: &mut Dice) -> Result<(), Failure> {
        let coordinator = *COORDINATORS.choose(dice).unwrap_or(&COORDINATORS[0]);
        let own = self.engine(coordinator).store().record_ids(TEAMS[0])?;
        let Some(id) = own.choose(dice).copied() else { return Ok(()) };
        let shown = self.engine(coordinator).get(id)?;
        let record = shown.history.first().map(|change| change.entry.0).unwrap_or_default();
        if dice.random_bool(0.5) {
            let said = Said { id: [0; 32], by: None, word: Word::Erase { record } };
            let saved = self.engine(ROOT).erase(TEAMS[0], &[id]);
            return self.after_save(ROOT, Pending::Said(said), saved);
        }
        let by = Some(self.hand(coordinator, 0)?);
        let saved = self.engine(coordinator).ask_erasure(TEAMS[0], &[id]);
        let said = Said { id: [0; 32], by, word: Word::Nothing };
        self.after_save(coordinator, Pending::Said(said), saved)
    }

    /// Days on which something may have happened to a referral.
    fn some_days(&self) -> Vec<Answer> {
        let days = [0, 1, 2, 3, 9].map(|back| CivilDate::from_epoch_day(self.today() - back));
        days.into_iter().flatten().map(|day| word(&day.to_string())).collect()
    }

    /// Mostly of these days, sometimes one that somebody may doubt.
    fn some_date(&self, dice: &mut Dice) -> Answer {
        let day = match dice.random_range(0..8) {
            0 => self.today() + dice.random_range(1..800),
            1 => 10_957 - dice.random_range(0..3),
            _ => self.today() - dice.random_range(0..40),
        };
        word(&CivilDate::from_epoch_day(day).map_or(String::new(), |date| date.to_string()))
    }
}

/// The engine's word for a deed on a record of this kind.
pub fn operation(kind: u8, deed: &Deed) -> Operation {
    let value = |answer: &Answer| match answer {
        Answer::Nothing => Value::Null,
        Answer::Flag(flag) => Value::Bool(*flag),
        Answer::Number(number) => Value::Int(*number),
        Answer::Word(word) => Value::Text(word.clone()),
    };
    match deed {
        Deed::Put(field, answer) => Operation::put(field, value(answer)),
        Deed::Add(list, fields) => Operation::append(
            list,
            fields.iter().map(|(field, answer)| (field.clone(), value(answer))).collect(),
        ),
        Deed::PutIn((entry, index), field, answer) => Operation::PutIn {
            list: forms::list_of(kind).unwrap_or("administrations").to_owned(),
            element: ElementName { entry: EntryId(*entry), index: *index },
            field: field.clone(),
            value: value(answer),
        },
    }
}
