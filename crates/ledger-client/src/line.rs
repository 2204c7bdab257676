//! The line to a node: carries requests there, and answers back.

use std::{fmt::Debug, pin::Pin};

use alloy_primitives::Bytes;

use crate::http::{Http, HttpError};

/// A line to one node. Requests are HTTP unless somebody else carries them: a simulation has no sockets.
pub trait Line: Debug + Send + Sync {
    /// Sends the bytes of a JSON-RPC request, and returns the answer. A request may arrive twice.
    fn carry(&self, request: Vec<u8>) -> Carried<'_>;
}

/// An answer on its way.
pub type Carried<'a> = Pin<Box<dyn Future<Output = Result<LineAnswer, LineError>> + Send + 'a>>;

/// The answer of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineAnswer {
    /// Its HTTP status.
    pub status: u16,
    /// Its bytes: a JSON-RPC answer if the status is 200.
    pub body: Bytes,
}

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The node can't be reached; the request may or may not have arrived.
    #[error("{reason}")]
    Unreachable {
        /// The reason.
        reason: String,
    },
    /// The answer is too long to be read.
    #[error("{reason}")]
    TooLong {
        /// The largest size.
        reason: String,
    },
}

impl Line for Http {
    fn carry(&self, request: Vec<u8>) -> Carried<'_> {
        Box::pin(async move {
            let (status, body) = self.post(request).await?;
            Ok(LineAnswer { status: status.as_u16(), body: body.into() })
        })
    }
}

impl From<HttpError> for LineError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::TooLong => Self::TooLong { reason: error.to_string() },
            error => Self::Unreachable { reason: chain(&error) },
        }
    }
}

/// Returns an error and its causes on one line, without repetitions.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = error.source();
    }
    text
}
