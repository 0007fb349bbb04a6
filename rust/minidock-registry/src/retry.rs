//! How often something is tried again, and how long is waited between.

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// Attempts without any progress before it is given up.
pub(crate) const ATTEMPTS: u32 = 5;
/// Attempts in all, however much progress each one makes.
pub(crate) const MOST_ATTEMPTS: u32 = 60;
/// Longest wait that a registry may ask for.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Longest wait of our own.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Pauses that double, with chance in them so that many clients do not come back at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    base: Duration,
    failed: u32,
    total: u32,
}

impl Backoff {
    pub(crate) fn new(base: Duration) -> Self {
        Self { base, failed: 0, total: 0 }
    }

    /// Something came: what failed before does not count any more.
    pub(crate) fn progressed(&mut self) {
        self.failed = 0;
    }

    /// An attempt failed.
    pub(crate) fn count(&mut self) {
        self.failed += 1;
        self.total += 1;
    }

    /// As [`Backoff::count`], and how long to wait before the next attempt; `None` to give up.
    pub(crate) fn pause(&mut self) -> Option<Duration> {
        self.count();
        if self.failed >= ATTEMPTS || self.total >= MOST_ATTEMPTS {
            return None;
        }
        let pause = self.base.saturating_mul(1 << self.failed.min(8)).min(LONGEST_PAUSE);
        Some(pause.mul_f64(0.5 + chance() / 2.0))
    }
}

/// A number from 0 to 1. It has to differ between processes, not to be unguessable.
fn chance() -> f64 {
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(random >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

/// `Retry-After` in seconds; a date, or nonsense, is no wait that is known.
pub(crate) fn retry_after(header: Option<&str>) -> Option<Duration> {
    header?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends() {
        let mut backoff = Backoff::new(Duration::from_millis(100));
        let pauses: Vec<_> = std::iter::from_fn(|| backoff.pause()).collect();
        assert_eq!(pauses.len() as u32, ATTEMPTS - 1);
        for (number, pause) in pauses.iter().enumerate() {
            let whole = Duration::from_millis(100 << (number + 1));
            assert!(*pause >= whole / 2 && *pause <= whole, "{pause:?}");
        }
        let mut backoff = Backoff::new(Duration::from_secs(1));
        let mut count = 0;
        while let Some(pause) = backoff.pause() {
            assert!(pause <= LONGEST_PAUSE);
            backoff.progressed();
            count += 1;
        }
        assert_eq!(count, MOST_ATTEMPTS - 1);
    }

    #[test]
    fn waits_that_are_asked_for() {
        assert_eq!(retry_after(Some(" 3 ")), Some(Duration::from_secs(3)));
        for header in [None, Some("Wed, 21 Oct 2026 07:28:00 GMT"), Some("-1"), Some("")] {
            assert_eq!(retry_after(header), None, "{header:?}");
        }
    }
}
