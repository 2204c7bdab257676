//! `POST` requests to one address over HTTP/1.1, plain or within TLS, on connections that are kept open.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::Engine as _;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    client::conn::http1::{SendRequest, handshake},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT},
};
use hyper_util::{client::proxy::matcher::Matcher, rt::TokioIo};
use rustls::{ClientConfig, ConfigBuilder, WantsVerifier, pki_types::ServerName};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// Longest answer that is read, in bytes.
const ANSWER_SIZE_MAX: usize = 64 << 20;
/// How long to wait for a connection to one of the host's addresses before the next one is tried.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Connections kept open while nobody needs them.
const IDLE_MAX: usize = 8;
/// Ports of URLs that name none.
const PORT: u16 = 80;
const TLS_PORT: u16 = 443;

type Connection = SendRequest<Full<Bytes>>;

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("host name {host} was not found")]
    Lookup { host: String, source: std::io::Error },
    #[error("can't connect to {host} port {port}")]
    Connect { host: String, port: u16, source: std::io::Error },
    #[error(
        "the proxy {0} can't be used: only http:// nodes are reached through a proxy, and only through an http:// one; change HTTP_PROXY, or add the node to NO_PROXY"
    )]
    Proxy(Uri),
    #[error("{host} port {port} does not prove with a certificate that it is {host}")]
    Tls { host: String, port: u16, source: std::io::Error },
    #[error("connection was lost")]
    Lost(#[from] hyper::Error),
    #[error("the answer did not arrive as a whole")]
    Torn(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the answer is longer than {ANSWER_SIZE_MAX} bytes: ask for less at a time")]
    TooLong,
}

/// Why a document did not reach an address.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PostError(String);

/// Sends a JSON document to `url` (`http://` or `https://`), and returns the status of the answer, whose body is not read. For those who tell somebody
/// else than a node, by the same certificates and proxies.
///
/// # Errors
/// When there is no answer `within` a time.
pub async fn post(url: &str, document: Vec<u8>, within: Duration) -> Result<u16, PostError> {
    let Some(http) = Http::new(url) else {
        // The address may hold a key.
        return Err(PostError("it is no http:// or https:// address with a host".to_owned()));
    };
    if let Some(proxy) = &http.unusable_proxy {
        return Err(PostError(HttpError::Proxy(proxy.clone()).to_string()));
    }
    let sending = async {
        let mut connection = http.connect().await?;
        Ok::<_, HttpError>(http.send(&mut connection, Bytes::from(document)).await?.status())
    };
    match timeout(within, sending).await {
        Ok(Ok(status)) => Ok(status.as_u16()),
        Ok(Err(error)) => Err(PostError(error.to_string())),
        Err(_) => Err(PostError(format!("no answer within {} ms", within.as_millis()))),
    }
}

/// The address that requests go to.
#[derive(Debug)]
pub(crate) struct Http {
    /// Where to connect: the node, or the proxy before it.
    host: String,
    port: u16,
    /// What stands in the request line: a path, or the whole URL for a proxy.
    target: Uri,
    host_header: HeaderValue,
    authorization: Option<HeaderValue>,
    proxy_authorization: Option<HeaderValue>,
    /// Set when the environment names a proxy that we can't speak to.
    unusable_proxy: Option<Uri>,
    tls: Option<Tls>,
    idle: Mutex<Vec<Connection>>,
}

/// How to speak TLS with the node.
struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Tls").field(&self.name).finish()
    }
}

impl Http {
    /// Returns the client for `url`, or `None` when that is not an `http://` or `https://` URL with a host.
    ///
    /// Requests go through the proxy of the environment (`HTTP_PROXY`), but never to a node on this machine: no proxy would find that.
    pub(crate) fn new(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let is_here = is_loopback(uri.host()?);
        let matcher = if is_here { Matcher::builder().build() } else { Matcher::from_env() };
        Self::through(&uri, &matcher)
    }

    fn through(uri: &Uri, matcher: &Matcher) -> Option<Self> {
        let host = uri.host().filter(|host| !host.is_empty())?;
        let (tls, usual_port) = match uri.scheme_str()? {
            "http" => (None, PORT),
            "https" => (Some(Tls::trusting_the_system(bare(host))?), TLS_PORT),
            _ => return None,
        };
        let has_tls = tls.is_some();
        let authority = match uri.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let http = Self {
            host: bare(host).to_owned(),
            port: uri.port_u16().unwrap_or(usual_port),
            target: path.parse().ok()?,
            host_header: authority.parse().ok()?,
            authorization: basic_authorization(uri),
            proxy_authorization: None,
            unusable_proxy: None,
            tls,
            idle: Mutex::default(),
        };
        let Some(proxy) = matcher.intercept(uri) else { return Some(http) };
        let proxy_uri = proxy.uri();
        let unusable =
            has_tls || proxy_uri.scheme_str() != Some("http") || proxy_uri.host().is_none();
        Some(Self {
            host: bare(proxy_uri.host().unwrap_or_default()).to_owned(),
            port: proxy_uri.port_u16().unwrap_or(PORT),
            target: format!("http://{authority}{path}").parse().ok()?,
            proxy_authorization: proxy.basic_auth().cloned(),
            unusable_proxy: unusable.then(|| proxy_uri.clone()),
            ..http
        })
    }

    /// Sends `body` and returns status and body of the answer.
    ///
    /// A connection that was kept open may have been closed at the other end meanwhile: then the same request is sent once more on a
    /// new one, so a request must be one that may arrive twice.
    pub(crate) async fn post(&self, body: Vec<u8>) -> Result<(StatusCode, Bytes), HttpError> {
        if let Some(proxy) = &self.unusable_proxy {
            return Err(HttpError::Proxy(proxy.clone()));
        }
        let body = Bytes::from(body);
        if let Some(mut connection) = self.take_idle()
            && let Ok(response) = self.send(&mut connection, body.clone()).await
        {
            return self.read(connection, response).await;
        }
        let mut connection = self.connect().await?;
        let response = self.send(&mut connection, body).await?;
        self.read(connection, response).await
    }

    async fn send(
        &self,
        connection: &mut Connection,
        body: Bytes,
    ) -> Result<Response<Incoming>, hyper::Error> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = hyper::Method::POST;
        *request.uri_mut() = self.target.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, self.host_header.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("gleaner"));
        let credentials = [
            (AUTHORIZATION, &self.authorization),
            (PROXY_AUTHORIZATION, &self.proxy_authorization),
        ];
        for (name, value) in credentials {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
        connection.ready().await?;
        connection.send_request(request).await
    }

    async fn read(
        &self,
        connection: Connection,
        response: Response<Incoming>,
    ) -> Result<(StatusCode, Bytes), HttpError> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_SIZE_MAX).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { HttpError::TooLong } else { HttpError::Torn(error) }
        })?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX && !connection.is_closed() {
            idle.push(connection);
        }
        Ok((head.status, body.to_bytes()))
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| !connection.is_closed());
        idle.pop()
    }

    async fn connect(&self) -> Result<Connection, HttpError> {
        let host = || self.host.clone();
        let addresses = lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(|source| HttpError::Lookup { host: host(), source })?;
        let mut last = std::io::Error::other("the name has no address");
        for address in addresses {
            let connecting = timeout(CONNECT_MAX, TcpStream::connect(address)).await;
            match connecting.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())) {
                Ok(stream) => return self.open(stream).await,
                Err(error) => last = error,
            }
        }
        Err(HttpError::Connect { host: host(), port: self.port, source: last })
    }
}

impl Http {
    async fn open(&self, stream: TcpStream) -> Result<Connection, HttpError> {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "requests to the node may be delayed");
        }
        let Some(Tls { connector, name }) = &self.tls else { return begin(stream).await };
        let securing = timeout(CONNECT_MAX, connector.connect(name.clone(), stream)).await;
        match securing.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())) {
            Ok(stream) => begin(stream).await,
            Err(source) => Err(HttpError::Tls { host: self.host.clone(), port: self.port, source }),
        }
    }
}

impl Tls {
    /// Trusts the certificates that the operating system trusts. `None` when `host` can't be in a certificate, or this
    /// system has no certificates.
    fn trusting_the_system(host: &str) -> Option<Self> {
        let versions = versions().with_platform_verifier();
        match versions {
            Ok(config) => Self::new(host, config.with_no_client_auth()),
            Err(error) => {
                tracing::error!(%error, "this system's certificates can't be used");
                None
            }
        }
    }

    fn new(host: &str, config: ClientConfig) -> Option<Self> {
        let name = ServerName::try_from(host.to_owned()).ok()?;
        Some(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }
}

fn versions() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    versions.expect("ring implements the usual versions of TLS")
}

async fn begin<S>(stream: S) -> Result<Connection, HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (connection, driver) = handshake(TokioIo::new(stream)).await?;
    // Ends when the connection is closed at either end. Requests report its errors.
    tokio::spawn(async move {
        if let Err(error) = driver.await {
            tracing::debug!(%error, "a connection to the node ended");
        }
    });
    Ok(connection)
}

fn is_loopback(host: &str) -> bool {
    let host = bare(host);
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Returns the host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.trim_matches(['[', ']'])
}

/// Returns the credentials of a URL of the form `http://USER:PASSWORD@HOST`.
fn basic_authorization(uri: &Uri) -> Option<HeaderValue> {
    let (credentials, _) = uri.authority()?.as_str().rsplit_once('@')?;
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let decode = |part| percent_encoding::percent_decode_str(part).collect::<Vec<u8>>();
    let decoded = [decode(user), decode(password)].join(&b':');
    let encoded = base64::engine::general_purpose::STANDARD.encode(decoded);
    let mut value = HeaderValue::try_from(format!("Basic {encoded}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests;
