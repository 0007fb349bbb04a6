//! Times of one contender: their median and minimum. The median is what is compared; the minimum
//! tells how much of it is the machine's noise.

use std::time::Duration;

/// Times in ascending order.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    sorted: Vec<Duration>,
}

impl Samples {
    /// Of times in any order.
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self { sorted: times }
    }

    /// The middle one, or the mean of the two in the middle; 0 of none.
    pub(crate) fn median(&self) -> Duration {
        let at = |index: usize| self.sorted.get(index).copied().unwrap_or_default();
        let half = self.sorted.len() / 2;
        match self.sorted.len() % 2 {
            1 => at(half),
            _ => (at(half.saturating_sub(1)) + at(half)) / 2,
        }
    }

    /// The shortest; 0 of none.
    pub(crate) fn minimum(&self) -> Duration {
        self.sorted.first().copied().unwrap_or_default()
    }

    /// How many there are.
    pub(crate) fn rounds(&self) -> usize {
        self.sorted.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        for (times, median, minimum) in
            [(vec![], 0, 0), (vec![5], 5, 5), (vec![9, 1], 5, 1), (vec![7, 100, 3], 7, 3)]
        {
            let samples = Samples::new(times.into_iter().map(Duration::from_millis).collect());
            assert_eq!(samples.median(), Duration::from_millis(median));
            assert_eq!(samples.minimum(), Duration::from_millis(minimum));
        }
    }
}
