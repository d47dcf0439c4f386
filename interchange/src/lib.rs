//! Files that go into Kitbag's records, and come out of them: CSV by a column for each field or by a mapping,
//! and the tabular data package that an export is.
//!
//! Whoever holds the records (a command line, an app, a dashboard) gives the rows to write and takes the
//! forms that were read; nothing here opens a store.
#![warn(missing_docs)]

mod cells;
pub mod dates;
mod error;
mod events;
pub mod export;
pub mod files;
pub mod import;
mod imported;
mod mapping;
mod numbers;
mod ods;
mod opening;
mod reading;
mod row_keys;
pub mod sheets;
mod table;
mod values;
mod workbook;
mod zones;

pub use cells::{csv_writer, guarded};
pub use error::FileError;
pub use imported::{Imported, Mapped, RefusedRow, RowKey, Taken};
pub use mapping::{ImportError, Mapping};
pub use reading::Options;
pub use table::{Form as FileForm, NotATable, RowFault, Table, TableRow, Twice};
pub use values::Refusal;
pub use workbook::write as written_workbook;
pub use zones::{OffsetOf, Tz, offset_minutes, zone_named};

/// The mapping of the Overdose Information Network's file of 2018 (Pennsylvania), as an example of one.
pub const ODIN_MAPPING: &str = include_str!("../../cli/data/odin.toml");
/// Every fifteenth row of that file.
pub const ODIN_SAMPLE: &[u8] = include_bytes!("../../cli/data/sample.csv");
