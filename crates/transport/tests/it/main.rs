//! Both sides over loopback, with honest peers and with peers that break the protocol.

#![expect(clippy::unwrap_used, reason = "helpers of tests, where a panic is the failure")]

mod blobs;
mod connections;
mod hostile;
mod messages;
mod shares;

use std::{net::SocketAddr, time::Duration};

use tokio::time::timeout;
use transport::{CoordinatorEndpoint, Dial, Event, Limits, WorkerEndpoint};
use units::DeviceId;

/// Messages are strings here: the transport accepts any type.
type Coordinator = CoordinatorEndpoint<String, String>;
type Worker = WorkerEndpoint<String, String>;

const COORDINATOR_SECRET: [u8; 32] = [1; 32];
const WORKER_SECRET: [u8; 32] = [2; 32];

/// Time after which a test that hangs fails; no other assertion depends on how fast a machine is.
const GUARD: Duration = Duration::from_secs(60);

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

async fn guarded<T>(future: impl Future<Output = T>) -> T {
    timeout(GUARD, future).await.expect("the test hangs")
}

async fn coordinator(limits: Limits) -> Coordinator {
    Coordinator::bind(COORDINATOR_SECRET, loopback(0), limits).await.unwrap()
}

async fn worker(coordinator: &Coordinator, limits: Limits) -> Worker {
    let dial = Dial {
        secret: WORKER_SECRET,
        coordinator: coordinator.device(),
        addresses: coordinator.addresses(),
    };
    Worker::connect(dial, limits).await.unwrap()
}

async fn pair(limits: Limits) -> (Coordinator, Worker) {
    let coordinator = coordinator(limits).await;
    let worker = worker(&coordinator, limits).await;
    assert_eq!(coordinator.next_event().await, Some(Event::Connected { device: worker.device() }));
    coordinator.admit(&worker.device());
    (coordinator, worker)
}

fn message(device: DeviceId, text: &str) -> Option<Event<String>> {
    Some(Event::Message { device, message: text.to_owned() })
}

/// Waits until the device is disconnected and returns the reason; fails on any other event.
async fn expect_disconnected(coordinator: &Coordinator, gone: DeviceId) -> String {
    match coordinator.next_event().await {
        Some(Event::Disconnected { device, reason }) if device == gone => reason,
        other => panic!("expected the end of {gone}, got {other:?}"),
    }
}

/// Returns bytes that can't be compressed and don't repeat within a blob.
fn content(size: usize, salt: u8) -> Vec<u8> {
    (0_u32..)
        .zip(std::iter::repeat_n((), size))
        .map(|(index, ())| (index.wrapping_mul(0x9e37_79b1) >> 23).to_le_bytes()[0] ^ salt)
        .collect()
}
