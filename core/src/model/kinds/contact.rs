//! The contact: an outreach contact (data dictionary, supporting kinds).

use crate::model::answers::Answer;
use crate::model::declaration::{Declaration, WorkerMay};
use crate::model::field::{Shape, optional, required};
use crate::model::indicator::{Adds, Indicator};
use crate::model::rules::Contradiction;
use crate::model::{Answers, Kind};

/// The contact.
pub const DECLARATION: Declaration = Declaration {
    name: "contact",
    number: 21,
    about: "an outreach contact",
    fields: &[
        required("people", Shape::Int { min: 1, max: 99_999 }, "how many people were met"),
        required(
            "visit",
            Shape::Code(&["new", "returning", "mixed", "unknown"]),
            "met for the first time or again",
        ),
        optional(
            "channel",
            Shape::Code(&[
                "street_outreach",
                "fixed_site",
                "needle_exchange",
                "prison",
                "event",
                "other",
            ]),
            "where workers met them",
        ),
        optional(
            "supplies",
            Shape::Counts {
                codes: &[
                    "needles_syringes",
                    "smoking_kits",
                    "drug_checking_strips",
                    "condoms",
                    "wound_care_kits",
                    "sharps_containers",
                    "other",
                ],
                min: 0,
                max: 9_999_999,
            },
            "what was handed out beside naloxone, by type",
        ),
    ],
    rules: &[],
    worker_may: WorkerMay::ItsOwn,
    indicators: &[
        Indicator {
            name: "contacts",
            definition: "outreach contacts",
            source: "data dictionary, contact",
            adds: &[(Kind::Contact, Adds::Number(|_| 1))],
        },
        Indicator {
            name: "people_met",
            definition: "people met in outreach contacts; one who is met twice counts twice",
            source: "data dictionary, contact",
            adds: &[(Kind::Contact, Adds::Number(people))],
        },
        Indicator {
            name: "people_new",
            definition: "people met in contacts with new people alone",
            source: "data dictionary, contact",
            adds: &[(Kind::Contact, Adds::Number(|a| people(a) * a.one_if("visit", &["new"])))],
        },
        Indicator {
            name: "people_returning",
            definition: "people met in contacts with returning people alone",
            source: "data dictionary, contact",
            adds: &[(
                Kind::Contact,
                Adds::Number(|a| people(a) * a.one_if("visit", &["returning"])),
            )],
        },
        Indicator {
            name: "supplies",
            definition: "supplies handed out, by type",
            source: "data dictionary, contact",
            adds: &[(Kind::Contact, Adds::ByPart(supplies))],
        },
    ],
    shares: &[],
    same_event: None,
    derived: &[],
    contradictions: &[Contradiction::Fewer {
        number: "people",
        least: 2,
        other: "visit",
        code: "mixed",
    }],
    stock: None,
};

fn people(answers: &Answers) -> i64 {
    answers.number("people").unwrap_or(0)
}

fn supplies(answers: &Answers) -> Vec<(String, i64)> {
    let numbers = answers.by_code("supplies");
    numbers.filter_map(|(code, n)| Some((code.to_owned(), Answer::number(n)?))).collect()
}
