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
}

impl Limits {
    /// Limits for real networks: 15 s idle, 20 s for an answer, 4 GiB of blobs.
    pub const USUAL: Self = Self {
        idle: Duration::from_secs(15),
        answer: Duration::from_secs(20),
        published_size_max: 4 << 30,
    };
}
