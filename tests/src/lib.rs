//! Cross-crate tests live in `crosscrate/`; the simulator will live here.
