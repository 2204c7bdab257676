//! What two houses decide: one of stake, one of verified work.
//!
//! 1. A proposal's class is that of the strictest call in it ([`Class`](crate::Class)). It is posted with a deposit; votes are those of seven days before, so that nothing
//!    which is deposited for the vote counts.
//! 2. A *routine* one passes after five days, unless a tenth of either house objects: then it becomes an ordinary vote, which begins anew in time, and
//!    the votes cast so far stay.
//! 3. An *ordinary* one passes with more yes than no in both houses, if the stake house's yes is at least its quorum and a fifth of the work house votes.
//! 4. A *constitutional* one needs three fifths in both, and waits 14 days longer.
//! 5. Either house stops anything with more than half of its votes.
//! 6. A vote that makes a proposal pass in the last moment moves the end, so that others can answer ([`extended`]).
//! 7. After its end it is settled: the deposit is returned, or burnt if nearly nobody wanted the proposal.
//! 8. It is queued, waits, and waits longer while the brake is pulled; then anybody executes it.
//!
//! A house that misses its turnout twice in a row is replaced by a [jury](crate::jury) for that vote: it must be summoned within three days, and its verdict stands for
//! the house's. The other house's rule holds as ever. A house that misses for the first time defeats the proposal.
//!
//! Ballots may be *sealed* ([`sealed`]): then what was cast is not counted before the vote is over, and an opening follows it, in which the proposal is still active.
//!
//! Shares are in basis points of a house's votes at the snapshot; what is required is rounded up. Times are Unix seconds.
//!
//! Source: the design's "two keys, one brake, one jury" (section 2.3 of its reference on concentration).

mod decision;
mod life;
pub mod sealed;

pub use decision::{Decision, Electorate, House, Jury, Missed, Votes, decide, extended};
pub use life::{
    Admission, LifeError, Open, PostError, Proposal, SettingError, Settings, Settled, Voted,
    Weights,
};

/// How long before posting the votes are read.
pub const SNAPSHOT_LEAD: u64 = 7 * DAY;
/// How long a routine proposal waits for objections.
pub const OBJECTION_PERIOD: u32 = 5 * 86_400;
/// How long after a vote a jury can be summoned.
pub const SUMMON_PERIOD: u64 = 3 * DAY;
/// What a constitutional proposal waits longer.
pub const CONSTITUTIONAL_DELAY: u64 = 14 * DAY;
/// How long after the execution what voted stays locked.
pub const LOCK_AFTER: u64 = 7 * DAY;
/// Most that the brake delays.
pub const BRAKE_DELAY_MAX: u64 = 45 * DAY;
/// Most that late votes move the end of a vote.
pub const EXTENSIONS_MAX: u64 = 14 * DAY;
/// The share of either house whose objection makes a routine proposal an ordinary one.
pub const OBJECTION_BPS: u64 = 1_000;
/// The least quorum of the stake house.
pub const STAKE_QUORUM_BPS: u64 = 400;
/// Its quorum as a share of the weight that usually votes.
pub const ACTIVE_BPS: u64 = 5_000;
/// The turnout that the work house needs.
pub const WORK_TURNOUT_BPS: u64 = 2_000;
/// The share of yes that a constitutional proposal needs.
pub const CONSTITUTIONAL_YES_BPS: u64 = 6_000;
/// A share of yes below which a defeated proposal was spam.
pub const SPAM_YES_BPS: u64 = 1_000;
/// The share of the work house that may post without stake.
pub const WORK_THRESHOLD_BPS: u64 = 10;
/// Proposals of one account that are not settled, at most.
pub const OPEN_OF_PROPOSER_MAX: u32 = 4;
/// Proposals that are not settled, at most.
pub const OPEN_MAX: u32 = 64;
/// Calls of a proposal at most.
pub const CALLS_MAX: usize = 32;
/// Bytes of a description at most.
pub const DESCRIPTION_BYTES_MAX: usize = 16_384;

const DAY: u64 = 86_400;
const WHOLE_BPS: u64 = 10_000;
const GRAIN: u128 = 1_000_000_000_000_000_000;

const _: () = assert!(OPEN_OF_PROPOSER_MAX <= OPEN_MAX, "one account cannot take every place");

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests;
