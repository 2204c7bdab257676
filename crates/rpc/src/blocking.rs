//! Which thread runs what reads the disk or computes.

use crate::error::{Answer, panicked};

/// Which thread runs a method that reads the disk or computes for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocking {
    /// One of tokio's threads that may block, so that other requests are answered meanwhile.
    Pool,
    /// That of the request: a simulation has one thread, so that it can be repeated.
    Caller,
}

impl Blocking {
    /// Runs `work` on the thread.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        match self {
            Self::Pool => {
                let done = tokio::task::spawn_blocking(work).await;
                done.unwrap_or_else(|_| Err(panicked()))
            }
            Self::Caller => work(),
        }
    }
}
