//! Leaves steps out of a failing plan for as long as it still fails.

use super::plan::Plan;
use super::play;

/// A plan that still fails, from which no single step can be left out.
pub fn shrink(seed: u64, failing: &Plan) -> Plan {
    let mut plan = failing.clone();
    let mut chunk = plan.len().div_ceil(2);
    while chunk > 0 {
        let mut at = 0;
        let mut smaller = false;
        while at < plan.len() {
            let mut without = plan.clone();
            without.drain(at..(at + chunk).min(plan.len()));
            if play(seed, &without).is_err() {
                plan = without;
                smaller = true;
            } else {
                at += chunk;
            }
        }
        if !smaller || chunk > plan.len() {
            chunk =
                if chunk == 1 && !smaller { 0 } else { chunk.div_ceil(2).min(chunk - 1).max(1) };
        }
    }
    plan
}
