//! What local time is ahead of UTC on a day in a zone, decided the same way everywhere.

pub use chrono_tz::Tz;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone};
use kitbag_core::model::{Form, Value};

/// The zone of this name in the IANA's database, such as `Europe/Kyiv`.
pub fn zone_named(name: &str) -> Option<chrono_tz::Tz> {
    name.parse().ok()
}

/// The most that a zone ever passed over: a day, when it moved across the date line (Pacific/Apia, 2011-12-30).
const PASSED_OVER_MAX_HOURS: i64 = 24;

/// How many minutes local time was ahead of UTC in a zone on the day and at the time that a form says, at noon where it says no
/// time: of a time that comes twice that of the first, of one that is passed over that of the last hour before.
pub fn offset_minutes<Z: TimeZone>(zone: &Z, form: &Form) -> Option<i64> {
    let said = |field: &str| form.get(field).and_then(Value::as_text);
    let day = NaiveDate::parse_from_str(said("occurred_on")?, "%Y-%m-%d").ok()?;
    let time = NaiveTime::parse_from_str(said("occurred_time").unwrap_or("12:00"), "%H:%M").ok()?;
    let at = day.and_time(time);
    let found = |at: NaiveDateTime| zone.offset_from_local_datetime(&at).earliest();
    let before = |hours| found(at - TimeDelta::hours(hours));
    let offset = (0..=PASSED_OVER_MAX_HOURS).find_map(before)?;
    Some(i64::from(offset.fix().local_minus_utc() / 60))
}

/// How many minutes local time was ahead of UTC on the day of a form.
pub type OffsetOf<'a> = &'a dyn Fn(&Form) -> Option<i64>;

#[cfg(test)]
mod tests {
    use super::*;
    use kitbag_core::model::Kind;

    #[test]
    fn the_offset_is_that_of_the_day_with_its_gaps_and_repeats() {
        let (kyiv, apia) = ("Europe/Kyiv", "Pacific/Apia");
        for (zone, day, time, minutes) in [
            (kyiv, "2026-01-15", None, 120),
            (kyiv, "2026-07-15", None, 180),
            // The hour that is passed over, and the one that comes twice.
            (kyiv, "2026-03-29", Some("03:30"), 120),
            (kyiv, "2026-03-29", Some("04:30"), 180),
            (kyiv, "2026-10-25", Some("03:30"), 180),
            (kyiv, "2026-10-25", Some("04:30"), 120),
            // The day that was not.
            (apia, "2011-12-29", None, -600),
            (apia, "2011-12-30", None, -600),
            (apia, "2011-12-31", None, 840),
        ] {
            let zone = zone_named(zone).expect("a zone");
            let mut form = Form::new(Kind::Reversal);
            form.put("occurred_on", day).expect("a field");
            time.map(|time| form.put("occurred_time", time).map(drop))
                .transpose()
                .expect("a field");
            assert_eq!(offset_minutes(&zone, &form), Some(minutes), "{day} {time:?}");
        }
        assert!(zone_named("Europe/Nowhere").is_none());
    }
}
