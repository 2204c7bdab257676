//! The listening side.

use crate::{
    connections::{self, Bounds},
    context::Context,
    filters::HexIds,
    methods,
    origins::{self, Guard, Origins},
    pages::{Pages, PagesLayer},
    transports::{self, ByTransport},
};

use alloy_signer_local::PrivateKeySigner;
use jsonrpsee::server::{
    BatchRequestConfig, Methods, PingConfig, Server, ServerConfig, ServerHandle, stop_channel,
};
use node::Node;
use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tower_http::validate_request::ValidateRequestHeaderLayer;

/// What the node calls itself. Suites look for a name before they use what the node of that name has, and we have, too; where anvil and
/// hardhat differ, a node for development is like the one whose name it bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientVersion {
    /// What it is.
    Gleaner,
    /// As foundry's.
    Anvil,
    /// As hardhat's.
    Hardhat,
}

impl ClientVersion {
    /// The answer to `web3_clientVersion`.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Gleaner => concat!("gleaner/v", env!("CARGO_PKG_VERSION"), "/rust"),
            Self::Anvil => concat!("anvil/gleaner-v", env!("CARGO_PKG_VERSION"), "/rust"),
            Self::Hardhat => {
                concat!("HardhatNetwork/gleaner-v", env!("CARGO_PKG_VERSION"), "/rust")
            }
        }
    }
}

/// How long [`Handle::stop`] waits for requests in work.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Bounds of the server, and what it serves.
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
    /// How long a connection may take for the head of a request, or stay silent between two.
    pub head_patience: Duration,
    /// How long a request may take from its head to its answer.
    pub request_patience: Duration,
    /// Most subscriptions of one connection.
    pub subscriptions_max: u32,
    /// Most messages that wait for one connection to read them.
    pub unread_max: u32,
    /// Web pages that may call.
    pub origins: Origins,
    /// What is answered to GET, if anything.
    pub pages: Option<Pages>,
    /// What the node calls itself.
    pub client_version: ClientVersion,
    /// Accounts that the node signs for when its ledger is for development; otherwise it signs for nobody.
    pub accounts: Vec<PrivateKeySigner>,
}

impl Options {
    /// 2 MiB in (a transaction has at most 128 KiB), 32 MiB out, 100 a batch, 256 connections with 64 subscriptions and 1024 unread messages
    /// each, 30 s of silence, 60 s a request; no web pages.
    pub const STANDARD: Self = Self {
        request_size_max: 2 << 20,
        response_size_max: 32 << 20,
        batch_max: 100,
        connections_max: 256,
        head_patience: Duration::from_secs(30),
        request_patience: Duration::from_secs(60),
        subscriptions_max: 64,
        unread_max: 1_024,
        origins: Origins::Own,
        pages: None,
        client_version: ClientVersion::Gleaner,
        accounts: Vec::new(),
    };
}

/// Why nothing listens.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another program, or another node, has the port.
    #[error("{address} is in use: stop the other program, or choose another port")]
    InUse {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The system does not let us.
    #[error("cannot listen on {address}: choose an address of this machine and a port above 1023")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
}

/// A server at work. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    server: ServerHandle,
}

impl Handle {
    /// Where it listens, with the port the system chose if port 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Listens no more, finishes the requests in work (for at most 5 s), and lets go of the node.
    pub async fn stop(self) {
        if self.server.stop().is_err() {
            return;
        }
        if tokio::time::timeout(STOP_PATIENCE, self.server.stopped()).await.is_err() {
            tracing::warn!("a request is still in work: the server stops without it");
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

/// Answers JSON-RPC at `address` until the handle goes. Call it within a tokio runtime.
///
/// # Errors
/// [`ServeError`] when the address can't be had.
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
    let config = ServerConfig::builder()
        .max_request_body_size(options.request_size_max)
        .max_response_body_size(options.response_size_max)
        .max_connections(options.connections_max)
        .set_batch_request_config(BatchRequestConfig::Limit(options.batch_max))
        .max_subscriptions_per_connection(options.subscriptions_max)
        .set_message_buffer_capacity(options.unread_max)
        .enable_ws_ping(PingConfig::new())
        .set_id_provider(HexIds)
        .set_tcp_no_delay(true)
        .build();
    let service = Server::builder()
        .set_config(config)
        .set_http_middleware(
            tower::ServiceBuilder::new()
                .layer(origins::cors(&options.origins))
                .layer(ValidateRequestHeaderLayer::custom(Guard(options.origins)))
                .layer(PagesLayer(options.pages)),
        )
        .to_service_builder();
    let (stop, server) = stop_channel();
    let context = Arc::new(Context::new(node, options.client_version, options.accounts));
    let handle = stop.clone();
    let (mut http, mut socket) = (methods::module(&context), methods::module(&context));
    transports::refuse_subscriptions(&mut http);
    transports::add_subscriptions(&mut socket);
    let (http, socket) = (Methods::from(http), Methods::from(socket));
    let bounds = Bounds {
        connections_max: usize::try_from(options.connections_max).unwrap_or(usize::MAX),
        head_patience: options.head_patience,
        request_patience: options.request_patience,
    };
    let made = move || ByTransport {
        http: service.clone().build(http.clone(), handle.clone()),
        socket: service.clone().build(socket.clone(), handle.clone()),
    };
    tokio::spawn(connections::accept(listener, bounds, stop, made));
    tracing::info!(%address, "serving JSON-RPC");
    Handle { address, server }
}
