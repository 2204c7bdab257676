use std::{collections::BTreeSet, num::NonZeroU64, time::Duration};

use tokio::time::Instant;
use transport::{Dial, Event, FetchError, Limits, Pace, PublishError};
use units::Digest;

use crate::{WORKER_SECRET, Worker, content, coordinator, guarded, pair};

const MIB: u64 = 1 << 20;

#[tokio::test]
async fn blobs_are_transferred_both_ways_and_counted() {
    guarded(async {
        let (coordinator, worker) = pair(Limits::USUAL).await;
        let device = worker.device();
        // Sizes around those of a BLAKE3 chunk and of the pieces that are read at a time.
        for size in [0, 1, 1024, 1025, 65_535, 65_536, 65_537, 300_000] {
            let (up, down) = (content(size, 1), content(size, 2));
            let before = (coordinator.traffic(), worker.traffic());

            let digest = worker.publish(up.clone()).await.unwrap();
            assert_eq!(coordinator.fetch_from(&device, &digest, MIB).await.unwrap(), up);
            let digest = coordinator.publish(down.clone()).await.unwrap();
            assert_eq!(worker.fetch(&digest, MIB).await.unwrap(), down);

            let after = (coordinator.traffic(), worker.traffic());
            let payload = u64::try_from(size).unwrap();
            assert!(payload <= after.0.evidence.received - before.0.evidence.received);
            assert!(payload <= after.0.blobs.sent - before.0.blobs.sent);
            assert!(payload <= after.1.evidence.sent - before.1.evidence.sent);
            assert!(payload <= after.1.blobs.received - before.1.blobs.received);
        }
        let total = worker.traffic().total();
        assert!(total.sent < 2 * MIB && total.received < 2 * MIB, "overhead is small: {total:?}");
        worker.close().await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn traffic_of_closed_connections_is_kept() {
    guarded(async {
        let (coordinator, worker) = pair(Limits::USUAL).await;
        let digest = worker.publish(content(100_000, 3)).await.unwrap();
        coordinator.fetch_from(&worker.device(), &digest, MIB).await.unwrap();
        let device = worker.device();
        worker.close().await;
        crate::expect_disconnected(&coordinator, device).await;
        assert!(100_000 <= coordinator.traffic().evidence.received);
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_not_served_is_not_found() {
    guarded(async {
        let (coordinator, worker) = pair(Limits::USUAL).await;
        let unknown = Digest::from_bytes([7; 32]);
        let missing = coordinator.fetch_from(&worker.device(), &unknown, MIB).await;
        assert!(
            matches!(missing, Err(FetchError::NotFound { digest }) if digest == unknown),
            "{missing:?}"
        );
        let missing = worker.fetch(&unknown, MIB).await;
        assert!(
            matches!(missing, Err(FetchError::NotFound { digest }) if digest == unknown),
            "{missing:?}"
        );
        let missing = coordinator.fetch_from(&coordinator.device(), &unknown, MIB).await;
        assert!(matches!(missing, Err(FetchError::NotConnected { .. })), "{missing:?}");
        worker.close().await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_larger_blob_than_expected_is_refused_before_it_arrives() {
    guarded(async {
        let (coordinator, worker) = pair(Limits::USUAL).await;
        let size = 16 * MIB;
        let digest = worker.publish(content(usize::try_from(size).unwrap(), 4)).await.unwrap();
        let refused = coordinator.fetch_from(&worker.device(), &digest, size - 1).await;
        assert!(matches!(refused, Err(FetchError::TooLarge { size: claimed, size_max, .. }) if claimed == size && size_max == size - 1));
        let received = coordinator.traffic().evidence.received;
        assert!(received < size / 2, "{received} bytes of a refused blob were read");
        assert_eq!(coordinator.fetch_from(&worker.device(), &digest, size).await.unwrap().len(), usize::try_from(size).unwrap());
        worker.close().await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn only_what_is_retained_is_served() {
    guarded(async {
        let (coordinator, worker) = pair(Limits::USUAL).await;
        let mut digests = Vec::new();
        for salt in 0..3 {
            digests.push(coordinator.publish(content(5000, salt)).await.unwrap());
        }
        coordinator.retain(&BTreeSet::from([digests[0], digests[2]]));
        coordinator.unpublish(&digests[2]);
        assert_eq!(worker.fetch(&digests[0], MIB).await.unwrap(), content(5000, 0));
        for gone in &digests[1..] {
            let missing = worker.fetch(gone, MIB).await;
            assert!(matches!(missing, Err(FetchError::NotFound { .. })), "{missing:?}");
        }
        worker.close().await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn published_bytes_are_bounded_and_removal_frees_space() {
    guarded(async {
        let limits = Limits { published_size_max: 10_000, ..Limits::USUAL };
        let (coordinator, worker) = pair(limits).await;
        let first = worker.publish(content(6000, 0)).await.unwrap();
        let again = worker.publish(content(6000, 0)).await;
        let full = worker.publish(content(4001, 1)).await;
        assert!(
            matches!(full, Err(PublishError::Full { adding: 4001, held: 6000, size_max: 10_000 })),
            "{full:?}"
        );
        assert_eq!(again.unwrap(), first, "the same content needs no more space");
        worker.publish(content(4000, 2)).await.unwrap();
        worker.unpublish(&first);
        worker.publish(content(6000, 3)).await.unwrap();
        worker.retain(&BTreeSet::new());
        worker.publish(content(10_000, 4)).await.unwrap();
        worker.close().await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn many_fetches_at_a_time() {
    guarded(async {
        let (coordinator, worker) = pair(Limits::USUAL).await;
        let digest = coordinator.publish(content(200_000, 9)).await.unwrap();
        // More than the streams a peer may open: the others wait.
        let fetches = (0..40).map(|_| worker.fetch(&digest, MIB));
        let mut done = 0;
        for bytes in futures_in_turn(fetches).await {
            assert_eq!(bytes.unwrap().len(), 200_000);
            done += 1;
        }
        assert_eq!(done, 40);
        worker.close().await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_fetch_ends_when_the_peer_goes() {
    guarded(async {
        let limits = Limits { answer: Duration::from_secs(2), ..Limits::USUAL };
        let (coordinator, worker) = pair(limits).await;
        let digest = coordinator.publish(content(100, 0)).await.unwrap();
        coordinator.close().await;
        let lost = worker.fetch(&digest, MIB).await;
        assert!(matches!(lost, Err(FetchError::Lost { .. })), "{lost:?}");
        worker.close().await;
    })
    .await;
}

/// Polls all futures together and returns the results in order.
async fn futures_in_turn<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, output) in futures.iter_mut().filter(|(_, output)| output.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(context) {
                *output = Some(value);
            }
        }
        if futures.iter().all(|(_, output)| output.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    futures.into_iter().filter_map(|(_, output)| output).collect()
}

#[tokio::test]
async fn an_owner_bounds_how_fast_blobs_come_and_go() {
    guarded(async {
        let coordinator = coordinator(Limits::USUAL).await;
        let rate = NonZeroU64::new(192 << 10);
        let dial = Dial {
            secret: WORKER_SECRET,
            coordinator: coordinator.device(),
            addresses: coordinator.addresses(),
        };
        let pace = Pace::new(rate, rate);
        let worker = Worker::connect_at(dial, Limits::USUAL, pace).await.unwrap();
        let device = worker.device();
        assert_eq!(coordinator.next_event().await, Some(Event::Connected { device }));
        coordinator.admit(&device);
        let (up, down) = (content(192 << 10, 1), content(192 << 10, 2));
        // A machine may be slower than this, and never faster.
        let begun = Instant::now();
        let digest = coordinator.publish(down.clone()).await.unwrap();
        assert_eq!(worker.fetch(&digest, MIB).await.unwrap(), down);
        assert!(Duration::from_secs(1) <= begun.elapsed(), "{:?}", begun.elapsed());
        let begun = Instant::now();
        let digest = worker.publish(up.clone()).await.unwrap();
        assert_eq!(coordinator.fetch_from(&device, &digest, MIB).await.unwrap(), up);
        // The last piece has its time when it has been sent.
        assert!(Duration::from_millis(666) <= begun.elapsed(), "{:?}", begun.elapsed());
    })
    .await;
}
