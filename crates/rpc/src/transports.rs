//! Passes a request to its transport: HTTP or WebSocket.

use crate::{
    connections::Peer,
    dispatcher::{Desk, Dispatcher},
    http::{self, HttpRequest, HttpResponse},
    socket,
    stop::Stop,
};
use soketto::handshake::http::is_upgrade_request;
use std::{
    convert::Infallible,
    future::Future,
    net::Ipv4Addr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tower::Service;

/// JSON-RPC over all transports.
#[derive(Clone)]
pub(crate) struct Transports {
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) bounds: socket::Bounds,
    pub(crate) stop: Stop,
}

impl Service<HttpRequest> for Transports {
    type Response = HttpResponse;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest) -> Self::Future {
        let Self { dispatcher, bounds, stop } = self.clone();
        let peer = request.extensions().get().copied();
        let peer = peer.unwrap_or(Peer(Ipv4Addr::UNSPECIFIED.into()));
        let desk = Desk { dispatcher, peer };
        Box::pin(async move {
            Ok(match is_upgrade_request(&request) {
                true => socket::accept(desk, request, bounds, stop),
                false => http::answer(desk, request, bounds.request_size_max).await,
            })
        })
    }
}
