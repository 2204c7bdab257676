//! What a run pays a machine: from its terms, the chances of audits by which its ledger draws, and the machine's measured speed.
//!
//! A device's first rounds are audited always, then less and less; their pay is verified, but held back until the stake is as large as
//! the ledger wants it ([`Terms::stake_max`]). After these, the pay of each round is paid. In both, the device repeats rounds of
//! others, for pay, as often as it is drawn: this takes the time of a round of its own. It is assumed that the others have as
//! much at stake as this device, so that it audits as often as it is audited by seats. Fees for bringing its statements to the
//! ledger are paid from the project's escrow, not by the device.

use training_run::{Terms, chance};
use units::Wei;

use crate::participate::Refusal;

/// Milliseconds of an hour.
const HOUR_MS: u64 = 3_600_000;

/// Milliseconds between computing a round and the next one: commitments in blocks, close, aggregation, new state. Measured with all
/// on one machine; elsewhere it is more, which the pace of the run shows.
const BETWEEN_MS: u64 = 350;

/// What a run would pay this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Measured speed on the run's model.
    pub tokens_per_second: u64,
    /// Seconds that an ordinary round takes to compute at that speed.
    pub round_seconds: u64,
    /// The rounds whose pay is held back until the run ends or the device has left.
    pub first: Stretch,
    /// The rounds after these, each of which is paid when it is verified.
    pub later: Stretch,
    /// What is earned in an hour, on average over the rounds that are left, rounded down. Held-back pay is earned.
    pub pay_per_hour: Wei,
}

/// A number of rounds, and what they are like on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Number of the rounds that are left for it.
    pub rounds: u32,
    /// Chance that a round of this device is audited, in millionths.
    pub audited: u64,
    /// Rounds of others that this device repeats, for each of its own; in millionths.
    pub audits: u64,
    /// Pay for an hour, for work and audits, rounded down.
    pub pay_per_hour: Wei,
}

/// What is known of a run and this machine's place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prospect {
    /// Rounds that are not closed yet.
    pub(crate) rounds_left: u32,
    /// Verified pay of this device that is held back: it has worked for the run before.
    pub(crate) stake: Wei,
    /// Whether the owner has an auditing device.
    pub(crate) has_auditor: bool,
    /// How long the last rounds took, from opening to opening, if there were any.
    pub(crate) pace_ms: Option<u64>,
}

/// Returns what a run pays at a measured speed.
///
/// # Errors
/// [`Refusal::TooSlow`] when a round would take longer than its deadline allows.
pub(crate) fn estimate(
    terms: &Terms,
    prospect: &Prospect,
    tokens_per_second: u64,
) -> Result<Estimate, Refusal> {
    let speed = tokens_per_second.max(1);
    let round_seconds = terms.tokens_per_round.div_ceil(speed);
    let allowed = terms.round_seconds.into();
    if round_seconds > allowed {
        return Err(Refusal::TooSlow { needed: round_seconds, allowed });
    }
    let computing_ms = terms.tokens_per_round.saturating_mul(1_000) / speed;
    let most = terms.stake_max().unwrap_or(Wei::new(u128::MAX));
    let held = in_thousandths(terms, prospect.stake.min(most));
    let full = in_thousandths(terms, most);
    let held_rounds = full.saturating_sub(held).div_ceil(chance::ROUND);
    let first = u32::try_from(held_rounds).unwrap_or(u32::MAX).min(prospect.rounds_left);
    let later = prospect.rounds_left - first;
    let stakes = (0..first).map(|round| held.saturating_add(u64::from(round) * chance::ROUND));
    let (first, first_ms) = stretch(terms, prospect, computing_ms, stakes);
    let settled = std::iter::repeat_n(full, 1);
    let (full, full_ms) = stretch(terms, prospect, computing_ms, settled);
    let later = Stretch { rounds: later, ..full };
    let rounds_ms = |rounds: u32, ms: u64| u128::from(rounds) * u128::from(ms);
    let (held, paid) = (rounds_ms(first.rounds, first_ms), rounds_ms(later.rounds, full_ms));
    let earned = |pay: Wei, ms: u128| pay.as_u128().saturating_mul(ms);
    let earned = earned(first.pay_per_hour, held).saturating_add(earned(later.pay_per_hour, paid));
    let pay_per_hour = Wei::new(earned / (held + paid).max(1));
    Ok(Estimate { tokens_per_second, round_seconds, first, later, pay_per_hour })
}

/// Returns rounds with these stakes on average, and the milliseconds that each takes.
fn stretch(
    terms: &Terms,
    prospect: &Prospect,
    computing_ms: u64,
    stakes: impl Iterator<Item = u64>,
) -> (Stretch, u64) {
    let (mut rounds, mut audited, mut audits) = (0_u32, 0_u64, 0_u64);
    for stake in stakes {
        let (chance, duties) = audits_at(terms, prospect.has_auditor, stake);
        (rounds, audited, audits) = (rounds + 1, audited + chance, audits + duties);
    }
    let count = u64::from(rounds.max(1));
    let (audited, audits) = (audited / count, audits / count);
    let busy_ms = part_of(computing_ms, chance::CERTAIN + audits).saturating_add(BETWEEN_MS);
    let ms = busy_ms.max(prospect.pace_ms.unwrap_or(0));
    let verdict = u64::from(terms.audit_pay.as_u16()).saturating_mul(audits) / 10_000;
    let pay = terms.work_pay(terms.warmup_rounds).unwrap_or(Wei::new(u128::MAX)).as_u128();
    let with_verdicts = pay.saturating_mul((chance::CERTAIN + verdict).into());
    let pay = with_verdicts / u128::from(chance::CERTAIN);
    let pay_per_hour = Wei::new(pay.saturating_mul(HOUR_MS.into()) / u128::from(ms));
    (Stretch { rounds, audited, audits, pay_per_hour }, ms)
}

/// Returns the chance that a device with this stake is audited, and how many audits it does for each of its rounds among others
/// with the same stake; both in millionths.
fn audits_at(terms: &Terms, has_auditor: bool, stake: u64) -> (u64, u64) {
    let floor = u64::from(terms.audit_rate.as_u16()) * 100;
    let owners = if has_auditor { chance::TRAINER } else { 0 };
    let audited = chance::of_audit(stake, floor, owners);
    // Without enough at stake nobody is drawn as an auditor: the owner's device does these audits.
    if stake < chance::AUDITOR_STAKE_MIN {
        return (audited, 0);
    }
    let verdict = u64::from(terms.audit_pay.as_u16()).div_ceil(10);
    let again = chance::of_second_audit(stake, stake, verdict);
    (audited, part_of(audited.saturating_sub(owners), chance::CERTAIN + again))
}

/// Returns a number of millionths of a value.
fn part_of(value: u64, millionths: u64) -> u64 {
    let product = u128::from(value) * u128::from(millionths);
    u64::try_from(product / u128::from(chance::CERTAIN)).unwrap_or(u64::MAX)
}

/// Returns an amount in thousandths of the pay for an ordinary round.
fn in_thousandths(terms: &Terms, amount: Wei) -> u64 {
    terms.in_rounds(amount, terms.warmup_rounds).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::{Bps, Digest};

    fn terms() -> Terms {
        Terms {
            rounds: 100,
            warmup_rounds: 3,
            tokens_per_round: 36_000,
            warmup_tokens_per_round: 18_000,
            price_per_token: Wei::new(1_000),
            audit_rate: Bps::new(1_000).unwrap(),
            audit_pay: Bps::WHOLE,
            quorum: Bps::WHOLE,
            seats_min: 2,
            seats_max: 8,
            round_seconds: 60,
            audit_seconds: 60,
            stall_seconds: 600,
            relay_fee: Wei::ZERO,
            spec: Digest::ZERO,
            corpus: Digest::ZERO,
            initial_state: Digest::ZERO,
        }
    }

    const NEW: Prospect =
        Prospect { rounds_left: 100, stake: Wei::ZERO, has_auditor: true, pace_ms: None };

    /// Pay for an hour of work at 1,000 tokens per second.
    const WORK: u128 = 3_600_000_000;

    #[test]
    fn the_first_rounds_are_held_back_and_take_more_audits() {
        let found = estimate(&terms(), &NEW, 1_000).unwrap();
        let Estimate { first, later, .. } = found;
        assert_eq!((found.round_seconds, first.rounds, later.rounds), (36, 13, 87));
        // Certain at first, a tenth in the end; a twentieth is the owner's.
        assert_eq!(later.audited, 100_000);
        assert!((200_000..400_000).contains(&first.audited), "{first:?}");
        assert!((50_000..60_000).contains(&later.audits), "{later:?}");
        assert!(4 * later.audits < first.audits, "{first:?} {later:?}");
        // Audits take time, and are paid like work.
        let near = |pay: Wei| (WORK - WORK / 50..=WORK).contains(&pay.as_u128());
        assert!(near(first.pay_per_hour) && near(later.pay_per_hour), "{found:?}");
        assert!(near(found.pay_per_hour), "{found:?}");
        let unpaid = Terms { audit_pay: Bps::ZERO, ..terms() };
        let found = estimate(&unpaid, &NEW, 1_000).unwrap();
        let (first, later) = (found.first.pay_per_hour, found.later.pay_per_hour);
        assert!(first < later && later < Wei::new(WORK - WORK / 30), "{found:?}");
        assert!(first < found.pay_per_hour && found.pay_per_hour < later, "{found:?}");
    }

    #[test]
    fn a_newcomer_audits_nobody() {
        assert_eq!(audits_at(&terms(), true, 0), (chance::CERTAIN, 0));
        assert_eq!(audits_at(&terms(), false, 0), (chance::CERTAIN, 0));
        let (with, without) = (audits_at(&terms(), true, 5_000), audits_at(&terms(), false, 5_000));
        assert!(with.1 < without.1, "the owner's device takes its share");
    }

    #[test]
    fn who_has_worked_before_has_fewer_first_rounds() {
        let pay = terms().work_pay(10).unwrap();
        let check = |rounds: u64, left: u32, expected: [u32; 2]| {
            let stake = pay.checked_mul_count(rounds).unwrap();
            let prospect = Prospect { stake, rounds_left: left, ..NEW };
            let found = estimate(&terms(), &prospect, 1_000).unwrap();
            assert_eq!([found.first.rounds, found.later.rounds], expected, "{rounds} {left}");
        };
        check(0, 100, [13, 87]);
        check(10, 100, [3, 97]);
        check(13, 100, [0, 100]);
        check(50, 100, [0, 100]);
        check(0, 5, [5, 0]);
        check(0, 0, [0, 0]);
    }

    #[test]
    fn a_machine_is_paid_by_the_pace_of_the_run() {
        let slow = Prospect { pace_ms: Some(72_000), ..NEW };
        let found = estimate(&terms(), &slow, 1_000).unwrap();
        let later = found.later.pay_per_hour.as_u128();
        assert!((WORK / 2..WORK * 53 / 100).contains(&later), "{later}");
        // Short rounds are mostly waiting.
        let short = Terms { tokens_per_round: 350, ..terms() };
        let later = estimate(&short, &NEW, 1_000).unwrap().later.pay_per_hour.as_u128();
        assert!((WORK * 2 / 5..WORK / 2 + WORK / 30).contains(&later), "{later}");
        // One that is slower than the others is as fast as it is.
        let quick = Prospect { pace_ms: Some(1_000), ..NEW };
        let [quick, new] = [quick, NEW].map(|it| estimate(&terms(), &it, 1_000).unwrap());
        assert_eq!(quick, new);
    }

    #[test]
    fn a_round_must_fit_its_deadline() {
        assert!(estimate(&terms(), &NEW, 600).is_ok());
        let refused = estimate(&terms(), &NEW, 590).unwrap_err();
        assert!(matches!(refused, Refusal::TooSlow { needed: 62, allowed: 60 }), "{refused}");
        assert!(estimate(&terms(), &NEW, 0).is_err(), "a machine too slow to be measured");
    }

    #[test]
    fn the_largest_amounts_end_no_program() {
        let dear = Terms { price_per_token: Wei::new(u128::MAX), ..terms() };
        assert!(estimate(&dear, &NEW, u64::MAX).unwrap().pay_per_hour > Wei::ZERO);
        let free = Terms { price_per_token: Wei::ZERO, ..terms() };
        assert_eq!(estimate(&free, &NEW, 1_000).unwrap().pay_per_hour, Wei::ZERO);
        let long = Terms { tokens_per_round: u64::MAX / 2_000, round_seconds: u32::MAX, ..terms() };
        assert!(estimate(&long, &NEW, u64::MAX).is_ok());
    }
}
