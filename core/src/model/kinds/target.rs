//! The target: what a programme wants to reach (data dictionary, supporting kinds).

use crate::model::Kind;
use crate::model::declaration::{Declaration, WorkerMay};
use crate::model::field::{Shape, required};
use crate::model::indicator::{Adds, Indicator};
use crate::model::rules::Contradiction;

/// The target.
pub const DECLARATION: Declaration = Declaration {
    name: "target",
    number: 22,
    about: "what a team or a site wants to reach in a period",
    fields: &[
        required("indicator", Shape::Code(&[]), "an indicator's name"),
        required(
            "scope",
            Shape::Code(&["team", "site"]),
            "whether it is for the whole team or for the record's site",
        ),
        required("period", Shape::Period, "for which period"),
        required("value", Shape::Int { min: 0, max: 1_000_000_000 }, "how much"),
    ],
    rules: &[],
    worker_may: WorkerMay::Nothing,
    indicators: &[Indicator {
        name: "targets",
        definition: "targets set",
        source: "data dictionary, target",
        adds: &[(Kind::Target, Adds::Number(|_| 1))],
    }],
    shares: &[],
    same_event: None,
    derived: &[],
    contradictions: &[Contradiction::NoIndicator("indicator")],
    stock: None,
};
