//! What the overview says: this period beside the last, for the programme and each site, and what is known to be missing.

use kitbag_client::{Alarm, Client, Error, Lasting, TwoPeriods};
use kitbag_core::identity::Role;
use kitbag_core::model::date::Period;
use kitbag_core::model::indicator::Sums;
use kitbag_core::model::{CivilDate, UnixMillis};
use kitbag_core::totals::{Query, Split, Totals};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

/// Which overview.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Of the period in which this day lies.
    pub day: CivilDate,
    /// How long a period is.
    pub period: Period,
    /// As of when.
    pub now: UnixMillis,
    /// In which language sites are called.
    pub language: &'static str,
}

/// What answers the pages' questions: a coordinator's own store, or a hub.
pub trait Reads: Send + Sync + 'static {
    /// This period beside the last.
    fn overview(&self, asked: Asked) -> impl Future<Output = Result<Overview, Error>> + Send;
}

/// A site's sums in a period and in the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Its code; empty where records name none.
    pub site: String,
    /// What people call it.
    pub label: String,
    /// Its sums.
    pub now: Sums,
    /// Those of the period before.
    pub before: Sums,
}

/// Which phones synced, as the hub said last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhonesSynced {
    /// Workers' phones whose certificates hold.
    pub all: usize,
    /// Those of them that synced within the last seven days.
    pub lately: usize,
    /// Those that were silent for longer, the longest first: what people call each, and for how many days; `None` for one
    /// that is not known to have synced ever.
    pub silent: Vec<(String, Option<i64>)>,
}

/// What is on hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stocked {
    /// By site, of each product, and how long it lasts.
    pub lasting: Vec<Lasting>,
    /// What is short, expires soon, or was not recorded.
    pub alarms: Vec<Alarm>,
}

/// This period beside the last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// The period, as written.
    pub name: String,
    /// The one before.
    pub name_before: String,
    /// Of all sites together.
    pub all: Kept,
    /// By site, the one with the most records first.
    pub sites: Vec<Kept>,
    /// Which phones synced.
    pub phones: PhonesSynced,
    /// What is on hand.
    pub stock: Stocked,
    /// The totals of this period, with what they lack.
    pub totals: Totals,
}

/// How many days a phone may be silent before it is named.
const SILENT_DAYS: i64 = 7;

impl Reads for Client {
    async fn overview(&self, asked: Asked) -> Result<Overview, Error> {
        let Asked { day, period, now, language } = asked;
        let query = Query { by: vec![Split::Site], ..Query::default() };
        let two = self.totals().beside_the_last(day, period, query).await?;
        let packs = self.programme().packs().await?;
        let label = |site: &str| {
            let labelled = packs.iter().map(|pack| pack.label("site", site, language));
            labelled.into_iter().find(|label| *label != site).unwrap_or(site).to_owned()
        };
        let stock = self.stock().now(None, day).await?;
        let sites = sites(&two, &label);
        Ok(Overview {
            all: Kept {
                now: sum(sites.iter().map(|site| &site.now)),
                before: sum(sites.iter().map(|site| &site.before)),
                ..Kept::default()
            },
            sites,
            phones: phones(self, now).await?,
            stock: Stocked { lasting: stock.lasting, alarms: stock.alarms },
            name: two.name,
            name_before: two.name_before,
            totals: two.this,
        })
    }
}

fn sites(two: &TwoPeriods, label: &impl Fn(&str) -> String) -> Vec<Kept> {
    let keys = two.this.lines.keys().chain(two.before.lines.keys());
    let codes: BTreeSet<&str> = keys.filter_map(|key| key.first()).map(String::as_str).collect();
    let of = |totals: &Totals, site: &str| {
        totals.lines.get(&[site.to_owned()][..]).cloned().unwrap_or_default()
    };
    let kept = codes.into_iter().map(|site| Kept {
        site: site.to_owned(),
        label: label(site),
        now: of(&two.this, site),
        before: of(&two.before, site),
    });
    let mut kept: Vec<Kept> = kept.collect();
    let weight = |site: &Kept| -> i64 {
        ["kits_distributed", "reversals", "referrals"]
            .iter()
            .filter_map(|name| site.now.get(*name))
            .sum()
    };
    kept.sort_by(|one, other| weight(other).cmp(&weight(one)).then(one.site.cmp(&other.site)));
    kept
}

fn sum<'sums>(all: impl Iterator<Item = &'sums Sums>) -> Sums {
    let mut sums = BTreeMap::new();
    for (name, value) in all.flatten() {
        let sum: &mut i64 = sums.entry(name.clone()).or_default();
        *sum = sum.saturating_add(*value);
    }
    sums
}

/// Of a store's teams; a device that never synced is silent from the day on which it joined.
async fn phones(client: &Client, now: UnixMillis) -> Result<PhonesSynced, Error> {
    let today = now.0.div_euclid(86_400_000);
    let mut phones = PhonesSynced::default();
    for (team, _) in client.team().own().await? {
        let members = client.team().members(team).await?;
        let workers =
            members.into_iter().filter(|member| !member.is_revoked && member.role == Role::Worker);
        for member in workers {
            phones.all += 1;
            let silent = member.last_synced.map(|day| today - day.epoch_day());
            if silent.is_some_and(|days| days <= SILENT_DAYS) {
                phones.lately += 1;
            } else {
                phones.silent.push((member.label.unwrap_or_default(), silent));
            }
        }
    }
    phones
        .silent
        .sort_by_key(|(label, days)| (std::cmp::Reverse(days.unwrap_or(i64::MAX)), label.clone()));
    Ok(phones)
}
