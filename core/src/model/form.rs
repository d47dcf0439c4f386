//! A reversal as an app fills it in, and the operations that it becomes.

use super::check::{Fault, check_creation as check};
use super::operation::Operation;
use super::schema::Invalid;
use super::{CivilDate, Kind, Value};

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
            .map_err(Fault::into_invalid)?;
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
