//! Length-prefixed postcard messages on a stream.

use iroh::endpoint::{ReadError, ReadExactError, RecvStream, SendStream, WriteError};
use serde::{Serialize, de::DeserializeOwned};
use units::DeviceId;

use crate::endpoint::Boxed;

/// Longest message from a worker, in bytes. Workers are not trusted, so little memory is reserved for them.
pub const TO_COORDINATOR_SIZE_MAX: usize = 64 << 10;

/// Longest message to a worker, in bytes. The manifest of a corpus of several GiB must fit.
pub const TO_WORKER_SIZE_MAX: usize = 4 << 20;

const _: () = assert!(TO_WORKER_SIZE_MAX <= u32::MAX as usize, "a length must fit its four bytes");

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The device is not connected.
    #[error("device {device} is not connected: wait until it reconnects")]
    NotConnected {
        /// The receiver.
        device: DeviceId,
    },
    /// The message is longer than the receiver accepts.
    #[error("the message has {size} bytes, more than the {size_max} allowed: publish it as a blob")]
    TooLarge {
        /// Encoded size.
        size: usize,
        /// Bound for this direction.
        size_max: usize,
    },
    /// The receiver does not read its messages; its connection was closed.
    #[error(
        "device {device} does not read its messages, {waiting} are queued: it was disconnected"
    )]
    Slow {
        /// The receiver.
        device: DeviceId,
        /// Messages in its queue.
        waiting: usize,
    },
    /// Postcard can't encode the message type.
    #[error("message can't be encoded")]
    Encode {
        /// Postcard's reason.
        source: postcard::Error,
    },
}

/// Why a stream of messages ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("peer announced a message of {size} bytes, more than {size_max}")]
    TooLarge { size: usize, size_max: usize },
    #[error("peer ended the stream inside a message")]
    Torn,
    #[error("peer sent a message that can't be decoded")]
    Decode(#[source] postcard::Error),
    #[error("peer sent {0} bytes after a message")]
    Trailing(usize),
    #[error("peer did not begin with an empty frame")]
    NoGreeting,
    #[error("stream was lost")]
    Read(#[source] ReadError),
    #[error("stream was lost")]
    Write(#[source] WriteError),
}

/// Returns the encoded `message`, if it is not too long.
///
/// # Errors
/// [`SendError::TooLarge`].
pub fn encode<M: Serialize>(message: &M, size_max: usize) -> Result<Vec<u8>, SendError> {
    let bytes = postcard::to_stdvec(message).map_err(|source| SendError::Encode { source })?;
    if size_max < bytes.len() {
        return Err(SendError::TooLarge { size: bytes.len(), size_max });
    }
    Ok(bytes)
}

/// Reads the next message, returned with its encoded size; returns `None` when the peer has finished.
pub(crate) async fn read<M: DeserializeOwned>(
    stream: &mut RecvStream,
    size_max: usize,
) -> Result<Option<(M, usize)>, FrameError> {
    let Some(bytes) = read_bytes(stream, size_max).await? else { return Ok(None) };
    let (message, rest) = postcard::take_from_bytes(&bytes).map_err(FrameError::Decode)?;
    match rest.len() {
        0 => Ok(Some((message, bytes.len()))),
        more => Err(FrameError::Trailing(more)),
    }
}

/// Writes the empty opening frame: a peer sees a stream only once something was written.
pub(crate) async fn write_greeting(stream: &mut SendStream) -> Result<(), FrameError> {
    write(stream, &[]).await
}

/// Reads the frame that [`write_greeting`] writes.
pub(crate) async fn read_greeting(stream: &mut RecvStream) -> Result<(), FrameError> {
    match read_bytes(stream, 0).await? {
        Some(_) => Ok(()),
        None => Err(FrameError::NoGreeting),
    }
}

/// Writes an encoded message. The caller has checked its size.
pub(crate) fn write<'a>(
    stream: &'a mut SendStream,
    bytes: &'a [u8],
) -> Boxed<'a, Result<(), FrameError>> {
    Box::pin(async move {
        let length =
            u32::try_from(bytes.len()).expect("size was checked when the message was encoded");
        stream.write_all(&length.to_be_bytes()).await.map_err(FrameError::Write)?;
        stream.write_all(bytes).await.map_err(FrameError::Write)
    })
}

fn read_bytes(
    stream: &mut RecvStream,
    size_max: usize,
) -> Boxed<'_, Result<Option<Vec<u8>>, FrameError>> {
    Box::pin(async move {
        let mut length = [0; 4];
        match stream.read_exact(&mut length).await {
            Ok(()) => {}
            Err(ReadExactError::FinishedEarly(0)) => return Ok(None),
            Err(error) => return Err(torn(error)),
        }
        let size = usize::try_from(u32::from_be_bytes(length)).expect("usize has at least 32 bits");
        if size_max < size {
            return Err(FrameError::TooLarge { size, size_max });
        }
        let mut bytes = vec![0; size];
        stream.read_exact(&mut bytes).await.map_err(torn)?;
        Ok(Some(bytes))
    })
}

fn torn(error: ReadExactError) -> FrameError {
    match error {
        ReadExactError::FinishedEarly(_) => FrameError::Torn,
        ReadExactError::ReadError(error) => FrameError::Read(error),
    }
}
