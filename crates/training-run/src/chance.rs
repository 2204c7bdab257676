//! How likely an audit is, from what a device has at stake.
//!
//! Let `S` be what the subject loses when it is convicted, `A` what its auditor loses when it vouched for made-up work,
//! both in rounds' pay, and `s` the share of auditors assumed to be the subject's accomplices ([`ACCOMPLICES`]). A
//! made-up round is worth one round's pay unless it is found. With chance `t` ([`TRAINER`]) the owner's device audits it,
//! which is nobody's accomplice against the owner; with chance `q` a seat does. An accomplice passes it, and its
//! verdict is audited again with chance `r`. The coalition expects
//!
//! ```text
//! 1 − t·(1 + S) − q·(1−s)·(1 + S) − q·s·r·(1−s)·(1 + S + A)
//! ```
//!
//! With `r = 1 / ((1−s)(1 + S + A))` and `q = (1 − t·(1 + S)) / (1 + (1−s)·S)` this is exactly 0 at every `S`: nothing
//! is gained by making work up, at any moment of an identity's life. All are rounded up, and from `S = 1/t − 1` on
//! the owner's device suffices. If it does not answer, `t` is 0.
//!
//! The sum holds for one made-up round. Three rules make it hold for several at a time:
//!
//! - What a device has committed but was not paid yet counts as stake. If `n` made-up rounds wait for their audits, finding one
//!   voids all; with stakes `S, S+1, …` the chances that none is found multiply to `S / (S + n)`, and
//!   `n·S/(S+n) − S·n/(S+n) = 0`.
//! - Pay is released in the order of rounds: not while an earlier commitment of the seat is undecided. Otherwise a device
//!   that was drawn would be paid for more made-up rounds until its conviction.
//! - An auditor that answers for `k` verdicts at a time can lose its stake once only, so each counts `A/k`.
//!
//! Who accuses gets a bounty out of the subject's verified stake only, at most `S`: an accomplice that is drawn (chance `s`) and
//! accuses instead of passing gains at most `s·S`, which the honest auditors' share takes. Who was not drawn gets one only
//! if nobody was going to look any more. Otherwise a cheat about to be convicted could save a part of its stake through an
//! accomplice, or be paid for accusing identities of its own.

/// Share of accomplices among the auditors, by stake, that the chances are made for; in thousandths.
pub const ACCOMPLICES: u64 = 300;

/// A chance of 1.
pub const CERTAIN: u64 = 1_000_000;

/// Chance that the owner's device audits a commitment, while it answers: 5 %.
pub const TRAINER: u64 = 50_000;

/// A round's pay, in the unit of stakes: thousandths of a round's pay.
pub const ROUND: u64 = 1_000;

/// Smallest stake that makes a seat an auditor: with less, its verdicts could not be deterred. A seat with less is audited by
/// the owner's device, as far as that has time.
pub const AUDITOR_STAKE_MIN: u64 = 500;

const HONEST: u64 = 1_000 - ACCOMPLICES;

/// Returns the chance that a commitment is audited, in millionths, rounded up: `t + (1 − t·(1 + S)) / (1 + 0.7·S)`, not
/// below `floor`. The owner's device has the chance `trainer` of it, `t`.
#[must_use]
pub fn of_audit(stake: u64, floor: u64, trainer: u64) -> u64 {
    let found = trainer.saturating_mul(ROUND.saturating_add(stake)).div_euclid(ROUND);
    let rest = CERTAIN.saturating_sub(found);
    let denominator = ROUND.saturating_mul(1_000).saturating_add(HONEST.saturating_mul(stake));
    let seats = rest.saturating_mul(1_000_000).div_ceil(denominator.max(1));
    trainer.saturating_add(seats).max(floor).min(CERTAIN)
}

/// Returns the chance that a passed audit is repeated, in millionths, rounded up: `1 / (0.7·(1 + S + A))`.
#[must_use]
pub fn of_second_audit(stake: u64, auditor_stake: u64) -> u64 {
    let together = ROUND.saturating_add(stake).saturating_add(auditor_stake);
    let denominator = HONEST.saturating_mul(together);
    CERTAIN.saturating_mul(1_000_000).div_ceil(denominator.max(1)).min(CERTAIN)
}

/// Returns the stake from which on the chance of an audit is no more than `floor`, whether the owner's device audits or not:
/// more need not be held back.
#[must_use]
pub fn stake_for(floor: u64) -> u64 {
    let most = CERTAIN.saturating_mul(1_000).div_ceil(floor.max(1)).saturating_sub(ROUND);
    most.saturating_mul(1_000).div_ceil(HONEST)
}
