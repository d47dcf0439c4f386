//! Operations: all that a peer can express about a record.
//!
//! There is no way to write a sequence number, an actor, a counter, a predecessor or an object id:
//! each replica builds the automerge change itself (docs/adr/0001). A list element is named by the
//! entry that appended it and the place of that `append` among the entry's operations.

use super::cbor::{self, Malformed, Writer, Written};
use super::{EntryId, Value};
use minicbor::Decoder;

/// The most operations that one entry may hold.
pub const OPERATIONS_MAX: u64 = 2_000;
/// The longest field name, in bytes.
pub const FIELD_BYTES_MAX: u64 = 128;
/// The most fields that one appended element may hold.
pub const ELEMENT_FIELDS_MAX: u64 = 64;

/// A list element's name: the entry that appended it, and the index of that `append` among the
/// entry's operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementName {
    /// The entry that appended the element.
    pub entry: EntryId,
    /// The place of the `append` among that entry's operations, from 0.
    pub index: u32,
}

/// One change to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A field gets a value.
    Put {
        /// The field; a set's code is `field.code`.
        field: String,
        /// Its new value.
        value: Value,
    },
    /// A list gets one more element at its end.
    Append {
        /// The list.
        list: String,
        /// The element's fields, in canonical key order, each once.
        element: Vec<(String, Value)>,
    },
    /// A field of a list element gets a value.
    PutIn {
        /// The list.
        list: String,
        /// The element.
        element: ElementName,
        /// The element's field.
        field: String,
        /// Its new value.
        value: Value,
    },
}

impl Operation {
    /// A field gets a value.
    pub fn put(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Operation::Put { field: field.into(), value: value.into() }
    }

    /// A list gets an element; its fields are put in canonical order.
    pub fn append(list: impl Into<String>, mut element: Vec<(String, Value)>) -> Self {
        element.sort_by(|a, b| cbor::key_order(&a.0, &b.0));
        Operation::Append { list: list.into(), element }
    }

    /// Writes `[0, field, value]`, `[1, list, {field: value}]` or
    /// `[2, list, entry, index, field, value]`.
    pub fn write(&self, encoder: &mut Writer) -> Written {
        match self {
            Operation::Put { field, value } => {
                encoder.array(3)?.u8(0)?.str(field)?;
                cbor::write_value(encoder, value)
            }
            Operation::Append { list, element } => {
                encoder.array(3)?.u8(1)?.str(list)?.map(element.len() as u64)?;
                for (field, value) in element {
                    encoder.str(field)?;
                    cbor::write_value(encoder, value)?;
                }
                Ok(())
            }
            Operation::PutIn { list, element, field, value } => {
                encoder.array(6)?.u8(2)?.str(list)?;
                encoder.bytes(&element.entry.0)?.u32(element.index)?.str(field)?;
                cbor::write_value(encoder, value)
            }
        }
    }

    /// Reads one operation; a kind of operation that this version does not know is
    /// [`Malformed::Newer`].
    pub fn read(decoder: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Ok(match read_target(decoder)? {
            Target::Field(field) => {
                let value = cbor::read_value(decoder)?.into();
                Operation::Put { field: field.to_owned(), value }
            }
            Target::List(list) => {
                let mut element = Vec::new();
                read_element(decoder, |field, value| {
                    element.push((field.to_owned(), value.into()));
                })?;
                Operation::Append { list: list.to_owned(), element }
            }
            Target::FieldIn(list, element, field) => {
                let value = cbor::read_value(decoder)?.into();
                Operation::PutIn { list: list.to_owned(), element, field: field.to_owned(), value }
            }
        })
    }

    /// Reads over one operation, by the same rules, and keeps nothing of it.
    pub fn check(decoder: &mut Decoder<'_>) -> Result<(), Malformed> {
        match read_target(decoder)? {
            Target::Field(_) | Target::FieldIn(..) => cbor::read_value(decoder).map(|_| ()),
            Target::List(_) => read_element(decoder, |_, _| ()),
        }
    }
}

/// What an operation writes to; its value, or its element, follows.
enum Target<'b> {
    Field(&'b str),
    List(&'b str),
    FieldIn(&'b str, ElementName, &'b str),
}

fn read_target<'b>(decoder: &mut Decoder<'b>) -> Result<Target<'b>, Malformed> {
    let length = cbor::array_up_to(decoder, 16, "operation")?;
    let operation = decoder.u64()?;
    match (operation, length) {
        (0, 3) => Ok(Target::Field(read_name(decoder)?)),
        (1, 3) => Ok(Target::List(read_name(decoder)?)),
        (2, 6) => {
            let list = read_name(decoder)?;
            let entry = EntryId(cbor::fixed(decoder)?);
            let element = ElementName { entry, index: decoder.u32()? };
            Ok(Target::FieldIn(list, element, read_name(decoder)?))
        }
        (0..=2, _) => Err(Malformed::Shape(decoder.position() as u64)),
        _ => Err(Malformed::Newer),
    }
}

fn read_name<'b>(decoder: &mut Decoder<'b>) -> Result<&'b str, Malformed> {
    let name = decoder.str()?;
    if name.len() as u64 > FIELD_BYTES_MAX {
        return Err(Malformed::TooLarge { what: "field name", max: FIELD_BYTES_MAX });
    }
    Ok(name)
}

fn read_element<'b>(
    decoder: &mut Decoder<'b>,
    mut keep: impl FnMut(&'b str, cbor::ValueRef<'b>),
) -> Result<(), Malformed> {
    let length = decoder.map()?.ok_or(Malformed::NotCanonical)?;
    if length > ELEMENT_FIELDS_MAX {
        return Err(Malformed::TooLarge { what: "list element", max: ELEMENT_FIELDS_MAX });
    }
    let mut last: Option<&str> = None;
    for _ in 0..length {
        let field = read_name(decoder)?;
        if last.is_some_and(|last| cbor::key_order(last, field).is_ge()) {
            return Err(Malformed::NotCanonical);
        }
        last = Some(field);
        keep(field, cbor::read_value(decoder)?);
    }
    Ok(())
}
