//! The limits on connections: they keep slow or numerous clients from using up the server.
//!
//! A connection counts from its acceptance to its end. A connection above the maximum, or above the share of one
//! client, is answered 503 and closed. A client is an IPv4 address, or the first 64 bits of an IPv6 address. A client that does not send a complete request head in time is disconnected, also between two requests; a request
//! that takes too long, its body included, is answered 408.

use crate::{
    http::{HttpBody, HttpRequest, HttpResponse},
    stop::Stop,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::Future,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tower::Service;

/// Largest head of a request, in bytes.
const HEAD_SIZE_MAX: usize = 64 << 10;
/// Pause after the system has refused to accept a connection.
const PAUSE: Duration = Duration::from_millis(50);
/// The answer to a connection above the maximum.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 31\r\nconnection: close\r\n\r\ntoo many connections: try later";

/// Limits on connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) connections_max: usize,
    pub(crate) connections_per_client_max: usize,
    /// The time for the head of a request, from the end of the request before.
    pub(crate) head_patience: Duration,
    /// The time for a request, from its head to its answer.
    pub(crate) request_patience: Duration,
}

/// The address of the client that sent a request; each request has it among its extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// A service that answers HTTP requests.
pub(crate) trait Answers:
    Service<HttpRequest, Response = HttpResponse, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static
{
}

impl<S> Answers for S where
    S: Service<HttpRequest, Response = HttpResponse, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// Accepts connections until the server stops; each gets its own service.
pub(crate) async fn accept<S: Answers>(
    listener: TcpListener,
    bounds: Bounds,
    stop: Stop,
    service: impl Fn() -> S,
) {
    let room = Arc::new(Room::default());
    let stopped = stop.clone().stopped();
    tokio::pin!(stopped);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopped => return,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Some(place) = room.enter(network(from), &bounds) else {
            // Writes what the system accepts at once: the server does not wait for this client.
            let _ = stream.try_write(BUSY);
            continue;
        };
        // Small answers are sent at once. If the option can't be set, answers are slower, but correct.
        let _ = stream.set_nodelay(true);
        let stream = Counted { stream, _place: place };
        let (peer, patience) = (Peer(from.ip().to_canonical()), bounds.request_patience);
        let service = TimeLimited { inner: service(), patience, peer };
        tokio::spawn(serve(stream, bounds, stop.clone(), service));
    }
}

async fn serve<S: Answers>(stream: Counted, bounds: Bounds, stop: Stop, service: TimeLimited<S>) {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head_patience)
        .max_buf_size(HEAD_SIZE_MAX);
    let service = TowerToHyperService::new(service);
    let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let stopped = stop.clone().stopped();
    tokio::pin!(connection, stopped);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = &mut stopped => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// The service of one connection, with a time limit: a request that exceeds it is answered 408.
#[derive(Clone)]
struct TimeLimited<S> {
    inner: S,
    patience: Duration,
    peer: Peer,
}

impl<S: Answers> Service<HttpRequest> for TimeLimited<S> {
    type Response = HttpResponse;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: HttpRequest) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        let answer = tokio::time::timeout(self.patience, self.inner.call(request));
        Box::pin(async { answer.await.unwrap_or_else(|_| Ok(too_slow())) })
    }
}

fn too_slow() -> HttpResponse {
    let mut response = HttpResponse::new(HttpBody::from("the request took too long"));
    *response.status_mut() = hyper::StatusCode::REQUEST_TIMEOUT;
    // The unread rest of the body would be parsed as the next request.
    response.headers_mut().insert("connection", hyper::header::HeaderValue::from_static("close"));
    response
}

/// A stream that counts as a connection until it is dropped, also after the upgrade to WebSocket.
struct Counted {
    stream: TcpStream,
    _place: Place,
}

/// The network of a client: a machine with IPv6 usually has 64 bits of addresses.
fn network(client: SocketAddr) -> IpAddr {
    match client.ip().to_canonical() {
        IpAddr::V6(ip) => {
            let [first, second, third, fourth, ..] = ip.segments();
            Ipv6Addr::new(first, second, third, fourth, 0, 0, 0, 0).into()
        }
        four => four,
    }
}

/// The open connections of each client.
#[derive(Default)]
struct Room {
    open: Mutex<BTreeMap<IpAddr, usize>>,
}

/// A connection's place, free again when this is dropped.
struct Place {
    room: Arc<Room>,
    client: IpAddr,
}

impl Room {
    /// Returns a place; `None` when all are taken, or all of this client's.
    fn enter(self: &Arc<Self>, client: IpAddr, bounds: &Bounds) -> Option<Place> {
        let mut open = self.lock();
        let all: usize = open.values().sum();
        let own = open.get(&client).copied().unwrap_or_default();
        if bounds.connections_max <= all || bounds.connections_per_client_max <= own {
            return None;
        }
        open.insert(client, own + 1);
        Some(Place { room: Arc::clone(self), client })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.room.lock();
        match open.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.client)),
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
