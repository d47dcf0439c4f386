//! Kitbag's core: records made offline, merged later, and totals that say what they lack.
//!
//! Three ideas carry everything. A device appends *entries* to its own signed log ([`log`]); a
//! *record* is replayed from the entries that name it ([`record`]); a *projection* in SQLite holds
//! one row for each record and the totals over them ([`store`], [`totals`]). What counts is a
//! function of the set of entries held, never of the order in which they came.
//!
//! Apps call [`engine::Engine`]; everything else is there to be read, tested and reused by the hub.

pub mod engine;
pub mod identity;
pub mod log;
pub mod model;
#[cfg(feature = "mutants")]
pub mod mutant;
#[cfg(feature = "net")]
pub mod net;
pub mod packing;
pub mod record;
pub mod store;
pub mod sync;
pub mod totals;
#[cfg(feature = "words")]
pub mod words;

/// True when the fault named was planted at run time; always false in a build that ships.
macro_rules! planted {
    ($name:ident) => {{
        #[cfg(feature = "mutants")]
        {
            crate::mutant::is_active(crate::mutant::Mutant::$name)
        }
        #[cfg(not(feature = "mutants"))]
        {
            false
        }
    }};
}
pub(crate) use planted;
