//! How likely an audit is, from what a device has at stake.
//!
//! Let `S` be what the subject loses when it is convicted, `A` what its auditor loses when it vouched for made-up work,
//! both in rounds' pay, and `s` the share of auditors assumed to be the subject's accomplices ([`ACCOMPLICES`]). A
//! made-up round is worth one round's pay unless it is found. It is audited with chance `q`; an accomplice passes it, and
//! its verdict is audited again with chance `r`. The coalition expects
//!
//! ```text
//! 1 − q·(1−s)·(1 + S) − q·s·r·(1−s)·(1 + S + A)
//! ```
//!
//! With `r = 1 / ((1−s)(1 + S + A))` and `q = 1 / (1 + (1−s)·S)` this is exactly 0 at every `S`: nothing is gained by
//! making work up, at any moment of an identity's life. Both are rounded up. What a device has committed since, but
//! was not paid, counts as stake too: if several made-up rounds wait for their audits, finding one voids all, and the chances
//! multiply to the same 0.

/// Share of accomplices among the auditors, by stake, that the chances are made for; in thousandths.
pub const ACCOMPLICES: u64 = 300;

/// A chance of 1.
pub const CERTAIN: u64 = 1_000_000;

/// A round's pay, in the unit of stakes: thousandths of a round's pay.
pub const ROUND: u64 = 1_000;

/// Smallest stake that makes a seat an auditor: with less, its verdicts could not be deterred.
pub const AUDITOR_STAKE_MIN: u64 = 500;

const HONEST: u64 = 1_000 - ACCOMPLICES;

/// Returns the chance that a commitment is audited, in millionths, rounded up: `1 / (1 + 0.7·S)`, not below `floor`.
#[must_use]
pub fn of_audit(stake: u64, floor: u64) -> u64 {
    let denominator = ROUND.saturating_mul(1_000).saturating_add(HONEST.saturating_mul(stake));
    let chance = CERTAIN.saturating_mul(1_000_000).div_ceil(denominator.max(1));
    chance.max(floor).min(CERTAIN)
}

/// Returns the chance that a passed audit is repeated, in millionths, rounded up: `1 / (0.7·(1 + S + A))`.
#[must_use]
pub fn of_second_audit(stake: u64, auditor_stake: u64) -> u64 {
    let together = ROUND.saturating_add(stake).saturating_add(auditor_stake);
    let denominator = HONEST.saturating_mul(together);
    CERTAIN.saturating_mul(1_000_000).div_ceil(denominator.max(1)).min(CERTAIN)
}

/// Returns the stake from which on the chance of an audit is no more than `floor`: more need not be held back.
#[must_use]
pub fn stake_for(floor: u64) -> u64 {
    let most = CERTAIN.saturating_mul(1_000).div_ceil(floor.max(1)).saturating_sub(ROUND);
    most.saturating_mul(1_000).div_ceil(HONEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a coalition expects of one made-up round, times 10^15; at most what rounding up leaves.
    fn gain(stake: u64, auditor_stake: u64) -> i128 {
        let q = i128::from(of_audit(stake, 0));
        let r = i128::from(of_second_audit(stake, auditor_stake));
        let (s, honest) = (i128::from(ACCOMPLICES), i128::from(HONEST));
        let (stake, auditor) = (i128::from(stake), i128::from(auditor_stake));
        let found_first = q * honest * (1_000 + stake) * 1_000_000;
        let found_second = q * s * r * honest * (1_000 + stake + auditor) / 1_000;
        1_000_000_000_000_000 - found_first - found_second
    }

    #[test]
    fn made_up_work_gains_nothing_at_any_stake() {
        for stake in (0..40_000).step_by(37) {
            for auditor in (AUDITOR_STAKE_MIN..40_000).step_by(911) {
                assert!(gain(stake, auditor) <= 0, "{stake} {auditor}: {}", gain(stake, auditor));
            }
        }
    }

    #[test]
    fn newcomers_are_always_audited_and_the_floor_holds() {
        assert_eq!(of_audit(0, 0), CERTAIN);
        assert_eq!(of_audit(1_000, 0), 588_236);
        assert_eq!(of_audit(100_000, 100_000), 100_000);
        assert_eq!(of_second_audit(0, 0), CERTAIN);
        assert!(of_audit(stake_for(100_000), 0) <= 100_000);
        assert!(of_audit(stake_for(100_000) - 2, 0) > 99_990);
    }
}
