use super::*;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// Where the requests of a client go: host and port, request target, `Host`, credentials for the node and for the proxy.
fn route(url: &str, matcher: &Matcher) -> Option<[String; 5]> {
    let http = Http::through(&url.parse().unwrap(), matcher)?;
    let text = |value: &Option<HeaderValue>| {
        value.as_ref().map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    };
    Some([
        format!("{} {}", http.host, http.port),
        http.target.to_string(),
        http.host_header.to_str().unwrap().to_owned(),
        text(&http.authorization),
        text(&http.proxy_authorization),
    ])
}

#[test]
fn requests_go_to_the_node_or_through_the_proxy() {
    let direct = Matcher::builder().build();
    let proxied = Matcher::builder().http("http://me:secret@proxy:3128").no("near.example").build();
    let check = |matcher: &Matcher, url: &str, expected: [&str; 5]| {
        assert_eq!(route(url, matcher).unwrap(), expected, "{url}");
    };
    check(&direct, "http://node:8545", ["node 8545", "/", "node:8545", "", ""]);
    check(&direct, "http://node", ["node 80", "/", "node", "", ""]);
    check(&direct, "http://[::1]:8545/a?b=c", ["::1 8545", "/a?b=c", "[::1]:8545", "", ""]);
    // "user:p@ss" and "user:" in base64.
    check(
        &direct,
        "http://user:p%40ss@node:1",
        ["node 1", "/", "node:1", "Basic dXNlcjpwQHNz", ""],
    );
    check(&direct, "http://user@node:1", ["node 1", "/", "node:1", "Basic dXNlcjo=", ""]);
    // "me:secret" in base64.
    let secret = "Basic bWU6c2VjcmV0";
    check(
        &proxied,
        "http://node:8545/a",
        ["proxy 3128", "http://node:8545/a", "node:8545", "", secret],
    );
    check(&proxied, "http://near.example:1", ["near.example 1", "/", "near.example:1", "", ""]);
    check(&direct, "https://node/a", ["node 443", "/a", "node", "", ""]);
    check(&direct, "https://[::1]:8443", ["::1 8443", "/", "[::1]:8443", "", ""]);
    for wrong in ["ftp://node", "node", "https://", "wss://node"] {
        assert!(
            wrong.parse().is_ok_and(|uri| Http::through(&uri, &direct).is_none())
                || wrong.parse::<Uri>().is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn a_node_on_this_machine_needs_no_proxy() {
    for host in ["localhost", "127.0.0.1", "127.8.0.1", "[::1]"] {
        assert!(is_loopback(host), "{host}");
    }
    for host in ["localhost.example", "10.0.0.1", "[::2]", ""] {
        assert!(!is_loopback(host), "{host}");
    }
}

#[tokio::test]
async fn a_proxy_of_another_kind_is_refused() {
    let matcher = Matcher::builder().http("socks5://proxy:1080").build();
    let http = Http::through(&"http://node:1".parse().unwrap(), &matcher).unwrap();
    let error = http.post(Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains("socks5://proxy:1080"), "{error}");
}

/// Reads one request and returns its head and body.
async fn request(stream: &mut TcpStream) -> (String, String) {
    let mut text = String::new();
    loop {
        let mut chunk = [0; 1024];
        let count = stream.read(&mut chunk).await.unwrap();
        assert!(0 < count, "the client hung up after {text:?}");
        text.push_str(std::str::from_utf8(&chunk[..count]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        if body.len() == length {
            return (head.to_owned(), body.to_owned());
        }
    }
}

async fn answer(stream: &mut TcpStream, body: &str) {
    let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(text.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_connection_is_used_again_and_replaced_when_it_was_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = Http::new(&format!("http://{}/path", listener.local_addr().unwrap())).unwrap();
    let serving = async {
        let (mut first, _) = listener.accept().await.unwrap();
        let (head, body) = request(&mut first).await;
        assert!(head.starts_with("POST /path HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("content-type: application/json"), "{head}");
        assert_eq!(body, "one");
        answer(&mut first, "1").await;
        assert_eq!(request(&mut first).await.1, "two");
        answer(&mut first, "2").await;
        // It takes the third request and hangs up: the request comes again, on a new connection.
        assert_eq!(request(&mut first).await.1, "three");
        drop(first);
        let (mut second, _) = listener.accept().await.unwrap();
        assert_eq!(request(&mut second).await.1, "three");
        answer(&mut second, "3").await;
        // A new connection that is lost is an error.
        assert_eq!(request(&mut second).await.1, "four");
        drop(second);
        let (mut third, _) = listener.accept().await.unwrap();
        assert_eq!(request(&mut third).await.1, "four");
    };
    let asking = async {
        for (body, expected) in [("one", "1"), ("two", "2"), ("three", "3")] {
            let (status, answer) = http.post(body.into()).await.unwrap();
            assert_eq!((status.as_u16(), &answer[..]), (200, expected.as_bytes()));
        }
        http.post("four".into()).await.unwrap_err()
    };
    let ((), error) = tokio::join!(serving, asking);
    assert!(matches!(error, HttpError::Lost(_)), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read_to_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = Http::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let serving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", ANSWER_SIZE_MAX + 1);
        stream.write_all(head.as_bytes()).await.unwrap();
        let piece = vec![b' '; 1 << 20];
        while stream.write_all(&piece).await.is_ok() {}
    };
    let (error, ()) = tokio::join!(async { http.post("one".into()).await.unwrap_err() }, serving);
    assert!(matches!(error, HttpError::TooLong), "{error:?}");
}

/// A server with the certificate in `testdata`, which answers one request with `answered`.
async fn tls_server() -> std::net::SocketAddr {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let certificate = CertificateDer::from(include_bytes!("../../testdata/localhost.der").to_vec());
    let key = include_bytes!("../../testdata/localhost.key.der").to_vec();
    let key = PrivateKeyDer::try_from(key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut chunk = [0; 4096];
            let mut text = String::new();
            while !text.contains("\r\n\r\nasked") {
                let count = stream.read(&mut chunk).await.unwrap();
                text.push_str(std::str::from_utf8(&chunk[..count]).unwrap());
            }
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nanswered";
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

/// A client that trusts only the certificate in `testdata`.
fn trusting(host: &str, port: u16) -> Http {
    let direct = Matcher::builder().build();
    let mut http =
        Http::through(&format!("https://{host}:{port}").parse().unwrap(), &direct).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    let certificate = include_bytes!("../../testdata/localhost.der").to_vec();
    roots.add(certificate.into()).unwrap();
    let config = versions().with_root_certificates(roots).with_no_client_auth();
    http.tls = Tls::new(host, config);
    http
}

#[tokio::test]
async fn a_node_behind_tls_is_asked() {
    let port = tls_server().await.port();
    let (status, body) = trusting("localhost", port).post(b"asked".to_vec()).await.unwrap();
    assert_eq!((status, &body[..]), (StatusCode::OK, &b"answered"[..]));
    // The certificate is for another name.
    let error = trusting("127.0.0.1", port).post(b"asked".to_vec()).await.unwrap_err();
    assert!(matches!(error, HttpError::Tls { .. }), "{error}");
    // Nobody whom this system trusts has signed it.
    let http = Http::new(&format!("https://localhost:{port}")).unwrap();
    let error = http.post(b"asked".to_vec()).await.unwrap_err();
    assert!(error.to_string().contains("does not prove with a certificate"), "{error}");
}

#[tokio::test]
async fn tls_goes_through_no_proxy() {
    let matcher = Matcher::builder().https("http://proxy:1080").build();
    let http = Http::through(&"https://node:1".parse().unwrap(), &matcher).unwrap();
    let error = http.post(Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains("NO_PROXY"), "{error}");
}
