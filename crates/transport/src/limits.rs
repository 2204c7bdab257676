use std::time::Duration;

/// Time limits for peers, and the memory kept for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A connection on which nothing arrives for this long is closed. Both sides send a keep-alive packet three
    /// times as often.
    pub idle: Duration,
    /// Time limit of a peer for each answer: to establish a connection, to open a stream, to begin a blob, to read
    /// the last messages.
    pub answer: Duration,
    /// Largest number of bytes published at one time.
    pub published_size_max: u64,
    /// Largest number of connections of one key. A device needs three, and three more while it comes back before the
    /// old ones have timed out.
    pub connections_per_key_max: usize,
    /// Largest number of connections whose handshake is not finished.
    pub handshakes_max: usize,
    /// Largest number of connections of devices that are not admitted.
    pub strangers_max: usize,
    /// Largest number of those from one IPv4 address or IPv6 prefix of 64 bits; the same for unfinished handshakes.
    pub strangers_per_address_max: usize,
    /// How long a connection may stay without being admitted.
    pub stranger: Duration,
}

impl Limits {
    /// Limits for real networks: 15 s idle, 20 s for an answer, 4 GiB of blobs; 8 connections of a key, 768 of
    /// devices that are not admitted, 96 of those from one address, for a minute.
    pub const USUAL: Self = Self {
        idle: Duration::from_secs(15),
        answer: Duration::from_secs(20),
        published_size_max: 4 << 30,
        connections_per_key_max: 8,
        handshakes_max: 384,
        strangers_max: 768,
        strangers_per_address_max: 96,
        stranger: Duration::from_secs(60),
    };
}
