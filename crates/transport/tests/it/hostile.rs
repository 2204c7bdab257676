//! Peers built on plain iroh that break the protocol.

use std::{net::SocketAddr, time::Duration};

use iroh::{
    Endpoint, EndpointAddr, EndpointId, RelayMode, SecretKey,
    endpoint::{Connection, RecvStream, SendStream, presets},
};
use transport::{Event, FetchError, Limits};
use units::{DeviceId, Digest};

use crate::{
    Coordinator, content, coordinator, expect_disconnected, guarded, message, pair, worker,
};

pub(crate) const CONTROL: &[u8] = b"gleaner/control/1";
const EVIDENCE: &[u8] = b"gleaner/evidence/1";
pub(crate) const BLOBS: &[u8] = b"gleaner/blobs/1";

const SOON: Limits = Limits { answer: Duration::from_secs(1), ..Limits::USUAL };

pub(crate) struct Stranger {
    pub(crate) endpoint: Endpoint,
    pub(crate) device: DeviceId,
}

impl Stranger {
    async fn new() -> Self {
        Self::with([66; 32], [127, 0, 0, 1]).await
    }

    /// A peer with this key, on this address of the machine.
    pub(crate) async fn with(secret: [u8; 32], ip: [u8; 4]) -> Self {
        let secret = SecretKey::from_bytes(&secret);
        let device = DeviceId::from_bytes(*secret.public().as_bytes());
        let endpoint = Endpoint::builder(presets::Minimal)
            .relay_mode(RelayMode::Disabled)
            .secret_key(secret)
            .clear_ip_transports()
            .bind_addr(SocketAddr::from((ip, 0)))
            .unwrap()
            .bind()
            .await
            .unwrap();
        Self { endpoint, device }
    }

    pub(crate) async fn dial(&self, coordinator: &Coordinator, alpn: &[u8]) -> Connection {
        self.try_dial(coordinator, alpn).await.unwrap()
    }

    /// Dials; `None` when the coordinator refuses even a handshake.
    pub(crate) async fn try_dial(
        &self,
        coordinator: &Coordinator,
        alpn: &[u8],
    ) -> Option<Connection> {
        let id = EndpointId::from_bytes(coordinator.device().as_bytes()).unwrap();
        let address = EndpointAddr::new(id).with_ip_addr(coordinator.addresses()[0]);
        self.endpoint.connect(address, alpn).await.ok()
    }

    pub(crate) async fn enter(
        &self,
        coordinator: &Coordinator,
    ) -> (Connection, SendStream, RecvStream) {
        let connection = self.dial(coordinator, CONTROL).await;
        let (mut send, receive) = connection.open_bi().await.unwrap();
        send.write_all(&[0; 4]).await.unwrap();
        assert_eq!(coordinator.next_event().await, Some(Event::Connected { device: self.device }));
        (connection, send, receive)
    }
}

/// Sends `bytes` after the opening frame and returns why the coordinator closed the connection.
async fn end_of_a_peer_who_sends(bytes: &[u8]) -> String {
    let coordinator = coordinator(SOON).await;
    let stranger = Stranger::new().await;
    let (connection, mut send, _receive) = stranger.enter(&coordinator).await;
    send.write_all(bytes).await.unwrap();
    // A finished stream ends inside a message if the bytes do.
    send.finish().unwrap();
    let reason = expect_disconnected(&coordinator, stranger.device).await;
    connection.closed().await;
    stranger.endpoint.close().await;
    coordinator.close().await;
    reason
}

#[tokio::test]
async fn an_announced_length_above_the_bound_is_refused() {
    let reason = guarded(end_of_a_peer_who_sends(&u32::MAX.to_be_bytes())).await;
    assert_eq!(reason, "peer announced a message of 4294967295 bytes, more than 65536");
}

#[tokio::test]
async fn a_truncated_message_ends_the_connection() {
    let reason = guarded(end_of_a_peer_who_sends(&[0, 0, 0, 9, b'x'])).await;
    assert_eq!(reason, "peer ended the stream inside a message");
}

#[tokio::test]
async fn an_undecodable_message_ends_the_connection() {
    // A string of one byte that is not UTF-8.
    let reason = guarded(end_of_a_peer_who_sends(&[0, 0, 0, 2, 1, 0xff])).await;
    assert!(reason.starts_with("peer sent a message that can't be decoded: "), "{reason}");
}

#[tokio::test]
async fn bytes_after_a_message_end_the_connection() {
    let reason = guarded(end_of_a_peer_who_sends(&[0, 0, 0, 3, 1, b'x', b'y'])).await;
    assert_eq!(reason, "peer sent 1 bytes after a message");
}

#[tokio::test]
async fn a_peer_without_greeting_is_never_announced() {
    guarded(async {
        let coordinator = coordinator(SOON).await;
        let stranger = Stranger::new().await;
        // One peer sends nothing, one begins with a message.
        let silent = stranger.dial(&coordinator, CONTROL).await;
        let rude = stranger.dial(&coordinator, CONTROL).await;
        let (mut send, _receive) = rude.open_bi().await.unwrap();
        send.write_all(&[0, 0, 0, 1, 0]).await.unwrap();
        rude.closed().await;
        silent.closed().await;
        // The first event comes from an honest worker.
        let worker = worker(&coordinator, SOON).await;
        assert_eq!(
            coordinator.next_event().await,
            Some(Event::Connected { device: worker.device() })
        );
        worker.close().await;
        stranger.endpoint.close().await;
        coordinator.close().await;
    })
    .await;
}

#[tokio::test]
async fn blobs_can_not_be_pushed() {
    guarded(async {
        let (coordinator, worker) = pair(SOON).await;
        let stranger = Stranger::new().await;
        let connection = stranger.dial(&coordinator, BLOBS).await;
        let pushed = content(1000, 1);
        let digest = digest(&pushed);
        let (mut send, mut receive) = connection.open_bi().await.unwrap();
        // The form of an answer in the place of a request.
        send.write_all(digest.as_bytes()).await.unwrap();
        // The rest may be refused already.
        let _pushed = send.write_all(&1000_u64.to_le_bytes()).await;
        let _pushed = send.write_all(&pushed).await;
        let _finished = send.finish();
        assert!(receive.read_to_end(1).await.unwrap().is_empty(), "nothing is answered");
        let missing = worker.fetch(&digest, 1000).await;
        assert!(matches!(missing, Err(FetchError::NotFound { .. })), "{missing:?}");
        worker.close().await;
        stranger.endpoint.close().await;
        coordinator.close().await;
    })
    .await;
}

fn digest(content: &[u8]) -> Digest {
    Digest::from_bytes(*blake3::hash(content).as_bytes())
}

/// Whether an answer ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Finished,
}

/// Fetches from a device that answers every request with `answer`, or not at all.
async fn fetch_from_a_liar(answer: Option<Vec<u8>>, end: End) -> FetchError {
    let coordinator = coordinator(SOON).await;
    let stranger = Stranger::new().await;
    let evidence = stranger.dial(&coordinator, EVIDENCE).await;
    evidence.accept_uni().await.unwrap().read_to_end(1).await.unwrap();
    stranger.enter(&coordinator).await;
    let lying = async {
        let mut kept = Vec::new();
        while let Ok((mut send, mut receive)) = evidence.accept_bi().await {
            let _request = receive.read_to_end(1000).await;
            if let Some(answer) = &answer {
                let _written = send.write_all(answer).await;
            }
            if end == End::Finished {
                send.finish().unwrap();
            }
            kept.push(send);
        }
    };
    let honest = content(1000, 0);
    let digest = digest(&honest);
    let error = tokio::select! {
        result = coordinator.fetch_from(&stranger.device, &digest, 1 << 20) => result.unwrap_err(),
        () = lying => panic!("the connection ended early"),
    };
    stranger.endpoint.close().await;
    coordinator.close().await;
    error
}

#[tokio::test]
async fn a_silent_peer_does_not_hold_a_fetch() {
    let error = guarded(fetch_from_a_liar(None, End::Open)).await;
    assert!(matches!(error, FetchError::Slow { seconds: 1, .. }), "{error}");
}

#[tokio::test]
async fn a_peer_that_stops_half_way_does_not_hold_a_fetch() {
    let error = guarded(fetch_from_a_liar(Some(1000_u64.to_le_bytes().to_vec()), End::Open)).await;
    assert!(matches!(error, FetchError::Slow { .. }), "{error}");
}

#[tokio::test]
async fn a_part_is_not_taken_for_the_blob() {
    let mut answer = 1000_u64.to_le_bytes().to_vec();
    answer.extend(&content(1000, 0)[..999]);
    let error = guarded(fetch_from_a_liar(Some(answer), End::Finished)).await;
    assert!(matches!(error, FetchError::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn bytes_after_the_blob_are_not_taken() {
    let mut answer = 1000_u64.to_le_bytes().to_vec();
    answer.extend(content(1000, 0));
    answer.push(0);
    let error = guarded(fetch_from_a_liar(Some(answer), End::Finished)).await;
    assert!(matches!(error, FetchError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn other_bytes_are_not_taken_for_the_blob() {
    let mut answer = 1000_u64.to_le_bytes().to_vec();
    answer.extend(content(1000, 9));
    let error = guarded(fetch_from_a_liar(Some(answer), End::Open)).await;
    assert!(matches!(error, FetchError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn a_false_size_is_not_taken_for_the_blob() {
    let mut answer = 999_u64.to_le_bytes().to_vec();
    answer.extend(&content(1000, 0)[..999]);
    let error = guarded(fetch_from_a_liar(Some(answer), End::Open)).await;
    assert!(matches!(error, FetchError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn a_stranger_does_not_disturb_the_others() {
    guarded(async {
        let (coordinator, worker) = pair(SOON).await;
        let stranger = Stranger::new().await;
        let (_connection, mut send, _receive) = stranger.enter(&coordinator).await;
        send.write_all(&u32::MAX.to_be_bytes()).await.unwrap();
        expect_disconnected(&coordinator, stranger.device).await;
        worker.send(&"fine".to_owned()).await.unwrap();
        assert_eq!(coordinator.next_event().await, message(worker.device(), "fine"));
        worker.close().await;
        stranger.endpoint.close().await;
        coordinator.close().await;
    })
    .await;
}
