//! What an outreach worker records: identifiers, values, operations, kinds and their rules.
//!
//! This module knows nobody. Each kind of record is declared once (see [`reversal`]) as a list of
//! [`schema::Field`]s, from which validation, projection and totals follow.

pub mod cbor;
pub mod check;
pub mod date;
pub mod form;
pub mod id;
pub mod kind;
pub mod operation;
pub mod pack;
pub mod reversal;
pub mod schema;
pub mod value;

pub use date::{CivilDate, UnixMillis};
pub use form::{Administration, Reversal};
pub use id::{DeviceKey, EntryId, LogId, RecordId, TeamId};
pub use kind::Kind;
pub use operation::{ElementName, Operation};
pub use schema::Invalid;
pub use value::Value;
