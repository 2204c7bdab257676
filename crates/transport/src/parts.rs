//! What every [`Network`](crate::Network) is made of, so that a simulated one keeps the same bounds as the real one.

pub use crate::{
    admission::{Admission, Met, Place, Turned},
    blob::{BlobStore, Reader, time_limit},
    endpoint::{FETCH_WINDOW, MESSAGE_WINDOW, QUEUE_MAX},
    frame::encode,
    inbox::{Closed, Inbox},
};
