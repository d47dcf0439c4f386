//! What people fill in, kind by kind: plain words, drawn at random, in the oracle's terms.

use super::oracle::{Answer, Deed};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

type Dice = ChaCha8Rng;
type Answers = Vec<(&'static str, Answer)>;

/// The kinds that people record, by their numbers in an entry's header.
pub const KINDS: [u8; 8] = [16, 17, 18, 19, 20, 21, 22, 23];

const PRODUCTS: &[&str] = &["nasal_4mg", "intramuscular_0_4mg", "new_product"];
const HOLDERS: &[&str] = &["site:riverside", "site:station", "outside"];

/// What a note says, and how one that is sealed is compared: as what only its team can read.
pub const SEALED: &str = "bytes";

/// A note.
pub fn note() -> Deed {
    Deed::Put("note".to_owned(), word(SEALED))
}

pub fn word(text: &str) -> Answer {
    Answer::Word(text.to_owned())
}

fn one(dice: &mut Dice, of: &[&str]) -> Answer {
    word(of.choose(dice).copied().unwrap_or("unknown"))
}

fn number(dice: &mut Dice, from: i64, to: i64) -> Answer {
    Answer::Number(dice.random_range(from..=to))
}

/// The list of a kind, where it has one.
pub fn list_of(kind: u8) -> Option<&'static str> {
    match kind {
        17 => Some("administrations"),
        18 => Some("events"),
        _ => None,
    }
}

/// All answers of a new record but its site and date.
pub fn creation(kind: u8, days: &[Answer], dice: &mut Dice) -> Vec<Deed> {
    let mut answers: Answers = vec![("utc_offset_min", Answer::Number(60))];
    answers.extend(own(kind, dice));
    let mut deeds: Vec<Deed> =
        answers.into_iter().map(|(field, answer)| Deed::Put(field.to_owned(), answer)).collect();
    if kind == 17 {
        for _ in 0..dice.random_range(0..3) {
            deeds.push(element(kind, days, dice));
        }
        if !deeds.iter().any(|deed| matches!(deed, Deed::Add(..))) {
            deeds.push(Deed::Put("none_given_reason".to_owned(), word("refused")));
        }
    }
    if kind == 18 {
        for _ in 0..dice.random_range(1..4) {
            deeds.push(element(kind, days, dice));
        }
    }
    deeds
}

fn own(kind: u8, dice: &mut Dice) -> Answers {
    match kind {
        16 => vec![
            ("recipient_role", one(dice, &["at_risk", "family_friend"])),
            ("supply_type", one(dice, &["first", "resupply"])),
            ("resupply_reason", one(dice, &["used_on_other", "lost", "used_on_self"])),
            ("channel", one(dice, &["prison_release", "mail"])),
            ("product", one(dice, PRODUCTS)),
            ("doses_per_kit", number(dice, 1, 3)),
            ("kits", number(dice, 1, 4)),
            ("single_doses", number(dice, 0, 2)),
            ("lot", one(dice, &["A1", "B2"])),
            ("training", one(dice, &["full", "brief", "declined"])),
            ("taken_from", one(dice, HOLDERS)),
        ],
        17 => vec![
            ("report_basis", word("witnessed_by_reporter")),
            ("reporter_role", word("peer_worker")),
            ("place", word("street_park")),
            ("ems_called", one(dice, &["yes", "no", "unknown"])),
            ("outcome", one(dice, &["survived", "died", "unknown"])),
            ("taken_from", one(dice, HOLDERS)),
        ],
        18 => vec![
            ("service", one(dice, &["methadone", "housing"])),
            ("origin", word("outreach")),
            ("urgency", one(dice, &["today", "routine"])),
            ("handoff", word("accompanied")),
            ("receiving_service", word("clinic")),
        ],
        19 => {
            // What comes from outside is mostly a receipt.
            let (from, to, movements) = if dice.random_bool(0.5) {
                let often = if dice.random_bool(0.7) { &MOVEMENTS[..1] } else { MOVEMENTS };
                ("outside", "site:riverside", often)
            } else {
                ("site:riverside", "site:station", MOVEMENTS)
            };
            vec![
                ("movement", one(dice, movements)),
                ("product", one(dice, PRODUCTS)),
                ("doses_per_kit", number(dice, 1, 3)),
                ("lot", one(dice, &["A1", "B2"])),
                ("expiry", one(dice, &["2026-12", "2027-06"])),
                ("quantity", number(dice, 1, 50)),
                ("from", word(from)),
                ("to", word(to)),
            ]
        }
        20 => vec![
            ("mode", one(dice, &["group", "online"])),
            ("people_trained", number(dice, 1, 20)),
            ("people_supplied", number(dice, 0, 20)),
        ],
        21 => vec![
            ("people", number(dice, 1, 9)),
            ("visit", one(dice, &["new", "returning", "mixed"])),
            ("supplies.condoms", number(dice, 0, 9)),
            ("supplies.new_type", number(dice, 1, 9)),
        ],
        22 => vec![
            ("indicator", word("kits_distributed")),
            ("scope", word("team")),
            ("period", one(dice, &["2026", "2026-Q1"])),
            ("value", number(dice, 0, 500)),
        ],
        _ => vec![
            ("period", one(dice, &["2026", "2026-Q1"])),
            ("revision", number(dice, 1, 3)),
            ("records_digest", word("00")),
            ("approved_by", word("office")),
            ("suppression", word("under_10")),
            ("values.kits_distributed", number(dice, 0, 500)),
        ],
    }
}

const MOVEMENTS: &[&str] =
    &["receipt", "issue_to_worker", "return", "transfer", "loss", "expired", "recall_quarantine"];

/// One more element of a kind's list.
pub fn element(kind: u8, days: &[Answer], dice: &mut Dice) -> Deed {
    let answers: Answers = match kind {
        18 => vec![
            (
                "status",
                one(
                    dice,
                    &["offered", "made", "made", "accepted", "attended", "completed", "lost"],
                ),
            ),
            ("on", days.choose(dice).cloned().unwrap_or(Answer::Nothing)),
        ],
        _ => vec![
            ("product", one(dice, PRODUCTS)),
            ("route", word("IN")),
            ("doses", if dice.random_bool(0.25) { word("unknown") } else { number(dice, 1, 4) }),
            ("source", one(dice, &["this_programme", "ems"])),
            ("lot", one(dice, &["A1", "B2"])),
        ],
    };
    let fields = answers.into_iter().map(|(field, answer)| (field.to_owned(), answer));
    Deed::Add(list_of(kind).unwrap_or("administrations").to_owned(), fields.collect())
}

/// A correction of a kind's own fields.
pub fn correction(kind: u8, dice: &mut Dice) -> (String, Answer) {
    let (field, answer) = match (kind, dice.random_range(0..4)) {
        (16, 0) => ("kits", number(dice, 0, 9)),
        (16, 1) => ("gender", one(dice, &["woman", "two_spirit"])),
        (17, 0) => ("suspected_substances.heroin", Answer::Flag(dice.random_bool(0.5))),
        (17, 1) => ("gender", Answer::Nothing),
        (18, 0) => ("barriers.cost", Answer::Flag(dice.random_bool(0.5))),
        (20, 0) => ("topics.naloxone", Answer::Flag(dice.random_bool(0.7))),
        (21, 0) => ("supplies.condoms", number(dice, 0, 9)),
        (22, 0) => ("value", number(dice, 0, 9)),
        _ => {
            let mut own = own(kind, dice);
            own.swap_remove(dice.random_range(0..own.len()))
        }
    };
    (field.to_owned(), answer)
}

/// A correction of an element.
pub fn element_correction(kind: u8, days: &[Answer], dice: &mut Dice) -> (String, Answer) {
    let (field, answer) = match (kind, dice.random_range(0..3)) {
        (_, 0) => ("void", word("entered_in_error")),
        (_, 1) => ("void", Answer::Nothing),
        (18, _) => ("on", days.choose(dice).cloned().unwrap_or(Answer::Nothing)),
        _ => ("doses", number(dice, 1, 4)),
    };
    (field.to_owned(), answer)
}

#[cfg(test)]
mod tests {
    use super::KINDS;
    use kitbag_core::model::Kind;

    #[test]
    fn people_record_every_kind_that_there_is() {
        let mut numbers: Vec<u8> = Kind::ALL.iter().map(|kind| kind.number()).collect();
        numbers.sort_unstable();
        assert_eq!(KINDS.as_slice(), numbers, "a new kind needs its forms and its recount here");
    }
}
