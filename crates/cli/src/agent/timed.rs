//! A connection that ends at a time, however slowly the other side goes on.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use sensors::Milliseconds;

/// A stream whose calls can be bounded in time.
pub(super) trait Stream {
    /// Bounds each call from now on.
    fn bound(&self, left: Duration) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn bound(&self, left: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(left))?;
        self.set_write_timeout(Some(left))
    }
}

impl Stream for UnixStream {
    fn bound(&self, left: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(left))?;
        self.set_write_timeout(Some(left))
    }
}

/// Such a connection.
pub(super) struct Connection<'a, S> {
    stream: &'a S,
    until: Milliseconds,
}

impl<'a, S: Stream> Connection<'a, S> {
    /// Ends `stream` after a time.
    pub(super) fn new(stream: &'a S, life_ms: u64) -> Self {
        let until = Milliseconds(sensors::now().0.saturating_add(life_ms));
        Self { stream, until }
    }

    /// Bounds the next call by the time that is left.
    fn bound(&self) -> io::Result<()> {
        match self.until.since(sensors::now()) {
            0 => Err(io::ErrorKind::TimedOut.into()),
            left => self.stream.bound(Duration::from_millis(left)),
        }
    }
}

impl<'a, S: Stream> Read for &Connection<'a, S>
where
    &'a S: Read,
{
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.bound()?;
        let mut stream = self.stream;
        stream.read(bytes)
    }
}

impl<'a, S: Stream> Write for &Connection<'a, S>
where
    &'a S: Write,
{
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bound()?;
        let mut stream = self.stream;
        stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
