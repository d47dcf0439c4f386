//! The one way from operations to a save: all that the device that writes is held to. Entries of others
//! that say it otherwise are judged by [`super::check`] alone, and kept as they are.

use super::check::{Fault, check_change, version_needed};
use super::field::{Shape, VOID};
use super::invalid::{Invalid, Wrong};
use super::operation::Operation;
use super::whole::{contradictions, faults_of_whole};
use super::{Kind, Value};
use std::collections::BTreeSet;

/// Operations of one record that passed all checks of a save: nothing else is written by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    kind: Kind,
    version: u64,
    operations: Vec<Operation>,
}

impl Checked {
    /// The operations that create a record.
    ///
    /// # Errors
    /// The first of [`faults_of_creation`].
    pub fn creation(kind: Kind, operations: Vec<Operation>) -> Result<Checked, Invalid> {
        match faults_of_creation(kind, &operations).into_iter().next() {
            Some(fault) => Err(fault),
            None => Ok(Checked::known(kind, operations)),
        }
    }

    /// The operations that change a record; `before` and `after` are what it says as a whole without and
    /// with them. What was contradictory before, as two people may make it apart, keeps nobody from mending.
    ///
    /// # Errors
    /// The first of [`faults_of_change`].
    pub fn change(
        kind: Kind,
        (before, after): (&[Operation], &[Operation]),
        operations: Vec<Operation>,
    ) -> Result<Checked, Invalid> {
        match faults_of_change(kind, (before, after), &operations).into_iter().next() {
            Some(fault) => Err(fault),
            None => Ok(Checked::known(kind, operations)),
        }
    }

    fn known(kind: Kind, operations: Vec<Operation>) -> Checked {
        Checked { kind, version: version_needed(kind, &operations), operations }
    }

    /// The record's kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The lowest schema version of the kind that holds them.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What is written.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The same, to write.
    pub fn into_operations(self) -> Vec<Operation> {
        self.operations
    }
}

/// All that keeps operations from creating a record, what is missing first: one fault for each field.
pub fn faults_of_creation(kind: Kind, operations: &[Operation]) -> Vec<Invalid> {
    let version = version_needed(kind, operations);
    // An element that is void from the start stands for nothing.
    let standing = standing(operations);
    let mut faults = faults_of_whole(kind, version, &standing);
    for operation in operations {
        let one = std::slice::from_ref(operation);
        let of_shape = check_change(kind, version, one).map_err(Fault::into_invalid);
        faults.extend(of_shape.and_then(|()| check_own(one)).err());
        if matches!(operation, Operation::PutIn { .. }) {
            let expected = "a creation has no element to put in yet";
            faults.push(Invalid::new("operations", Wrong::NotAList, expected));
        }
    }
    faults.extend(contradictions(kind, &standing));
    one_a_field(faults)
}

/// All that keeps operations from changing a record, what is wrong with each first, then what they bring to the
/// whole: one fault for each field.
pub fn faults_of_change(
    kind: Kind,
    (before, after): (&[Operation], &[Operation]),
    operations: &[Operation],
) -> Vec<Invalid> {
    if operations.is_empty() {
        let expected = "expected one answer or more, or an element to add";
        return vec![Invalid::new("operations", Wrong::Required, expected)];
    }
    let version = version_needed(kind, operations);
    let mut faults: Vec<Invalid> = operations
        .iter()
        .filter_map(|operation| {
            let one = std::slice::from_ref(operation);
            let of_shape = check_change(kind, version, one).map_err(Fault::into_invalid);
            of_shape.and_then(|()| check_own(one)).and_then(|()| check_unmoved(one)).err()
        })
        .collect();
    let before = faults_of_record(kind, before);
    faults
        .extend(faults_of_record(kind, after).into_iter().filter(|fault| !before.contains(fault)));
    one_a_field(faults)
}

/// The first fault of each field.
fn one_a_field(mut faults: Vec<Invalid>) -> Vec<Invalid> {
    let mut told = BTreeSet::new();
    faults.retain(|fault| told.insert(fault.field.clone()));
    faults
}

/// What is wrong with a record that is held, told as the operations that would create it as it stands.
pub fn faults_of_record(kind: Kind, whole: &[Operation]) -> Vec<Invalid> {
    let mut faults = faults_of_whole(kind, version_needed(kind, whole), whole);
    faults.extend(contradictions(kind, whole));
    faults
}

/// The operations of a creation without the elements that are void.
fn standing(creation: &[Operation]) -> Vec<Operation> {
    let is_void = |element: &[(String, Value)]| {
        element.iter().any(|(name, value)| name == "void" && !value.is_null())
    };
    let stands = |operation: &&Operation| !matches!(operation, Operation::Append { element, .. } if is_void(element));
    creation.iter().filter(stands).cloned().collect()
}

/// Checks what only the device that writes is held to: entries of others that say it otherwise are
/// kept as they are. A record is void by a reason of the data dictionary, never by `no` or `false`; a
/// client code is derived by the app and never what a person is called.
fn check_own(operations: &[Operation]) -> Result<(), Invalid> {
    operations.iter().try_for_each(|operation| match operation {
        Operation::Put { field, value } => check_own_put(field, field, value),
        Operation::Append { list, element } => element
            .iter()
            .try_for_each(|(name, value)| check_own_put(&format!("{list}.{name}"), name, value)),
        Operation::PutIn { list, field, value, .. } => {
            check_own_put(&format!("{list}.{field}"), field, value)
        }
    })
}

/// What tells an imported row from others is given once: taken away, the row would come in again.
fn check_unmoved(change: &[Operation]) -> Result<(), Invalid> {
    let is_key = |operation: &Operation| matches!(operation, Operation::Put { field, .. } if field == "import_key");
    if change.iter().any(is_key) {
        let expected = "it comes from the import and cannot be changed";
        Err(Invalid::new("import_key", Wrong::FromCreation, expected))
    } else {
        Ok(())
    }
}

fn check_own_put(full: &str, name: &str, value: &Value) -> Result<(), Invalid> {
    if let Value::Bytes(sealed) = value
        && sealed.is_empty()
    {
        // What stands in a list's row for a text that is there would take the text's place.
        return Err(Invalid::shape(full, Shape::Text));
    }
    let Value::Text(text) = value else { return Ok(()) };
    match name {
        "void" if !VOID.contains(&text.as_str()) => Err(Invalid {
            expected: format!("expected one of {}", VOID.join(", ")),
            ..Invalid::shape(full, Shape::Code(VOID))
        }),
        "client_code" if !is_client_code(text) => {
            let expected = "expected k, the key's id, a colon and 24 hexadecimal digits, as the app \
                            derives it; never a name";
            Err(Invalid::new(full, Wrong::Shape, expected))
        }
        _ => Ok(()),
    }
}

/// `k<key id>:` and 12 bytes as hexadecimal digits (data dictionary, rules for every record).
fn is_client_code(code: &str) -> bool {
    code.strip_prefix('k').and_then(|rest| rest.split_once(':')).is_some_and(|(key, digits)| {
        (1..=16).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && digits.len() == 24
            && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
