//! The rules of price feeds: what reports make an answer, and when it may be relied on.
//!
//! 1. Reporters, whom the ledger names, sign prices with the time of observation. Anybody brings a batch of them: [`Feed::report`].
//! 2. A batch has at least a quorum of reporters, each once; every report is newer than the last round, and not too old.
//! 3. The answer is the median. At least a quorum of the reports must be near it, otherwise the batch is refused.
//! 4. An answer far from the one before is recorded, but not relied on until a later one is near it ([`Feed::checked`]).
//! 5. An answer whose oldest report has become too old is not relied on.
//! 6. A feed may name a pool: then an answer is relied on only if the pool's average price over a window agrees with it ([`Feed::checked_with_pool`], [`PoolTerms`]).
//!
//! Invariants: while fewer than half of a batch's reporters lie, the answer is between two honest reports; rounds count up by one, and their
//! times rise; a report is used in one round only; a checked answer is fresh, agreed on and confirmed; refused input changes nothing.
//!
//! The crate checks no signature and knows no account: the adapter says which reporter has signed. It reads no clock.
//!
//! Source: median and quorum as in MakerDAO `Median.poke`; for an even number of reports, the upper of the two in the middle, as in
//! Chainlink `OffchainAggregator.transmit`. Unlike both, reports must agree and jumps must be confirmed.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

mod answer;
mod feed;
mod pool;
mod terms;

pub use answer::Answer;
pub use feed::{Feed, ReadError, Report, ReportError, ReporterId, Round};
pub use pool::{
    Base, CHECKPOINTS_MAX, Checkpoint, PoolPrice, PoolTerms, PoolTermsError, WINDOW_SECONDS_MAX,
    WINDOW_SECONDS_MIN,
};
pub use terms::{
    AGE_SECONDS_MAX, DECIMALS_MAX, DESCRIPTION_BYTES_MAX, Quorum, QuorumError, REPORTERS_MAX,
    Terms, TermsError,
};
