//! The rows that everything is measured on: the reversals of Pennsylvania's Overdose Information
//! Network in 2018, in the order of the file, again and again, each time a day later within the year.

use super::Failed;
use kitbag_core::model::{CivilDate, Form, Operation, Value};
use kitbag_interchange::{Mapping, ODIN_MAPPING};
use std::sync::OnceLock;

const FILE: &[u8] = include_bytes!("../../tests/fixtures/odin-2018.csv");
/// 2018-01-01, in days since 1970-01-01.
const YEAR_BEGINS: i64 = 17_532;
const YEAR_DAYS: i64 = 365;

fn forms() -> Result<&'static [Form], Failed> {
    static FORMS: OnceLock<Vec<Form>> = OnceLock::new();
    if let Some(forms) = FORMS.get() {
        return Ok(forms);
    }
    let taken = Mapping::from_toml(ODIN_MAPPING)?.read(FILE)?.taken;
    Ok(FORMS.get_or_init(|| taken.into_iter().map(|taken| taken.form).collect()))
}

/// The reversal of that number.
pub fn reversal(number: u32) -> Result<Form, Failed> {
    let forms = forms()?;
    let (round, at) = (number as usize / forms.len(), number as usize % forms.len());
    let mut form = forms.get(at).ok_or("no rows")?.clone();
    let date: CivilDate =
        form.get("occurred_on").and_then(Value::as_text).ok_or("a day")?.parse()?;
    let day = (date.epoch_day() - YEAR_BEGINS + round as i64).rem_euclid(YEAR_DAYS);
    let later = CivilDate::from_epoch_day(YEAR_BEGINS + day).ok_or("a day")?;
    form.put("occurred_on", later.to_string().as_str())?;
    Ok(form)
}

/// What a device writes of it.
pub fn operations(number: u32) -> Result<Vec<Operation>, Failed> {
    Ok(reversal(number)?.operations()?)
}
