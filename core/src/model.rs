//! What an outreach worker records: identifiers, values, operations, kinds and their rules.
//!
//! This module knows nobody. Each kind of record is declared once, in [`kinds`]: its fields, its rules,
//! and what it adds to totals. Validation, projection, indicators, flags of the command line, columns
//! of files and the pages of the data dictionary follow from that.

pub mod answers;
pub mod catalogue;
pub mod cbor;
pub mod check;
pub mod checked;
pub mod codes;
pub mod date;
pub mod declaration;
pub mod field;
pub mod form;
pub mod id;
pub mod indicator;
pub mod invalid;
pub mod json;
pub mod kind;
pub mod kinds;
pub mod operation;
pub mod pack;
pub mod rules;
pub mod stock;
pub mod text;
pub mod value;
pub mod whole;

pub use answers::{Answer, Answers};
pub use checked::Checked;
pub use date::{CivilDate, UnixMillis};
pub use form::{Element, Form};
pub use id::{DeviceKey, EntryId, LogId, RecordId, TeamId};
pub use invalid::{Invalid, Wrong};
pub use kind::Kind;
pub use operation::{ElementName, Operation};
pub use value::Value;
