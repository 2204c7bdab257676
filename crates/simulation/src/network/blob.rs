//! Blobs over a simulated connection.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;
use transport::{FetchError, parts::time_limit};
use units::Digest;

use super::link::{End, Link, Side};

/// Bytes of a request, and of the size before the content.
const REQUEST_SIZE: usize = 32;
const SIZE_SIZE: usize = 8;

/// A request for a blob.
pub(super) struct Fetch<'a> {
    pub(super) digest: &'a Digest,
    pub(super) size_max: u64,
    pub(super) answer: Duration,
}

/// Fetches a blob for the side `asking`; the other one finds it when the request has come there.
pub(super) async fn fetch(
    link: &Link,
    asking: Side,
    Fetch { digest, size_max, answer }: Fetch<'_>,
    find: &(dyn Fn() -> Option<Arc<Vec<u8>>> + Sync),
) -> Result<Vec<u8>, FetchError> {
    let lost = |end: End| FetchError::Lost { digest: *digest, reason: end.describe() };
    let slow = |limit: Duration| FetchError::Slow { digest: *digest, seconds: limit.as_secs() };
    let serving = asking.other();
    let request = async {
        link.pass(asking, asking, REQUEST_SIZE).await.map_err(lost)?;
        let found = find();
        link.pass(serving, asking, SIZE_SIZE).await.map_err(lost)?;
        found.ok_or(FetchError::NotFound { digest: *digest })
    };
    let blob = timeout(answer, request).await.map_err(|_| slow(answer))??;
    let size = u64::try_from(blob.len()).expect("usize has at most 64 bits");
    if size_max < size {
        return Err(FetchError::TooLarge { digest: *digest, size, size_max });
    }
    let limit = time_limit(answer, size);
    let content = timeout(limit, link.pass(serving, asking, blob.len())).await;
    content.map_err(|_| slow(limit))?.map_err(lost)?;
    Ok(blob.as_ref().clone())
}
