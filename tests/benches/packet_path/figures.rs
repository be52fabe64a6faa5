//! Medians and percentiles.

use std::time::Duration;

/// Samples in order of size.
pub(crate) struct Sorted(Vec<f64>);

impl Sorted {
    pub(crate) fn new(mut samples: Vec<f64>) -> Self {
        assert!(!samples.is_empty(), "nothing was measured");
        samples.sort_by(f64::total_cmp);
        Self(samples)
    }

    pub(crate) fn of_durations(
        samples: impl IntoIterator<Item = Duration>,
        unit: Duration,
    ) -> Self {
        Self::new(
            samples
                .into_iter()
                .map(|sample| sample.as_secs_f64() / unit.as_secs_f64())
                .collect(),
        )
    }

    /// The value that this many in a hundred samples do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let index = (self.0.len() * percent)
            .div_ceil(100)
            .clamp(1, self.0.len())
            - 1;
        self.0[index]
    }

    pub(crate) fn median(&self) -> f64 {
        self.percentile(50)
    }

    pub(crate) fn least(&self) -> f64 {
        self.0[0]
    }

    pub(crate) fn greatest(&self) -> f64 {
        self.percentile(100)
    }
}

/// A count as a number to calculate with; those above `u32::MAX` do not occur here.
pub(crate) fn real(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
