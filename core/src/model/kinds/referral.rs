//! The referral: a path to care, with a history (data dictionary, referral).

use crate::model::answers::{Named, find};
use crate::model::declaration::{Declaration, WorkerMay};
use crate::model::field::{Field, Shape, VOID, optional, required};
use crate::model::indicator::{Adds, Derived, Indicator, Share};
use crate::model::rules::{Contradiction, Rule};
use crate::model::{Answer, Answers, CivilDate, Kind};

/// The statuses, from the least far along to the furthest: a tie of dates goes to the further one.
const STATUS: &[&str] = &[
    "unknown",
    "offered",
    "made",
    "accepted",
    "attended",
    "in_service",
    "completed",
    "declined",
    "rejected",
    "no_show",
    "dropped_out",
    "lost",
];

/// The longest way from made to attended that is counted in days: ten years.
const LINKAGE_DAYS_MAX: i64 = 3_650;

/// The fields of one event.
const EVENT: &[Field] = &[
    required("status", Shape::Code(STATUS), "what happened"),
    required("on", Shape::Date, "on which day"),
    optional("by", Shape::Code(&["client", "service", "worker", "unknown"]), "who did it"),
    optional("source", Shape::Code(&["client", "service", "worker"]), "who says so"),
    optional("void", Shape::Code(VOID), "why the event counts nowhere"),
];

/// The referral.
pub const DECLARATION: Declaration = Declaration {
    name: "referral",
    number: 18,
    about: "a path to care, with a history",
    fields: &[
        required(
            "service",
            Shape::Code(&[
                "methadone",
                "buprenorphine",
                "other_medication",
                "detoxification",
                "psychosocial",
                "behavioural_therapy",
                "residential_rehabilitation",
                "recovery_housing",
                "peer_recovery_support",
                "aftercare",
                "education_employment",
                "housing",
                "legal_aid",
                "mental_health",
                "hiv",
                "hepatitis",
                "tuberculosis",
                "sti",
                "reproductive_antenatal",
                "womens_service",
                "youth_service",
                "gender_based_violence",
                "wound_care",
                "needle_exchange",
                "social_protection",
                "family_support",
                "other",
            ]),
            "to what [A/RES/71/211 §18; UNGASS 2016 1–2; TZ; OD2A]",
        ),
        required(
            "origin",
            Shape::Code(&[
                "outreach",
                "after_overdose",
                "prison_pre_release",
                "after_release",
                "alternative_to_sanction",
                "police_diversion",
                "health_facility",
                "self",
                "family",
            ]),
            "from where [A/RES/71/211 §§23–24; UNGASS 2016 2]",
        ),
        required("urgency", Shape::Code(&["today", "within_72h", "routine"]), "how soon"),
        required(
            "handoff",
            Shape::Code(&["information_only", "booked_by_phone", "accompanied", "warm_handoff"]),
            "how the person was handed over",
        ),
        required(
            "receiving_service",
            Shape::Code(&[]),
            "the service's code in the code pack's directory, or its name",
        ),
        optional(
            "barriers",
            Shape::CodeSet(&[
                "refused_service",
                "no_place",
                "waiting_list",
                "cost",
                "id_required",
                "distance",
                "childcare",
                "gender",
                "age",
                "stigma",
                "fear_of_police",
                "other",
            ]),
            "what stood in the way [UNGASS 2016 2: non-discriminatory access]",
        ),
        optional(
            "age_band",
            Shape::Code(crate::model::codes::AGE_BAND),
            "the person's band of age",
        ),
        optional("gender", Shape::Code(crate::model::codes::GENDER), "the person's gender [ONT]"),
        optional(
            "events",
            Shape::List(EVENT),
            "what happened, added by any device of the team, never taken away",
        ),
    ],
    rules: &[Rule::OneElement { list: "events", or: None }],
    worker_may: WorkerMay::ItsOwnAndAppend("events"),
    indicators: &[
        Indicator {
            name: "referrals",
            definition: "referrals recorded",
            source: "data dictionary, referral",
            adds: &[(Kind::Referral, Adds::Number(|_| 1))],
        },
        Indicator {
            name: "referrals_made",
            definition: "referrals that were ever made",
            source: "A/RES/71/211 §18; OD2A",
            adds: &[(Kind::Referral, Adds::Number(|a| ever(a, "made")))],
        },
        Indicator {
            name: "referrals_accepted",
            definition: "referrals that the service ever accepted",
            source: "OD2A",
            adds: &[(Kind::Referral, Adds::Number(|a| ever(a, "accepted")))],
        },
        Indicator {
            name: "referrals_attended",
            definition: "referrals that the person ever attended",
            source: "OD2A",
            adds: &[(Kind::Referral, Adds::Number(|a| ever(a, "attended")))],
        },
        Indicator {
            name: "referrals_completed",
            definition: "referrals that were ever completed",
            source: "OD2A",
            adds: &[(Kind::Referral, Adds::Number(|a| ever(a, "completed")))],
        },
        Indicator {
            name: "linkage_days",
            definition: "referrals by the days from the first made to the first attended after it",
            source: "OD2A; data dictionary, indicators",
            adds: &[(Kind::Referral, Adds::ByPart(linkage_days))],
        },
    ],
    shares: &[
        share(
            "accepted_of_made",
            "accepted, of those made",
            "referrals_accepted",
            &["referrals_made"],
        ),
        share(
            "attended_of_accepted",
            "attended, of those accepted",
            "referrals_attended",
            &["referrals_accepted"],
        ),
        share(
            "attended_of_made",
            "attended, of those made",
            "referrals_attended",
            &["referrals_made"],
        ),
        share(
            "completed_of_attended",
            "completed, of those attended",
            "referrals_completed",
            &["referrals_attended"],
        ),
        share(
            "completed_of_made",
            "completed, of those made",
            "referrals_completed",
            &["referrals_made"],
        ),
    ],
    same_event: None,
    derived: &[Derived {
        name: "status",
        about: "the status of the latest event; a tie goes to the one further along, then to the \
                higher entry id",
        codes: STATUS,
        of: status,
    }],
    contradictions: &[Contradiction::FarApart {
        list: "events",
        field: "on",
        other: "occurred_on",
    }],
    stock: None,
};

const fn share(
    name: &'static str,
    definition: &'static str,
    of: &'static str,
    over: &'static [&'static str],
) -> Share {
    Share { name, definition, source: "data dictionary, indicators: referral_cascade", of, over }
}

fn of<'a>(event: &'a Named, field: &str) -> Option<&'a str> {
    find(event, field).and_then(Answer::word)
}

/// 1 where the referral ever had this status, else 0.
fn ever(answers: &Answers, status: &str) -> i64 {
    let mut events = answers.elements("events").iter();
    i64::from(events.any(|event| of(event, "status") == Some(status)))
}

fn days_of(answers: &Answers, status: &str) -> Vec<i64> {
    let events = answers.elements("events").iter();
    let of_status = events.filter(|event| of(event, "status") == Some(status));
    of_status
        .filter_map(|event| of(event, "on")?.parse::<CivilDate>().ok())
        .map(CivilDate::epoch_day)
        .collect()
}

fn linkage_days(answers: &Answers) -> Vec<(String, i64)> {
    let Some(made) = days_of(answers, "made").into_iter().min() else { return Vec::new() };
    let attended = days_of(answers, "attended").into_iter().filter(|day| *day >= made).min();
    let days = attended.map(|attended| attended - made).filter(|days| *days <= LINKAGE_DAYS_MAX);
    days.map(|days| (days.to_string(), 1)).into_iter().collect()
}

/// Elements stand in the order of their entries' ids, and of those that tie the last wins.
fn status(answers: &Answers) -> Option<String> {
    let far = |event: &&Named| {
        let status = of(event, "status").unwrap_or_default();
        let place = STATUS.iter().position(|known| *known == status);
        (of(event, "on").unwrap_or_default().to_owned(), place)
    };
    let latest = answers.elements("events").iter().max_by_key(far)?;
    of(latest, "status").map(str::to_owned)
}
