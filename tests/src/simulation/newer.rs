//! New phones of the same people, rows of one file at two desks, two that are two, what devices are called, and clocks
//! that somebody set.

use super::Failure;
use super::forms::{self, word};
use super::oracle::{Answer, Deed, Given, Said, Word};
use super::people::operation;
use super::world::{COORDINATORS, Certified, FIRST_DAY, Pending, Phone, TEAMS, World, key, path};
use kitbag_core::engine::{Engine, EngineError};
use kitbag_core::identity::{Certificate, Role};
use kitbag_core::log::payload::Administration;
use kitbag_core::model::{CivilDate, EntryId, Kind, UnixMillis};
use kitbag_core::store::StoreError;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::path::Path;

type Dice = ChaCha8Rng;

/// How many phones a world has at most: two of the same key and some new ones.
const PHONES_MAX: usize = 11;
/// How many rows the file has that people import.
const ROWS: u64 = 3;

impl World {
    /// A worker comes with a new phone, which a coordinator certifies as hers; sometimes as somebody's whose it cannot be.
    pub(super) fn new_phone(&mut self, dice: &mut Dice) -> Result<(), Failure> {
        let coordinator = *COORDINATORS.choose(dice).unwrap_or(&COORDINATORS[0]);
        let team = dice.random_range(0..TEAMS.len());
        if self.phones.len() >= PHONES_MAX || !self.is_member(coordinator, team)? {
            return Ok(());
        }
        self.disarm();
        let anybodys = self.certificates.clone();
        let known = self.engine(coordinator).store().authority();
        let of_team =
            |one: &&Certified| known.role(&EntryId(one.label)).is_some() && one.team == team;
        let workers: Vec<Certified> = anybodys.iter().filter(of_team).copied().collect();
        let is_wrong = dice.random_bool(0.5);
        let chosen = if is_wrong { anybodys.choose(dice) } else { workers.choose(dice) };
        let Some(earlier) = chosen.copied() else { return Ok(()) };
        let at = self.add_phone()?;
        let (device, by) = (self.engine(at).device_key(), self.hand(coordinator, team)?);
        let says = Certificate {
            key: device,
            role: Role::Worker,
            team: TEAMS[team],
            renew_by: None,
            made_at: UnixMillis(0),
            continues: Some(EntryId(earlier.label)),
        };
        let label =
            self.engine(coordinator).administer(TEAMS[team], &Administration::Certify(says))?.0;
        let person = self.phones[at].person;
        let given = Given { role: 1, team: team as u32, continues: Some(earlier.label) };
        self.done.said.push(Said { id: label, by: Some(by), word: Word::Certify(given) });
        self.hands.insert(label, (person, super::oracle::Role::Worker));
        self.certificates.push(Certified { label, person, team });
        // Its own certificate, which it can prove.
        let worker = Role::Worker;
        let enrolment = self.engine(coordinator).certify(device, worker, TEAMS[team])?;
        if enrolment.certificate.0 != label {
            return Err(Failure("a key was certified twice".to_owned()));
        }
        match self.engine(at).join(&enrolment) {
            // Its coordinator may have been cut meanwhile.
            Ok(()) | Err(EngineError::Enrolment(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn add_phone(&mut self) -> Result<usize, Failure> {
        let root = self.engine(0).root();
        let at = self.phones.len();
        let person = at as u32;
        self.phones.push(Phone::new(format!("/phone-new-{at}"), person));
        let environment = self.environment(at);
        let path = path(&self.phones[at].machine);
        let mut engine = Engine::device(Path::new(&path), &key(), root, environment)?;
        engine.limit_pages(self.page_entries_max);
        self.phones[at].put(engine);
        Ok(at)
    }

    /// Somebody imports a row of a file that others import as well.
    pub(super) fn import(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        let Some(team) = self.team_of(at, dice)? else { return Ok(()) };
        let row = dice.random_range(0..ROWS);
        let kind = if row == 0 { 17 } else { 20 };
        // The same answers whoever imports it.
        let mut of_row = ChaCha8Rng::seed_from_u64(row);
        let day = CivilDate::from_epoch_day(FIRST_DAY).map_or(String::new(), |day| day.to_string());
        let mut deeds = forms::creation(kind, &[word(&day)], &mut of_row);
        deeds.push(Deed::Put("site".to_owned(), word("riverside")));
        deeds.push(Deed::Put("occurred_on".to_owned(), word(&day)));
        deeds.push(Deed::Put("import_key".to_owned(), word(&format!("row-{row}"))));
        let by = self.hand(at, team)?;
        let operations = deeds.iter().map(|deed| operation(kind, deed)).collect();
        let intent = self.intent(by, (kind, None), BTreeSet::new(), deeds);
        let of_kind = Kind::from_number(kind).ok_or(Failure("an unknown kind".to_owned()))?;
        let saved = self.save(at, (TEAMS[team], of_kind, None), operations);
        self.after_try(at, intent, saved)
    }

    /// Somebody says that two records are of two events.
    pub(super) fn keep_apart(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        self.change(at, dice, |_, others, dice| {
            let other = others.choose(dice).map(ToString::to_string).unwrap_or_default();
            let says = Answer::Flag(dice.random_bool(0.8));
            vec![Deed::Put(format!("distinct.{other}"), says)]
        })
    }

    /// Somebody says what a device is called.
    pub(super) fn call(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        let Some(team) = self.team_of(at, dice)? else { return Ok(()) };
        let of_team: Vec<Certified> =
            self.certificates.iter().filter(|one| one.team == team).copied().collect();
        let Some(called) = of_team.choose(dice) else { return Ok(()) };
        let by = Some(self.hand(at, team)?);
        let label = format!("Van {}", dice.random_range(1..9));
        let said = Said { id: [0; 32], by, word: Word::Nothing };
        let saved = match self.engine(at).set_label(EntryId(called.label), &label) {
            Err(
                EngineError::NoTeamKey
                | EngineError::NoRecord
                | EngineError::NotAMember
                | EngineError::Store(StoreError::Refused(_)),
            ) => return self.after_phone(at, Ok(())).map(drop),
            saved => saved,
        };
        self.after_save(at, Pending::Said(said), saved)
    }

    /// Somebody sets a phone's clock, or its battery was empty.
    pub(super) fn set_clock(&mut self, at: usize, dice: &mut Dice) {
        let off = [0, 0, -1, -3_650, 1_800, 3].choose(dice).copied().unwrap_or(0);
        self.phones[at].off_days = off;
    }

    /// Whether "these are two" has effect at the hub where it should, and nowhere else; and whether a phone holds the same
    /// labels as the hub.
    pub(super) fn check_words(
        &mut self,
        shown: &std::collections::BTreeMap<super::oracle::Label, super::recount::Shown>,
    ) -> Result<(), Failure> {
        let teams = TEAMS;
        for (number, team) in teams.into_iter().enumerate() {
            let of_team = |store: &kitbag_core::store::Store| -> Result<BTreeSet<_>, Failure> {
                let is_of_team = |of: &EntryId| {
                    store.authority().certificate(of).is_some_and(|named| named.team == team)
                };
                let all = store.labels()?.into_iter();
                Ok(all.filter(|(_, _, said)| is_of_team(&said.certificate)).collect())
            };
            let on_hub = of_team(self.hub())?;
            for at in 1..self.phones.len() {
                let device = self.engine(at).device_key();
                let reads = self.hub().authority().may_read(device, team);
                if reads
                    && self.is_member(at, number)?
                    && of_team(self.engine(at).store())? != on_hub
                {
                    return Err(Failure(format!("labels of phone {at} differ from the hub's")));
                }
            }
        }
        for (one, other, is_so) in super::repeated::kept_apart(shown) {
            let (one, other) = (EntryId(one).record(), EntryId(other).record());
            if self.hub().says_distinct(one, other)? != is_so {
                return Err(Failure(format!("that two are two should be {is_so}, and is not")));
            }
        }
        Ok(())
    }
}
