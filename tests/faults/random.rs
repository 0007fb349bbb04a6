//! Random numbers out of a printed seed, so that a failure can be played again with
//! `MINIDOCK_TEST_SEED`.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

/// A generator: splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
pub(crate) struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    /// With the seed of the environment, else with one of the time.
    pub(crate) fn new() -> Self {
        let given = env::var("MINIDOCK_TEST_SEED").ok();
        let seed = match given {
            Some(text) => text.parse().expect("MINIDOCK_TEST_SEED is a number"),
            None => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                u64::from(now.subsec_nanos()) << 20 ^ now.as_secs()
            }
        };
        Self { seed, state: seed }
    }

    /// Another generator, which runs apart from this one.
    pub(crate) fn fork(&mut self) -> Self {
        Self { seed: self.seed, state: self.next() }
    }

    /// For messages of failures.
    pub(crate) fn seed(&self) -> String {
        format!("MINIDOCK_TEST_SEED={}", self.seed)
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let at = self.below(u64::try_from(of.len()).unwrap());
        &of[usize::try_from(at).unwrap()]
    }
}
