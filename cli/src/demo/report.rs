//! What the demonstration prints: what is missing half way, the month's totals, and what to do next.

use super::check::{Findings, lines};
use super::world::World;
use crate::Failure;
use crate::totals::{missing_in_words, say_what_else, sum, table};
use kitbag_core::model::Kind;
use kitbag_core::model::catalogue::share;
use kitbag_core::model::date::Period;
use kitbag_core::model::stock::Holder;
use kitbag_core::totals::{KnownMissing, Lines, NOT_ASKED, Split, of_kind};
use kitbag_interchange::{Imported, RefusedRow};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How many characters the longest bar has.
const BAR_CHARS: i64 = 40;
/// How many phones with known missing entries are named.
const PHONES_SHOWN: usize = 8;
/// How many refused rows that need mending are listed.
const REFUSED_SHOWN: usize = 10;

/// Lists refused rows: how many for each reason, and the first of those that can be mended.
pub fn refused(refused: &[RefusedRow]) {
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for row in refused {
        *reasons.entry(&row.reason).or_default() += 1;
    }
    for (reason, count) in &reasons {
        say!("  refused, {reason}: {count}");
    }
    let broken = refused
        .iter()
        .filter(|row| ["invalid", "unreadable", "not_utf8"].contains(&row.reason.as_str()));
    for row in broken.take(REFUSED_SHOWN) {
        say!("  line {}: {}: {}", row.line, row.reason, row.detail);
    }
}

/// The hub's totals half way, with what is known missing and which phones hold it.
pub fn half_way(world: &mut World) -> Result<u64, Failure> {
    let page = world.page("/v1/totals?by=month")?;
    let missing = known_missing(&page);
    say!(
        "\nHalf way, at the hub:\n{}",
        table(&[Split::Period(Period::Month)], &of_kind(Kind::Reversal, &lines(&page)), &[])
    );
    say!("{}", missing_in_words(&missing));
    phones_with_missing(world, &page)?;
    say!("");
    Ok(missing.entries)
}

fn known_missing(page: &Value) -> KnownMissing {
    let number = |name: &str| page["known_missing"][name].as_u64().unwrap_or_default();
    let is_doubtful = page["known_missing"]["doubtful"] == true;
    KnownMissing { entries: number("entries"), devices: number("devices"), is_doubtful }
}

fn phones_with_missing(world: &mut World, page: &Value) -> Result<(), Failure> {
    let mut names = BTreeMap::new();
    for phone in &mut world.phones {
        let key = phone.engine()?.device_key().to_string();
        names.insert(key, format!("{} ({})", phone.name, phone.site));
    }
    let phones = page["known_missing"]["phones"].as_array().into_iter().flatten();
    let mut held: Vec<(u64, &str)> = phones
        .map(|from| {
            let device = from["device"].as_str().unwrap_or_default();
            let name = names.get(device).map_or(device, String::as_str);
            (from["entries"].as_u64().unwrap_or_default(), name)
        })
        .collect();
    held.sort_by(|a, b| b.cmp(a));
    for (entries, name) in held.iter().take(PHONES_SHOWN) {
        say!("  {entries:>4} on {name}");
    }
    if held.len() > PHONES_SHOWN {
        let rest: u64 = held[PHONES_SHOWN..].iter().map(|(entries, _)| entries).sum();
        say!("  {rest:>4} on {} more", held.len() - PHONES_SHOWN);
    }
    Ok(())
}

/// The totals at the end: a table, bars, silent sites, what is missing.
pub fn final_report(world: &mut World, imported: &Imported) -> Result<AllTotals, Failure> {
    let totals = AllTotals::of(world)?;
    let month = [Split::Period(Period::Month)];
    let by_month = of_kind(Kind::Reversal, &totals.by_month);
    say!("\nReversals by month, at the hub:\n{}", table(&month, &by_month, &[]));
    let longest = totals.by_month.values().map(reversals).max().unwrap_or(0).max(1);
    for (key, sums) in &by_month {
        let length = (reversals(sums) * BAR_CHARS + longest - 1) / longest;
        say!("{}  {:<40}  {}", key.join(" "), "█".repeat(length as usize), reversals(sums));
    }
    made_up_tables(world)?;
    let heard_from: BTreeSet<&String> =
        totals.by_site.keys().filter_map(|key| key.first()).collect();
    let silent: Vec<&str> = imported
        .sites
        .iter()
        .filter(|site| !heard_from.contains(site))
        .map(String::as_str)
        .collect();
    if silent.is_empty() {
        say!("\nEvery site sent something.")
    } else {
        say!("\nSent nothing: {}.", silent.join(", "))
    }
    let page = world.page("/v1/totals?by=month")?;
    say!("{}", missing_in_words(&known_missing(&page)));
    phones_with_missing(world, &page)?;
    let number = |name: &str| page[name].as_u64().unwrap_or_default();
    let doubted = page["date_in_doubt"].as_object().into_iter().flatten();
    let doubted = doubted.filter_map(|(year, n)| Some((year.parse().ok()?, n.as_u64()?))).collect();
    say_what_else(&doubted, number("waiting"), number("forks"));
    Ok(totals)
}

/// What was made up, by quarter, and who holds how much of it: said to be so.
fn made_up_tables(world: &mut World) -> Result<(), Failure> {
    let by_quarter = lines(&world.page("/v1/totals?by=quarter")?);
    let quarter = [Split::Period(Period::Quarter)];
    say!("\nMade up from the seed, and equal to what its maker counted:");
    let kinds = [Kind::Distribution, Kind::Referral, Kind::StockMovement, Kind::Training];
    for kind in kinds {
        let lines = of_kind(kind, &by_quarter);
        if !lines.is_empty() {
            say!("{}\n{}", crate::words().kind(kind), table(&quarter, &lines, &[]));
        }
    }
    let mut held: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
    for on_hand in world.coordinator.engine()?.store().stock(None)? {
        let of_lot = held.entry((on_hand.batch.product, on_hand.batch.lot)).or_default();
        match on_hand.holder {
            Holder::Site(_) => of_lot.0 += on_hand.doses,
            _ => of_lot.1 += on_hand.doses,
        }
    }
    for ((product, lot), (at_sites, with_workers)) in &held {
        say!(
            "stock of {product}, lot {lot}: {at_sites} doses at sites, {with_workers} with workers"
        );
    }
    Ok(())
}

fn reversals(sums: &BTreeMap<String, i64>) -> i64 {
    sum(sums, "reversals")
}

/// The hub's totals by everything that is compared.
pub struct AllTotals {
    by_month: Lines,
    by_site: Lines,
    by_quarter_site: Lines,
    by_month_outcome: Lines,
    by_code: Vec<(&'static str, Lines)>,
    all: Lines,
}

impl AllTotals {
    fn of(world: &mut World) -> Result<Self, Failure> {
        let mut by = |by: &str| -> Result<Lines, Failure> {
            Ok(lines(&world.page(&format!("/v1/totals?by={by}"))?))
        };
        // The files that they are compared with count the answers alone.
        let asked = |mut lines: Lines| {
            lines.retain(|key, _| key.iter().all(|part| *part != NOT_ASKED));
            lines
        };
        Ok(AllTotals {
            by_month: by("month")?,
            by_site: by("site")?,
            by_quarter_site: by("quarter,site")?,
            by_month_outcome: by("month,outcome")?,
            by_code: vec![
                ("by_outcome", asked(by("outcome")?)),
                ("by_gender", asked(by("gender")?)),
                ("by_age_band", asked(by("age_band")?)),
                ("by_response_minutes", asked(by("response_minutes")?)),
                ("by_substance", asked(by("suspected_substances")?)),
            ],
            all: by("")?,
        })
    }
}

/// Totals and findings as JSON: counts by the parts joined with a space.
pub fn json(totals: &AllTotals, imported: &Imported, findings: &Findings) -> Value {
    let counts = |lines: &Lines| -> Value {
        // A line of other kinds alone has no reversals, and no place among them.
        let counts = lines.iter().filter(|(_, sums)| reversals(sums) > 0);
        let counts = counts.map(|(key, sums)| (key.join(" "), json!(reversals(sums))));
        Value::Object(counts.collect::<Map<_, _>>())
    };
    let mut refused: BTreeMap<&str, u64> = BTreeMap::new();
    for row in &imported.refused {
        *refused.entry(&row.reason).or_default() += 1;
    }
    let whole = totals.all.values().next().cloned().unwrap_or_default();
    let survival = share("survival")
        .and_then(|share| share.of(&whole))
        .map(|share| (share * 10_000.0).round() / 10_000.0);
    let mut json = json!({
        "rows": imported.rows,
        "reversals": reversals(&whole),
        "refused": refused,
        "by_month": counts(&totals.by_month),
        "by_site": counts(&totals.by_site),
        "by_quarter_site": counts(&totals.by_quarter_site),
        "by_month_outcome": counts(&totals.by_month_outcome),
        "survival": survival,
        "devices": findings.devices,
        "date_in_doubt": findings.date_in_doubt,
        "lost": findings.lost,
        "duplicated": findings.duplicated,
        "conflicts_seen": findings.conflicts_seen,
        "forks_seen": findings.forks_seen,
        "known_missing_half_way": findings.known_missing_half_way,
        "records_per_second": findings.records_per_second().round(),
        "wire_bytes_per_record": (findings.wire_bytes_per_record() * 10.0).round() / 10.0,
    });
    for (name, lines) in &totals.by_code {
        json[*name] = counts(lines);
    }
    json
}

/// Two commands to try next.
pub fn what_next(kept: Option<&Path>) {
    say!("\nTry next:");
    match kept {
        Some(folder) => {
            let store = folder.join("coordinator.db");
            say!("  cargo run -p kitbag -- totals --store {} --by quarter,site", store.display());
            say!(
                "  cargo run -p kitbag -- totals --store {} --by age_band,outcome",
                store.display()
            );
        }
        None => {
            say!("  cargo demo --keep demo-stores    (and look into what is kept)");
            say!("  cargo demo --seed 2              (another bad line)");
        }
    }
}
