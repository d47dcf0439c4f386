//! What is filled in and what is changed, as plain data: one call a save.

use kitbag_client::Error;
use kitbag_core::model::{Element, ElementName, Form, Invalid, Kind, Operation, Value};
use std::collections::HashMap;

/// A form as a language fills it in.
#[derive(Clone, Debug, uniffi::Record)]
pub struct FilledForm {
    /// The kind of record that it becomes.
    pub kind: Kind,
    /// Answers by field; of a set or of numbers by code `field.code`.
    pub fields: HashMap<String, Value>,
    /// Answers as text, as [`Form::put_text`] reads them.
    pub texts: HashMap<String, String>,
    /// Elements of lists.
    pub lists: HashMap<String, Vec<HashMap<String, Value>>>,
    /// Whether what is required and allows *unknown* is answered so where it is open.
    pub unknowns: bool,
}

impl FilledForm {
    /// The form, or all that cannot be said in it at once.
    pub(crate) fn read(self) -> Result<Form, Error> {
        let (mut form, mut faults) = (Form::new(self.kind), Vec::new());
        let mut note = |put: Result<&mut Form, Invalid>| faults.extend(put.err());
        for (field, value) in self.fields {
            note(form.put(&field, value));
        }
        for (field, text) in self.texts {
            note(form.put_text(&field, &text));
        }
        for (list, elements) in self.lists {
            for element in elements {
                note(form.add(&list, element.into_iter().collect()));
            }
        }
        let form = if self.unknowns { form.with_unknowns() } else { form };
        if faults.is_empty() {
            return Ok(form);
        }
        // What else is wrong is said with it; in one order, whatever the map's was.
        let told: Vec<String> = faults.iter().map(|fault| fault.field.clone()).collect();
        faults.extend(form.faults().into_iter().filter(|fault| !told.contains(&fault.field)));
        faults.sort_by(|a, b| a.field.cmp(&b.field));
        Err(Error::Invalid(faults))
    }

    pub(crate) fn of(form: &Form) -> Self {
        let lists = form.lists().iter().map(|(list, elements)| {
            (
                list.clone(),
                elements.iter().map(|element| element.clone().into_iter().collect()).collect(),
            )
        });
        FilledForm {
            kind: form.kind(),
            fields: form.fields().clone().into_iter().collect(),
            texts: HashMap::new(),
            lists: lists.collect(),
            unknowns: false,
        }
    }
}

/// A change of a record, as it crosses.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum Change {
    /// Gives a field a value; `Null` takes it back.
    Put {
        /// The field.
        field: String,
        /// Its value.
        value: Value,
    },
    /// Gives a field of a list's element a value; `void` with a reason takes the element out.
    PutIn {
        /// The list.
        list: String,
        /// Its element.
        element: ElementName,
        /// The field.
        field: String,
        /// Its value.
        value: Value,
    },
    /// Adds an element to a list.
    Add {
        /// The list.
        list: String,
        /// The element.
        element: HashMap<String, Value>,
    },
}

impl From<Change> for Operation {
    fn from(change: Change) -> Self {
        match change {
            Change::Put { field, value } => Operation::Put { field, value },
            Change::PutIn { list, element, field, value } => {
                Operation::PutIn { list, element, field, value }
            }
            Change::Add { list, element } => Operation::append(
                list,
                element.into_iter().collect::<Element>().into_iter().collect(),
            ),
        }
    }
}

impl From<&Operation> for Change {
    fn from(operation: &Operation) -> Self {
        match operation.clone() {
            Operation::Put { field, value } => Change::Put { field, value },
            Operation::PutIn { list, element, field, value } => {
                Change::PutIn { list, element, field, value }
            }
            Operation::Append { list, element } => {
                Change::Add { list, element: element.into_iter().collect() }
            }
        }
    }
}
