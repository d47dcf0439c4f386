//! `KITBAG_FUZZ=TARGET fuzz CORPUS …`: one target under libFuzzer.
#![no_main]

use std::sync::OnceLock;

static TARGET: OnceLock<Option<fn(&[u8])>> = OnceLock::new();

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let target = TARGET.get_or_init(|| {
        let named = std::env::var("KITBAG_FUZZ").unwrap_or_default();
        kitbag_fuzz::TARGETS.iter().find(|(name, _)| *name == named).map(|(_, target)| *target)
    });
    match target {
        Some(target) => target(bytes),
        None => {
            eprintln!("KITBAG_FUZZ names no target");
            std::process::exit(2);
        }
    }
});
