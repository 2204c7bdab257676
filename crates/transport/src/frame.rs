//! Length-prefixed postcard messages on a stream.

use iroh::endpoint::{ReadError, ReadExactError, RecvStream, SendStream, WriteError};
use serde::{Serialize, de::DeserializeOwned};
use units::DeviceId;

/// Longest message from a worker, in bytes. Workers are strangers: they get little memory.
pub const TO_COORDINATOR_SIZE_MAX: usize = 64 << 10;

/// Longest message to a worker, in bytes. The manifest of a corpus of several GiB must fit.
pub const TO_WORKER_SIZE_MAX: usize = 4 << 20;

const _: () = assert!(TO_WORKER_SIZE_MAX <= u32::MAX as usize, "a length must fit its four bytes");

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Nobody to send to.
    #[error("device {device} is not connected: wait for it to dial again")]
    NotConnected {
        /// The receiver.
        device: DeviceId,
    },
    /// The receiver would refuse it.
    #[error(
        "a message of {size} bytes is longer than the {size_max} that may travel: publish it as a blob"
    )]
    TooLarge {
        /// Encoded size.
        size: usize,
        /// Bound for this direction.
        size_max: usize,
    },
    /// The receiver does not take its messages; its connection was closed.
    #[error("device {device} has {waiting} messages waiting and takes none: it was disconnected")]
    Slow {
        /// The receiver.
        device: DeviceId,
        /// Messages in its queue.
        waiting: usize,
    },
    /// A message type that postcard can't encode.
    #[error("message can't be encoded")]
    Encode {
        /// Postcard's reason.
        source: postcard::Error,
    },
}

/// Why a stream of messages ended before its time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("peer announced a message of {size} bytes, more than {size_max}")]
    TooLarge { size: usize, size_max: usize },
    #[error("peer broke off inside a message")]
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

/// The bytes of `message`, if they may travel.
pub(crate) fn encode<M: Serialize>(message: &M, size_max: usize) -> Result<Vec<u8>, SendError> {
    let bytes = postcard::to_stdvec(message).map_err(|source| SendError::Encode { source })?;
    if size_max < bytes.len() {
        return Err(SendError::TooLarge { size: bytes.len(), size_max });
    }
    Ok(bytes)
}

/// The next message, or `None` when the peer has finished.
pub(crate) async fn read<M: DeserializeOwned>(
    stream: &mut RecvStream,
    size_max: usize,
) -> Result<Option<M>, FrameError> {
    let Some(bytes) = read_bytes(stream, size_max).await? else { return Ok(None) };
    let (message, rest) = postcard::take_from_bytes(&bytes).map_err(FrameError::Decode)?;
    if rest.is_empty() { Ok(Some(message)) } else { Err(FrameError::Trailing(rest.len())) }
}

/// Opens a stream: a peer sees it only once something was written.
pub(crate) async fn write_greeting(stream: &mut SendStream) -> Result<(), FrameError> {
    write(stream, &[]).await
}

/// The counterpart of [`write_greeting`].
pub(crate) async fn read_greeting(stream: &mut RecvStream) -> Result<(), FrameError> {
    match read_bytes(stream, 0).await? {
        Some(_) => Ok(()),
        None => Err(FrameError::NoGreeting),
    }
}

/// Writes an encoded message. The caller has checked its size.
pub(crate) async fn write(stream: &mut SendStream, bytes: &[u8]) -> Result<(), FrameError> {
    let length = u32::try_from(bytes.len()).expect("size was checked when the message was encoded");
    stream.write_all(&length.to_be_bytes()).await.map_err(FrameError::Write)?;
    stream.write_all(bytes).await.map_err(FrameError::Write)
}

async fn read_bytes(
    stream: &mut RecvStream,
    size_max: usize,
) -> Result<Option<Vec<u8>>, FrameError> {
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
}

fn torn(error: ReadExactError) -> FrameError {
    match error {
        ReadExactError::FinishedEarly(_) => FrameError::Torn,
        ReadExactError::ReadError(error) => FrameError::Read(error),
    }
}
