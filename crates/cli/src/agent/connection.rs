//! A connection of somebody who asks the agent: it ends at a time, however slowly the other side goes on.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use sensors::Milliseconds;

/// A stream whose reads and writes can be bounded in time.
pub(super) trait Bounded {
    /// Bounds each read.
    fn read_within(&self, time: Duration) -> io::Result<()>;

    /// Bounds each write.
    fn write_within(&self, time: Duration) -> io::Result<()>;
}

impl Bounded for TcpStream {
    fn read_within(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))
    }

    fn write_within(&self, time: Duration) -> io::Result<()> {
        self.set_write_timeout(Some(time))
    }
}

impl Bounded for UnixStream {
    fn read_within(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))
    }

    fn write_within(&self, time: Duration) -> io::Result<()> {
        self.set_write_timeout(Some(time))
    }
}

/// A stream, and when its connection ends.
pub(super) struct Connection<'a, S> {
    stream: &'a S,
    until: Milliseconds,
}

impl<'a, S> Connection<'a, S> {
    /// Begins a connection that lasts so many milliseconds.
    pub(super) fn new(stream: &'a S, life_ms: u64) -> Self {
        let until = Milliseconds(sensors::now().0.saturating_add(life_ms));
        Self { stream, until }
    }

    /// Returns the time that is left.
    fn left(&self) -> io::Result<Duration> {
        match self.until.since(sensors::now()) {
            0 => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(Duration::from_millis(left)),
        }
    }
}

impl<'a, S: Bounded> Read for &Connection<'a, S>
where
    &'a S: Read,
{
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.read_within(self.left()?)?;
        let mut stream = self.stream;
        stream.read(bytes)
    }
}

impl<'a, S: Bounded> Write for &Connection<'a, S>
where
    &'a S: Write,
{
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write_within(self.left()?)?;
        let mut stream = self.stream;
        stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
