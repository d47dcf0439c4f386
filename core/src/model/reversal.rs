//! The reversal: one overdose event (data dictionary, reversal). Declared here, and only here.

use super::operation::Operation;
use super::schema::{Field, Invalid, Shape, optional, required};

const PRODUCT_ROUTE: &[&str] = &["IN", "IM", "IV", "SC", "unknown"];
const SOURCE: &[&str] =
    &["this_programme", "other_take_home", "ems", "police", "pharmacy", "unknown"];
const YES_NO_REFUSED: &[&str] = &["yes", "no", "refused", "unknown"];

/// The fields of one administration of naloxone.
pub const ADMINISTRATION: &[Field] = &[
    required("product", Shape::Code(&["unknown"])),
    required("route", Shape::Code(PRODUCT_ROUTE)),
    required("doses", Shape::IntOrUnknown { min: 1, max: 20 }),
    optional("minute", Shape::Int { min: 0, max: 240 }),
    required("source", Shape::Code(SOURCE)),
    optional("lot", Shape::Text),
    optional("void", Shape::Code(super::schema::VOID)),
];

/// The fields of a reversal beside the envelope's.
pub const FIELDS: &[Field] = &[
    required(
        "report_basis",
        Shape::Code(&["witnessed_by_reporter", "told_by_client", "staff_response", "unknown"]),
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
    ),
    optional("administrations", Shape::List(ADMINISTRATION)),
    optional("none_given_reason", Shape::Code(&[])),
    optional(
        "response_minutes",
        Shape::Code(&["under_1", "1_3", "3_5", "over_5", "no_response", "unknown"]),
    ),
    required("ems_called", Shape::Code(&["yes", "no", "unknown"])),
    optional(
        "ems_not_called_reason",
        Shape::Code(&["fear_of_police", "under_control", "no_phone", "other"]),
    ),
    optional("ems_arrived", Shape::Code(YES_NO_REFUSED)),
    optional("taken_to_hospital", Shape::Code(YES_NO_REFUSED)),
    optional(
        "other_response",
        Shape::CodeSet(&[
            "rescue_breathing",
            "chest_compressions",
            "recovery_position",
            "oxygen",
            "stayed_with_person",
        ]),
    ),
    optional(
        "suspected_substances",
        Shape::CodeSet(&[
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
        ]),
    ),
    required("outcome", Shape::Code(&["survived", "died", "unknown"])),
    optional(
        "age_band",
        Shape::Code(&[
            "under_15", "15_17", "18_24", "25_34", "35_44", "45_54", "55_plus", "unknown",
            "declined",
        ]),
    ),
    optional(
        "gender",
        Shape::Code(&[
            "woman",
            "man",
            "trans_woman",
            "trans_man",
            "non_binary",
            "other",
            "unknown",
            "declined",
        ]),
    ),
    optional("referral_offered", Shape::Code(&["accepted", "declined", "not_offered", "unknown"])),
    optional("debrief_offered", Shape::Code(&["yes", "no", "declined"])),
];

/// The rule that no single field holds: naloxone was given at least once, or a reason says why not.
pub(super) fn check_creation(operations: &[Operation]) -> Result<(), Invalid> {
    let given = operations
        .iter()
        .any(|operation| matches!(operation, Operation::Append { list, .. } if list == "administrations"));
    let reason = operations.iter().any(|operation| {
        matches!(operation, Operation::Put { field, value } if field == "none_given_reason" && !value.is_null())
    });
    if given || reason {
        Ok(())
    } else {
        Err(Invalid {
            field: "administrations".to_owned(),
            reason: "one or more are required, or none_given_reason says why there is none"
                .to_owned(),
        })
    }
}
