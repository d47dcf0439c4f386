//! What tests share: a disk in memory, and the simulator that runs on it.

pub mod disk;
pub mod faults;
pub mod file_system;
pub mod simulation;
