//! Whether everybody holds the same in the end, and nothing was lost or counted twice.

use super::world::World;
use crate::Failure;
use kitbag_core::model::date::Period;
use kitbag_core::model::{EntryId, Kind, RecordId, TeamId, UnixMillis};
use kitbag_core::totals::{Lines, Query, Split};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the demonstration found.
#[derive(Default)]
pub struct Findings {
    pub devices: u64,
    pub saved: u64,
    /// Records that count nowhere because of their date.
    pub date_in_doubt: u64,
    pub lost: u64,
    pub duplicated: u64,
    pub conflicts_seen: u64,
    pub conflicts_left: u64,
    pub forks_seen: u64,
    pub known_missing_half_way: u64,
    pub saving_seconds: f64,
    pub bytes_up: u64,
    /// What is not equal that should be, in words.
    pub unequal: Vec<String>,
}

impl Findings {
    pub fn records_per_second(&self) -> f64 {
        self.saved as f64 / self.saving_seconds
    }

    pub fn wire_bytes_per_record(&self) -> f64 {
        self.bytes_up as f64 / self.saved as f64
    }

    /// Success only where everything held.
    pub fn verdict(&self) -> Result<(), Failure> {
        let mut faults = self.unequal.clone();
        if self.conflicts_left > 0 {
            faults.push(format!("{} conflicts left after they were settled", self.conflicts_left));
        }
        for (count, what) in [(self.lost, "lost"), (self.duplicated, "counted twice")] {
            if count > 0 {
                faults.push(format!("{count} records {what}"));
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Failure::new(format!("the demonstration failed: {}", faults.join("; "))))
        }
    }
}

/// Compares every device of a team, the coordinator and the hub.
pub fn compare(world: &mut World, findings: &mut Findings) -> Result<(), Failure> {
    let digests = world.page("/v1/digests")?;
    findings.forks_seen = digests["forks"].as_u64().unwrap_or_default();
    let mut on_hub: BTreeSet<RecordId> = BTreeSet::new();
    let mut counted = 0;
    for (team, name) in world.teams.clone() {
        let of_team = digests["teams"].as_array().into_iter().flatten();
        let id = team.to_string();
        let hub = of_team.clone().find(|of| of["team"] == id.as_str()).unwrap_or(&Value::Null);
        let records = hub["records"].as_array().into_iter().flatten();
        on_hub.extend(records.filter_map(|id| id.as_str()?.parse::<RecordId>().ok()));
        let totals = world.page(&format!("/v1/totals?by=month,site&team={id}"))?;
        let doubted = totals["date_in_doubt"].as_object().into_iter().flatten();
        findings.date_in_doubt += doubted.filter_map(|(_, n)| n.as_u64()).sum::<u64>();
        let totals = lines(&totals);
        counted += totals.values().filter_map(|sums| sums.get("reversals")).sum::<i64>();
        let expected = (text(&hub["canonical"]), text(&hub["verdicts"]), totals);
        let phones = world.phones.iter_mut().filter(|phone| phone.team == team);
        for device in phones.chain([&mut world.coordinator]) {
            let found = state(device, team)?;
            let parts = [found.0 == expected.0, found.1 == expected.1, found.2 == expected.2];
            for (same, what) in parts.iter().zip(["canonical bytes", "verdicts", "totals"]) {
                if !same {
                    findings.unequal.push(format!("{what} of {name} on {}", device.name));
                }
            }
        }
    }
    let everybody = || world.phones.iter().chain([&world.coordinator]);
    let all = || everybody().flat_map(|device| device.saved.iter());
    let saved: BTreeSet<RecordId> = all().map(|(id, _)| *id).collect();
    let reversals = all().filter(|(_, kind)| *kind == Kind::Reversal).count() as u64;
    findings.saved = saved.len() as u64;
    // Each saved record is at the hub, and each reversal counts once, or is known not to count.
    let not_there = saved.difference(&on_hub).count() as u64;
    let counted = u64::try_from(counted).unwrap_or(0);
    findings.lost = not_there.max(reversals.saturating_sub(counted));
    let unknown = on_hub.difference(&saved).count() as u64;
    findings.duplicated = unknown.max(counted.saturating_sub(reversals));
    compare_made_up(world, findings)?;
    if findings.unequal.is_empty() {
        say!(
            "Every phone of a team, the coordinator and the hub hold equal canonical bytes, \
             verdicts and totals."
        );
    }
    Ok(())
}

/// Holds what was made up against its maker's own count: sums at the hub, balances on the coordinator's
/// store.
fn compare_made_up(world: &mut World, findings: &mut Findings) -> Result<(), Failure> {
    let page = world.page("/v1/totals?by=")?;
    let sums = lines(&page).into_values().next().unwrap_or_default();
    for (indicator, expected) in &world.made_up.sums {
        let found = sums.get(*indicator).copied().unwrap_or(0);
        if found != *expected {
            findings.unequal.push(format!("{indicator}: {found}, and {expected} were made up"));
        }
    }
    let mut doses: BTreeMap<String, i64> = BTreeMap::new();
    for held in world.coordinator.engine()?.store().stock(None)? {
        *doses.entry(held.holder.to_string()).or_default() += held.doses;
    }
    doses.retain(|_, doses| *doses != 0);
    let expected = world.made_up.doses.iter().filter(|(_, doses)| **doses != 0);
    if !doses.iter().eq(expected) {
        findings.unequal.push("balances of stock".to_owned());
    }
    Ok(())
}

type State = (String, String, Lines);

fn state(device: &mut super::world::Device, team: TeamId) -> Result<State, Failure> {
    let store = device.engine()?.store();
    let by = vec![Split::Period(Period::Month), Split::Site];
    let totals =
        store.totals(&Query { team: Some(team), by, ..Query::default() }, UnixMillis(0))?;
    let hex = |digest: [u8; 32]| EntryId(digest).to_string();
    Ok((hex(store.canonical_digest(team)?), hex(store.verdict_digest(team)?), totals.lines))
}

/// The lines of a page of totals.
pub fn lines(page: &Value) -> Lines {
    let lines = page["lines"].as_array().into_iter().flatten();
    lines
        .map(|line| {
            let key = line["key"].as_array().into_iter().flatten().map(text).collect();
            let sums = line["sums"].as_object().into_iter().flatten();
            (key, sums.filter_map(|(name, n)| Some((name.clone(), n.as_i64()?))).collect())
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
