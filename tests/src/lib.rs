//! What tests share: a disk in memory, the simulator that runs on it, and made-up records.

pub mod api;
pub mod app_words;
pub mod disk;
pub mod faults;
pub mod file_system;
pub mod made_up;
pub mod pages;
pub mod simulation;
