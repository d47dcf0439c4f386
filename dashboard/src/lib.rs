//! The coordinator's pages: totals to act on, each with what it lacks, from a coordinator's own store.
//!
//! What is seen is made of whatever answers [`Reads`]; [`local`] serves it on the coordinator's own laptop, on loopback
//! alone, to whoever opens the one link that it gives. Pages are made here whole, need no script, and ask no other host for
//! anything.
#![warn(missing_docs)]

mod chart;
mod gate;
pub mod local;
mod overview;
mod pages;
mod words;

pub use overview::{Asked, Kept, Overview, PhonesSynced, Reads, Stocked};
pub use words::in_language;
