//! Pages for browsers, on the same address as JSON-RPC: they answer every GET and HEAD request.

use crate::http::{HttpBody, HttpRequest, HttpResponse};
use hyper::Method;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tower::{Layer, Service};

/// An HTML page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// HTTP status.
    pub status: u16,
    /// The address to which the browser is redirected.
    pub location: Option<String>,
    /// HTML, without scripts and without content from other servers.
    pub body: String,
}

/// Builds the page for a path and query. It runs on a thread that may block.
#[derive(Clone)]
pub struct Pages(Arc<dyn Fn(&str) -> Page + Send + Sync>);

impl Pages {
    /// Returns the pages that `make` builds.
    pub fn new(make: impl Fn(&str) -> Page + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Pages")
    }
}

/// Adds pages, if there are any, to a service.
#[derive(Clone, Debug)]
pub(crate) struct PagesLayer(pub(crate) Option<Pages>);

impl<S> Layer<S> for PagesLayer {
    type Service = WithPages<S>;

    fn layer(&self, inner: S) -> WithPages<S> {
        WithPages { inner, pages: self.0.clone() }
    }
}

/// A service with pages.
#[derive(Clone, Debug)]
pub(crate) struct WithPages<S> {
    inner: S,
    pages: Option<Pages>,
}

type Answering<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl<S, B> Service<HttpRequest<B>> for WithPages<S>
where
    S: Service<HttpRequest<B>, Response = HttpResponse>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = HttpResponse;
    type Error = S::Error;
    type Future = Answering<HttpResponse, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest<B>) -> Self::Future {
        let is_page = matches!(request.method(), &Method::GET | &Method::HEAD)
            && !request.headers().contains_key("upgrade");
        let Some(pages) = self.pages.clone().filter(|_| is_page) else {
            return Box::pin(self.inner.call(request));
        };
        let uri = request.uri();
        let path = uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        Box::pin(async move {
            let made = tokio::task::spawn_blocking(move || (pages.0)(&path)).await;
            let made = made.unwrap_or_else(|_| Page {
                status: 500,
                location: None,
                body: "building the page failed: see the node's log".to_owned(),
            });
            Ok(response(made))
        })
    }
}

/// The headers of every page.
const HEADERS: [(&str, &str); 4] = [
    ("content-type", "text/html; charset=utf-8"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
];

fn response(page: Page) -> HttpResponse {
    let mut response = HttpResponse::new(HttpBody::from(page.body));
    if let Ok(status) = page.status.try_into() {
        *response.status_mut() = status;
    }
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, value.parse().expect("a header"));
    }
    if let Some(Ok(location)) = page.location.map(|location| location.parse()) {
        response.headers_mut().insert("location", location);
    }
    response
}
