use std::time::Duration;

/// How long to wait for a peer, and how much to keep for peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A connection from which nothing was heard for this long is over. Both sides send a sign of life three times as often.
    pub idle: Duration,
    /// A peer gets this long to answer: to finish a dial, to open a stream, to begin a blob, to take the last messages.
    pub answer: Duration,
    /// Most bytes published at one time.
    pub published_size_max: u64,
}

impl Limits {
    /// For real networks: 15 s of silence, 20 s for an answer, 4 GiB of blobs.
    pub const USUAL: Self = Self {
        idle: Duration::from_secs(15),
        answer: Duration::from_secs(20),
        published_size_max: 4 << 30,
    };
}
