//! The kinds of record, each declared once.

pub mod contact;
pub mod distribution;
pub mod referral;
pub mod report;
pub mod reversal;
pub mod stock_movement;
pub mod target;
pub mod training;
