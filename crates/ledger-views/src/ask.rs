use std::{
    ops::RangeInclusive,
    pin::pin,
    task::{Context, Poll, Waker},
};

use alloy_primitives::{Address, B256, Bytes, Log, U256};
use units::{Digest, UnixSeconds};

/// A read-only call: from nobody, without value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The contract or module.
    pub to: Address,
    /// ABI-encoded calldata.
    pub input: Bytes,
    /// Gas that it may use at most; none where the ledger's own modules are asked. A call that needs more has no answer, or has reverted without a reason.
    pub gas: Option<u64>,
}

/// How a read-only call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned these bytes.
    Returned(Bytes),
    /// It reverted with this ABI-encoded error, which may be empty.
    Reverted(Bytes),
}

/// A block, as far as those who read the ledger need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: Digest,
    /// Its time, which is the ledger's time.
    pub time: UnixSeconds,
}

/// An account of the state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountState {
    /// In the smallest unit.
    pub balance: U256,
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Empty when there is none.
    pub code: Bytes,
}

/// Which logs of an address to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter {
    /// Who emitted them.
    pub address: Address,
    /// What their topics are; `None` is any, or none.
    pub topics: [Option<B256>; 4],
    /// The blocks to look through, both ends included.
    pub heights: RangeInclusive<u64>,
}

impl LogFilter {
    /// Whether a log is one of these, wherever it stands.
    #[must_use]
    pub fn matches(&self, log: &Log) -> bool {
        let is_asked = |(index, asked): (usize, &Option<B256>)| {
            asked.is_none_or(|asked| log.topics().get(index) == Some(&asked))
        };
        log.address == self.address && self.topics.iter().enumerate().all(is_asked)
    }
}

/// A log and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedLog {
    /// Height of its block.
    pub height: u64,
    /// Hash of its transaction.
    pub transaction: B256,
    /// The log.
    pub log: Log,
}

/// Whoever can be asked about a ledger. It stands at one block: the answers are those of the state after it.
///
/// Each method fails with [`Ask::Error`] when there is no answer. An answer that the caller does not like, such as a revert, is none of these.
pub trait Ask: Sync {
    /// Why there is no answer.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The block it stands at.
    fn head(&self) -> impl Future<Output = Result<Head, Self::Error>> + Send;

    /// A block at or below the one it stands at; `None` when it is not kept any longer.
    fn block(&self, height: u64) -> impl Future<Output = Result<Option<Head>, Self::Error>> + Send;

    /// Runs read-only calls. There is one outcome for each, in their order.
    fn calls(
        &self,
        calls: Vec<Call>,
    ) -> impl Future<Output = Result<Vec<Outcome>, Self::Error>> + Send;

    /// Reads an account with its code. One that does not exist is empty.
    fn account(
        &self,
        address: Address,
    ) -> impl Future<Output = Result<AccountState, Self::Error>> + Send;

    /// Reads the logs that match, in their order. How many blocks may be looked through at a time is for the implementation to say.
    fn logs(
        &self,
        filter: LogFilter,
    ) -> impl Future<Output = Result<Vec<PlacedLog>, Self::Error>> + Send;
}

/// Returns what a view says when it is read from a ledger in this process, which answers at once.
///
/// # Panics
/// When the view waits, because it is read over a network: use `.await` there.
pub fn ready<T>(view: impl Future<Output = T>) -> T {
    match pin!(view).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(said) => said,
        Poll::Pending => panic!("this view is read over a network: await it"),
    }
}
