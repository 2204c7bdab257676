//! An HTTP client that can send malformed requests.

use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

pub(crate) struct Response {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(crate) async fn post(address: SocketAddr, body: &str) -> Response {
    post_bytes(address, body.as_bytes()).await
}

pub(crate) async fn post_bytes(address: SocketAddr, body: &[u8]) -> Response {
    let size = body.len();
    let head = format!("Content-Type: application/json\r\nContent-Length: {size}\r\n");
    request(address, "POST", &head, body).await
}

/// Sends a request with additional headers; returns the answer.
pub(crate) async fn request(
    address: SocketAddr,
    method: &str,
    head: &str,
    body: &[u8],
) -> Response {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{method} / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{head}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server that refuses the size may close the connection before it has read everything.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).map_or(0, |status| status.parse().unwrap());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    Response { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// Posts over an open connection, reads the answer and returns its status.
pub(crate) async fn exchange(
    stream: &mut BufReader<TcpStream>,
    address: SocketAddr,
    body: &str,
) -> u16 {
    let size = body.len();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut status, mut size, mut line) = (0, 0, String::new());
    while line != "\r\n" {
        line.clear();
        assert!(stream.read_line(&mut line).await.unwrap() > 0, "an answer to {body}");
        if line.starts_with("HTTP/") {
            status = line.split(' ').nth(1).unwrap().parse().unwrap();
        }
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            size = text.trim().parse().unwrap();
        }
    }
    stream.read_exact(&mut vec![0; size]).await.unwrap();
    status
}

/// Calls one method; returns the whole answer.
pub(crate) async fn call(address: SocketAddr, method: &str, params: Value) -> Value {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    post(address, &request.to_string()).await.json()
}

/// Calls one method that must succeed; returns its result.
pub(crate) async fn ask(address: SocketAddr, method: &str, params: Value) -> Value {
    let mut answer = call(address, method, params.clone()).await;
    assert_eq!(answer.get("error"), None, "{method} {params}");
    answer["result"].take()
}

/// Calls one method that must fail with `code`; returns its message.
pub(crate) async fn fail(address: SocketAddr, method: &str, params: Value, code: i64) -> String {
    let answer = call(address, method, params.clone()).await;
    assert_eq!(answer["error"]["code"], code, "{method} {params}: {answer}");
    answer["error"]["message"].as_str().unwrap().to_owned()
}
