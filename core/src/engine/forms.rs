//! Forms: begun with what was answered last time, and all that is wrong with one, at once.

use super::{Engine, EngineError};
use crate::model::pack::{fault_of_period, fill_in, lacking};
use crate::model::{CivilDate, Form, Invalid, Kind, TeamId, Value};
use crate::store::{Row, Search, State};

/// What is mostly as it was last time.
const AS_LAST_TIME: [&str; 6] = ["site", "channel", "product", "lot", "expiry", "taken_from"];

/// Among how many of its last records one made by hand is looked for.
const LAST_LOOKED_AT: u64 = 50;

impl Engine {
    /// A form of a kind that holds the day, but where this device knows that its clock is wrong, and what this device answered last time where that is mostly the same:
    /// the site, the way, the product with its lot, whose stock. Where it has none yet and the programme has one
    /// product, that.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// let form = phone.begin_form(team, Kind::Reversal, ("2026-11-25".parse()?, 60))?;
    /// assert_eq!(form.get("site"), Some(&"riverside".into()));
    /// assert_eq!(form.get("occurred_on"), Some(&"2026-11-25".into()));
    /// assert_eq!(form.get("outcome"), None);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn begin_form(
        &self,
        team: TeamId,
        kind: Kind,
        (today, utc_offset_min): (CivilDate, i64),
    ) -> Result<Form, EngineError> {
        let mut form = Form::new(kind);
        if !self.status()?.clock_is_off {
            form.put("occurred_on", today.to_string().as_str())?;
        }
        form.put("utc_offset_min", utc_offset_min)?;
        if let Some(last) = self.last_own(team, kind)? {
            for field in AS_LAST_TIME.into_iter().filter(|field| kind.field(field).is_some()) {
                if let Some(code) = last.answers.code(field) {
                    form.put(field, code)?;
                }
            }
        }
        if kind.field("product").is_some() && form.get("product").is_none() {
            let packs = self.packs()?;
            let mut products = packs.iter().flat_map(|pack| &pack.products);
            if let (Some(only), None) = (products.next(), products.next()) {
                form.put("product", only.code.as_str())?;
            }
        }
        Ok(form)
    }

    /// The record of a kind that this device made last, by hand: an imported one says nothing of what is done here,
    /// nor does one that is void.
    pub(super) fn last_own(&self, team: TeamId, kind: Kind) -> Result<Option<Row>, EngineError> {
        let search = Search {
            team: Some(team),
            kind: Some(kind),
            author: Some(self.device_key()),
            state: Some(State::Counted),
            most: LAST_LOOKED_AT,
            ..Search::default()
        };
        let by_hand = |row: &Row| row.answers.code("import_key").is_none();
        Ok(self.search(&search)?.rows.into_iter().find(by_hand))
    }

    /// All that keeps a form from being saved, with what the programme's packs ask for beside the data dictionary.
    /// What they know, such as the doses of a kit, is not missing.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let faults = phone.form_faults(team, &Form::new(Kind::Reversal))?;
    /// assert!(faults.iter().any(|fault| fault.field == "outcome"));
    /// assert!(faults.iter().any(|fault| fault.field == "site"));
    /// assert!(phone.form_faults(team, &reversal()?)?.is_empty());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn form_faults(&self, team: TeamId, form: &Form) -> Result<Vec<Invalid>, EngineError> {
        let (mut form, packs) = (form.clone(), self.packs()?);
        fill_in(&mut form, &packs);
        let mut faults = form.faults();
        faults.extend(fault_of_period(&form, &packs));
        for field in lacking(&form, &packs) {
            if faults.iter().all(|fault| fault.field != field.name) {
                faults.push(Invalid::required(field.name, field.shape));
            }
        }
        let link = form.get("duplicate_of").and_then(Value::as_text).and_then(|id| id.parse().ok());
        if let Some(other) = link {
            faults.extend(self.fault_of_link((team, form.kind()), None, other)?);
        }
        Ok(faults)
    }
}
