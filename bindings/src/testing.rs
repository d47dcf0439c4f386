//! What tests and benches of the packages ask for, and nothing that is published has: calls that panic, and the same
//! save in Rust.

use crate::error::KitbagError;
use crate::form::FilledForm;
use crate::kitbag::Kitbag;
use crate::runtime::run;
use kitbag_core::model::TeamId;
use std::sync::Arc;

/// Panics where the work of calls is done.
#[uniffi::export]
pub async fn panic_in_a_call() -> Result<(), KitbagError> {
    run(async {
        tracing::error!("a panic, on purpose");
        panic!("on purpose")
    })
    .await
}

/// Panics on the caller's own thread.
#[uniffi::export]
pub fn panic_at_once() {
    panic!("on purpose");
}

/// Saves a form so often as a program in Rust does; how long each took, in ns. What a language's own saves are measured
/// against, in one process and one store.
#[uniffi::export]
pub async fn saves_in_rust(
    kitbag: Arc<Kitbag>,
    team: TeamId,
    form: FilledForm,
    count: u32,
) -> Result<Vec<u64>, KitbagError> {
    let client = kitbag.client()?;
    run(async move {
        let form = form.read()?;
        let mut took = Vec::new();
        for _ in 0..count {
            let (form, began) = (form.clone(), std::time::Instant::now());
            client.records().record(team, form).await?;
            took.push(began.elapsed().as_nanos() as u64);
        }
        Ok(took)
    })
    .await
}

/// A way to the hub at this port that breaks for good once so many bytes went to it; where it begins.
#[uniffi::export]
pub fn breaking_way(port: u16, bytes: u64) -> u16 {
    crate::breaking::way(port, bytes).expect("this machine listens")
}
