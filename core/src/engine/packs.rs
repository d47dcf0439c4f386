//! Code packs: published by the root, delivered with the programme's log, used where records are made.

use super::{Engine, EngineError};
use crate::log::payload::Administration;
use crate::model::pack::{CodePack, PackError, fault_of_period, fill_in, lacking};
use crate::model::{EntryId, Form, Invalid, Kind, TeamId, Value};

impl Engine {
    /// Publishes a code pack to the whole programme: the root's word alone. A pack of the same name
    /// with a higher version takes the place of an older one.
    ///
    /// # Errors
    /// [`EngineError::Pack`] where the pack does not hold; [`EngineError::NotTheRoot`] on other devices.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let pack = r#"
    /// name = "riverside"
    /// version = 1
    /// source = "the programme"
    /// sites = [{ code = "riverside", label = "Riverside drop-in" }]
    /// "#;
    /// root.publish_pack(pack)?;
    /// assert!(matches!(phone.publish_pack(pack), Err(EngineError::NotTheRoot)));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn publish_pack(&mut self, toml: &str) -> Result<EntryId, EngineError> {
        let pack = CodePack::checked(toml)?;
        if self.device_key() != self.root() {
            return Err(EngineError::NotTheRoot);
        }
        let packs = self.packs()?;
        if let Some(held) = packs.iter().find(|held| held.name == pack.name)
            && held.version >= pack.version
        {
            let (name, version) = (held.name.clone(), held.version);
            return Err(EngineError::PackNotNewer { name, version });
        }
        self.administer(TeamId::PROGRAMME, &Administration::CodePack { toml: toml.to_owned() })
    }

    /// The programme's code packs by name, the newest version of each. One that a newer version of
    /// Kitbag wrote in a form that this one cannot read is left out: its codes are shown as they are.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let pack = r#"
    /// name = "riverside"
    /// version = 1
    /// source = "the programme"
    /// sites = [{ code = "riverside", label = "Riverside drop-in" }]
    /// "#;
    /// root.publish_pack(pack)?;
    /// sync_with(&mut root, &mut hub)?;
    /// sync_with(&mut phone, &mut hub)?;
    /// assert_eq!(phone.packs()?[0].name, "riverside");
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn packs(&self) -> Result<Vec<CodePack>, EngineError> {
        Ok(self.store.published_packs()?)
    }

    /// The form with what this device and the programme know: the doses of a kit, by the catalogue;
    /// whose stock it comes from, the last that this device used.
    ///
    /// # Errors
    /// `required` where a pack asks for a field that has no answer.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let form = phone.prepared(team, &reversal()?)?;
    /// assert_eq!(form.get("outcome"), Some(&"survived".into()));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn prepared(&mut self, team: TeamId, form: &Form) -> Result<Form, EngineError> {
        let mut form = self.known_of(form)?;
        let has_source = form.kind().field("taken_from").is_some();
        if has_source
            && form.get("taken_from").is_none()
            && let Some(last) = self.last_taken_from(team)?
        {
            form.put("taken_from", last.as_str())?;
        }
        Ok(form)
    }

    /// The form with what the programme's packs know.
    pub(super) fn known_of(&mut self, form: &Form) -> Result<Form, EngineError> {
        // Whoever is about to write reads a store anew that a failure closed.
        self.store.ensure_open()?;
        let mut form = form.clone();
        let count = self.store.code_packs();
        if self.known_packs.0 != count {
            self.known_packs = (count, self.packs()?);
        }
        fill_in(&mut form, &self.known_packs.1);
        if let Some(fault) = fault_of_period(&form, &self.known_packs.1) {
            return Err(fault.into());
        }
        match lacking(&form, &self.known_packs.1).first() {
            Some(field) => Err(Invalid::required(field.name, field.shape).into()),
            None => Ok(form),
        }
    }

    /// Whose stock this device's last distribution in a team came from.
    fn last_taken_from(&mut self, team: TeamId) -> Result<Option<String>, EngineError> {
        if let Some(last) = self.taken_from.get(&team) {
            return Ok(last.clone());
        }
        let last = self.last_own(team, Kind::Distribution)?;
        let last = last.and_then(|row| row.answers.code("taken_from").map(str::to_owned));
        self.taken_from.insert(team, last.clone());
        Ok(last)
    }

    /// Notes whose stock a record that was saved came from.
    pub(super) fn note_taken_from(&mut self, team: TeamId, form: &Form) {
        if let Some(holder) = form.get("taken_from").and_then(Value::as_text) {
            self.taken_from.insert(team, Some(holder.to_owned()));
        }
    }
}

impl From<PackError> for EngineError {
    fn from(error: PackError) -> Self {
        EngineError::Pack(error.to_string())
    }
}
