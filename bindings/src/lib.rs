//! What Kotlin and Swift hold of [`kitbag_client`]: the same calls, with types that cross a language boundary.
//!
//! This layer is no API: it is generated from, hidden behind the packages `bindings/kotlin` and `bindings/swift`, and
//! changes as they need it. Each call is a few lines: it hands its work to the library's own runtime, waits for the
//! answer, and turns what came into what crosses. Nothing here blocks the thread that calls it.
#![warn(missing_docs)]
// What uniffi generates names its functions to the linker, and reads what the other side passes.
#![allow(unsafe_code)]

#[cfg(feature = "scenario")]
mod breaking;
mod bundles;
mod changes;
mod crossing;
mod declarations;
mod error;
mod form;
mod health;
mod joining;
mod kitbag;
mod logs;
#[cfg(feature = "scenario")]
mod playing;
mod programme;
mod protected_key;
mod records;
mod reports;
mod runtime;
mod stock;
mod sync;
mod team;
#[cfg(feature = "scenario")]
mod testing;
mod totals;

uniffi::setup_scaffolding!("kitbag");
