//! Minimal HTTP/1.1 over one persistent connection: a full client would use much of the measured machine's time.

use std::io;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Longest response body, in bytes.
const ANSWER_SIZE_MAX: usize = 64 << 20;
/// Longest response header, in bytes.
const HEAD_SIZE_MAX: usize = 16 << 10;
const HEAD_END: &[u8] = b"\r\n\r\n";

/// A connection that sends one request at a time.
pub(crate) struct Connection {
    stream: TcpStream,
    host: String,
    received: Vec<u8>,
}

impl Connection {
    /// Connects to `HOST:PORT`.
    pub(crate) async fn open(host: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, host: host.to_owned(), received: Vec::new() })
    }

    /// Posts a JSON text; returns the body of the response.
    pub(crate) async fn post(&mut self, body: &str) -> io::Result<Vec<u8>> {
        let (host, size) = (&self.host, body.len());
        let request = format!(
            "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n{body}"
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.received.clear();
        let head_size = loop {
            if let Some(at) = find(&self.received, HEAD_END) {
                break at + HEAD_END.len();
            }
            if self.received.len() > HEAD_SIZE_MAX {
                return Err(malformed("its header is too long"));
            }
            self.read_more().await?;
        };
        let size = body_size(&self.received[..head_size])?;
        while self.received.len() < head_size + size {
            self.read_more().await?;
        }
        Ok(self.received[head_size..head_size + size].to_vec())
    }

    async fn read_more(&mut self) -> io::Result<()> {
        let count = self.stream.read_buf(&mut self.received).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

/// Returns the content length in the header of a successful response.
fn body_size(head: &[u8]) -> io::Result<usize> {
    let head = str::from_utf8(head).map_err(|_| malformed("its header is not text"))?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(malformed(status));
    }
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    let size = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let size = size.and_then(|(_, size)| size.trim().parse().ok());
    size.filter(|size| *size <= ANSWER_SIZE_MAX)
        .ok_or_else(|| malformed("its content-length is missing or too large"))
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the node's response can't be read: {what}"))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_good_head_has_a_size() {
        let size = |head: &str| body_size(head.as_bytes()).ok();
        assert_eq!(size("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"), Some(12));
        assert_eq!(size("HTTP/1.1 403 Forbidden\r\ncontent-length: 12\r\n\r\n"), None);
        assert_eq!(size("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), None);
        assert_eq!(size("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"), None);
        assert_eq!(size(""), None);
    }

    #[tokio::test]
    async fn an_answer_in_pieces_is_read_whole() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for body in ["first", "the second"] {
                let mut request = [0; 1024];
                let size = stream.read(&mut request).await.unwrap();
                assert!(str::from_utf8(&request[..size]).unwrap().ends_with("\r\n\r\n{}"));
                let answer =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                for piece in answer.as_bytes().chunks(7) {
                    stream.write_all(piece).await.unwrap();
                    stream.flush().await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        let mut connection = Connection::open(&host).await.unwrap();
        assert_eq!(connection.post("{}").await.unwrap(), b"first");
        assert_eq!(connection.post("{}").await.unwrap(), b"the second");
        server.await.unwrap();
        let ended = connection.post("{}").await.unwrap_err();
        assert!(matches!(
            ended.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe
        ));
    }
}
