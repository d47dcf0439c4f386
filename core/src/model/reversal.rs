//! The reversal: one overdose event (data dictionary, reversal). Declared here, and only here.

use super::operation::Operation;
use super::schema::{Field, Invalid, Shape, check_creation as check, optional, required};
use super::{CivilDate, Kind, Value};

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

/// One administration of naloxone, as an app fills it in.
#[derive(Clone, Debug)]
pub struct Administration {
    /// A code of the product catalogue, or `unknown`.
    pub product: String,
    /// `IN`, `IM`, `IV`, `SC` or `unknown`.
    pub route: String,
    /// 1 to 20; `None` is unknown.
    pub doses: Option<i64>,
    /// Minutes after the first administration, 0 to 240.
    pub minute: Option<i64>,
    /// Whose kit: `this_programme`, `other_take_home`, `ems`, `police`, `pharmacy`, `unknown`.
    pub source: String,
    /// The lot printed on the kit.
    pub lot: Option<String>,
}

impl Default for Administration {
    fn default() -> Self {
        let unknown = || "unknown".to_owned();
        Administration {
            product: unknown(),
            route: unknown(),
            doses: None,
            minute: None,
            source: unknown(),
            lot: None,
        }
    }
}

impl Administration {
    /// The operation that adds this administration to a reversal.
    pub fn operation(&self) -> Operation {
        let text = |text: &String| Value::Text(text.clone());
        let mut element = vec![
            ("product".to_owned(), text(&self.product)),
            ("route".to_owned(), text(&self.route)),
            ("doses".to_owned(), self.doses.map_or("unknown".into(), Value::Int)),
            ("source".to_owned(), text(&self.source)),
        ];
        element.extend(self.minute.map(|minute| ("minute".to_owned(), Value::Int(minute))));
        element.extend(self.lot.as_ref().map(|lot| ("lot".to_owned(), text(lot))));
        Operation::append("administrations", element)
    }
}

/// A reversal, as an app fills it in. Codes are text: the lists are open.
#[derive(Clone, Debug)]
pub struct Reversal {
    /// The site's code.
    pub site: String,
    /// The local civil date.
    pub occurred_on: CivilDate,
    /// The local time of day, `hh:mm`.
    pub occurred_time: Option<String>,
    /// Minutes that local time is ahead of UTC.
    pub utc_offset_min: i64,
    /// How the reporter knows.
    pub report_basis: String,
    /// Who reports.
    pub reporter_role: String,
    /// What kind of place.
    pub place: String,
    /// Each time naloxone was given.
    pub administrations: Vec<Administration>,
    /// Why none was given, where none was.
    pub none_given_reason: Option<String>,
    /// Whether an ambulance was called.
    pub ems_called: String,
    /// `survived`, `died` or `unknown`.
    pub outcome: String,
    /// Optional single codes: `response_minutes`, `ems_arrived`, `gender`, `age_band`, ….
    pub codes: Vec<(String, String)>,
    /// Ticked codes of the set `suspected_substances`.
    pub suspected_substances: Vec<String>,
    /// Ticked codes of the set `other_response`.
    pub other_response: Vec<String>,
    /// Free text, at most 500 characters.
    pub note: Option<String>,
}

impl Reversal {
    /// A reversal at this site on this date, one administration, all else unknown.
    pub fn new(site: impl Into<String>, occurred_on: CivilDate) -> Self {
        let unknown = || "unknown".to_owned();
        Reversal {
            site: site.into(),
            occurred_on,
            occurred_time: None,
            utc_offset_min: 0,
            report_basis: unknown(),
            reporter_role: unknown(),
            place: unknown(),
            administrations: vec![Administration::default()],
            none_given_reason: None,
            ems_called: unknown(),
            outcome: unknown(),
            codes: Vec::new(),
            suspected_substances: Vec::new(),
            other_response: Vec::new(),
            note: None,
        }
    }

    /// The operations that create this reversal, or the field that is wrong and why.
    pub fn operations(&self) -> Result<Vec<Operation>, Invalid> {
        let mut operations = vec![
            Operation::put("site", self.site.as_str()),
            Operation::put("occurred_on", self.occurred_on.to_string().as_str()),
            Operation::put("utc_offset_min", self.utc_offset_min),
            Operation::put("report_basis", self.report_basis.as_str()),
            Operation::put("reporter_role", self.reporter_role.as_str()),
            Operation::put("place", self.place.as_str()),
            Operation::put("ems_called", self.ems_called.as_str()),
            Operation::put("outcome", self.outcome.as_str()),
        ];
        let optional = [
            ("occurred_time", &self.occurred_time),
            ("none_given_reason", &self.none_given_reason),
            ("note", &self.note),
        ];
        for (field, value) in optional {
            operations.extend(value.as_deref().map(|value| Operation::put(field, value)));
        }
        for (field, code) in &self.codes {
            operations.push(Operation::put(field, code.as_str()));
        }
        for code in &self.suspected_substances {
            operations.push(Operation::put(format!("suspected_substances.{code}"), true));
        }
        for code in &self.other_response {
            operations.push(Operation::put(format!("other_response.{code}"), true));
        }
        operations.extend(self.administrations.iter().map(Administration::operation));
        check(Kind::Reversal, Kind::Reversal.schema_version(), &operations)
            .map_err(super::schema::Fault::into_invalid)?;
        Ok(operations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Reversal {
        Reversal::new("riverside", "2018-03-01".parse().expect("a date of the test"))
    }

    #[test]
    fn an_unknown_code_is_kept_verbatim() {
        let mut reversal = sample();
        reversal.outcome = "left before we knew".to_owned();
        reversal.codes.push(("gender".to_owned(), "two_spirit".to_owned()));
        let operations = reversal.operations().expect("open lists take any code");
        assert!(operations.contains(&Operation::put("outcome", "left before we knew")));
        assert!(operations.contains(&Operation::put("gender", "two_spirit")));
    }

    #[test]
    fn each_wrong_field_is_named_with_what_is_allowed() {
        type Spoil = fn(&mut Reversal);
        let cases: [(Spoil, &str, &str); 7] = [
            (|r| r.site = String::new(), "site", "a code of 1 to 64"),
            (|r| r.occurred_time = Some("25:00".into()), "occurred_time", "hh:mm"),
            (|r| r.utc_offset_min = 5_000, "utc_offset_min", "from -1080 to 1080"),
            (|r| r.administrations.clear(), "administrations", "one or more"),
            (|r| r.administrations[0].doses = Some(21), "administrations.doses", "1 to 20"),
            (|r| r.note = Some("x".repeat(501)), "note", "at most 500"),
            (|r| r.codes.push(("author".into(), "me".into())), "author", "creating entry"),
        ];
        for (spoil, field, reason) in cases {
            let mut reversal = sample();
            spoil(&mut reversal);
            let invalid = reversal.operations().expect_err(field);
            assert_eq!(invalid.field, field);
            assert!(invalid.reason.contains(reason), "{invalid}");
        }
    }
}
