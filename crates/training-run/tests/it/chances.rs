//! The chances of audits: what a coalition expects is at most what rounding up leaves.

use training_run::chance::{
    ACCOMPLICES, AUDITOR_STAKE_MIN, CERTAIN, ROUND, STAKES_MIN, TRAINER, of_audit, of_second_audit,
    stake_for,
};

const HONEST: u64 = 1_000 - ACCOMPLICES;

/// What a coalition expects of one made-up round, in 10^-18 of its pay; at most what rounding up leaves.
fn gain(stake: u64, auditor_stake: u64, trainer: u64, verdict: u64) -> i128 {
    let q = i128::from(of_audit(stake, 0, trainer) - trainer);
    let r = i128::from(of_second_audit(stake, auditor_stake, verdict));
    let (s, honest, t) = (i128::from(ACCOMPLICES), i128::from(HONEST), i128::from(trainer));
    let (stake, auditor) = (i128::from(stake), i128::from(auditor_stake));
    let found_by_trainer = t * (1_000 + stake) * 1_000_000_000;
    let found_first = q * honest * (1_000 + stake) * 1_000_000;
    let verdict = i128::from(verdict);
    let found_second = q * s * r * honest * (1_000 + verdict + stake + auditor) / 1_000;
    let second_accomplice = q * s * r * s * verdict / 1_000;
    1_000_000_000_000_000_000 + q * s * verdict * 1_000_000 + second_accomplice
        - found_by_trainer
        - found_first
        - found_second
}

#[test]
fn made_up_work_gains_nothing_at_any_stake() {
    for trainer in [0, TRAINER] {
        for stake in (0..40_000).step_by(37) {
            let least = AUDITOR_STAKE_MIN.max(STAKES_MIN.saturating_sub(stake));
            for auditor in (least..40_000).step_by(911) {
                for verdict in [0, 500, 1_000] {
                    let gain = gain(stake, auditor, trainer, verdict);
                    assert!(gain <= 1_000_000_000_000, "{stake} {auditor} {trainer}: {gain}");
                }
            }
        }
    }
}

/// An accomplice that is drawn may accuse instead of passing, for at most two rounds' pay out of the verified stake.
#[test]
fn accusing_an_accomplice_gains_nothing() {
    for trainer in [0, TRAINER] {
        for stake in (0..40_000_u64).step_by(37) {
            let q = i128::from(of_audit(stake, 0, trainer) - trainer);
            let (s, t) = (i128::from(ACCOMPLICES), i128::from(trainer));
            let (lost, bounty) = (i128::from(1_000 + stake), i128::from(stake.min(2 * ROUND)));
            let gain = 1_000_000_000_000 - (t + q) * lost * 1_000 + q * s * bounty;
            assert!(gain <= 1_000_000, "{stake} {trainer}: {gain}");
        }
    }
}

/// A chance of 1 in the sums below.
const WHOLE: i128 = 1_000_000_000_000;

/// Returns the chance that a passed audit is found by a second one, in parts of [`WHOLE`].
fn found_second(stake: u64, auditor_stake: u64) -> i128 {
    i128::from(of_second_audit(stake, auditor_stake, ROUND)) * i128::from(HONEST) * 1_000
}

/// Returns the share of audits that a second accomplice passes, from that which the honest find.
fn second_accomplice(found: i128) -> i128 {
    found * i128::from(ACCOMPLICES) / i128::from(HONEST)
}

/// An auditor with a stake of ten rounds vouches for several subjects without stake at a time; each counts its share. A made-up
/// round and the pay for its verdict are worth two rounds' pay; a second accomplice is paid, too.
#[test]
fn vouching_for_many_at_a_time_gains_nothing() {
    for count in 1..=10_000 / STAKES_MIN {
        let found = found_second(0, 10_000 / count);
        let none_found = (0..count).fold(WHOLE, |all, _| all * (WHOLE - found) / WHOLE);
        let paid = 2 * (WHOLE - found) + second_accomplice(found);
        let gain = i128::from(count) * paid - 10 * (WHOLE - none_found);
        assert!(gain <= 1_000, "{count}: {gain}");
    }
}

/// Several made-up rounds wait for their audits at a time, each passed by another accomplice of the same stake. The later
/// ones count the earlier ones as stake, and finding one voids all.
#[test]
fn waiting_rounds_gain_nothing_together() {
    for (stake, auditor, trainer) in [0, 1, 5, 13]
        .into_iter()
        .flat_map(|stake| [(stake, 2, 0), (stake, 13, 0), (stake, 5, TRAINER)])
    {
        let (mut none_found, mut vouchers_gain) = (WHOLE, 0);
        for count in 1..=12 {
            let at_stake = (stake + count - 1) * ROUND;
            let audited = i128::from(of_audit(at_stake, 0, trainer) - trainer) * 1_000_000;
            let passed = audited * i128::from(ACCOMPLICES) / 1_000;
            let second = passed * found_second(at_stake, auditor * ROUND) / WHOLE;
            let found = i128::from(trainer) * 1_000_000 + audited - passed + second;
            none_found = none_found * (WHOLE - found) / WHOLE;
            vouchers_gain +=
                passed - second - second * i128::from(auditor) + second_accomplice(second);
            let kept = none_found * i128::from(count);
            let gain = kept - (WHOLE - none_found) * i128::from(stake) + vouchers_gain;
            assert!(gain <= 10_000_000, "{stake} {auditor} {count}: {gain}");
        }
    }
}

#[test]
fn newcomers_are_always_audited_and_the_floor_holds() {
    assert_eq!(of_audit(0, 0, 0), CERTAIN);
    assert_eq!(of_audit(0, 0, TRAINER), CERTAIN);
    assert_eq!(of_audit(1_000, 0, 0), 588_236);
    assert_eq!(of_audit(1_000, 0, TRAINER), 579_412);
    assert_eq!(of_audit(19_000, 0, TRAINER), TRAINER);
    assert_eq!(of_audit(100_000, 100_000, 0), 100_000);
    assert_eq!(of_second_audit(0, 0, 0), CERTAIN);
    assert!(of_second_audit(0, STAKES_MIN, ROUND) < CERTAIN);
    assert!(of_audit(stake_for(100_000), 0, 0) <= 100_000);
    assert!(of_audit(stake_for(100_000) - 2, 0, 0) > 99_990);
    for stake in (0..100_000).step_by(101) {
        assert!(of_audit(stake, 0, TRAINER) <= of_audit(stake, 0, 0).max(TRAINER));
    }
}
