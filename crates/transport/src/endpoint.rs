//! What the iroh endpoints of both sides share.

use std::{error::Error, net::SocketAddr, ops::Deref, pin::Pin};

use iroh::{
    Endpoint, EndpointId, RelayMode, SecretKey,
    endpoint::{Connection, ConnectionError, QuicTransportConfig, VarInt, presets},
};
use tokio::task::JoinHandle;
use units::DeviceId;

use crate::limits::Limits;

pub(crate) const CONTROL_ALPN: &[u8] = b"gleaner/control/1";
pub(crate) const EVIDENCE_ALPN: &[u8] = b"gleaner/evidence/1";
pub(crate) const BLOBS_ALPN: &[u8] = b"gleaner/blobs/1";

/// Largest number of messages that wait to be sent to a peer, or to be read by the caller.
pub const QUEUE_MAX: usize = 64;

/// Streams that a peer may open on one connection; bounds the number of blobs served at a time.
const STREAMS_MAX: u32 = 16;
/// Unread bytes that a peer may have in flight on a connection over which blobs are fetched.
pub const FETCH_WINDOW: u32 = 8 << 20;
/// Unread bytes that a peer of the coordinator may have in flight on any other connection: several messages.
pub const MESSAGE_WINDOW: u32 = 256 << 10;
/// Keep-alive packets per idle timeout.
const HEARTBEATS: u32 = 3;
/// Longest close reason of a peer that we quote, in characters.
const REASON_MAX: usize = 200;

/// Close code: the same key has connected again. Whoever is told so and has not connected again shares its key.
pub(crate) const REPLACED: VarInt = VarInt::from_u32(2);
/// Close code: no error.
pub(crate) const DONE: VarInt = VarInt::from_u32(0);
/// Close code: the peer broke the protocol or a bound; the reason says which.
pub(crate) const REFUSED: VarInt = VarInt::from_u32(1);

/// The endpoint could not be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "can't listen on UDP address {address}: choose another port, or stop the program that uses it"
)]
pub struct BindError {
    /// The requested address.
    pub address: SocketAddr,
    /// The error of the system.
    pub source: Box<dyn Error + Send + Sync>,
}

/// A future whose code is compiled in this crate. That of an `async fn` is compiled again in every crate that awaits it, and with it the
/// code of iroh below.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Opens an endpoint on exactly these sockets, with the key of `secret`; no relay, no discovery.
pub(crate) fn bind<'a>(
    secret: &'a [u8; 32],
    sockets: &'a [SocketAddr],
    alpns: Vec<Vec<u8>>,
    (limits, window): (&'a Limits, u32),
) -> Boxed<'a, Result<Bound, BindError>> {
    Box::pin(async move {
        let address = *sockets.first().expect("the caller names at least one socket");
        let mut builder = Endpoint::builder(presets::Minimal)
            .relay_mode(RelayMode::Disabled)
            .secret_key(SecretKey::from_bytes(secret))
            .alpns(alpns)
            .transport_config(transport_config(limits, window))
            .clear_ip_transports();
        for &address in sockets {
            builder = builder
                .bind_addr(address)
                .map_err(|source| BindError { address, source: Box::new(source) })?;
        }
        let bound = builder.bind().await;
        bound.map(Bound).map_err(|source| BindError { address, source: Box::new(source) })
    })
}

/// An open endpoint. When it is dropped, also in the middle of a dial, its peers are told and its sockets closed.
#[derive(Debug)]
pub(crate) struct Bound(Endpoint);

impl Bound {
    /// Closes all connections and the sockets.
    pub(crate) fn close(&self) -> Boxed<'_, ()> {
        Box::pin(self.0.close())
    }
}

impl Deref for Bound {
    type Target = Endpoint;

    fn deref(&self) -> &Endpoint {
        &self.0
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if !self.0.is_closed()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let endpoint = self.0.clone();
            runtime.spawn(async move { endpoint.close().await });
        }
    }
}

/// Returns the device of the peer, authenticated by the handshake.
pub(crate) fn device(id: EndpointId) -> DeviceId {
    DeviceId::from_bytes(*id.as_bytes())
}

/// Returns why a connection ended; a reason given by the peer is shortened and cleaned.
pub(crate) fn describe(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ApplicationClosed(close) if close.error_code == DONE => {
            "peer closed the connection".to_owned()
        }
        ConnectionError::ApplicationClosed(close) if close.error_code == REPLACED => {
            "the same device key has connected from elsewhere".to_owned()
        }
        ConnectionError::ApplicationClosed(close) => {
            let said = String::from_utf8_lossy(&close.reason);
            let said: String =
                said.chars().filter(|character| !character.is_control()).take(REASON_MAX).collect();
            format!("peer closed the connection: {said}")
        }
        ConnectionError::TimedOut => "timeout: the peer did not answer".to_owned(),
        other => other.to_string(),
    }
}

/// Returns an error and its causes, on one line; a cause that says nothing new is left out.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text
}

/// Closes a connection because of an error of the peer, with the reason.
pub(crate) fn refuse(connection: &Connection, reason: &str) {
    connection.close(REFUSED, reason.as_bytes());
}

/// A task that is aborted when this is dropped.
#[derive(Debug)]
pub(crate) struct Task(JoinHandle<()>);

impl Task {
    pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(future))
    }

    /// Waits until the task has ended by itself.
    pub(crate) async fn ended(&mut self) {
        if let Err(error) = (&mut self.0).await {
            tracing::error!(%error, "a transport task panicked");
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn transport_config(limits: &Limits, window: u32) -> QuicTransportConfig {
    let heartbeat = limits.idle / HEARTBEATS;
    QuicTransportConfig::builder()
        .max_idle_timeout(Some(limits.idle.try_into().expect("an idle limit is far below 2^62 ms")))
        .keep_alive_interval(heartbeat)
        .default_path_max_idle_timeout(limits.idle)
        .default_path_keep_alive_interval(heartbeat)
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS_MAX))
        .max_concurrent_uni_streams(VarInt::from_u32(1))
        .receive_window(VarInt::from_u32(window))
        .build()
}
