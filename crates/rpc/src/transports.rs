//! Which methods a request finds: subscriptions need a WebSocket, and over HTTP that is said.

use crate::{context::Context as Served, subscriptions};
use hyper::body::Incoming;
use jsonrpsee::{
    RpcModule,
    server::{HttpRequest, ws},
    types::{ErrorObjectOwned, error::METHOD_NOT_FOUND_CODE},
};
use std::task::{Context, Poll};
use tower::Service;

/// In the place of subscriptions, for HTTP. Code and words are geth's.
pub(crate) fn refuse_subscriptions(methods: &mut RpcModule<Served>) {
    for name in [subscriptions::SUBSCRIBE, subscriptions::UNSUBSCRIBE] {
        methods
            .register_method(name, |_, _, _| {
                let message = "notifications not supported: connect over WebSocket";
                Err::<(), _>(ErrorObjectOwned::owned::<()>(METHOD_NOT_FOUND_CODE, message, None))
            })
            .expect("each name is added once");
    }
}

/// Subscriptions, for WebSocket.
pub(crate) fn add_subscriptions(methods: &mut RpcModule<Served>) {
    methods
        .register_subscription(
            subscriptions::SUBSCRIBE,
            subscriptions::NOTIFICATION,
            subscriptions::UNSUBSCRIBE,
            subscriptions::serve,
        )
        .expect("each name is added once");
}

/// One service for requests, another for what becomes a WebSocket.
#[derive(Clone)]
pub(crate) struct ByTransport<S> {
    pub(crate) http: S,
    pub(crate) socket: S,
}

impl<S: Service<HttpRequest<Incoming>>> Service<HttpRequest<Incoming>> for ByTransport<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        match self.http.poll_ready(context) {
            Poll::Ready(Ok(())) => self.socket.poll_ready(context),
            other => other,
        }
    }

    fn call(&mut self, request: HttpRequest<Incoming>) -> Self::Future {
        if ws::is_upgrade_request(&request) {
            self.socket.call(request)
        } else {
            self.http.call(request)
        }
    }
}
