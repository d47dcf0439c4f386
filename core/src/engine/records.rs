//! Records: saving, correcting, reading one.

use super::{Engine, EngineError};
use crate::model::form::append;
use crate::model::{Element, ElementName, EntryId, Form, Operation, RecordId, TeamId, Value};
use crate::record::Record;
use crate::store::Setting;

impl Engine {
    /// Saves a record of any kind. When this returns, it is durable. What the form leaves open and the
    /// programme or this device knows is filled in, by [`Engine::prepared`].
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let mut form = Form::at(Kind::Contact, "riverside", "2026-11-24".parse()?);
    /// form.put("people", 3)?.put("visit", "new")?;
    /// let id = phone.record(team, &form)?;
    /// assert_eq!(phone.get(id)?.get("people"), Some(&Value::Int(3)));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn record(&mut self, team: TeamId, form: &Form) -> Result<RecordId, EngineError> {
        self.record_and_forget(team, form, None)
    }

    /// The same, and what was kept by a name, a draft, is forgotten with it.
    pub(super) fn record_and_forget(
        &mut self,
        team: TeamId,
        form: &Form,
        draft: Option<Setting>,
    ) -> Result<RecordId, EngineError> {
        let form = self.prepared(team, form)?;
        let id = self.create_checked(team, form.checked()?, draft)?;
        self.note_taken_from(team, &form);
        Ok(id)
    }

    /// Saves a record of a file: the same, but that no stock is taken for the last used.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// // For each row of a file that a mapping made a form of:
    /// let id = coordinator.record_imported(team, &reversal()?)?;
    /// assert_eq!(coordinator.get(id)?.kind, Kind::Reversal);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn record_imported(&mut self, team: TeamId, form: &Form) -> Result<RecordId, EngineError> {
        let form = self.known_of(form)?;
        self.create_checked(team, form.checked()?, None)
    }

    /// Saves rows of an imported file together, in one transaction; each that cannot be saved says why, and keeps no other
    /// from being saved. When this returns, the others are durable.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let rows = [reversal()?, Form::new(Kind::Reversal)]; // the second one says nothing
    /// let saved = phone.record_all_imported(team, &rows);
    /// assert!(saved[0].is_ok() && saved[1].is_err());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn record_all_imported(
        &mut self,
        team: TeamId,
        forms: &[Form],
    ) -> Vec<Result<RecordId, EngineError>> {
        let checked: Result<Vec<_>, EngineError> =
            forms.iter().map(|form| Ok(self.known_of(form)?.checked()?)).collect();
        if let Ok(ids) = checked.and_then(|checked| self.create_all(team, checked)) {
            return ids.into_iter().map(Ok).collect();
        }
        // One of them keeps all from being saved: each by itself then.
        forms.iter().map(|form| self.record_imported(team, form)).collect()
    }

    /// Gives a field of a record another value. The old one stays in the history.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// phone.correct(id, "outcome", "died")?;
    /// let record = phone.get(id)?;
    /// assert_eq!(record.get("outcome"), Some(&"died".into()));
    /// assert_eq!(record.history.len(), 2); // the first answer stays in the history
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn correct(
        &mut self,
        id: RecordId,
        field: &str,
        value: impl Into<Value>,
    ) -> Result<EntryId, EngineError> {
        self.change(id, vec![Operation::put(field, value)])
    }

    /// Voids a record, with a reason of the data dictionary: it counts nowhere from then on.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// phone.void(id, "entered_in_error")?;
    /// assert!(phone.get(id)?.is_void());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn void(&mut self, id: RecordId, reason: &str) -> Result<EntryId, EngineError> {
        self.correct(id, "void", reason)
    }

    /// Takes a void back.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// phone.void(id, "test")?;
    /// phone.clear_void(id)?;
    /// assert!(!phone.get(id)?.is_void());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn clear_void(&mut self, id: RecordId) -> Result<EntryId, EngineError> {
        self.correct(id, "void", Value::Null)
    }

    /// Says that two records are of one event: of all that are linked, one counts.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let (one, other) = (phone.record(team, &reversal()?)?, phone.record(team, &reversal()?)?);
    /// phone.mark_duplicate(other, one)?;
    /// let totals = phone.totals(&Query::default())?;
    /// assert_eq!(totals.lines.values().next().and_then(|sums| sums.get("reversals")), Some(&1));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn mark_duplicate(&mut self, id: RecordId, of: RecordId) -> Result<EntryId, EngineError> {
        self.correct(id, "duplicate_of", of.to_string().as_str())
    }

    /// Adds an element to a list of a record: an administration to a reversal, an event to a referral.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// let second = [("product", "unknown"), ("route", "IN"), ("doses", "unknown"), ("source", "ems")];
    /// let second = second.map(|(field, code)| (field.to_owned(), code.into()));
    /// phone.add(id, "administrations", &second.into())?;
    /// assert_eq!(phone.get(id)?.lists["administrations"].len(), 2);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn add(
        &mut self,
        id: RecordId,
        list: &str,
        element: &Element,
    ) -> Result<EntryId, EngineError> {
        self.change(id, vec![append(list, element)])
    }

    /// Gives a field of a list's element another value; `void` with a reason takes it out.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// let first = phone.get(id)?.lists["administrations"][0].name;
    /// phone.correct_element(id, "administrations", first, "route", "IM")?;
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn correct_element(
        &mut self,
        id: RecordId,
        list: &str,
        element: ElementName,
        field: &str,
        value: impl Into<Value>,
    ) -> Result<EntryId, EngineError> {
        let (list, field) = (list.to_owned(), field.to_owned());
        let value = value.into();
        self.change(id, vec![Operation::PutIn { list, element, field, value }])
    }

    /// A record as this store holds it.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// let record = phone.get(id)?;
    /// assert_eq!((record.author, record.team), (phone.device_key(), team));
    /// assert_eq!(record.conflicts().count(), 0);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn get(&self, id: RecordId) -> Result<Record, EngineError> {
        let mut record = self.store.record(id)?.ok_or(EngineError::NoRecord)?;
        self.open_texts(&mut record)?;
        Ok(record)
    }
}
