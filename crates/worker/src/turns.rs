//! How many computations run at once on a machine, and with how many threads.
//!
//! 1. A run's memory permits so many computations at once (`fit`). A device with rounds of its own does one thing at a time: its round
//!    waits for at most one replay, the one that has begun.
//! 2. All replays of a process share the threads that the owner gave: one alone has all of them, and several that begin together
//!    have a part each. The result does not depend on it.
//!
//! A turn is dropped with its computation.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Largest number of replays at once.
pub(crate) const REPLAYS_MAX: usize = 8;

/// The threads that replays of this process share.
#[derive(Clone, Debug)]
pub(crate) struct Cores {
    free: Arc<Semaphore>,
    count: usize,
    /// Number of replays that run, or wait for threads.
    wanting: Arc<AtomicUsize>,
}

/// The computations of one run.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    /// One for each computation that there is memory for.
    all: Arc<Semaphore>,
    /// As many, for replays: the others wait here and not before a round of this device.
    replays: Arc<Semaphore>,
    cores: Cores,
}

/// A replay's turn.
#[derive(Debug)]
pub(crate) struct ReplayTurn {
    /// Number of threads.
    pub(crate) threads: usize,
    _permits: [OwnedSemaphorePermit; 3],
    _wanting: Wanting,
}

/// Counts a replay until it is dropped.
#[derive(Debug)]
struct Wanting(Arc<AtomicUsize>);

impl Drop for Wanting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Cores {
    pub(crate) fn new(count: usize) -> Self {
        let count = count.max(1);
        let free = Arc::new(Semaphore::new(count));
        Self { free, count, wanting: Arc::default() }
    }

    /// Returns how many replays can have a thread at once.
    pub(crate) fn replays_max(&self) -> usize {
        self.count.min(REPLAYS_MAX)
    }
}

impl Turns {
    /// Returns the turns of a run of which `at_once` computations fit the memory.
    pub(crate) fn new(at_once: usize, cores: &Cores) -> Self {
        let count = at_once.max(1);
        let [all, replays] = [(); 2].map(|()| Arc::new(Semaphore::new(count)));
        Self { all, replays, cores: cores.clone() }
    }

    /// Waits until the device's own round can begin.
    pub(crate) async fn own(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.all).acquire_owned().await
    }

    /// Returns the turn of a computation of the device's own, unless it would have to wait.
    pub(crate) fn own_if_free(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.all).try_acquire_owned().ok()
    }

    /// Waits until a replay can begin.
    pub(crate) async fn replay(&self) -> Result<ReplayTurn, AcquireError> {
        let Cores { free, count, wanting } = &self.cores;
        wanting.fetch_add(1, Ordering::Relaxed);
        let counted = Wanting(Arc::clone(wanting));
        let replay = Arc::clone(&self.replays).acquire_owned().await?;
        let memory = Arc::clone(&self.all).acquire_owned().await?;
        let sharing = wanting.load(Ordering::Relaxed).clamp(1, self.cores.replays_max());
        let threads = (count / sharing).max(1);
        let permits = u32::try_from(threads).unwrap_or(u32::MAX);
        let cores = Arc::clone(free).acquire_many_owned(permits).await?;
        Ok(ReplayTurn { threads, _permits: [replay, memory, cores], _wanting: counted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    /// Returns a turn, if it can be had at once.
    async fn now<T>(turn: impl Future<Output = Result<T, AcquireError>>) -> Option<T> {
        timeout(Duration::ZERO, turn).await.ok().map(|turn| turn.expect("turns are never closed"))
    }

    #[tokio::test]
    async fn a_replay_alone_has_all_threads_and_others_wait() {
        let turns = Turns::new(4, &Cores::new(4));
        let first = now(turns.replay()).await.unwrap();
        assert_eq!(first.threads, 4);
        assert!(now(turns.replay()).await.is_none(), "no thread is free");
        drop(first);
        let next = now(turns.replay()).await.unwrap();
        assert_eq!(next.threads, 4, "one that was called off is not counted");
    }

    /// Whatever begins and ends when: never more threads than the owner gave, nor more computations than there is memory for.
    #[tokio::test]
    async fn replays_stay_within_threads_and_memory() {
        for (threads, at_once) in [(1, 1), (1, 4), (2, 2), (3, 8), (6, 4), (16, 3), (32, 16)] {
            let turns = Turns::new(at_once, &Cores::new(threads));
            let mut waiting = tokio::task::JoinSet::new();
            for _ in 0..20 {
                let turns = turns.clone();
                waiting.spawn(async move { turns.replay().await.expect("turns are never closed") });
            }
            let (mut running, mut ended, mut most) = (Vec::new(), 0, 0);
            while ended < 20 {
                while let Ok(Some(turn)) =
                    timeout(Duration::from_millis(1), waiting.join_next()).await
                {
                    running.push(turn.unwrap());
                }
                let used: usize = running.iter().map(|turn| turn.threads).sum();
                assert!(used <= threads, "{used} of {threads} threads");
                assert!(running.len() <= at_once, "{} of {at_once}", running.len());
                most = most.max(running.len());
                drop(running.remove(0));
                ended += 1;
            }
            assert_eq!(most, threads.min(at_once).min(REPLAYS_MAX), "of {threads} and {at_once}");
        }
    }

    #[tokio::test]
    async fn the_own_round_waits_for_one_replay_at_most() {
        let turns = Turns::new(1, &Cores::new(8));
        let replay = now(turns.replay()).await.unwrap();
        let (own, next) = (turns.own(), turns.replay());
        tokio::pin!(own, next);
        assert!(now(&mut next).await.is_none(), "a second replay came first");
        assert!(now(&mut own).await.is_none(), "they take turns");
        drop(replay);
        let own = now(&mut own).await;
        assert!(own.is_some() && now(&mut next).await.is_none(), "the round is next");
        drop(own);
        assert!(now(&mut next).await.is_some());
    }

    /// Two runs share the threads of one process.
    #[tokio::test]
    async fn runs_share_the_threads() {
        let cores = Cores::new(2);
        let [first, second] = [1, 2].map(|_| Turns::new(1, &cores));
        let turn = now(first.replay()).await.unwrap();
        assert!(now(second.replay()).await.is_none());
        drop(turn);
        assert!(now(second.replay()).await.is_some());
    }
}
