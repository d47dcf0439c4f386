//! What happens in the demonstration, phase by phase.

use super::check::{self, Findings};
use super::hub::HubProcess;
use super::line::{Line, Weather};
use super::made_up::{self, Counted};
use super::report;
use super::world::{Device, Who, World};
use crate::Failure;
use indicatif::{ProgressBar, ProgressStyle};
use kitbag_core::identity::Role;
use kitbag_core::model::{Form, Kind, Operation, RecordId, TeamId, Value};
use kitbag_interchange::Imported;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::Path;
use std::time::Instant;

const TEAMS: [&str; 3] = ["Team A", "Team B", "Team C"];
/// Every so many phones one never meets the hub, and one where there are fewer: colleagues carry its
/// bundles, or the coordinator where it has none.
const CARRIED_EVERY: usize = 8;
/// How many records the coordinator corrects while their workers do, too.
const CORRECTED: usize = 20;

/// Founds the programme: root, hub, coordinator, and a phone for each site.
pub fn found(imported: &Imported, folder: &Path, seed: u64) -> Result<World, Failure> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut root = Device::root(folder)?;
    let root_key = root.engine()?.root();
    let hub = HubProcess::start(&folder.join("hub"), root_key)?;
    let teams: Vec<(TeamId, &str)> =
        TEAMS.iter().map(|name| (TeamId(random.random()), *name)).collect();
    let mut coordinator = Device::new(folder, "coordinator", teams[0].0, root_key)?;
    let coordinator_key = coordinator.engine()?.device_key();
    for (team, _) in &teams {
        let enrolment = root.engine()?.certify(coordinator_key, Role::Coordinator, *team)?;
        coordinator.join(&enrolment)?;
    }
    let mut counted = Counted::default();
    let mut phones = Vec::new();
    for (at, site) in imported.sites.iter().enumerate() {
        let team = teams[at % teams.len()].0;
        let mut phone = Device::new(folder, &format!("phone-{:02}", at + 1), team, root_key)?;
        let key = phone.engine()?.device_key();
        let enrolment = coordinator.engine()?.certify(key, Role::Worker, team)?;
        phone.join(&enrolment)?;
        phone.site.clone_from(site);
        let at_site = |form: &&Form| form.get("site").and_then(Value::as_text) == Some(site);
        phone.to_record =
            imported.taken.iter().map(|taken| &taken.form).filter(at_site).cloned().collect();
        if !phone.to_record.is_empty() {
            coordinator.to_record.push(made_up::receipt(site, &mut counted)?);
            coordinator.record_in(team)?;
            phone.to_record.extend(made_up::of_worker(site, key, &mut random, &mut counted)?);
        }
        phone.to_record.shuffle(&mut random);
        let few = imported.sites.len() < CARRIED_EVERY;
        phone.is_carried = at % CARRIED_EVERY == CARRIED_EVERY - 1 || few && at == 1;
        phones.push(phone);
    }
    say!(
        "\nFounded a programme: {} teams, {} phones, one coordinator, one hub on this machine.",
        teams.len(),
        phones.len()
    );
    say!(
        "Beside the real reversals, {} distributions, referrals and movements of stock are made up from \
         seed {seed}.",
        counted.records
    );
    let (made_up, line) = (counted, Line::default());
    Ok(World { root, coordinator, phones, teams, hub, made_up, line, random })
}

/// Plays the programme to its end, and says what was found.
pub fn play(world: &mut World, imported: &Imported) -> Result<Findings, Failure> {
    let mut findings = Findings { devices: world.phones.len() as u64 + 1, ..Findings::default() };
    world.sync(Who::Root, Weather::Good)?;
    world.sync(Who::Coordinator, Weather::Good)?;
    let restored = (0..world.phones.len())
        .filter(|at| !world.phones[*at].is_carried)
        .max_by_key(|at| world.phones[*at].to_record.len())
        .unwrap_or_default();

    record_first_half(world, imported, restored, &mut findings)?;
    sync_half(world, restored)?;
    findings.known_missing_half_way = report::half_way(world)?;
    let bytes = world.hub.back_up()?;
    say!("Backed the hub up while it ran: {bytes} bytes.");
    record_second_half(world, restored, &mut findings)?;
    let carried = world.carry_in()?;
    world.kill_hub_during_sync(restored)?;
    say!(
        "Colleagues carried {carried} entries of phones that never meet the hub, each twice. The hub \
         was killed in the middle of a sync, which said so."
    );
    let progress = bar("syncing", world.phones.len());
    world.sync_all(Weather::Bad, || progress.inc(1))?;
    progress.finish_and_clear();
    say!(
        "Synced over the bad line: {} messages cut, {} sent twice, {} overtaken.",
        world.line.cut,
        world.line.duplicated,
        world.line.reordered
    );
    findings.bytes_up = world.line.bytes_up;
    world.hub.kill()?;
    world.hub.restore()?;
    world.hub.start_again()?;
    say!(
        "The hub's disk died; it was restored from the backup of half way, and heals from the phones."
    );
    let progress = bar("syncing", world.phones.len());
    world.sync_all(Weather::Bad, || progress.inc(1))?;
    progress.finish_and_clear();
    correct_apart(world, &mut findings)?;
    world.carry_back()?;
    check::compare(world, &mut findings)?;
    Ok(findings)
}

fn record_first_half(
    world: &mut World,
    imported: &Imported,
    restored: usize,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let all = imported.taken.len() as u64 + world.made_up.records;
    let progress = bar("recording offline", all as usize / 2);
    let began = Instant::now();
    for (at, phone) in world.phones.iter_mut().enumerate() {
        let half = phone.to_record.len().div_ceil(2);
        if at == restored {
            phone.record(half / 2)?;
            phone.back_up()?;
            phone.record(half - half / 2)?;
        } else {
            phone.record(half)?;
        }
        progress.inc(half as u64);
    }
    findings.saving_seconds += began.elapsed().as_secs_f64();
    progress.finish_and_clear();
    say!("Every phone recorded half of its day offline, each record saved durably.");
    Ok(())
}

/// Half of the phones get through; the others are cut after the first message.
fn sync_half(world: &mut World, restored: usize) -> Result<(), Failure> {
    let meets_the_hub = |at: &usize| *at != restored && !world.phones[*at].is_carried;
    let mut order: Vec<usize> = (0..world.phones.len()).filter(meets_the_hub).collect();
    order.shuffle(&mut world.random);
    let (through, cut) = order.split_at(order.len() / 2);
    let progress = bar("syncing", order.len() + 1);
    for at in through.iter().chain([&restored]) {
        world.sync(Who::Phone(*at), Weather::Bad)?;
        progress.inc(1);
    }
    for at in cut {
        world.sync(Who::Phone(*at), Weather::CutAfterFirst)?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    // A colleague that synced hears how far the others reach, and passes it on with its next sync.
    world.hear_of_carried(through)?;
    for at in through {
        world.sync(Who::Phone(*at), Weather::Bad)?;
    }
    world.sync(Who::Coordinator, Weather::Bad)?;
    say!(
        "{} phones synced over a bad line; {} were cut off after their first message.",
        through.len() + 1,
        cut.len()
    );
    Ok(())
}

fn record_second_half(
    world: &mut World,
    restored: usize,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let reopened: Vec<usize> =
        (0..world.phones.len()).filter(|at| *at != restored).take(2).collect();
    for at in &reopened {
        world.phones[*at].close();
    }
    world.phones[restored].restore()?;
    say!(
        "Closed and reopened two phones; restored the phone of {} from a copy older than its last sync.",
        world.phones[restored].site
    );
    let left = world.phones.iter().map(|phone| phone.to_record.len()).sum();
    let progress = bar("recording offline", left);
    let began = Instant::now();
    for phone in &mut world.phones {
        let count = phone.to_record.len();
        phone.record(count)?;
        progress.inc(count as u64);
    }
    findings.saving_seconds += began.elapsed().as_secs_f64();
    progress.finish_and_clear();
    say!("Every phone recorded the other half offline.");
    Ok(())
}

/// What one record held before it was corrected apart.
struct Original {
    phone: usize,
    id: RecordId,
    outcome: Value,
}

/// The coordinator and the workers correct the same records apart, and see each other's values;
/// then the coordinator settles and undoes it, so that totals can be compared.
fn correct_apart(world: &mut World, findings: &mut Findings) -> Result<(), Failure> {
    let mut records: Vec<(usize, RecordId)> = world
        .phones
        .iter()
        .enumerate()
        .filter(|(_, phone)| !phone.is_carried)
        .flat_map(|(at, phone)| phone.saved.iter().map(move |(id, kind)| (at, *id, *kind)))
        .filter(|(_, _, kind)| *kind == Kind::Reversal)
        .map(|(at, id, _)| (at, id))
        .collect();
    records.shuffle(&mut world.random);
    let mut originals = Vec::new();
    for (phone, id) in records.into_iter().take(CORRECTED) {
        let coordinator = world.coordinator.engine()?;
        let outcome = coordinator.get(id)?.get("outcome").cloned().unwrap_or(Value::Null);
        let other = if outcome == Value::from("died") { "survived" } else { "died" };
        let operations =
            vec![Operation::put("outcome", other), Operation::put("place", "street_park")];
        coordinator.change(id, operations)?;
        originals.push(Original { phone, id, outcome });
    }
    for Original { phone, id, .. } in &originals {
        // The worker corrects another field of each, and of every second one the same field too.
        let same = world.random.random_bool(0.5);
        let worker = world.phones[*phone].engine()?;
        let mut operations = vec![Operation::put("ems_called", "yes")];
        if same {
            operations.push(Operation::put("outcome", "unknown"));
        }
        worker.change(*id, operations)?;
    }
    let touched: std::collections::BTreeSet<usize> =
        originals.iter().map(|original| original.phone).collect();
    sync_touched(world, &touched)?;
    findings.conflicts_seen = world.coordinator.engine()?.store().conflicted()?;
    say!(
        "The coordinator and the workers corrected {} records apart: {} conflicts, both values kept.",
        originals.len(),
        findings.conflicts_seen
    );
    for Original { id, outcome, .. } in originals {
        let operations = vec![
            Operation::put("outcome", outcome),
            Operation::put("place", "unknown"),
            Operation::put("ems_called", "unknown"),
        ];
        world.coordinator.engine()?.change(id, operations)?;
    }
    let progress = bar("syncing", world.phones.len());
    world.sync_all(Weather::Bad, || progress.inc(1))?;
    progress.finish_and_clear();
    findings.conflicts_left = world.coordinator.engine()?.store().conflicted()?;
    say!("The coordinator settled and undid them: {} left.", findings.conflicts_left);
    Ok(())
}

fn sync_touched(
    world: &mut World,
    touched: &std::collections::BTreeSet<usize>,
) -> Result<(), Failure> {
    world.sync(Who::Coordinator, Weather::Bad)?;
    for at in touched {
        world.sync(Who::Phone(*at), Weather::Bad)?;
    }
    world.sync(Who::Coordinator, Weather::Bad)?;
    Ok(())
}

/// A progress bar on a terminal, nothing elsewhere.
fn bar(doing: &'static str, length: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length as u64).with_style(style).with_message(doing)
}
