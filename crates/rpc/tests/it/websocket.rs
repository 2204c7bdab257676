//! A WebSocket client (RFC 6455) that sends frames as a browser does.

use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Socket {
    stream: TcpStream,
    next_id: u64,
    /// Notifications that came before an awaited answer.
    early: Vec<Value>,
}

/// Returns the number of the status line, and the socket if it is 101.
pub(crate) async fn open(address: SocketAddr, headers: &str) -> (u16, Option<Socket>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let socket = Socket { stream, next_id: 0, early: Vec::new() };
    (status, (status == 101).then_some(socket))
}

impl Socket {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        open(address, "").await.1.expect("an upgrade")
    }

    /// Sends a request; returns its answer.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let request =
            json!({ "jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params });
        self.send(request.to_string().as_bytes()).await;
        loop {
            let message = self.read().await.expect("an answer");
            if message["id"] == self.next_id {
                return message;
            }
            self.early.push(message);
        }
    }

    /// Returns the result in the next notification for `subscription`.
    pub(crate) async fn next_notification(&mut self, subscription: &Value) -> Value {
        let message = match self.early.is_empty() {
            true => self.read().await.expect("a notification"),
            false => self.early.remove(0),
        };
        assert_eq!(message["method"], "eth_subscription", "{message}");
        assert_eq!(message["params"]["subscription"], *subscription, "{message}");
        message["params"]["result"].clone()
    }

    /// Sends a text frame, masked with zeros.
    pub(crate) async fn send(&mut self, text: &[u8]) {
        let mut frame = vec![0x81];
        match (u8::try_from(text.len()), u16::try_from(text.len())) {
            (Ok(short @ 0..126), _) => frame.push(0x80 | short),
            (_, Ok(long)) => {
                frame.push(0x80 | 126);
                frame.extend(long.to_be_bytes());
            }
            (_, Err(_)) => {
                frame.push(0x80 | 127);
                frame.extend(u64::try_from(text.len()).unwrap().to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text);
        self.stream.write_all(&frame).await.unwrap();
    }

    /// Returns the next text; `None` when the server closes. Pings are skipped.
    pub(crate) async fn read(&mut self) -> Option<Value> {
        loop {
            let kind = timeout(PATIENCE, self.stream.read_u8()).await.expect("a word").ok()? & 15;
            let length = match self.stream.read_u8().await.ok()? {
                126 => usize::from(self.stream.read_u16().await.ok()?),
                127 => usize::try_from(self.stream.read_u64().await.ok()?).unwrap(),
                short => usize::from(short),
            };
            let mut payload = vec![0; length];
            self.stream.read_exact(&mut payload).await.ok()?;
            match kind {
                1 => return Some(serde_json::from_slice(&payload).unwrap()),
                8 => return None,
                _ => {}
            }
        }
    }
}
