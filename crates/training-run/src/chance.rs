//! How likely an audit is, from what a device has at stake.
//!
//! Let `S` be what the subject loses when it is convicted, `A` what its auditor loses when it vouched for made-up work, `v` the
//! pay for a verdict, all in rounds' pay, and `s` the share of auditors assumed to be the subject's accomplices
//! ([`ACCOMPLICES`]). A made-up round is worth one round's pay unless it is found. With chance `t` ([`TRAINER`]) the owner's
//! device audits it, which is nobody's accomplice against the owner; with chance `q` a seat does. An accomplice passes it, for
//! another `v`, and its verdict is audited again with chance `r`. The coalition expects
//!
//! ```text
//! 1 − t·(1 + S) − q·(1−s)·(1 + S) + q·s·[v + r·s·v − r·(1−s)·(1 + v + S + A)]
//! ```
//!
//! (the second auditor may be an accomplice, too, and is paid). With `r = (1 + v) / ((1−s)(1 + v + S + A) − s·v)` or more, and `q = (1 − t·(1 + S)) / (1 + (1−s)·S)` this is 0 or less
//! at every `S`: nothing is gained by making work up, at any moment of an identity's life. All are rounded up, and from
//! `S = 1/t − 1` on the owner's device suffices. If it does not answer, `t` is 0.
//!
//! The sum holds for one made-up round. Three rules make it hold for several at a time:
//!
//! - What a device has committed but was not paid yet counts as stake. If `n` made-up rounds wait for their audits, finding one
//!   voids all; with stakes `S, S+1, …` the chances that none is found multiply to `S / (S + n)`, and
//!   `n·S/(S+n) − S·n/(S+n) = 0`.
//! - Pay counts as verified, and is released, in the order of rounds: not while an earlier commitment of the seat is
//!   undecided. Otherwise a device that was drawn would be paid for more made-up rounds until its conviction.
//! - An auditor that answers for `k` verdicts at a time can lose its stake once only, so each counts `A/k`, which has to be
//!   [`AUDITOR_STAKE_MIN`] at least.
//!
//! Who accuses is paid out of the subject's verified stake only, at most `S`: an accomplice that is drawn (chance `s`) and
//! accuses instead of passing gains at most `s·S`, which the honest auditors' share takes. Who was not drawn is paid only
//! if nobody was going to look any more. Otherwise a cheat about to be convicted could save a part of its stake through an
//! accomplice, or be paid for accusing identities of its own, which cost nothing.
//!
//! What no chance prevents: seats that trust each other can pass each other's true work without a replay. They save at
//! most `q·s` replays a round; no work that was not done is paid.

/// Share of accomplices among the auditors, by stake, that the chances are made for; in thousandths.
pub const ACCOMPLICES: u64 = 300;

/// A chance of 1.
pub const CERTAIN: u64 = 1_000_000;

/// Chance that the owner's device audits a commitment, while it answers: 5 %.
pub const TRAINER: u64 = 50_000;

/// A round's pay, in the unit of stakes: thousandths of a round's pay.
pub const ROUND: u64 = 1_000;

/// Smallest stake for each verdict that a seat answers for: with less, false ones could not be deterred, `v·2s/(1−s)` at
/// `v = 1`. A seat with less is audited by the owner's device, as far as that has time.
pub const AUDITOR_STAKE_MIN: u64 = 858;

/// Smallest stake of a subject and its auditor together, for the same reason: `(s + 2s·v)/(1−s)` at `v = 1`.
pub const STAKES_MIN: u64 = 1_286;

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

/// Returns the chance that a passed audit is repeated, in millionths, rounded up: the larger one of
/// `(1 + v) / (0.7·(1 + v + S + A) − 0.3·v)` and `v / (0.7·(v + A) − 0.3·v)`, with the pay `verdict` for the verdict, `v`, in
/// thousandths of a round's pay. The second one is for a subject that is found out anyway, whose auditor has `v` to gain.
#[must_use]
pub fn of_second_audit(stake: u64, auditor_stake: u64, verdict: u64) -> u64 {
    let chance = |gained: u64, lost: u64| {
        let found = HONEST.saturating_mul(gained.saturating_add(lost));
        let denominator = found.saturating_sub(ACCOMPLICES.saturating_mul(verdict)).max(1);
        gained.saturating_mul(1_000).saturating_mul(CERTAIN).div_ceil(denominator).min(CERTAIN)
    };
    let both = ROUND.saturating_add(verdict);
    chance(both, stake.saturating_add(auditor_stake)).max(chance(verdict, auditor_stake))
}

/// Returns the stake from which on the chance of an audit is no more than `floor`, whether the owner's device audits or not:
/// more need not be held back.
#[must_use]
pub fn stake_for(floor: u64) -> u64 {
    let most = CERTAIN.saturating_mul(1_000).div_ceil(floor.max(1)).saturating_sub(ROUND);
    most.saturating_mul(1_000).div_ceil(HONEST)
}
