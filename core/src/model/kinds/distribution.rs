//! The distribution: naloxone handed to a person (data dictionary, distribution).

use crate::model::codes::{AGE_BAND, GENDER, PRODUCT, YES_NO};
use crate::model::declaration::{Declaration, WorkerMay};
use crate::model::field::{Shape, optional, required};
use crate::model::indicator::{Adds, Indicator, Share};
use crate::model::rules::{Contradiction, Rule};
use crate::model::stock::{StockMove, batch, moved};
use crate::model::{Answers, Kind};

const USED: &[&str] = &["used_on_other", "used_on_self", "used_unspecified"];

/// The distribution.
pub const DECLARATION: Declaration = Declaration {
    name: "distribution",
    number: 16,
    about: "naloxone handed to a person",
    fields: &[
        required(
            "recipient_role",
            Shape::Code(&[
                "at_risk",
                "family_friend",
                "service_worker",
                "bystander_public",
                "unknown",
            ]),
            "who takes it [SCT]",
        ),
        required(
            "supply_type",
            Shape::Code(&["first", "resupply", "unknown"]),
            "a first supply or one more [SCT, ONT]",
        ),
        optional(
            "resupply_reason",
            Shape::Code(&[
                "used_on_other",
                "used_on_self",
                "used_unspecified",
                "lost",
                "stolen",
                "confiscated",
                "expired",
                "damaged",
                "gave_away",
                "extra",
                "unknown",
            ]),
            "what became of the one before [SCT, ONT]",
        )
        .required_if("supply_type", &["resupply"]),
        required(
            "channel",
            Shape::Code(&[
                "street_outreach",
                "fixed_site",
                "needle_exchange",
                "prison_release",
                "pharmacy",
                "emergency_department",
                "ambulance",
                "mail",
                "peer_secondary",
                "event",
                "vending",
                "other",
            ]),
            "by which way [SCT, ONT]",
        ),
        required(
            "product",
            Shape::Code(PRODUCT),
            "which product, by the catalogue of the code pack",
        ),
        required(
            "doses_per_kit",
            Shape::Int { min: 1, max: 99 },
            "doses in a kit, taken from the catalogue when saved, so that totals never depend on the \
             catalogue installed",
        ),
        optional("kits", Shape::Int { min: 0, max: 999 }, "kits handed out [ONT]"),
        optional(
            "single_doses",
            Shape::Int { min: 0, max: 999 },
            "doses handed out beside kits [ONT]",
        ),
        optional(
            "lot",
            Shape::Code(&[]),
            "the lot printed on the kit; lots are recalled [PHE, BC]",
        ),
        optional("expiry", Shape::Month, "the month of expiry [PHE, BC]"),
        optional("kit_number_from", Shape::Code(&[]), "the first kit's number [BC]"),
        optional("kit_number_to", Shape::Code(&[]), "the last kit's number [BC]"),
        required(
            "training",
            Shape::Code(&["full", "brief", "already_trained", "declined", "unknown"]),
            "whether the person was trained [ONT, SCT]",
        ),
        optional(
            "people_served",
            Shape::Int { min: 1, max: 99 },
            "how many people it is for; above 1 is secondary distribution [ONT]",
        ),
        optional("age_band", Shape::Code(AGE_BAND), "the person's band of age"),
        optional("gender", Shape::Code(GENDER), "the person's gender [ONT]"),
        optional(
            "pregnant_or_parenting",
            Shape::Code(YES_NO),
            "whether the person is pregnant or has children to care for [UNGASS]",
        ),
        optional(
            "released_from_custody_4w",
            Shape::Code(YES_NO),
            "whether the person left custody within four weeks [UNGASS; SCT]",
        ),
        optional("area", Shape::Code(&[]), "the coarse administrative unit where the person lives"),
        optional(
            "taken_from",
            Shape::Holder,
            "whose stock it comes from; by default the last used",
        ),
    ],
    rules: &[Rule::OneAbove0(&["kits", "single_doses"])],
    worker_may: WorkerMay::ItsOwn,
    indicators: &[
        Indicator {
            name: "distributions",
            definition: "distributions recorded",
            source: "data dictionary, distribution",
            adds: &[(Kind::Distribution, Adds::Number(|_| 1))],
        },
        Indicator {
            name: "recipients",
            definition: "people to whom naloxone was handed, each distribution one",
            source: "SCT: supplies by recipient",
            adds: &[(Kind::Distribution, Adds::Number(|_| 1))],
        },
        Indicator {
            name: "kits_distributed",
            definition: "sum of kits over distributions",
            source: "ONT, SCT",
            adds: &[(Kind::Distribution, Adds::Number(kits))],
        },
        Indicator {
            name: "doses_distributed",
            definition: "kits × doses per kit + single doses",
            source: "ONT",
            adds: &[(Kind::Distribution, Adds::Number(doses))],
        },
        Indicator {
            name: "supply_first",
            definition: "distributions that are a person's first supply",
            source: "SCT, ONT",
            adds: &[(Kind::Distribution, Adds::Number(|a| a.one_if("supply_type", &["first"])))],
        },
        Indicator {
            name: "supply_resupply",
            definition: "distributions that are one more supply",
            source: "SCT, ONT",
            adds: &[(Kind::Distribution, Adds::Number(resupply))],
        },
        Indicator {
            name: "resupply_used",
            definition: "resupplies because the one before was used",
            source: "SCT",
            adds: &[(
                Kind::Distribution,
                Adds::Number(|a| resupply(a) * a.one_if("resupply_reason", USED)),
            )],
        },
        Indicator {
            name: "prison_release_kits",
            definition: "kits handed out on release from prison",
            source: "SCT; A/RES/71/211 §23; UNGASS 2016 2",
            adds: &[(
                Kind::Distribution,
                Adds::Number(|a| kits(a) * a.one_if("channel", &["prison_release"])),
            )],
        },
    ],
    shares: &[Share {
        name: "resupply_used_share",
        definition: "resupplies because the one before was used, of all resupplies",
        source: "SCT: 27 % in 2018/19",
        of: "resupply_used",
        over: &["supply_resupply"],
    }],
    same_event: None,
    derived: &[],
    contradictions: &[
        Contradiction::Both { field: ("resupply_reason", &[]), other: ("supply_type", &["first"]) },
        Contradiction::Above { field: "kit_number_from", other: "kit_number_to" },
    ],
    stock: Some(handed_out),
};

fn kits(answers: &Answers) -> i64 {
    answers.number("kits").unwrap_or(0)
}

fn doses(answers: &Answers) -> i64 {
    let of_kits = kits(answers).saturating_mul(answers.number("doses_per_kit").unwrap_or(0));
    of_kits.saturating_add(answers.number("single_doses").unwrap_or(0))
}

fn resupply(answers: &Answers) -> i64 {
    answers.one_if("supply_type", &["resupply"])
}

fn handed_out(answers: &Answers) -> Vec<StockMove> {
    moved(answers.code("taken_from"), None, &batch(answers), doses(answers))
}
