//! The stock movement (data dictionary, supporting kinds).

use crate::model::codes::PRODUCT;
use crate::model::declaration::{Declaration, WorkerMay};
use crate::model::field::{Shape, optional, required};
use crate::model::indicator::{Adds, Indicator};
use crate::model::rules::{Contradiction, Rule};
use crate::model::stock::{StockMove, batch, moved};
use crate::model::{Answers, Kind};

/// Movements that a worker records of its own stock (admission, records).
const OF_A_WORKER: &[&str] = &["issue_to_worker", "return", "loss"];

/// The stock movement.
pub const DECLARATION: Declaration = Declaration {
    name: "stock_movement",
    number: 19,
    about: "kits that come in, go out or change hands",
    fields: &[
        required(
            "movement",
            Shape::Code(&[
                "receipt",
                "issue_to_worker",
                "return",
                "transfer",
                "loss",
                "expired",
                "recall_quarantine",
                "count_adjust",
            ]),
            "what happened to it",
        ),
        required(
            "product",
            Shape::Code(PRODUCT),
            "which product, by the catalogue of the code pack",
        ),
        required(
            "doses_per_kit",
            Shape::Int { min: 1, max: 99 },
            "doses in a kit, taken from the catalogue when saved",
        ),
        optional("lot", Shape::Code(&[]), "the lot printed on the kits [PHE, BC]"),
        optional("expiry", Shape::Month, "the month of expiry [PHE, BC]"),
        required(
            "quantity",
            Shape::Int { min: -100_000, max: 100_000 },
            "how many kits; below 0 in a count_adjust alone",
        ),
        required("from", Shape::Holder, "who had them"),
        required("to", Shape::Holder, "who has them now"),
    ],
    rules: &[
        Rule::Differ("from", "to"),
        Rule::AboveZeroUnless { number: "quantity", field: "movement", code: "count_adjust" },
    ],
    worker_may: WorkerMay::ItsOwnWhere("movement", OF_A_WORKER),
    indicators: &[
        Indicator {
            name: "kits_received",
            definition: "kits that came in from outside: receipts",
            source: "data dictionary, stock_movement",
            adds: &[(
                Kind::StockMovement,
                Adds::Number(|a| quantity_if(a, &["receipt"]) * a.one_if("from", &["outside"])),
            )],
        },
        Indicator {
            name: "kits_wasted",
            definition: "kits lost or expired",
            source: "data dictionary, indicators: wasted",
            adds: &[(Kind::StockMovement, Adds::Number(|a| quantity_if(a, &["loss", "expired"])))],
        },
        Indicator {
            name: "kits_quarantined",
            definition: "kits taken out because their lot was recalled",
            source: "BC; data dictionary, stock_movement",
            adds: &[(
                Kind::StockMovement,
                Adds::Number(|a| quantity_if(a, &["recall_quarantine"])),
            )],
        },
    ],
    shares: &[],
    same_event: None,
    derived: &[],
    contradictions: &[
        Contradiction::Both {
            field: ("from", &["outside"]),
            other: ("movement", &["loss", "expired", "recall_quarantine"]),
        },
        Contradiction::Both {
            field: ("to", &["outside"]),
            other: ("movement", &["receipt", "issue_to_worker"]),
        },
    ],
    stock: Some(movement),
};

fn quantity_if(answers: &Answers, movements: &[&str]) -> i64 {
    answers.number("quantity").unwrap_or(0) * answers.one_if("movement", movements)
}

fn movement(answers: &Answers) -> Vec<StockMove> {
    let kits = answers.number("quantity").unwrap_or(0);
    let doses = kits.saturating_mul(answers.number("doses_per_kit").unwrap_or(0));
    moved(answers.code("from"), answers.code("to"), &batch(answers), doses)
}
