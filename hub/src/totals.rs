//! Totals, by the role of whoever asks: coordinators read all of their team and who wrote it, workers their
//! team's sums, observers sums by month or longer, with small cells masked.

use crate::access::{Device, read_for};
use crate::problem::{Problem, failed, not_yours};
use crate::state::{Hub, now};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use kitbag_core::identity::Role;
use kitbag_core::model::catalogue::shares_of;
use kitbag_core::model::date::Period;
use kitbag_core::model::pack::first_month;
use kitbag_core::model::{CivilDate, DeviceKey, Kind, TeamId, UnixMillis};
use kitbag_core::store::{MissingFrom, Store, StoreError};
use kitbag_core::totals::suppression::{THRESHOLD, suppress};
use kitbag_core::totals::{Query as TotalsQuery, Split, Totals};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What somebody may read of totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reads {
    /// Sums by month or longer, team and site; small cells masked.
    Masked,
    /// All sums, without who wrote what.
    Sums,
    /// All, by author, too.
    All,
}

/// What a device may read of a team's totals, or of those of all teams held; nothing where it has no
/// certificate for one of them.
pub(crate) fn reads(store: &Store, device: DeviceKey, team: Option<TeamId>) -> Option<Reads> {
    if device == store.root() {
        return Some(Reads::All);
    }
    let teams: BTreeSet<TeamId> = match team {
        Some(team) => BTreeSet::from([team]),
        None => store.authority().teams(),
    };
    let of_team = |team: &TeamId| {
        let roles = store.authority().roles(device, *team);
        roles
            .map(|role| match role {
                Role::Observer => Reads::Masked,
                Role::Worker => Reads::Sums,
                Role::Coordinator => Reads::All,
            })
            .max()
    };
    // Of several teams the least: an observer of one reads nothing finer by asking for all.
    let all: Option<Vec<Reads>> = teams.iter().map(of_team).collect();
    all?.into_iter().min()
}

#[derive(Deserialize)]
pub(crate) struct Parameters {
    /// How to split, separated by commas: day, week, epi_week, month, quarter, year, fiscal_year, site, team, or a
    /// field.
    #[serde(default)]
    by: String,
    /// Only this team.
    team: Option<String>,
    /// Only what is counted for this site.
    site: Option<String>,
    /// Only what is counted of this kind of record.
    kind: Option<String>,
    /// Only from this date on.
    from: Option<String>,
    /// Only up to this date, inclusive.
    to: Option<String>,
}

fn bad(code: &'static str, detail: String) -> Problem {
    Problem(StatusCode::BAD_REQUEST, code, detail)
}

fn query(asked: &Parameters) -> Result<TotalsQuery, Problem> {
    let parts = asked.by.split(',').filter(|part| !part.is_empty());
    let by: Result<Vec<Split>, _> = parts.map(|part| part.parse::<Split>()).collect();
    let by = by.map_err(|reason| bad("split", format!("by: {reason}")))?;
    let team = asked.team.as_deref().map(str::parse).transpose();
    let team = team.map_err(|reason: kitbag_core::model::id::NotAnId| {
        bad("team", format!("team: {reason}"))
    })?;
    let date = |name: &'static str, text: &Option<String>| -> Result<Option<CivilDate>, Problem> {
        let date = text.as_deref().map(str::parse).transpose();
        date.map_err(|reason| bad(name, format!("{name}: {reason}")))
    };
    let (from, to) = (date("from", &asked.from)?, date("to", &asked.to)?);
    let kind = asked.kind.as_deref().map(|name| {
        Kind::from_name(name).ok_or_else(|| {
            bad("kind", format!("kind: expected one of {}", Kind::ALL.map(Kind::name).join(", ")))
        })
    });
    let (kind, site) = (kind.transpose()?, asked.site.clone());
    let query = TotalsQuery { team, site, kind, from, to, by };
    if query.is_split_too_often() {
        Err(bad("split", StoreError::SplitTooOften.to_string()))
    } else {
        Ok(query)
    }
}

/// Whether whoever reads so much may split so. An observer asks for no span: two of them differ by what would be
/// masked alone. A site alone, and a kind, are parts of what he reads anyway, but what is masked is found beside the
/// others: he asks for all.
fn may_split(reads: Reads, query: &TotalsQuery) -> bool {
    let has_span = query.from.is_some() || query.to.is_some();
    let is_narrowed = has_span || query.site.is_some() || query.kind.is_some();
    if reads == Reads::Masked && is_narrowed {
        return false;
    }
    query.by.iter().all(|split| match (reads, split) {
        (Reads::All, _) => true,
        (Reads::Sums, Split::Author) | (Reads::Masked, Split::Author | Split::Kind) => false,
        (Reads::Sums, _) => true,
        (Reads::Masked, Split::Period(period)) => {
            matches!(
                period,
                Period::Month | Period::Quarter | Period::Year | Period::FiscalYear { .. }
            )
        }
        (Reads::Masked, Split::Site | Split::Team) => true,
        (Reads::Masked, Split::Code(_)) => false,
    })
}

/// A query whose fiscal years begin as the programme's code packs say.
fn with_fiscal_years(store: &Store, query: TotalsQuery) -> Result<TotalsQuery, StoreError> {
    let is_fiscal = |split: &Split| matches!(split, Split::Period(Period::FiscalYear { .. }));
    if !query.by.iter().any(is_fiscal) {
        return Ok(query);
    }
    let packs = store.published_packs()?;
    Ok(query.with_first_month(first_month(&packs)))
}

struct Read {
    reads: Reads,
    totals: Totals,
    devices: Vec<MissingFrom>,
    is_settled: bool,
    until: UnixMillis,
    awaited: usize,
}

pub(crate) async fn totals(
    State(hub): State<Hub>,
    Device(device): Device,
    asked: Result<Query<Parameters>, QueryRejection>,
) -> Result<String, Problem> {
    let Query(asked) =
        asked.map_err(|_| bad("query", "each parameter may be given once, as text".to_owned()))?;
    let query = query(&asked)?;
    let (before, asked_at) = (hub.settled_until(), now());
    let answer = read_for(&hub, device, move |store| {
        // What came until it was asked is read: where all is settled, the answer includes that.
        let Some(reads) = reads(store, device, query.team) else { return Ok(None) };
        if !may_split(reads, &query) {
            return Ok(Some(Err(reads)));
        }
        let is_settled = store.is_settled()?;
        Ok(Some(Ok(Read {
            reads,
            totals: store.totals(&with_fiscal_years(store, query.clone())?, asked_at)?,
            devices: store.missing_by_device(query.team)?,
            is_settled,
            until: if is_settled { asked_at } else { before },
            awaited: store.awaited_devices()?.len(),
        })))
    })
    .await?;
    match answer {
        Some(Some(Ok(read))) => Ok(in_json(&hub, &read).to_string()),
        Some(Some(Err(reads))) => {
            let detail = match reads {
                Reads::Masked => {
                    "an observer reads totals by month, quarter or year, team and site"
                }
                _ => "who wrote what is read by coordinators alone",
            };
            Err(Problem(StatusCode::FORBIDDEN, "split_not_yours", detail.to_owned()))
        }
        Some(None) => Err(not_yours()),
        None => Err(failed("the totals could not be read")),
    }
}

fn in_json(hub: &Hub, read: &Read) -> Value {
    let (totals, missing) = (&read.totals, &read.totals.missing);
    let (lines, masked) = match read.reads {
        Reads::Masked => {
            let suppressed = suppress(&totals.lines);
            (suppressed.lines, suppressed.masked)
        }
        Reads::Sums | Reads::All => (totals.lines.clone(), BTreeSet::new()),
    };
    let lines: Vec<Value> = lines
        .iter()
        .map(|(key, sums)| {
            let of_line = masked.iter().filter(|(of, _)| of == key);
            let masked: Vec<&String> = of_line.map(|(_, indicator)| indicator).collect();
            match masked.is_empty() {
                true if read.reads != Reads::Masked => {
                    json!({ "key": key, "sums": sums, "shares": shares_of(sums) })
                }
                true => json!({ "key": key, "sums": sums }),
                false => json!({ "key": key, "sums": sums, "masked": masked }),
            }
        })
        .collect();
    let mut known_missing = json!({
        "entries": missing.entries, "devices": missing.devices, "doubtful": missing.is_doubtful,
    });
    let mut answer = json!({
        "lines": lines,
        "settled": read.is_settled,
        "devices_awaited_since_restored": read.awaited,
        "includes_all_up_to": read.until.to_iso(),
    });
    match read.reads {
        // Counts of single entries tell of single people, too.
        Reads::Masked => {
            answer["masked_under"] = THRESHOLD.into();
            answer["known_missing"] = json!({
                "is_complete": missing.entries == 0 && totals.waiting == 0,
                "doubtful": missing.is_doubtful,
            });
        }
        reads => {
            if reads == Reads::All {
                let phones = read.devices.iter().map(|from| {
                    json!({
                        "device": from.device.to_string(), "entries": from.entries,
                        "doubtful": from.is_doubtful,
                    })
                });
                known_missing["phones"] = phones.collect();
                let over = hub.accounts.over();
                answer["over_budget"] = over.iter().map(ToString::to_string).collect();
            }
            answer["known_missing"] = known_missing;
            answer["date_in_doubt"] = json!(totals.in_doubt);
            answer["of_spans"] = totals.of_spans.into();
            answer["waiting"] = totals.waiting.into();
            answer["forks"] = totals.forks.into();
        }
    }
    answer
}
