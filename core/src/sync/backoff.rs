//! When to try again: exponential back-off with full jitter and a cap.

use std::time::Duration;

/// How long to wait after failures. Full jitter: any time from none to the current cap, so that
/// phones that lost the hub together do not come back together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The cap after the first failure.
    pub const FIRST: Duration = Duration::from_secs(2);
    /// The cap after many.
    pub const LAST: Duration = Duration::from_secs(15 * 60);

    /// Goes on after this many failures in a row.
    pub fn after(failures: u32) -> Self {
        Backoff { failures }
    }

    /// How many failures in a row there were.
    pub fn failures(self) -> u32 {
        self.failures
    }

    /// The wait after one more failure, by `random` over its whole range.
    pub fn fail(&mut self, random: u32) -> Duration {
        let cap = Self::FIRST.saturating_mul(1 << self.failures.min(10)).min(Self::LAST);
        self.failures = self.failures.saturating_add(1);
        cap.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    /// After a success, and when the network returns.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_reach_from_none_to_all_of_it() {
        let mut backoff = Backoff::default();
        let caps: Vec<u64> = (0..12).map(|_| backoff.fail(u32::MAX).as_secs()).collect();
        assert_eq!(caps, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        assert_eq!(Backoff::after(9).fail(0), Duration::ZERO);
        backoff.reset();
        assert_eq!(backoff.fail(u32::MAX), Backoff::FIRST);
    }
}
