//! Totals of the records that should count, recounted from the values that screens show. Shares no code
//! with the engine: each indicator of the data dictionary is counted here once more, from its words.

use super::oracle::{Answer, Label};
use super::repeated::which_count;
use std::collections::{BTreeMap, BTreeSet};

/// One element of a list: of each field all values, the winner last; by the entry that added it.
pub type Element = (Label, BTreeMap<String, Vec<Answer>>);

/// What a screen shows of a record: of each field all values, the winner last.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    pub team: u32,
    pub kind: u8,
    pub fields: BTreeMap<String, Vec<Answer>>,
    pub lists: BTreeMap<String, Vec<Element>>,
    /// Whose hand made it.
    pub by: By,
    /// The records that it says it repeats, in short: each with whose hand said so.
    pub repeats: Vec<(String, By)>,
    /// The records that it says are of other events, in short: each with whose hand said so.
    pub distinct: Vec<(String, By)>,
    /// Where it is a row of a file that nobody but coordinators changed since: which one, and which of several is
    /// preferred, the lowest.
    pub row: Option<(String, u8)>,
    /// Whether whoever named a colleague's own stock may speak for it.
    pub moves_stock: bool,
}

/// Whose hand it was: by the phone's key, and by the first certificate of the person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct By {
    pub key: u32,
    pub person: Label,
    pub is_coordinator: bool,
}

/// (date, site and whatever else it is split by) with each indicator's sum.
pub type Totals = BTreeMap<Vec<String>, BTreeMap<String, i64>>;

/// (holder, product, lot, expiry) with doses.
pub type Balances = BTreeMap<(String, String, String, String), i64>;

/// The records that count, each event once.
pub fn counted(records: &BTreeMap<Label, Shown>) -> Vec<&Shown> {
    which_count(records).iter().map(|id| &records[id]).collect()
}

/// Sums by date and person, whom the key of the first of their phones names.
pub fn recount_by_person(
    records: &BTreeMap<Label, Shown>,
    keys: &BTreeMap<Label, String>,
) -> Totals {
    let mut totals = Totals::new();
    for shown in counted(records) {
        let key = keys.get(&shown.by.person).cloned().unwrap_or_default();
        add(&mut totals, vec![date(shown), key], sums(shown));
    }
    totals
}

/// Sums by date and site.
pub fn recount(records: &BTreeMap<Label, Shown>) -> Totals {
    let mut totals = Totals::new();
    for shown in counted(records) {
        let key = vec![date(shown), word(shown, "site")];
        add(&mut totals, key, sums(shown));
    }
    totals
}

/// Sums by date and the codes of one field; of a list's field, elements with a code count there alone.
pub fn recount_by(records: &BTreeMap<Label, Shown>, field: &str) -> Totals {
    let mut totals = Totals::new();
    for shown in counted(records) {
        let date = date(shown);
        for (code, part) in parts(shown, field) {
            add(&mut totals, vec![date.clone(), code], sums(&part));
        }
    }
    totals
}

/// Balances of stock.
pub fn balances(records: &BTreeMap<Label, Shown>) -> Balances {
    let mut balances = Balances::new();
    let mut add = |holder: String, (product, lot, expiry): (String, String, String), doses: i64| {
        if holder != "outside" && !holder.is_empty() {
            *balances.entry((holder, product, lot, expiry)).or_default() += doses;
        }
    };
    for shown in counted(records).into_iter().filter(|shown| shown.moves_stock) {
        let batch = || (word(shown, "product"), word(shown, "lot"), word(shown, "expiry"));
        match shown.kind {
            16 => add(word(shown, "taken_from"), batch(), -doses_handed_out(shown)),
            17 => {
                for given in elements(shown, "administrations") {
                    if said(given, "source") == "this_programme"
                        && let Some(Answer::Number(doses)) = winner(given, "doses")
                    {
                        let batch = (said(given, "product"), said(given, "lot"), String::new());
                        add(word(shown, "taken_from"), batch, -doses);
                    }
                }
            }
            19 => {
                let doses = number(shown, "quantity") * number(shown, "doses_per_kit");
                add(word(shown, "from"), batch(), -doses);
                add(word(shown, "to"), batch(), doses);
            }
            _ => {}
        }
    }
    balances.retain(|_, doses| *doses != 0);
    with_lots(dated(balances))
}

/// Doses without a lot are of the lots that there are: of those that expire first, before those that expire later and
/// those of which nobody knows when; and what came in without one is of the lots that lack some.
fn with_lots(balances: Balances) -> Balances {
    let mut lots: Vec<_> = balances.iter().filter(|((_, _, lot, _), _)| !lot.is_empty()).collect();
    lots.sort_by_key(|((holder, product, lot, expiry), _)| {
        (holder, product, expiry.is_empty(), expiry, lot)
    });
    let mut evened = balances.clone();
    for (without, _) in balances.iter().filter(|((_, _, lot, _), _)| lot.is_empty()) {
        let (of, said): (Vec<_>, &str) = (vec![&without.0, &without.1], &without.3);
        let mut turns: Vec<_> =
            lots.iter().filter(|((holder, product, ..), _)| vec![holder, product] == of).collect();
        turns.sort_by_key(|((_, _, _, expiry), _)| said.is_empty() || expiry != said);
        for (lot, _) in turns {
            let (have, lack) = (evened[*lot], evened[without]);
            // One dose after the other, as long as one side has what the other lacks.
            let moved = if have > 0 && lack < 0 {
                have.min(-lack)
            } else if have < 0 && lack > 0 {
                -(lack.min(-have))
            } else {
                0
            };
            *evened.entry((*lot).clone()).or_default() -= moved;
            *evened.entry(without.clone()).or_default() += moved;
        }
    }
    evened.retain(|_, doses| *doses != 0);
    evened
}

/// The day that a record counts on: the last of its span.
fn date(shown: &Shown) -> String {
    let (first, last) = (word(shown, "occurred_on"), word(shown, "through"));
    match (day_of(&first), day_of(&last)) {
        (Some(one), Some(other)) if other >= one => last,
        _ => first,
    }
}

/// Doses of a lot without an expiry are of the holder's only batch of that lot.
fn dated(balances: Balances) -> Balances {
    let mut dated = balances.clone();
    for ((holder, product, lot, expiry), doses) in &balances {
        if lot.is_empty() || !expiry.is_empty() {
            continue;
        }
        let batches = balances.keys().filter(|(other, of, same, until)| {
            (other, of, same) == (holder, product, lot) && !until.is_empty()
        });
        if let [batch] = batches.collect::<Vec<_>>().as_slice() {
            *dated.entry((*batch).clone()).or_default() += doses;
            dated.remove(&(holder.clone(), product.clone(), lot.clone(), String::new()));
        }
    }
    dated.retain(|_, doses| *doses != 0);
    dated
}

fn add(totals: &mut Totals, key: Vec<String>, sums: Vec<(String, i64)>) {
    for (name, n) in sums.into_iter().filter(|(_, n)| *n != 0) {
        *totals.entry(key.clone()).or_default().entry(name).or_default() += n;
    }
    if let Some(line) = totals.get_mut(&key) {
        line.retain(|_, n| *n != 0);
    }
}

/// What one record adds, by the definitions of the data dictionary.
fn sums(shown: &Shown) -> Vec<(String, i64)> {
    let is = |field: &str, codes: &[&str]| i64::from(codes.contains(&word(shown, field).as_str()));
    let named = |sums: &[(&str, i64)]| -> Vec<(String, i64)> {
        sums.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
    };
    match shown.kind {
        16 => {
            let resupply = is("supply_type", &["resupply"]);
            let used =
                is("resupply_reason", &["used_on_other", "used_on_self", "used_unspecified"]);
            let kits = number(shown, "kits");
            let trained = is("training", &["full", "brief"]);
            named(&[
                ("distributions", 1),
                ("recipients", 1),
                ("kits_distributed", kits),
                ("doses_distributed", doses_handed_out(shown)),
                ("supply_first", is("supply_type", &["first"])),
                ("supply_resupply", resupply),
                ("resupply_used", resupply * used),
                ("prison_release_kits", kits * is("channel", &["prison_release"])),
                ("people_trained", trained),
                ("people_supplied", trained),
            ])
        }
        17 => reversal(shown),
        18 => referral(shown),
        19 => {
            let kits = number(shown, "quantity");
            named(&[
                ("kits_received", kits * is("movement", &["receipt"]) * is("from", &["outside"])),
                ("kits_wasted", kits * is("movement", &["loss", "expired"])),
                ("kits_quarantined", kits * is("movement", &["recall_quarantine"])),
            ])
        }
        20 => named(&[
            ("trainings", 1),
            ("people_trained", number(shown, "people_trained")),
            ("people_supplied", number(shown, "people_supplied")),
        ]),
        21 => {
            let people = number(shown, "people");
            let mut sums = named(&[
                ("contacts", 1),
                ("people_met", people),
                ("people_new", people * is("visit", &["new"])),
                ("people_returning", people * is("visit", &["returning"])),
            ]);
            let supplies = shown.fields.keys().filter(|field| field.starts_with("supplies."));
            sums.extend(supplies.map(|field| (field.clone(), number(shown, field))));
            sums
        }
        22 => named(&[("targets", 1)]),
        23 => named(&[("reports", 1)]),
        _ => Vec::new(),
    }
}

fn doses_handed_out(shown: &Shown) -> i64 {
    number(shown, "kits") * number(shown, "doses_per_kit") + number(shown, "single_doses")
}

fn reversal(shown: &Shown) -> Vec<(String, i64)> {
    let given: Vec<_> = elements(shown, "administrations").collect();
    if given.is_empty() {
        return Vec::new();
    }
    let doses = given.iter().filter_map(|given| match winner(given, "doses") {
        Some(Answer::Number(doses)) => Some(*doses),
        _ => None,
    });
    let doses: Vec<i64> = doses.collect();
    let outcome = match word(shown, "outcome").as_str() {
        "survived" => "survived",
        "died" => "died",
        _ => "outcome_unknown",
    };
    let mut sums = vec![
        ("reversals", 1),
        ("doses", doses.iter().sum()),
        ("doses_unknown", (given.len() - doses.len()) as i64),
        (outcome, 1),
    ];
    match word(shown, "ems_called").as_str() {
        "yes" => sums.push(("ems_called", 1)),
        "no" => sums.push(("ems_not_called", 1)),
        _ => {}
    }
    sums.into_iter().map(|(name, n)| (name.to_owned(), n)).collect()
}

fn referral(shown: &Shown) -> Vec<(String, i64)> {
    let on = |status: &str| -> Vec<i64> {
        let events = elements(shown, "events").filter(|event| said(event, "status") == status);
        events.filter_map(|event| day_of(&said(event, "on"))).collect()
    };
    let mut sums = vec![("referrals".to_owned(), 1)];
    for status in ["made", "accepted", "attended", "completed"] {
        sums.push((format!("referrals_{status}"), i64::from(!on(status).is_empty())));
    }
    if let Some(made) = on("made").into_iter().min() {
        let attended = on("attended").into_iter().filter(|day| *day >= made).min();
        if let Some(attended) = attended {
            sums.push((format!("linkage_days.{}", attended - made), 1));
        }
    }
    sums
}

/// The kinds that have a field (data dictionary).
fn kinds_of(field: &str) -> &'static [u8] {
    match field {
        "gender" => &[16, 17, 18],
        "status" | "events.status" | "barriers" => &[18],
        "movement" => &[19],
        _ => &[17],
    }
}

/// The codes of a field that a record belongs to, each with what of it counts there; an empty one where
/// it was not asked.
fn parts(shown: &Shown, field: &str) -> Vec<(String, Shown)> {
    if !kinds_of(field).contains(&shown.kind) {
        return Vec::new();
    }
    let found = parts_asked(shown, field);
    if found.is_empty() { vec![(String::new(), shown.clone())] } else { found }
}

fn parts_asked(shown: &Shown, field: &str) -> Vec<(String, Shown)> {
    if field == "status" {
        return status(shown).into_iter().map(|code| (code, shown.clone())).collect();
    }
    if let Some((list, inner)) = field.split_once('.') {
        let codes: BTreeSet<String> =
            elements(shown, list).map(|event| said(event, inner)).collect();
        let narrowed = |code: String| {
            let mut part = shown.clone();
            let elements = part.lists.entry(list.to_owned()).or_default();
            elements.retain(|(_, fields)| said(fields, inner) == code);
            (code, part)
        };
        return codes.into_iter().map(narrowed).collect();
    }
    let ticked = shown.fields.iter().filter_map(|(name, values)| {
        let code = name.strip_prefix(field)?.strip_prefix('.')?;
        (*values.last()? == Answer::Flag(true)).then(|| code.to_owned())
    });
    let whole = Some(word(shown, field)).filter(|code| !code.is_empty());
    ticked.chain(whole).map(|code| (code, shown.clone())).collect()
}

/// The latest event's status; of those of one day the furthest along, then the highest entry.
fn status(shown: &Shown) -> Option<String> {
    const ORDER: [&str; 7] =
        ["offered", "made", "accepted", "attended", "completed", "declined", "lost"];
    if shown.kind != 18 {
        return None;
    }
    let events = shown.lists.get("events").into_iter().flatten();
    let standing = events.filter(|(_, event)| !any_set(event.get("void").into_iter().flatten()));
    let rank = |event: &&Element| {
        let status = said(&event.1, "status");
        let far = ORDER.iter().position(|known| *known == status);
        (said(&event.1, "on"), far, event.0)
    };
    standing.max_by_key(rank).map(|(_, event)| said(event, "status"))
}

fn elements<'a>(
    shown: &'a Shown,
    list: &str,
) -> impl Iterator<Item = &'a BTreeMap<String, Vec<Answer>>> {
    let all = shown.lists.get(list).into_iter().flatten().map(|(_, fields)| fields);
    all.filter(|fields| !any_set(fields.get("void").into_iter().flatten()))
}

fn winner<'a>(element: &'a BTreeMap<String, Vec<Answer>>, field: &str) -> Option<&'a Answer> {
    element.get(field)?.last()
}

fn said(element: &BTreeMap<String, Vec<Answer>>, field: &str) -> String {
    match winner(element, field) {
        Some(Answer::Word(word)) => word.clone(),
        _ => String::new(),
    }
}

fn any_set<'a>(mut answers: impl Iterator<Item = &'a Answer>) -> bool {
    answers.any(|answer| *answer != Answer::Nothing)
}

pub(super) fn is_void(shown: &Shown) -> bool {
    any_set(shown.fields.get("void").into_iter().flatten())
}

fn word(shown: &Shown, field: &str) -> String {
    match shown.fields.get(field).and_then(|values| values.last()) {
        Some(Answer::Word(word)) => word.clone(),
        _ => String::new(),
    }
}

fn number(shown: &Shown, field: &str) -> i64 {
    match shown.fields.get(field).and_then(|values| values.last()) {
        Some(Answer::Number(number)) => *number,
        _ => 0,
    }
}

/// Days since 1970-01-01 of a date; the calendar counted out, not looked up.
fn day_of(text: &str) -> Option<i64> {
    let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = |month: i64| match month {
        2 => 28 + i64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let years: i64 = if year >= 1970 {
        (1970..year).map(|year| 365 + i64::from(leap(year))).sum()
    } else {
        -(year..1970).map(|year| 365 + i64::from(leap(year))).sum::<i64>()
    };
    Some(years + (1..month).map(length).sum::<i64>() + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_out_right() {
        for (date, days) in
            [("1970-01-01", 0), ("2000-01-01", 10_957), ("2018-03-01", 17_591), ("1969-12-31", -1)]
        {
            assert_eq!(day_of(date), Some(days), "{date}");
        }
    }
}
