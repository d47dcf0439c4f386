//! The training (data dictionary, supporting kinds).

use crate::model::declaration::{Declaration, WorkerMay};
use crate::model::field::{Shape, optional, required};
use crate::model::indicator::{Adds, Indicator, Share};
use crate::model::rules::{Contradiction, Rule};
use crate::model::{Answers, Kind};

/// What counts as trained when naloxone is handed out.
const TRAINED: &[&str] = &["full", "brief"];

/// The training.
pub const DECLARATION: Declaration = Declaration {
    name: "training",
    number: 20,
    about: "people trained to see an overdose and to act",
    fields: &[
        required("mode", Shape::Code(&["group", "one_to_one", "online"]), "how it was held"),
        optional(
            "topics",
            Shape::CodeSet(&["overdose_risk", "recognition", "response", "naloxone", "aftercare"]),
            "what it was about [S-O-S]",
        ),
        required("people_trained", Shape::Int { min: 0, max: 9_999 }, "how many were trained"),
        required(
            "people_supplied",
            Shape::Int { min: 0, max: 9_999 },
            "how many of them took naloxone with them",
        ),
    ],
    rules: &[Rule::OneAbove0(&["people_trained"])],
    worker_may: WorkerMay::ItsOwn,
    indicators: &[
        Indicator {
            name: "trainings",
            definition: "trainings held",
            source: "S-O-S",
            adds: &[(Kind::Training, Adds::Number(|_| 1))],
        },
        Indicator {
            name: "people_trained",
            definition: "people trained in trainings, and by a full or brief training when naloxone was \
                         handed to them",
            source: "S-O-S",
            adds: &[
                (Kind::Training, Adds::Number(|a| a.number("people_trained").unwrap_or(0))),
                (Kind::Distribution, Adds::Number(trained_when_supplied)),
            ],
        },
        Indicator {
            name: "people_supplied",
            definition: "of the people trained those who took naloxone with them",
            source: "S-O-S",
            adds: &[
                (Kind::Training, Adds::Number(|a| a.number("people_supplied").unwrap_or(0))),
                (Kind::Distribution, Adds::Number(trained_when_supplied)),
            ],
        },
    ],
    shares: &[Share {
        name: "supplied_of_trained",
        definition: "people who took naloxone with them, of those trained; wanted: 90 % or more",
        source: "S-O-S",
        of: "people_supplied",
        over: &["people_trained"],
    }],
    same_event: None,
    derived: &[],
    contradictions: &[Contradiction::Above { field: "people_supplied", other: "people_trained" }],
    stock: None,
};

fn trained_when_supplied(answers: &Answers) -> i64 {
    answers.one_if("training", TRAINED)
}
