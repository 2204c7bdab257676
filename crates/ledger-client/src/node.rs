//! Requests to one node, repeated while it can't be reached.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy_primitives::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    error::{Failure, LedgerError, shorten},
    line::Line,
    refusal,
};

/// First pause before a request is repeated; each later one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// A future whose code is compiled in this crate. That of an `async fn` is compiled again in every crate that awaits it.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A node and its name in messages.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) line: Arc<dyn Line>,
    pub(crate) url: String,
    silence: Silence,
}

/// Since when a node has been asked and has answered nothing.
#[derive(Debug, Default)]
struct Silence(Mutex<Option<Instant>>);

impl Silence {
    fn set(&self, change: impl FnOnce(&mut Option<Instant>)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    pub(crate) fn new(line: Arc<dyn Line>, url: String) -> Self {
        Self { line, url, silence: Silence::default() }
    }

    /// Returns since when it has been asked and has answered nothing; `None` when nothing was asked since its last answer.
    pub(crate) fn silent_since(&self) -> Option<Instant> {
        self.silence.since()
    }

    /// Calls a method, and repeats the call until the node answers, at most for `patience`.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        patience: Duration,
        method: &str,
        parameters: Value,
    ) -> Result<T, LedgerError> {
        let answer = self.ask_raw(patience, method, parameters).await?;
        let result = answer.map_err(|failure| self.error(failure))?;
        serde_json::from_value(result)
            .map_err(|error| self.malformed(shorten(&format!("{method}: {error}"))))
    }

    /// As [`Self::ask`], but the caller interprets errors.
    pub(crate) fn ask_raw(
        &self,
        patience: Duration,
        method: &str,
        parameters: Value,
    ) -> Boxed<'_, Result<Result<Value, Failure>, LedgerError>> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters })
            .to_string();
        Box::pin(self.insist(patience, request))
    }

    async fn insist(
        &self,
        patience: Duration,
        request: String,
    ) -> Result<Result<Value, Failure>, LedgerError> {
        let last = Mutex::new("no answer".to_owned());
        let trying = async {
            let mut pause = PAUSE_MIN;
            loop {
                match self.attempt(request.clone().into_bytes()).await {
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

    async fn attempt(&self, request: Vec<u8>) -> Result<Value, Failure> {
        let begun = Instant::now();
        self.silence.set(|since| *since = since.or(Some(begun)));
        let answer = self.line.carry(request).await?;
        let answer = Failure::in_answer(answer.status, &answer.body);
        if !matches!(answer, Err(Failure::Unreachable(_))) {
            self.silence.set(|since| *since = None);
        }
        answer
    }

    pub(crate) fn error(&self, failure: Failure) -> LedgerError {
        match failure {
            Failure::Unreachable(reason) => {
                LedgerError::Unreachable { url: self.url.clone(), waited: Duration::ZERO, reason }
            }
            Failure::Reverted(data) => refused(data),
            Failure::Rejected(message) => LedgerError::Rejected { url: self.url.clone(), message },
            Failure::Standstill(message) => {
                LedgerError::Standstill { url: self.url.clone(), message }
            }
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
