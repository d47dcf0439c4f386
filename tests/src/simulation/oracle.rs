//! What should count, from a plain set of intents. Shares no code with the engine: labels are
//! bytes, dates are numbers, values are its own.
//!
//! It is told what people did, what their screens showed when they did it, and who held what when
//! somebody was revoked. It is never told in which order anything arrived.

use std::collections::{BTreeMap, BTreeSet};

/// Names an entry, a certificate or a record.
pub type Label = [u8; 32];

const REFERRAL: u8 = 18;
const STOCK_MOVEMENT: u8 = 19;
const TARGET: u8 = 22;
const REPORT: u8 = 23;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    Nothing,
    Flag(bool),
    Number(i64),
    Word(String),
}

/// A list element: who appended it, and the place of that among what they did.
pub type Element = (Label, u32);

/// One thing done to a record.
#[derive(Clone, Debug)]
pub enum Deed {
    Put(String, Answer),
    /// To a list.
    Add(String, Vec<(String, Answer)>),
    PutIn(Element, String, Answer),
}

/// Who may what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Worker,
    Coordinator,
}

/// Who did something, as what.
#[derive(Clone, Copy, Debug)]
pub struct Hand {
    pub person: u32,
    pub team: u32,
    pub role: Role,
    pub certificate: Label,
}

/// One saved change of a record.
#[derive(Clone, Debug)]
pub struct Intent {
    pub id: Label,
    pub by: Hand,
    /// The creating intent's label; its own, where it creates.
    pub record: Label,
    /// The kind of record that it says it changes, by its number.
    pub kind: u8,
    /// The changes of the record that the screen showed last, which were built on all others shown.
    pub after: BTreeSet<Label>,
    pub deeds: Vec<Deed>,
}

/// A reason that can be waived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waiver {
    Role,
    Revoked,
}

/// What a certificate gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// 1 a worker's, 2 a coordinator's, 3 an observer's.
    pub role: u8,
    pub team: u32,
    /// Whose new phone it is for, if anybody's.
    pub continues: Option<Label>,
}

/// One saved word of a coordinator or the root.
#[derive(Clone, Debug)]
pub enum Word {
    Certify(Given),
    Revoke {
        certificate: Label,
        kept: BTreeSet<Label>,
    },
    Accept {
        waiver: Waiver,
        entry: Label,
    },
    /// By the root alone; final.
    Erase {
        record: Label,
    },
    /// That has no effect: asking for an erasure, setting a claim aside.
    Nothing,
}

/// Who said it; `None` is the root.
#[derive(Clone, Debug)]
pub struct Said {
    pub id: Label,
    pub by: Option<Hand>,
    pub word: Word,
}

/// For each field its current values, each with who wrote it.
pub type Fields = BTreeMap<String, BTreeSet<(Answer, Label)>>;

/// A record as everybody should hold it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub team: u32,
    pub fields: Fields,
    pub elements: BTreeMap<Element, Fields>,
}

/// Everything that was done and said, and is held somewhere.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub intents: Vec<Intent>,
    pub said: Vec<Said>,
}

impl World {
    /// The records that should count, by their creation's label.
    pub fn records(&self) -> BTreeMap<Label, Expected> {
        let rules = Rules::of(self);
        let creations = self.intents.iter().filter(|intent| intent.id == intent.record);
        creations
            .filter(|creation| {
                rules.is_heard(creation) && rules.allows(creation, creation, &BTreeMap::new())
            })
            .filter(|creation| !rules.erased.contains(&creation.id))
            .map(|creation| (creation.id, self.record(creation, &rules)))
            .collect()
    }

    /// Of everything done and said, what no store has to pass on: nobody certified its author, or no
    /// revocation of the certificate keeps it and nobody accepted it.
    pub fn outside(&self) -> BTreeSet<Label> {
        let rules = Rules::of(self);
        let intents = self.intents.iter().map(|intent| (intent.id, intent.by));
        let said = self.said.iter().filter_map(|said| Some((said.id, said.by?)));
        intents
            .chain(said)
            .filter(|(id, by)| !rules.is_passed_on(id, *by))
            .map(|(id, _)| id)
            .collect()
    }

    /// The certificates that somebody whose word stands revoked.
    pub fn revoked(&self) -> BTreeSet<Label> {
        Rules::of(self).cuts.into_keys().collect()
    }

    /// Whose each certificate is: the first one of the same person.
    pub fn persons(&self) -> BTreeMap<Label, Label> {
        let rules = Rules::of(self);
        let all = self.said.iter().filter(|said| matches!(said.word, Word::Certify(_)));
        all.map(|said| (said.id, rules.person(&said.id))).collect()
    }

    fn record(&self, creation: &Intent, rules: &Rules) -> Expected {
        let changes: Vec<&Intent> =
            self.intents.iter().filter(|intent| intent.record == creation.id).collect();
        let people: BTreeMap<Label, Hand> =
            changes.iter().map(|change| (change.id, change.by)).collect();
        let heard: Vec<&Intent> = changes
            .into_iter()
            .filter(|change| {
                change.by.team == creation.by.team
                    && change.kind == creation.kind
                    && rules.is_heard(change)
            })
            .collect();
        let mut counts: BTreeMap<Label, &Intent> = heard
            .iter()
            .filter(|change| rules.allows(change, creation, &people))
            .map(|change| (change.id, *change))
            .collect();
        // A change of an element that does not count does not count; nor do those that lean on what it
        // added.
        loop {
            let before = counts.len();
            let known = counts.clone();
            counts.retain(|_, change| elements_of(change).all(|entry| known.contains_key(&entry)));
            if counts.len() == before {
                break;
            }
        }
        let seen = Seen::of(creation, &heard, &counts);
        let mut expected = Expected { team: creation.by.team, ..Expected::default() };
        for change in counts.values() {
            expected.add(change, &counts, &seen);
        }
        expected
    }
}

/// Whose elements a change puts something in.
fn elements_of(change: &Intent) -> impl Iterator<Item = Label> + '_ {
    change.deeds.iter().filter_map(|deed| match deed {
        Deed::PutIn((entry, _), _, _) => Some(*entry),
        _ => None,
    })
}

/// For each change which others it was built on. What does not count for who wrote it, or for want of an
/// element, stands for what its author had seen; what was cut, or never came, for nothing; and who then
/// saw nothing saw the creation.
struct Seen(BTreeMap<Label, BTreeSet<Label>>);

impl Seen {
    fn of(creation: &Intent, heard: &[&Intent], counts: &BTreeMap<Label, &Intent>) -> Self {
        let mut seen = Seen(BTreeMap::from([(creation.id, BTreeSet::new())]));
        let ids: BTreeSet<Label> = heard.iter().map(|change| change.id).collect();
        // Until nothing changes any more: what a change names may come behind it in the list.
        loop {
            let before = seen.0.clone();
            for change in heard.iter().filter(|change| change.id != creation.id) {
                let mut all = BTreeSet::new();
                let named = change.after.iter().copied().chain(elements_of(change));
                for other in named.filter(|other| ids.contains(other)) {
                    all.extend(seen.0.get(&other).into_iter().flatten().copied());
                    all.extend(counts.contains_key(&other).then_some(other));
                }
                if all.is_empty() {
                    all.insert(creation.id);
                }
                seen.0.insert(change.id, all);
            }
            if seen.0 == before {
                return seen;
            }
        }
    }

    fn saw(&self, later: &Label, earlier: &Label) -> bool {
        self.0.get(later).is_some_and(|seen| seen.contains(earlier))
    }
}

impl Expected {
    fn add(&mut self, change: &Intent, counts: &BTreeMap<Label, &Intent>, seen: &Seen) {
        let overwritten = |element: Option<Element>, field: &str| {
            counts.values().any(|later| {
                seen.saw(&later.id, &change.id)
                    && later.deeds.iter().any(|deed| match (deed, element) {
                        (Deed::Put(name, _), None) => name == field,
                        (Deed::PutIn(of, name, _), Some(element)) => {
                            *of == element && name == field
                        }
                        _ => false,
                    })
            })
        };
        for (index, deed) in (0..).zip(&change.deeds) {
            match deed {
                Deed::Put(field, answer) => {
                    let again = change
                        .deeds
                        .iter()
                        .skip(index as usize + 1)
                        .any(|later| matches!(later, Deed::Put(name, _) if name == field));
                    if !again && !overwritten(None, field) {
                        let value = (answer.clone(), change.id);
                        self.fields.entry(field.clone()).or_default().insert(value);
                    }
                }
                Deed::Add(_, fields) => {
                    let element = (change.id, index);
                    let added = self.elements.entry(element).or_default();
                    for (field, answer) in fields {
                        if !overwritten(Some(element), field) {
                            let value = (answer.clone(), change.id);
                            added.entry(field.clone()).or_default().insert(value);
                        }
                    }
                }
                Deed::PutIn(element, field, answer) => {
                    if !overwritten(Some(*element), field) {
                        let value = (answer.clone(), change.id);
                        let of = self.elements.entry(*element).or_default();
                        of.entry(field.clone()).or_default().insert(value);
                    }
                }
            }
        }
    }
}

/// A person with the team that they speak in; `None` is the root.
type Speaker = Option<(u32, u32)>;

/// Whose word counts: from the root down, coordinators, then the rest.
struct Rules {
    /// For each certificate what each revocation keeps.
    cuts: BTreeMap<Label, Vec<BTreeSet<Label>>>,
    /// (entry, waiver) with who accepted: the person and team, or the root.
    accepted: BTreeMap<(Label, Waiver), Vec<Speaker>>,
    /// Certificates that hold, with what they give.
    certified: BTreeMap<Label, Given>,
    /// Records that the root erased.
    erased: BTreeSet<Label>,
}

impl Rules {
    fn of(world: &World) -> Self {
        let mut rules = Rules {
            cuts: BTreeMap::new(),
            accepted: BTreeMap::new(),
            certified: BTreeMap::new(),
            erased: BTreeSet::new(),
        };
        let person = |said: &Said| said.by.map(|hand| (hand.person, hand.team));
        for said in world.said.iter().filter(|said| said.by.is_none()) {
            if let Word::Erase { record } = &said.word {
                rules.erased.insert(*record);
            }
        }
        for from_root in [true, false] {
            let level: Vec<&Said> =
                world.said.iter().filter(|said| said.by.is_none() == from_root).collect();
            let stands: Vec<&Said> = level
                .iter()
                .filter(|said| said.by.is_none_or(|by| rules.stands(&said.id, &by.certificate)))
                .copied()
                .collect();
            for said in &stands {
                if let Word::Accept { waiver, entry } = said.word {
                    rules.accepted.entry((entry, waiver)).or_default().push(person(said));
                }
            }
            for said in &level {
                let holds = said.by.is_none_or(|by| {
                    rules.stands(&said.id, &by.certificate)
                        || rules.is_accepted(&said.id, Waiver::Revoked, by)
                });
                if let (Word::Certify(given), true) = (&said.word, holds) {
                    rules.certified.insert(said.id, *given);
                }
            }
            for said in &stands {
                if let Word::Revoke { certificate, kept } = &said.word {
                    rules.cuts.entry(*certificate).or_default().push(kept.clone());
                }
            }
        }
        rules
    }

    /// The first certificate of the same person: one continues another where both hold, and give the same role in the
    /// same team.
    fn person(&self, certificate: &Label) -> Label {
        let Some(given) = self.certified.get(certificate) else { return *certificate };
        match given.continues.and_then(|earlier| Some((earlier, self.certified.get(&earlier)?))) {
            Some((earlier, of)) if (of.role, of.team) == (given.role, given.team) => {
                self.person(&earlier)
            }
            _ => *certificate,
        }
    }

    /// Whether two hands are one person's: by the same phone, or by certificates of the same person.
    fn is_one(&self, one: &Hand, other: &Hand) -> bool {
        one.person == other.person
            || self.person(&one.certificate) == self.person(&other.certificate)
    }

    fn stands(&self, entry: &Label, certificate: &Label) -> bool {
        self.cuts.get(certificate).is_none_or(|cuts| cuts.iter().all(|kept| kept.contains(entry)))
    }

    /// Nobody accepts an entry of their own.
    fn is_accepted(&self, entry: &Label, waiver: Waiver, author: Hand) -> bool {
        self.accepted.get(&(*entry, waiver)).into_iter().flatten().any(|by| match by {
            Some((person, team)) => *person != author.person && *team == author.team,
            None => true,
        })
    }

    /// Whether stores pass it on: any revocation of its certificate keeps it, or it was accepted.
    fn is_passed_on(&self, entry: &Label, by: Hand) -> bool {
        let cuts = self.cuts.get(&by.certificate);
        let is_kept = cuts.is_none_or(|cuts| cuts.iter().any(|kept| kept.contains(entry)));
        self.certified.contains_key(&by.certificate)
            && (is_kept || self.is_accepted(entry, Waiver::Revoked, by))
    }

    /// Whether its author is certified, and it stands.
    fn is_heard(&self, change: &Intent) -> bool {
        let by = change.by;
        self.certified.contains_key(&by.certificate)
            && (self.stands(&change.id, &by.certificate)
                || self.is_accepted(&change.id, Waiver::Revoked, by))
    }

    /// Whether its author's role allows it; `people` tells who made each change of the record.
    fn allows(&self, change: &Intent, creation: &Intent, people: &BTreeMap<Label, Hand>) -> bool {
        let by = change.by;
        let is_own = self.is_one(&creation.by, &by);
        let may = |deed: &Deed| match deed {
            // What its own hand appended; of a referral's events, on anybody's record.
            Deed::PutIn((entry, _), _, _) => {
                let own_element = people.get(entry).is_none_or(|hand| self.is_one(hand, &by));
                own_element && (is_own || creation.kind == REFERRAL)
            }
            Deed::Add(list, _) => is_own || creation.kind == REFERRAL && list == "events",
            // Of stock, what it was given, gives back or lost.
            Deed::Put(field, answer) if creation.kind == STOCK_MOVEMENT && field == "movement" => {
                let own = ["issue_to_worker", "return", "loss"];
                is_own && own.iter().any(|code| *answer == Answer::Word((*code).to_owned()))
            }
            Deed::Put(..) => is_own,
        };
        match by.role {
            Role::Coordinator => true,
            Role::Worker => {
                let never = [TARGET, REPORT].contains(&creation.kind);
                (!never && change.deeds.iter().all(may))
                    || self.is_accepted(&change.id, Waiver::Role, by)
            }
        }
    }
}
