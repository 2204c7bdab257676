//! Requests to one node, repeated while it can't be reached.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use alloy_network::Ethereum;
use alloy_primitives::Bytes;
use alloy_provider::RootProvider;
use alloy_transport::TransportResult;
use tokio::time::{sleep, timeout};

use crate::{
    error::{Failure, LedgerError, shorten},
    refusal,
};

/// First pause before a request is repeated; each later one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// A node and its name in messages.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) provider: RootProvider<Ethereum>,
    pub(crate) url: String,
}

impl Node {
    /// Repeats `attempt` until the node answers, at most for `patience`.
    pub(crate) async fn ask<T, F>(
        &self,
        patience: Duration,
        attempt: impl Fn() -> F,
    ) -> Result<T, LedgerError>
    where
        F: Future<Output = TransportResult<T>>,
    {
        self.ask_raw(patience, attempt).await?.map_err(|failure| self.error(failure))
    }

    /// As [`Self::ask`], but the caller interprets unexpected answers.
    pub(crate) async fn ask_raw<T, F>(
        &self,
        patience: Duration,
        attempt: impl Fn() -> F,
    ) -> Result<Result<T, Failure>, LedgerError>
    where
        F: Future<Output = TransportResult<T>>,
    {
        let last = Mutex::new("no answer".to_owned());
        let trying = async {
            let mut pause = PAUSE_MIN;
            loop {
                match attempt().await.map_err(Failure::from) {
                    Err(Failure::Unreachable(reason)) => {
                        if pause == PAUSE_MIN {
                            tracing::warn!(
                                url = self.url,
                                reason,
                                "the node does not answer; the request is repeated"
                            );
                        }
                        *last.lock().unwrap_or_else(PoisonError::into_inner) = reason;
                    }
                    answer => return answer,
                }
                sleep(pause).await;
                pause = pause.saturating_mul(2).min(PAUSE_MAX);
            }
        };
        match timeout(patience, trying).await {
            Ok(answer) => Ok(answer),
            Err(_) => {
                let reason = last.lock().unwrap_or_else(PoisonError::into_inner).clone();
                Err(LedgerError::Unreachable { url: self.url.clone(), waited: patience, reason })
            }
        }
    }

    pub(crate) fn error(&self, failure: Failure) -> LedgerError {
        match failure {
            Failure::Unreachable(reason) => {
                LedgerError::Unreachable { url: self.url.clone(), waited: Duration::ZERO, reason }
            }
            Failure::Reverted(data) => refused(data),
            Failure::Rejected(message) => LedgerError::Rejected { url: self.url.clone(), message },
            Failure::Malformed(reason) => self.malformed(reason),
        }
    }

    pub(crate) fn malformed(&self, reason: impl Into<String>) -> LedgerError {
        LedgerError::Malformed { url: self.url.clone(), reason: reason.into() }
    }
}

pub(crate) fn refused(data: Bytes) -> LedgerError {
    LedgerError::Refused { reason: shorten(&refusal::in_words(&data)), data }
}
