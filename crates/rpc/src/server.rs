//! Starts and stops the server.

use crate::{
    blocking::Blocking,
    client_version::ClientVersion,
    connections::{self, Bounds},
    dispatcher::Dispatcher,
    origins::{self, Guard, Origins},
    pages::{Pages, PagesLayer},
    socket,
    stop::{self, Stopper},
    transports::Transports,
};

use alloy_signer_local::PrivateKeySigner;
use node::Node;
use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};
use tower_http::validate_request::ValidateRequestHeaderLayer;

/// Most subscriptions of all connections together.
const SUBSCRIPTIONS_MAX: usize = 65_536;
/// How long [`Handle::stop`] waits for unfinished requests.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// The limits of the server, and the parts that it serves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Largest request body in bytes.
    pub request_size_max: u32,
    /// Largest answer in bytes.
    pub response_size_max: u32,
    /// Most requests in a batch.
    pub batch_max: u32,
    /// Most connections at a time, WebSockets included.
    pub connections_max: u32,
    /// Most of them from one IPv4 address, or one IPv6 prefix of 64 bits.
    pub connections_per_client_max: u32,
    /// How long a connection may take for the head of a request, or be idle between two requests.
    pub head_patience: Duration,
    /// How long a request may take from its head to its answer.
    pub request_patience: Duration,
    /// Most subscriptions of one connection.
    pub subscriptions_max: u32,
    /// Most messages in the queue to one connection; their total size is limited to that of one answer.
    pub unread_max: u32,
    /// Web pages that may send requests.
    pub origins: Origins,
    /// The pages that answer GET requests, if any.
    pub pages: Option<Pages>,
    /// The client version that the node reports.
    pub client_version: ClientVersion,
    /// Accounts that the node of a development ledger signs for; on other ledgers it signs for no account.
    pub accounts: Vec<PrivateKeySigner>,
    /// Which thread runs a method that reads the disk or computes for long.
    pub blocking: Blocking,
}

impl Options {
    /// 2 MiB a request (a transaction has at most 128 KiB), 32 MiB an answer, 1,000 requests a batch, 512 connections,
    /// 128 from one address, with 1,024 subscriptions and 1,024 queued messages each, 30 s idle, 60 s a request; no web pages.
    pub const STANDARD: Self = Self {
        request_size_max: 2 << 20,
        response_size_max: 32 << 20,
        batch_max: 1_000,
        connections_max: 512,
        connections_per_client_max: 128,
        head_patience: Duration::from_secs(30),
        request_patience: Duration::from_secs(60),
        subscriptions_max: 1_024,
        unread_max: 1_024,
        origins: Origins::Own,
        pages: None,
        client_version: ClientVersion::Gleaner,
        accounts: Vec::new(),
        blocking: Blocking::Pool,
    };
}

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another program, or another node, uses the port.
    #[error("{address} is in use: stop the other program, or choose another port")]
    InUse {
        /// The requested address.
        address: SocketAddr,
    },
    /// The system refuses the address.
    #[error("cannot listen on {address}: choose an address of this machine and a port above 1023")]
    Listen {
        /// The requested address.
        address: SocketAddr,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
}

/// A running server. Dropping it stops the server without waiting.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    stopper: Stopper,
}

impl Handle {
    /// Returns the server's address, with the port that the system chose if port 0 was requested.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, finishes the running requests (for at most 5 s), and releases the node.
    pub async fn stop(self) {
        if tokio::time::timeout(STOP_PATIENCE, self.stopper.stop()).await.is_err() {
            tracing::warn!("a request did not finish in time: the server stops without its answer");
        }
    }
}

/// A port that is taken, at which nobody answers yet.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

/// Takes the port of `address`; whoever connects waits until somebody answers. Call it within a tokio runtime.
///
/// # Errors
/// [`ServeError`] when the address can't be had.
pub async fn listen(address: SocketAddr) -> Result<Listener, ServeError> {
    let fault = |source: std::io::Error| match source.kind() {
        ErrorKind::AddrInUse => ServeError::InUse { address },
        _ => ServeError::Listen { address, source },
    };
    let listener = TcpListener::bind(address).await.map_err(fault)?;
    let address = listener.local_addr().map_err(fault)?;
    Ok(Listener { listener, address })
}

/// Serves JSON-RPC at `address` until the handle is dropped. Call it within a tokio runtime.
///
/// # Errors
/// [`ServeError`] when the server can't listen on the address.
pub async fn serve(
    node: Node,
    address: SocketAddr,
    options: Options,
) -> Result<Handle, ServeError> {
    Ok(serve_at(listen(address).await?, node, options))
}

/// Answers JSON-RPC at a port that is taken until the handle goes. Call it within a tokio runtime.
#[must_use]
pub fn serve_at(listener: Listener, node: Node, options: Options) -> Handle {
    let Listener { listener, address } = listener;
    let (stopper, stop) = stop::channel();
    let size = |size: u32| usize::try_from(size).unwrap_or(usize::MAX);
    let bounds = Bounds {
        connections_max: size(options.connections_max),
        connections_per_client_max: size(options.connections_per_client_max),
        head_patience: options.head_patience,
        request_patience: options.request_patience,
    };
    let transports = Transports {
        dispatcher: Arc::new(Dispatcher::new(node, &options)),
        bounds: socket::Bounds {
            request_size_max: size(options.request_size_max),
            unread_max: size(options.unread_max),
            unread_size_max: size(options.response_size_max),
            subscriptions_max: size(options.subscriptions_max),
            subscriptions_room: Arc::new(Semaphore::new(SUBSCRIPTIONS_MAX)),
        },
        stop: stop.clone(),
    };
    let service = tower::ServiceBuilder::new()
        .layer(origins::cors(&options.origins))
        .layer(ValidateRequestHeaderLayer::custom(Guard(options.origins)))
        .layer(PagesLayer(options.pages))
        .service(transports);
    tokio::spawn(connections::accept(listener, bounds, stop, move || service.clone()));
    tracing::info!(%address, "serving JSON-RPC");
    Handle { address, stopper }
}
