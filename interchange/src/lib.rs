//! Files that go into Kitbag's records, and come out of them: CSV by a column for each field or by a mapping,
//! and the tabular data package that an export is.
//!
//! Whoever holds the records (a command line, an app, a dashboard) gives the rows to write and takes the
//! forms that were read; nothing here opens a store.
#![warn(missing_docs)]

mod cells;
mod error;
pub mod export;
pub mod files;
pub mod import;
mod mapping;
pub mod sheets;

pub use cells::{csv_writer, guarded};
pub use error::FileError;
pub use mapping::{ImportError, Imported, Mapping, RefusedRow, Taken};

/// The mapping of the Overdose Information Network's file of 2018 (Pennsylvania), as an example of one.
pub const ODIN_MAPPING: &str = include_str!("../data/odin.toml");
/// Every fifteenth row of that file.
pub const ODIN_SAMPLE: &[u8] = include_bytes!("../data/sample.csv");
