//! Leaves steps out of a failing plan for as long as it still fails.

use super::plan::Plan;
use super::play;

/// A plan that still fails, from which no single step can be left out.
pub fn shrink(seed: u64, failing: &Plan) -> Plan {
    shrink_by(failing, |plan| play(seed, plan).is_err())
}

/// Leaves steps out, first many at once, then one by one, for as long as the rest still fails.
pub fn shrink_by(failing: &Plan, still_fails: impl Fn(&Plan) -> bool) -> Plan {
    let mut plan = failing.clone();
    let mut chunk = plan.len().div_ceil(2);
    loop {
        let mut at = 0;
        let before = plan.len();
        while at < plan.len() {
            let mut without = plan.clone();
            without.drain(at..(at + chunk).min(plan.len()));
            if still_fails(&without) { plan = without } else { at += chunk }
        }
        match (chunk, plan.len() < before) {
            (0 | 1, false) => return plan,
            (1, true) => {}
            _ => chunk = chunk.div_ceil(2),
        }
    }
}
