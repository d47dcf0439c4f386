//! The reversal: one overdose event (data dictionary, reversal).

use crate::model::answers::{Named, find};
use crate::model::codes::{AGE_BAND, GENDER, PRODUCT, ROUTE, SOURCE, YES_NO_REFUSED};
use crate::model::declaration::{Declaration, WorkerMay};
use crate::model::field::{Field, Shape, VOID, optional, required};
use crate::model::indicator::{Adds, Indicator, Share};
use crate::model::rules::{Contradiction, Rule};
use crate::model::stock::{StockMove, batch_of, moved};
use crate::model::{Answer, Answers, Kind};

/// The fields of one administration of naloxone.
const ADMINISTRATION: &[Field] = &[
    required("product", Shape::Code(PRODUCT), "which product, or unknown [ODIN]"),
    required("route", Shape::Code(ROUTE), "how it was given [ODIN]"),
    required(
        "doses",
        Shape::IntOrUnknown { min: 1, max: 20 },
        "how many doses; unknown ones stay out of averages [ODIN]",
    ),
    optional("minute", Shape::Int { min: 0, max: 240 }, "minutes after the first [ODIN]"),
    required("source", Shape::Code(SOURCE), "whose kit it was [PHE]"),
    optional("lot", Shape::Code(&[]), "the lot printed on the kit [PHE]"),
    optional("void", Shape::Code(VOID), "why the administration counts nowhere"),
];

/// The reversal.
pub const DECLARATION: Declaration = Declaration {
    name: "reversal",
    number: 17,
    about: "one overdose event",
    fields: &[
        required(
            "report_basis",
            Shape::Code(&["witnessed_by_reporter", "told_by_client", "staff_response", "unknown"]),
            "how the reporter knows [ONT]",
        ),
        required(
            "reporter_role",
            Shape::Code(&[
                "person_who_uses",
                "family_friend",
                "peer_worker",
                "staff",
                "first_responder",
                "bystander",
                "unknown",
            ]),
            "who reports [ONT]",
        ),
        required(
            "place",
            Shape::Code(&[
                "private_home",
                "shelter_hostel",
                "street_park",
                "vehicle",
                "public_building",
                "service_premises",
                "prison_police",
                "hospital",
                "other",
                "unknown",
            ]),
            "what kind of place; never where [IL, ONT]",
        ),
        optional(
            "administrations",
            Shape::List(ADMINISTRATION),
            "each time naloxone was given [ODIN: event, administration, dose]",
        ),
        optional("none_given_reason", Shape::Code(&[]), "why none was given, where none was"),
        optional(
            "response_minutes",
            Shape::Code(&["under_1", "1_3", "3_5", "over_5", "no_response", "unknown"]),
            "how long until the person responded [ODIN]",
        ),
        required(
            "ems_called",
            Shape::Code(&["yes", "no", "unknown"]),
            "whether an ambulance was called [ONT, CCENDU]",
        ),
        optional(
            "ems_not_called_reason",
            Shape::Code(&["fear_of_police", "under_control", "no_phone", "other"]),
            "why not [ONT, CCENDU]",
        ),
        optional("ems_arrived", Shape::Code(YES_NO_REFUSED), "whether it came [NYS, PHE]"),
        optional(
            "taken_to_hospital",
            Shape::Code(YES_NO_REFUSED),
            "whether the person was taken to hospital [NYS, PHE]",
        ),
        optional(
            "other_response",
            Shape::CodeSet(&[
                "rescue_breathing",
                "chest_compressions",
                "recovery_position",
                "oxygen",
                "stayed_with_person",
            ]),
            "what else was done [ONT]",
        ),
        optional("suspected_substances", Shape::CodeSet(SUBSTANCES), "what was taken [ODIN, ONT]"),
        required(
            "outcome",
            Shape::Code(&["survived", "died", "unknown"]),
            "how it ended [IL, ODIN, ONT]",
        ),
        optional("age_band", Shape::Code(AGE_BAND), "the person's band of age"),
        optional("gender", Shape::Code(GENDER), "the person's gender [ONT]"),
        optional(
            "referral_offered",
            Shape::Code(&["accepted", "declined", "not_offered", "unknown"]),
            "whether help was offered afterwards",
        ),
        optional(
            "debrief_offered",
            Shape::Code(&["yes", "no", "declined"]),
            "whether the worker was offered to talk about it [BC]",
        ),
        optional(
            "taken_from",
            Shape::Holder,
            "whose stock this programme's doses come from; by default the last used",
        )
        .since(2),
    ],
    rules: &[Rule::OneElement { list: "administrations", or: Some("none_given_reason") }],
    worker_may: WorkerMay::ItsOwn,
    indicators: &[
        Indicator {
            name: "reversals",
            definition: "overdose events with one administration of naloxone or more",
            source: "ODIN, ONT",
            adds: &[(Kind::Reversal, Adds::Number(given))],
        },
        Indicator {
            name: "doses",
            definition: "doses given, as far as their number is known",
            source: "ODIN",
            adds: &[(Kind::Reversal, Adds::Number(|a| doses(a).iter().flatten().sum()))],
        },
        Indicator {
            name: "doses_unknown",
            definition: "administrations whose number of doses is not known",
            source: "ODIN",
            adds: &[(
                Kind::Reversal,
                Adds::Number(|a| doses(a).iter().filter(|doses| doses.is_none()).count() as i64),
            )],
        },
        Indicator {
            name: "survived",
            definition: "reversals that the person survived",
            source: "ODIN, ONT, IL",
            adds: &[(
                Kind::Reversal,
                Adds::Number(|a| given(a) * a.one_if("outcome", &["survived"])),
            )],
        },
        Indicator {
            name: "died",
            definition: "reversals after which the person died",
            source: "ODIN, ONT, IL",
            adds: &[(Kind::Reversal, Adds::Number(|a| given(a) * a.one_if("outcome", &["died"])))],
        },
        Indicator {
            name: "outcome_unknown",
            definition: "reversals whose outcome is not known; always shown apart",
            source: "ODIN, ONT, IL",
            adds: &[(
                Kind::Reversal,
                Adds::Number(|a| given(a) * (1 - a.one_if("outcome", &["survived", "died"]))),
            )],
        },
        Indicator {
            name: "ems_called",
            definition: "reversals to which an ambulance was called",
            source: "ONT, CCENDU",
            adds: &[(
                Kind::Reversal,
                Adds::Number(|a| given(a) * a.one_if("ems_called", &["yes"])),
            )],
        },
        Indicator {
            name: "ems_not_called",
            definition: "reversals to which no ambulance was called",
            source: "ONT, CCENDU",
            adds: &[(Kind::Reversal, Adds::Number(|a| given(a) * a.one_if("ems_called", &["no"])))],
        },
    ],
    shares: &[
        Share {
            name: "survival",
            definition: "survived, of those whose outcome is known",
            source: "ODIN",
            of: "survived",
            over: &["survived", "died"],
        },
        Share {
            name: "ems_called_share",
            definition: "an ambulance was called, of those where it is known",
            source: "ONT, CCENDU",
            of: "ems_called",
            over: &["ems_called", "ems_not_called"],
        },
    ],
    same_event: Some(&["occurred_time", "age_band", "gender", "outcome"]),
    derived: &[],
    contradictions: &[
        Contradiction::BesideElements { field: "none_given_reason", list: "administrations" },
        Contradiction::Both {
            field: ("ems_not_called_reason", &[]),
            other: ("ems_called", &["yes", "unknown"]),
        },
    ],
    stock: Some(used),
};

const SUBSTANCES: &[&str] = &[
    "heroin",
    "fentanyl",
    "fentanyl_analogue",
    "carfentanil",
    "nitazene",
    "prescription_opioid",
    "methadone",
    "buprenorphine",
    "benzodiazepine",
    "xylazine",
    "barbiturate",
    "cocaine",
    "methamphetamine",
    "prescription_stimulant",
    "cathinone",
    "synthetic_cannabinoid",
    "cannabis",
    "alcohol",
    "prescription_other",
    "other",
    "unknown",
];

fn dose_count(administration: &Named) -> Option<i64> {
    find(administration, "doses").and_then(Answer::number)
}

/// The doses of each administration; `None` where their number is not known.
fn doses(answers: &Answers) -> Vec<Option<i64>> {
    answers.elements("administrations").iter().map(dose_count).collect()
}

/// 1 where naloxone was given, else 0.
fn given(answers: &Answers) -> i64 {
    i64::from(!answers.elements("administrations").is_empty())
}

/// This programme's doses leave the stock that they were taken from; unknown numbers leave it as it is.
fn used(answers: &Answers) -> Vec<StockMove> {
    let own = |administration: &&Named| {
        find(administration, "source").and_then(Answer::word) == Some("this_programme")
    };
    let of_each = answers.elements("administrations").iter().filter(own).map(|administration| {
        let doses = dose_count(administration).unwrap_or(0);
        moved(answers.code("taken_from"), None, &batch_of(administration), doses)
    });
    of_each.flatten().collect()
}
