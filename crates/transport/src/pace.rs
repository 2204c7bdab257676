//! How fast blobs may come and go, by the wish of a machine's owner.

use std::{
    num::NonZeroU64,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Rates of all connections together that it is given to. The default bounds nothing.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    pub(crate) up: Arc<Bucket>,
    pub(crate) down: Arc<Bucket>,
}

impl Pace {
    /// Returns rates in bytes a second; `None` for no bound. Messages are not counted: they are small.
    ///
    /// A peer gives up a transfer below [`crate::RATE_MIN`]. What was sent ahead of a slow reader (a window of QUIC) comes at once.
    #[must_use]
    pub fn new(upload: Option<NonZeroU64>, download: Option<NonZeroU64>) -> Self {
        let bucket = |rate| Arc::new(Bucket { rate, free: Mutex::default() });
        Self { up: bucket(upload), down: bucket(download) }
    }
}

/// Spaces transfers so that they are at a rate on average.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    /// Bytes a second; `None` for no bound.
    rate: Option<NonZeroU64>,
    /// When everything that was transferred has had its time.
    free: Mutex<Option<Instant>>,
}

impl Bucket {
    /// Waits until `bytes` that were transferred have had their time, after those of all others.
    pub(crate) async fn take(&self, bytes: usize) {
        let Some(took) = self.time(bytes) else { return };
        let until = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let until = free.map_or(now, |free| free.max(now)) + took;
            *free = Some(until);
            until
        };
        sleep_until(until).await;
    }

    /// Returns how long `bytes` take at the rate.
    pub(crate) fn time(&self, bytes: usize) -> Option<Duration> {
        let rate = self.rate?.get();
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        Some(Duration::from_micros(bytes.saturating_mul(1_000_000) / rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn transfers_are_at_the_rate_on_average_whoever_makes_them() {
        let pace = Pace::new(NonZeroU64::new(1_000), None);
        let begun = Instant::now();
        let one = async {
            for _ in 0..10 {
                pace.up.take(500).await;
            }
        };
        let other = async { pace.up.take(5_000).await };
        tokio::join!(one, other);
        assert_eq!(begun.elapsed(), Duration::from_secs(10));
        // Time in which nothing was transferred is not made up for.
        tokio::time::sleep(Duration::from_secs(60)).await;
        pace.up.take(2_000).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(72));
        pace.down.take(usize::MAX).await;
        Pace::default().up.take(usize::MAX).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(72));
    }
}
