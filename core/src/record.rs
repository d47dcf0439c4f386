//! The record: one small document, replayed from the entries that name it.
//!
//! It holds what the automerge document of the same changes holds, and its tests own automerge to compare.
//! Whatever order entries arrived in, every replica holds the same values; two values written apart are
//! both kept, the winner last.

mod replay;

pub use replay::{ReplayError, replay};

use crate::model::answers::{Answers, Named};
use crate::model::catalogue::{answer, known};
use crate::model::cbor;
use crate::model::check::declared;
use crate::model::field::Shape;
use crate::model::{
    DeviceKey, ElementName, EntryId, Kind, Operation, RecordId, TeamId, UnixMillis, Value,
};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A value and the entry that wrote it.
pub type Written = (Value, EntryId);
/// For each field its current values, the winner last; more than one is a conflict.
pub type Fields = BTreeMap<String, Vec<Written>>;

/// One element of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldElement {
    /// Its name.
    pub name: ElementName,
    /// Its fields.
    pub fields: Fields,
}

/// One step of a record's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The entry.
    pub entry: EntryId,
    /// Who wrote it.
    pub author: DeviceKey,
    /// Whether a coordinator's log holds it.
    pub by_coordinator: bool,
    /// Whether the person who made the record wrote it, by a certificate that continues theirs.
    pub by_same_person: bool,
    /// The author's clock.
    pub at: UnixMillis,
    /// What changed.
    pub operations: Vec<crate::model::Operation>,
}

/// A record as every replica with the same entries holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The first 16 bytes of its creating entry's id.
    pub id: RecordId,
    /// Its kind.
    pub kind: Kind,
    /// Its team.
    pub team: TeamId,
    /// The device that created it.
    pub author: DeviceKey,
    /// The clock of its creation.
    pub recorded_at: UnixMillis,
    /// Its fields.
    pub fields: Fields,
    /// Its lists.
    pub lists: BTreeMap<String, Vec<HeldElement>>,
    /// The entries that do not have a later one: what the next change builds on.
    pub heads: Vec<EntryId>,
    /// Who changed what, in dependency order.
    pub history: Vec<Change>,
}

impl Record {
    /// The winning value of a field.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).and_then(|values| values.last()).map(|(value, _)| value)
    }

    /// The fields with more than one current value; those of an element as `list/N.field`, the first
    /// element being 1.
    pub fn conflicts(&self) -> impl Iterator<Item = (Cow<'_, str>, &[Written])> {
        let own = self.fields.iter().map(|(field, values)| (Cow::Borrowed(field.as_str()), values));
        let of_elements = self.lists.iter().flat_map(|(list, elements)| {
            (1..).zip(elements).flat_map(move |(at, element): (usize, &HeldElement)| {
                let named = move |field: &str| Cow::Owned(format!("{list}/{at}.{field}"));
                element.fields.iter().map(move |(field, values)| (named(field), values))
            })
        });
        own.chain(of_elements)
            .filter(|(_, values)| values.len() > 1)
            .map(|(field, values)| (field, values.as_slice()))
    }

    /// A record is void when any current value of `void` is not null.
    pub fn is_void(&self) -> bool {
        any_set(&self.fields, "void")
    }

    /// The elements of a list that are not void.
    pub fn elements(&self, list: &str) -> impl Iterator<Item = &HeldElement> {
        let all = self.lists.get(list).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|element| !any_set(&element.fields, "void"))
    }

    /// What it says now: the winning answers, and the elements that are not void, by the id of the
    /// entry that added each.
    pub fn answers(&self) -> Answers {
        let is_text =
            |name: &str| declared(self.kind, name).is_some_and(|field| field.shape == Shape::Text);
        let named = |fields: &Fields| -> Named {
            let winners = fields.iter().filter_map(|(name, values)| {
                let (value, _) = values.last()?;
                Some((known(name), answer(value, is_text(name))?))
            });
            winners.collect()
        };
        let lists = self.lists.keys().map(|list| {
            let mut elements: Vec<&HeldElement> = self.elements(list).collect();
            elements.sort_by_key(|element| element.name);
            (known(list), elements.into_iter().map(|element| named(&element.fields)).collect())
        });
        Answers { kind: self.kind, fields: named(&self.fields), lists: lists.collect() }
    }

    /// What it would say after these operations, as the operations that would create it so.
    pub fn as_creation(&self, after: &[Operation]) -> Vec<Operation> {
        let winners = |fields: &Fields| -> BTreeMap<String, Value> {
            let winners = fields.iter();
            let winners =
                winners.filter_map(|(name, values)| Some((name.clone(), values.last()?.0.clone())));
            winners.collect()
        };
        let mut fields = winners(&self.fields);
        let mut elements: Vec<(&str, Option<ElementName>, BTreeMap<String, Value>)> = Vec::new();
        for (list, held) in &self.lists {
            let named = |element: &HeldElement| {
                (list.as_str(), Some(element.name), winners(&element.fields))
            };
            elements.extend(held.iter().map(named));
        }
        for operation in after {
            match operation {
                Operation::Put { field, value } => _ = fields.insert(field.clone(), value.clone()),
                Operation::Append { list, element } => {
                    elements.push((list, None, element.iter().cloned().collect()));
                }
                Operation::PutIn { element, field, value, .. } => {
                    let of = elements.iter_mut().find(|(_, name, _)| *name == Some(*element));
                    of.map(|(_, _, fields)| fields.insert(field.clone(), value.clone()));
                }
            }
        }
        let stands =
            |fields: &BTreeMap<String, Value>| fields.get("void").is_none_or(Value::is_null);
        let puts = fields.into_iter().map(|(field, value)| Operation::Put { field, value });
        let elements = elements.into_iter().filter(|(_, _, fields)| stands(fields));
        let appended =
            elements.map(|(list, _, fields)| Operation::append(list, fields.into_iter().collect()));
        puts.chain(appended).collect()
    }

    /// The clock of the entry with this id, where it is part of the history.
    pub fn clock_of(&self, entry: &EntryId) -> Option<UnixMillis> {
        self.change(entry).map(|change| change.at)
    }

    /// The change that an entry made, where it is part of the history.
    pub fn change(&self, entry: &EntryId) -> Option<&Change> {
        self.history.iter().find(|change| change.entry == *entry)
    }

    /// Canonical CBOR of all current values with the entry that wrote each, winner last. Equal
    /// entries give equal bytes on every replica.
    pub fn canonical(&self) -> Vec<u8> {
        cbor::encode(|encoder| {
            encoder.array(4)?.bytes(&self.id.0)?.bytes(&self.team.0)?;
            write_fields(encoder, &self.fields)?;
            encoder.map(self.lists.len() as u64)?;
            for (list, elements) in &self.lists {
                encoder.str(list)?.array(elements.len() as u64)?;
                for element in elements {
                    encoder.array(3)?.bytes(&element.name.entry.0)?.u32(element.name.index)?;
                    write_fields(encoder, &element.fields)?;
                }
            }
            Ok(())
        })
    }
}

fn any_set(fields: &Fields, name: &str) -> bool {
    fields.get(name).is_some_and(|values| values.iter().any(|(value, _)| !value.is_null()))
}

fn write_fields(encoder: &mut cbor::Writer, fields: &Fields) -> cbor::Written {
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_by(|a, b| cbor::key_order(a.0, b.0));
    encoder.map(sorted.len() as u64)?;
    for (field, values) in sorted {
        encoder.str(field)?.array(values.len() as u64)?;
        for (value, by) in values {
            encoder.array(2)?;
            cbor::write_value(encoder, value)?;
            encoder.bytes(&by.0)?;
        }
    }
    Ok(())
}
