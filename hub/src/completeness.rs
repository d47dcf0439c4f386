//! `/v1/completeness` and `/v1/devices`: what a hub alone can tell, how complete the records of a period are and when
//! devices synced.

use crate::access::{Device, read_for};
use crate::problem::{Problem, failed, not_yours};
use crate::state::Hub;
use crate::totals::{Reads, reads};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use kitbag_core::model::date::Period;
use kitbag_core::model::{CivilDate, TeamId};
use kitbag_core::store::COMPLETENESS;
use kitbag_core::totals::suppression::THRESHOLD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
pub(crate) struct OfTeam {
    team: String,
}

/// When each device of a team synced last, for those who look after it.
pub(crate) async fn devices(
    State(hub): State<Hub>,
    Device(device): Device,
    asked: Result<Query<OfTeam>, QueryRejection>,
) -> Result<String, Problem> {
    let Query(asked) = asked.map_err(|_| wrong("query", "a team is needed"))?;
    let team: TeamId = asked.team.parse().map_err(|reason| wrong("team", reason))?;
    let answer = read_for(&hub, device, move |store| match reads(store, device, Some(team)) {
        Some(Reads::All) => store.last_synced(team).map(Some),
        _ => Ok(None),
    });
    let synced = match answer.await? {
        Some(Some(synced)) => synced,
        Some(None) => return Err(not_yours()),
        None => return Err(failed("the devices could not be read")),
    };
    let days = synced.into_iter().map(|(device, day)| (device.to_string(), day.to_string().into()));
    Ok(Value::Object(days.collect()).to_string())
}

#[derive(Deserialize)]
pub(crate) struct Parameters {
    /// From this date on.
    from: String,
    /// Up to this date, inclusive.
    to: String,
    /// Only this team.
    team: Option<String>,
}

fn wrong(name: &'static str, reason: impl std::fmt::Display) -> Problem {
    Problem(StatusCode::BAD_REQUEST, name, format!("{name}: {reason}"))
}

pub(crate) async fn completeness(
    State(hub): State<Hub>,
    Device(device): Device,
    asked: Result<Query<Parameters>, QueryRejection>,
) -> Result<String, Problem> {
    let Query(asked) =
        asked.map_err(|_| wrong("query", "from and to are needed, each once, as yyyy-mm-dd"))?;
    let from: CivilDate = asked.from.parse().map_err(|reason| wrong("from", reason))?;
    let to: CivilDate = asked.to.parse().map_err(|reason| wrong("to", reason))?;
    let team: Option<TeamId> = match asked.team {
        Some(team) => Some(team.parse().map_err(|reason| wrong("team", reason))?),
        None => None,
    };
    let answer = read_for(&hub, device, move |store| {
        let Some(reads) = reads(store, device, team) else { return Ok(None) };
        let read = (reads, store.completeness(team, from, to)?, store.is_settled()?);
        Ok(Some(read))
    })
    .await?;
    let (reads, completeness, settled) = match answer {
        Some(Some(answer)) => answer,
        Some(None) => return Err(not_yours()),
        None => return Err(failed("the completeness could not be read")),
    };
    let names = COMPLETENESS.iter().map(|(name, _)| (*name).to_owned());
    // An observer reads of whole months, and no small counts of records.
    let (first, _) = from.bounds(Period::Month);
    let (_, last) = to.bounds(Period::Month);
    if reads == Reads::Masked && (first, last) != (from, to) {
        let detail = "an observer asks for whole months".to_owned();
        return Err(Problem(StatusCode::FORBIDDEN, "split_not_yours", detail));
    }
    // Rounded, so that no difference between two periods tells of few people.
    let shown = |name: &str, count: u64| {
        let of_records = name.starts_with("records") || name == "missing_entries";
        if reads == Reads::Masked && of_records { count - count % THRESHOLD as u64 } else { count }
    };
    let counts: Map<String, Value> = names
        .zip(completeness.counts())
        .map(|(name, count)| {
            let shown = shown(&name, count).into();
            (name, shown)
        })
        .collect();
    let (from, to) = (from.to_string(), to.to_string());
    let mut answer = json!({ "from": from, "to": to, "counts": counts, "settled": settled });
    if reads == Reads::Masked {
        answer["rounded_down_to"] = THRESHOLD.into();
    }
    Ok(answer.to_string())
}
