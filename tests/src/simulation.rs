//! A programme in one process: stores and a hub over the sans-IO core and a disk in memory, faults
//! and messages from one seed, and an oracle that shares no code with the engine.
//!
//! A plan is a list of steps, each with randomness of its own, so that a failing plan can be shrunk
//! by leaving steps out. The same seed gives the same trace, bit for bit.

mod check;
mod floods;
mod forms;
mod hostile;
mod hub;
mod messages;
mod newer;
mod observer;
mod oracle;
mod people;
mod plan;
mod recount;
mod repeated;
mod rogue;
mod saving;
mod screens;
mod shrink;
mod story;
mod told;
mod world;

pub use plan::{Plan, Step, plan};
pub use shrink::{shrink, shrink_by};
pub use story::story;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a simulation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub String);

/// A simulation that held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// The digest of the trace.
    pub trace: [u8; 32],
    /// The indicators that anything was counted of.
    pub indicators: BTreeSet<String>,
}

/// Plays a plan, lets everything drain, and compares all stores with each other and the oracle.
pub fn play(seed: u64, plan: &Plan) -> Result<Played, Failure> {
    let played = catch_unwind(AssertUnwindSafe(|| {
        let mut world = world::World::new(seed)?;
        for (step, random) in plan {
            world.step(*step, *random)?;
        }
        world.drain()?;
        world.check()?;
        let indicators = std::mem::take(&mut world.indicators_seen);
        Ok(Played { trace: world.trace_digest(), indicators })
    }));
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("without words");
        Err(Failure(format!("panicked: {text}")))
    })
}

impl From<kitbag_core::engine::EngineError> for Failure {
    fn from(error: kitbag_core::engine::EngineError) -> Self {
        Failure(format!("{error} ({error:?})"))
    }
}

impl From<kitbag_core::store::StoreError> for Failure {
    fn from(error: kitbag_core::store::StoreError) -> Self {
        Failure(format!("{error} ({error:?})"))
    }
}

impl From<kitbag_core::sync::SyncError> for Failure {
    fn from(error: kitbag_core::sync::SyncError) -> Self {
        Failure(error.to_string())
    }
}
