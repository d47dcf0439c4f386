//! The report: a frozen set of indicator values (data dictionary, supporting kinds).

use crate::model::Kind;
use crate::model::declaration::{Declaration, WorkerMay};
use crate::model::field::{Shape, optional, required};
use crate::model::indicator::{Adds, Indicator};

/// The report.
pub const DECLARATION: Declaration = Declaration {
    name: "report",
    number: 23,
    about: "a frozen set of indicator values, as it was handed on",
    fields: &[
        required("period", Shape::Period, "for which period"),
        required("revision", Shape::Int { min: 1, max: 9_999 }, "which version of it, from 1"),
        required(
            "records_digest",
            Shape::Code(&[]),
            "a digest of the records that it counted, 32 hexadecimal digits",
        ),
        required(
            "approved_by",
            Shape::Code(&[]),
            "the role or office that approved it; never a name",
        ),
        required(
            "suppression",
            Shape::Code(&["none", "under_5", "under_10", "under_11"]),
            "which small numbers were masked",
        ),
        optional("receiver", Shape::Code(&[]), "who it was made for"),
        optional(
            "values",
            Shape::Counts { codes: &[], min: 0, max: 1_000_000_000_000 },
            "the values, by indicator; a masked one is absent",
        ),
    ],
    rules: &[],
    worker_may: WorkerMay::Nothing,
    indicators: &[Indicator {
        name: "reports",
        definition: "reports frozen",
        source: "data dictionary, report",
        adds: &[(Kind::Report, Adds::Number(|_| 1))],
    }],
    shares: &[],
    same_event: None,
    derived: &[],
    contradictions: &[],
    stock: None,
};
