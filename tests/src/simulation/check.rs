//! Once faults stop: everything drains, everybody holds the same, and it is what the oracle says.

use super::Failure;
use super::hostile::Hostile;
use super::oracle::{Answer, Expected, Fields, Intent, Label};
use super::recount::{Balances, Shown, Totals, balances, recount, recount_by, recount_by_person};
use super::repeated::which_count;
use super::screens::on_screen;
use super::world::{TEAMS, World};
use kitbag_core::log::{Verdict, Waiting};
use kitbag_core::model::date::Period;
use kitbag_core::model::{EntryId, TeamId, UnixMillis, Value};
use kitbag_core::record::{self, Record};
use kitbag_core::store::Setting;
use kitbag_core::store::{CLAIMED_MAX, HeldEntry, State as Counting, Store};
use kitbag_core::sync::{self, SyncError};
use kitbag_core::totals::{Query, Split};
use std::collections::{BTreeMap, BTreeSet};

/// How many rounds, in each of which every phone syncs once, may pass until nothing moves.
const ROUNDS_MAX: usize = 8;

/// Everything that must be equal on two stores of one team.
#[derive(PartialEq, Eq)]
struct State {
    canonical: [u8; 32],
    verdicts: [u8; 32],
    /// By date and a coded field, for each of [`SPLITS`]: read from the records' rows.
    totals: Vec<Totals>,
    /// By date and site: read from the sums that are kept.
    sums: Totals,
    /// Balances of stock.
    stock: Balances,
}

/// Coded fields that totals are split by and compared: single codes, sets, fields of lists, and what
/// follows from others.
const SPLITS: [&str; 8] = [
    "outcome",
    "gender",
    "suspected_substances",
    "administrations.product",
    "events.status",
    "status",
    "barriers",
    "movement",
];

impl State {
    fn of(store: &Store, team: TeamId) -> Result<Self, Failure> {
        let day = Split::Period(Period::Day);
        let coded = |field: &&str| vec![day.clone(), Split::Code((*field).to_owned())];
        let stock = store.stock(Some(team))?.into_iter().map(|held| {
            let batch = held.batch;
            ((held.holder.to_string(), batch.product, batch.lot, batch.expiry), held.doses)
        });
        Ok(State {
            canonical: store.canonical_digest(team)?,
            verdicts: store.verdict_digest(team)?,
            totals: SPLITS
                .iter()
                .map(|field| totals(store, team, coded(field)))
                .collect::<Result<_, _>>()?,
            sums: totals(store, team, vec![day.clone(), Split::Site])?,
            stock: stock.collect(),
        })
    }
}

fn totals(store: &Store, team: TeamId, by: Vec<Split>) -> Result<Totals, Failure> {
    let mut lines =
        store.totals(&Query { team: Some(team), by, ..Query::default() }, UnixMillis(0))?.lines;
    for sums in lines.values_mut() {
        sums.retain(|_, n| *n != 0);
    }
    lines.retain(|_, sums| !sums.is_empty());
    Ok(lines)
}

impl World {
    /// Lets everything arrive, without faults.
    pub(super) fn drain(&mut self) -> Result<(), Failure> {
        self.disarm();
        self.in_flight.clear();
        for round in 0..ROUNDS_MAX {
            let before = self.clocks();
            if round == 1 {
                // By now the hub knows their certificates.
                self.hostile_all_again()?;
            }
            for at in 0..self.phones.len() {
                let is_ahead = self.is_ahead(at)?;
                let rollbacks = self.hub().rollbacks()?;
                let mut hub = self.hub.take();
                let now = self.hub_now();
                let engine = self.engine(at);
                let device = engine.device_key();
                let synced = match &mut hub {
                    Some(hub) => engine
                        .sync(|request| {
                            Ok::<_, Drained>(sync::respond(hub, device, now, &request)?)
                        })
                        .map(drop),
                    None => Ok(()),
                };
                self.hub = hub;
                synced.map_err(|Drained(reason)| {
                    Failure(format!("phone {at} does not drain: {reason}"))
                })?;
                if is_ahead && self.hub().rollbacks()? == rollbacks {
                    return Err(Failure("the hub was put back, and did not notice".to_owned()));
                }
            }
            while self.hub().settle_some()? {}
            if round > 1 && self.clocks() == before {
                return Ok(());
            }
        }
        Err(Failure(format!("still moving after {ROUNDS_MAX} rounds")))
    }

    /// Whether a phone's cursor, of the hub's epoch, is ahead of the hub (docs/protocol.md).
    fn is_ahead(&mut self, at: usize) -> Result<bool, Failure> {
        let epoch = self.hub().setting(&Setting::Epoch)?.unwrap_or_default();
        let last = self.hub().here()?.arrival;
        let cursor = self.engine(at).store().setting(&Setting::Cursor)?.unwrap_or_default();
        // A hub put back to before its first cursor knows none of them, and says so by a new epoch.
        let of_epoch = cursor.strip_prefix(epoch.as_slice()).filter(|_| !epoch.is_empty());
        let arrival = of_epoch.and_then(|rest| rest.first_chunk());
        Ok(arrival.is_some_and(|arrival| i64::from_be_bytes(*arrival) > last))
    }

    fn clocks(&mut self) -> Vec<sync::Frontier> {
        let teams = [TEAMS[0], TEAMS[1], TeamId::PROGRAMME];
        let mut clocks = vec![self.hub().clock(&teams)];
        for at in 0..self.phones.len() {
            clocks.push(self.engine(at).store().clock(&teams));
        }
        clocks
    }

    /// Compares all stores with each other, and the hub with the oracle.
    pub(super) fn check(&mut self) -> Result<(), Failure> {
        self.forget_what_is_gone()?;
        let expected = self.done.records();
        for (number, team) in (0..).zip(TEAMS) {
            let state = State::of(self.hub(), team)?;
            self.note_digest(&state.canonical);
            self.note_digest(&state.verdicts);
            for at in 1..self.phones.len() {
                let device = self.engine(at).device_key();
                if self.is_member(at, number)? && self.hub().authority().may_read(device, team) {
                    self.compare(at, team, &state)?;
                }
            }
            self.compare_with_oracle(number as u32, team, &expected, &state)?;
        }
        self.check_told()?;
        self.check_waiting()
    }

    fn compare(&mut self, at: usize, team: TeamId, hub: &State) -> Result<(), Failure> {
        let differs = |found: &State| {
            [
                (found.canonical == hub.canonical, "canonical bytes"),
                (found.verdicts == hub.verdicts, "verdicts"),
                (found.totals == hub.totals, "totals"),
                (found.sums == hub.sums, "kept sums"),
                (found.stock == hub.stock, "balances of stock"),
            ]
            .into_iter()
            .find_map(|(same, what)| (!same).then_some(what))
        };
        let found = State::of(self.engine(at).store(), team)?;
        if let Some(what) = differs(&found) {
            let why = self.first_other_verdict(at)?;
            return Err(Failure(format!("{what} of phone {at} differ from the hub's{why}")));
        }
        self.check_missing(at, team)?;
        if at == 3 {
            let before = self.engine(at).store().projection_digest()?;
            self.engine(at).rebuild()?;
            if self.engine(at).store().projection_digest()? != before {
                return Err(Failure("a rebuild gives another projection".to_owned()));
            }
            let rebuilt = State::of(self.engine(at).store(), team)?;
            if let Some(what) = differs(&rebuilt) {
                return Err(Failure(format!("{what} differ after a rebuild")));
            }
        }
        Ok(())
    }

    fn first_other_verdict(&mut self, at: usize) -> Result<String, Failure> {
        let on_hub: BTreeMap<_, _> =
            self.hub().entries()?.into_iter().map(|entry| (entry.id, entry.verdict)).collect();
        let other = self
            .engine(at)
            .store()
            .entries()?
            .into_iter()
            .find(|entry| on_hub.get(&entry.id) != Some(&entry.verdict) && entry.is_carried);
        Ok(other.map_or(String::new(), |entry| {
            let there = on_hub.get(&entry.id);
            format!(
                ": an entry of kind {} is {:?} here, {there:?} there",
                entry.kind, entry.verdict
            )
        }))
    }

    /// Drops what may be gone and is; everything else must be passed on by the hub, unless no store has to
    /// pass it on; and that the hub must not.
    fn forget_what_is_gone(&mut self) -> Result<(), Failure> {
        let carried: BTreeSet<Label> = self
            .hub()
            .entries()?
            .into_iter()
            .filter(|entry| entry.is_carried)
            .map(|entry| entry.id.0)
            .collect();
        let may_be_gone = self.may_be_gone.clone();
        let is_gone = |id: &Label| may_be_gone.contains(id) && !carried.contains(id);
        self.done.intents.retain(|intent| !is_gone(&intent.id));
        self.done.said.retain(|said| !is_gone(&said.id));
        let outside = self.done.outside();
        let intents = self.done.intents.iter().map(|intent| intent.id);
        let words = self.done.said.iter().map(|said| said.id);
        let all: Vec<Label> = intents.chain(words).collect();
        let lost = all.iter().filter(|id| !carried.contains(*id) && !outside.contains(*id)).count();
        if lost > 0 {
            return Err(Failure(format!("LOST: {lost} acknowledged entries are nowhere")));
        }
        match outside.iter().filter(|id| carried.contains(*id)).count() {
            0 => Ok(()),
            past => Err(Failure(format!("the hub passes {past} entries on that nobody may hear"))),
        }
    }

    fn compare_with_oracle(
        &mut self,
        number: u32,
        team: TeamId,
        expected: &BTreeMap<Label, Expected>,
        state: &State,
    ) -> Result<(), Failure> {
        let of_team: BTreeMap<&Label, &Expected> =
            expected.iter().filter(|(_, record)| record.team == number).collect();
        let (keys, persons) = (self.keys_of_people(), self.done.persons());
        let done = self.done.intents.clone();
        let made: BTreeMap<Label, &Intent> =
            done.iter().map(|intent| (intent.id, intent)).collect();
        let mut shown = BTreeMap::new();
        for id in self.hub().record_ids(team)? {
            let Some(record) = self.hub().record(id)? else {
                return Err(Failure("a row without a record".to_owned()));
            };
            let label = record.history.first().map(|change| change.entry.0).unwrap_or_default();
            if of_team.get(&label) != Some(&&held(&record, number)) {
                let difference = match of_team.get(&label) {
                    Some(expected) => difference(&held(&record, number), expected),
                    None => "it should not count at all".to_owned(),
                };
                return Err(Failure(format!("a record is not what the oracle says: {difference}")));
            }
            shown.insert(label, on_screen(&record, (number, label), &made, &persons, &keys));
        }
        if shown.len() != of_team.len() {
            return Err(Failure(format!(
                "{} records count, the oracle says {}",
                shown.len(),
                of_team.len()
            )));
        }
        self.check_which_count(team, &shown, &keys)?;
        let recounted = recount(&shown);
        for sums in recounted.values() {
            self.indicators_seen.extend(sums.keys().map(|name| {
                let whole = name.split('.').next().unwrap_or_default();
                whole.to_owned()
            }));
        }
        if recounted != state.sums {
            let found = &state.sums;
            return Err(Failure(format!(
                "kept sums are {found:?}, the recount says {recounted:?}"
            )));
        }
        for (field, found) in SPLITS.iter().zip(&state.totals) {
            let recounted = recount_by(&shown, field);
            if recounted != *found {
                return Err(Failure(format!(
                    "totals by {field} are {found:?}, the recount says {recounted:?}"
                )));
            }
        }
        self.check_words(&shown)?;
        let recounted = balances(&shown);
        if recounted != state.stock {
            let found = &state.stock;
            return Err(Failure(format!("stock is {found:?}, the recount says {recounted:?}")));
        }
        Ok(())
    }

    /// Whether the hub counts the records that should count, each for the person who made it.
    fn check_which_count(
        &mut self,
        team: TeamId,
        shown: &BTreeMap<Label, Shown>,
        keys: &BTreeMap<u32, String>,
    ) -> Result<(), Failure> {
        let should = which_count(shown);
        for label in shown.keys() {
            let row = self.hub().row(EntryId(*label).record())?;
            let counts = row.is_some_and(|row| row.state == Counting::Counted);
            if counts != should.contains(label) {
                let is = if counts { "counts" } else { "does not count" };
                return Err(Failure(format!("a record {is}, the recount says the other")));
            }
        }
        let holders = self.hands.iter();
        let keys: BTreeMap<Label, String> = holders
            .filter_map(|(of, (person, _))| Some((*of, keys.get(person)?.clone())))
            .collect();
        let by = vec![Split::Period(Period::Day), Split::Author];
        let (found, recounted) = (totals(self.hub(), team, by)?, recount_by_person(shown, &keys));
        if found != recounted {
            return Err(Failure(format!(
                "totals by person are {found:?}, the recount says {recounted:?}"
            )));
        }
        Ok(())
    }

    /// Nothing waits in the end but what a newer version wrote, and what changes a record that does not
    /// count.
    fn check_waiting(&mut self) -> Result<(), Failure> {
        let counted = self.done.records();
        let of_nothing: BTreeSet<Label> = self
            .done
            .intents
            .iter()
            .filter(|intent| !counted.contains_key(&intent.record))
            .map(|intent| intent.id)
            .collect();
        let waits = |entry: &HeldEntry| match entry.verdict {
            None => true,
            Some(Verdict::Waiting(Waiting::NewerVersion)) => false,
            Some(Verdict::Waiting(Waiting::Creation)) => !of_nothing.contains(&entry.id.0),
            _ => false,
        };
        let waiting: Vec<_> = self
            .hub()
            .entries()?
            .into_iter()
            .filter(|entry| entry.is_carried && waits(entry))
            .collect();
        // A hostile entry may wait for ever, for what does not exist or went down with a phone.
        let honest = self.done.intents.iter().filter(|intent| intent.by.person < Hostile::PERSON);
        let honest: BTreeSet<Label> = honest
            .map(|intent| intent.id)
            .chain(self.done.said.iter().map(|said| said.id))
            .collect();
        let meant: Vec<_> = waiting.iter().filter(|entry| honest.contains(&entry.id.0)).collect();
        match meant.first() {
            None => Ok(()),
            Some(entry) => Err(Failure(format!(
                "{} entries still wait, one as {:?}",
                meant.len(),
                entry.verdict
            ))),
        }
    }

    /// What hostile devices claim counts as little as may be, marked; past a revocation as nothing.
    fn check_missing(&mut self, at: usize, team: TeamId) -> Result<(), Failure> {
        if self.was_put_back {
            return Ok(());
        }
        let missing = self.engine(at).store().known_missing(Some(team))?;
        let revoked = self.done.revoked();
        let claims =
            |hostile: &&Hostile| hostile.has_claimed && !revoked.contains(&hostile.certificate.0);
        let claiming = [&self.hostile, &self.sybil].into_iter().filter(claims).count() as u64;
        // What a revocation keeps and nobody wrote is missing up to there.
        let kept = self.made_up.iter().map(|(_, _, position)| position).sum::<u64>();
        let most = CLAIMED_MAX * claiming + kept;
        match missing.entries {
            0 => Ok(()),
            n if team == TEAMS[0] && n <= most && (n < CLAIMED_MAX || missing.is_doubtful) => {
                Ok(())
            }
            n => Err(Failure(format!("phone {at} knows of {n} missing entries"))),
        }
    }

    /// The keys of people, as holders of stock are named by them.
    fn keys_of_people(&mut self) -> BTreeMap<u32, String> {
        let mut keys = BTreeMap::new();
        for at in 0..self.phones.len() {
            let key = self.engine(at).device_key().to_string();
            keys.insert(self.phones[at].person, key);
        }
        keys.insert(Hostile::PERSON, self.hostile.key().to_string());
        keys.insert(Hostile::ROGUE, self.rogue.key().to_string());
        keys.insert(Hostile::SYBIL, self.sybil.key().to_string());
        keys
    }
}

struct Drained(String);

impl From<SyncError> for Drained {
    fn from(error: SyncError) -> Self {
        Drained(error.to_string())
    }
}

impl From<kitbag_core::engine::EngineError> for Drained {
    fn from(error: kitbag_core::engine::EngineError) -> Self {
        Drained(error.to_string())
    }
}

pub(super) fn answer(value: &Value) -> Answer {
    match value {
        Value::Null => Answer::Nothing,
        Value::Bool(flag) => Answer::Flag(*flag),
        Value::Int(number) => Answer::Number(*number),
        Value::Text(text) => Answer::Word(text.clone()),
        Value::Bytes(_) => super::forms::word(super::forms::SEALED),
    }
}

fn held_fields(fields: &record::Fields) -> Fields {
    let values = |written: &Vec<record::Written>| {
        written.iter().map(|(value, by)| (answer(value), by.0)).collect()
    };
    fields.iter().map(|(field, written)| (field.clone(), values(written))).collect()
}

/// The record as the hub holds it, in the oracle's terms.
fn held(record: &Record, team: u32) -> Expected {
    let elements = record.lists.values().flatten();
    Expected {
        team,
        fields: held_fields(&record.fields),
        elements: elements
            .map(|element| {
                ((element.name.entry.0, element.name.index), held_fields(&element.fields))
            })
            .collect(),
    }
}

/// The first field that differs, in short.
fn difference(found: &Expected, expected: &Expected) -> String {
    let short = |values: Option<&BTreeSet<(Answer, Label)>>| {
        let values = values.into_iter().flatten();
        let values = values.map(|(answer, by)| format!("{answer:?} by {:02x}{:02x}", by[0], by[1]));
        values.collect::<Vec<_>>().join(", ")
    };
    let fields = |found: &Fields, expected: &Fields| {
        let names: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
        names.into_iter().find(|name| found.get(*name) != expected.get(*name)).map(|name| {
            let (found, expected) = (short(found.get(name)), short(expected.get(name)));
            format!("{name} is [{found}] instead of [{expected}]")
        })
    };
    let elements: BTreeSet<_> = found.elements.keys().chain(expected.elements.keys()).collect();
    let nothing = Fields::new();
    let in_elements = elements.into_iter().find_map(|element| {
        fields(
            found.elements.get(element).unwrap_or(&nothing),
            expected.elements.get(element).unwrap_or(&nothing),
        )
    });
    fields(&found.fields, &expected.fields).or(in_elements).unwrap_or_else(|| "its team".to_owned())
}
