//! Distributions, referrals and stock beside the real reversals: made up from the seed, and counted by
//! plain arithmetic as they are made, so that the programme's totals have something to be held against.

use kitbag_core::model::{CivilDate, DeviceKey, Element, Form, Invalid, Kind};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Records made up for each phone.
const DISTRIBUTIONS: usize = 4;
const REFERRALS: usize = 2;
/// Kits that come to each site, and kits that its worker takes along.
const RECEIVED_KITS: i64 = 60;
const ISSUED_KITS: i64 = 20;
const DOSES_PER_KIT: i64 = 2;
const PRODUCT: &str = "nasal_4mg";

/// What was made up, as its maker counted it.
#[derive(Default)]
pub struct Counted {
    /// Indicators with their sums.
    pub sums: BTreeMap<&'static str, i64>,
    /// Doses by holder.
    pub doses: BTreeMap<String, i64>,
    /// How many records.
    pub records: u64,
}

impl Counted {
    fn add(&mut self, indicator: &'static str, n: i64) {
        *self.sums.entry(indicator).or_default() += n;
    }

    fn hold(&mut self, holder: &str, doses: i64) {
        *self.doses.entry(holder.to_owned()).or_default() += doses;
    }
}

/// Kits that come to a site, by the coordinator's hand.
pub fn receipt(site: &str, counted: &mut Counted) -> Result<Form, Invalid> {
    let mut form = movement("receipt", site, 1, RECEIVED_KITS, "outside", &format!("site:{site}"))?;
    form.put("lot", lot(site))?;
    counted.records += 1;
    counted.add("kits_received", RECEIVED_KITS);
    counted.hold(&format!("site:{site}"), RECEIVED_KITS * DOSES_PER_KIT);
    Ok(form)
}

/// What a worker at a site records beside its reversals.
pub fn of_worker(
    site: &str,
    device: DeviceKey,
    random: &mut ChaCha8Rng,
    counted: &mut Counted,
) -> Result<Vec<Form>, Invalid> {
    let own = format!("device:{device}");
    let at_site = format!("site:{site}");
    let mut issued = movement("issue_to_worker", site, 2, ISSUED_KITS, &at_site, &own)?;
    issued.put("lot", lot(site))?;
    counted.records += 1;
    counted.hold(&at_site, -ISSUED_KITS * DOSES_PER_KIT);
    counted.hold(&own, ISSUED_KITS * DOSES_PER_KIT);
    let mut forms = vec![issued];
    for _ in 0..DISTRIBUTIONS {
        forms.push(distribution(site, &own, random, counted)?);
    }
    for _ in 0..REFERRALS {
        forms.push(referral(site, random, counted)?);
    }
    Ok(forms)
}

fn day(nth: i64) -> CivilDate {
    // Of 2018, where the real reversals are.
    CivilDate::from_epoch_day(17_532 + nth).unwrap_or_else(|| unreachable!("a day of 2018"))
}

/// One lot for each site, by its first letter.
fn lot(site: &str) -> &'static str {
    let is_early = site.bytes().next().is_some_and(|first| first < b'M');
    if is_early { "A1801" } else { "B1802" }
}

fn movement(
    what: &str,
    site: &str,
    nth: i64,
    kits: i64,
    from: &str,
    to: &str,
) -> Result<Form, Invalid> {
    let mut form = Form::at(Kind::StockMovement, site, day(nth));
    form.put("movement", what)?;
    form.put("product", PRODUCT)?;
    form.put("doses_per_kit", DOSES_PER_KIT)?;
    form.put("quantity", kits)?;
    form.put("expiry", "2019-06")?;
    form.put("from", from)?;
    form.put("to", to)?;
    Ok(form)
}

fn distribution(
    site: &str,
    own: &str,
    random: &mut ChaCha8Rng,
    counted: &mut Counted,
) -> Result<Form, Invalid> {
    let mut pick = |codes: &[&'static str]| codes[random.random_range(0..codes.len())];
    let role = pick(&["at_risk", "at_risk", "family_friend", "service_worker"]);
    let supply = pick(&["first", "first", "resupply"]);
    let reason = pick(&["used_on_other", "lost", "expired"]);
    let channel = pick(&["street_outreach", "fixed_site", "prison_release"]);
    let training = pick(&["full", "brief", "already_trained"]);
    let kits = random.random_range(1..=3);
    let mut form = Form::at(Kind::Distribution, site, day(random.random_range(3..365)));
    form.put("recipient_role", role)?;
    form.put("supply_type", supply)?;
    form.put("channel", channel)?;
    form.put("training", training)?;
    form.put("product", PRODUCT)?;
    form.put("doses_per_kit", DOSES_PER_KIT)?;
    form.put("kits", kits)?;
    form.put("lot", lot(site))?;
    form.put("expiry", "2019-06")?;
    form.put("taken_from", own)?;
    counted.records += 1;
    counted.add("distributions", 1);
    counted.add("kits_distributed", kits);
    counted.add("doses_distributed", kits * DOSES_PER_KIT);
    counted.hold(own, -kits * DOSES_PER_KIT);
    match supply {
        "first" => counted.add("supply_first", 1),
        _ => {
            form.put("resupply_reason", reason)?;
            counted.add("supply_resupply", 1);
            counted.add("resupply_used", i64::from(reason == "used_on_other"));
        }
    }
    if channel == "prison_release" {
        counted.add("prison_release_kits", kits);
    }
    if training != "already_trained" {
        counted.add("people_trained", 1);
        counted.add("people_supplied", 1);
    }
    Ok(form)
}

fn referral(site: &str, random: &mut ChaCha8Rng, counted: &mut Counted) -> Result<Form, Invalid> {
    let mut pick = |codes: &[&'static str]| codes[random.random_range(0..codes.len())];
    let service = pick(&["methadone", "buprenorphine", "detoxification", "housing"]);
    let origin = pick(&["outreach", "after_overdose", "after_release"]);
    let mut nth = random.random_range(3..300);
    let mut form = Form::at(Kind::Referral, site, day(nth));
    form.put("service", service)?;
    form.put("origin", origin)?;
    form.put("urgency", "within_72h")?;
    form.put("handoff", "accompanied")?;
    form.put("receiving_service", "made-up clinic")?;
    counted.records += 1;
    counted.add("referrals", 1);
    let reached = random.random_range(1..=4);
    let path = [
        ("made", "referrals_made"),
        ("accepted", "referrals_accepted"),
        ("attended", "referrals_attended"),
        ("completed", "referrals_completed"),
    ];
    for (status, indicator) in path.into_iter().take(reached) {
        let on = day(nth).to_string();
        let event = [("status", status), ("on", on.as_str())];
        let event: Element =
            event.into_iter().map(|(field, code)| (field.to_owned(), code.into())).collect();
        form.add("events", event)?;
        counted.add(indicator, 1);
        nth += random.random_range(0..9);
    }
    Ok(form)
}
