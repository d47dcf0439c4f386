//! Made-up records.

use kitbag_core::model::{CivilDate, Element, Form, Kind};

/// A reversal at Riverside on 2018-03-01 with this outcome, one administration, all else unknown.
pub fn reversal(outcome: &str) -> Form {
    let day = CivilDate::from_epoch_day(17_591).expect("a day of the calendar");
    let form = Form::at(Kind::Reversal, "riverside", day).with_unknowns();
    with(form, "outcome", outcome)
}

/// The form with one more answer.
pub fn with(mut form: Form, field: &str, answer: &str) -> Form {
    form.put_text(field, answer).expect("a field of the data dictionary");
    form
}

/// An administration of unknown origin with so many doses.
pub fn administration(doses: Option<i64>) -> Element {
    let unknown = ["product", "route", "source"].map(|field| (field.to_owned(), "unknown".into()));
    let doses = doses.map_or("unknown".into(), Into::into);
    unknown.into_iter().chain([("doses".to_owned(), doses)]).collect()
}
