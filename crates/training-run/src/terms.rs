//! The terms of a run, fixed when it opens.

use thiserror::Error;
use units::{Bps, Digest, Overflow, Wei};

use crate::chance;

/// Largest number of seats of a run; bounds every list of its state.
pub const SEATS_MAX: u16 = 1024;

/// Smallest floor of the chance of an audit: bounds how much pay is held back (27 rounds).
const AUDIT_RATE_MIN: u64 = 500;

/// Smallest stake that is held back at most, in thousandths of a round's pay, so that there are auditors at any floor.
const STAKE_MAX_MIN: u64 = 3_000;

/// Number of statements of a device in a round whose relay may be paid: its commitment, and up to two verdicts on it.
const RELAYS_PER_ENTRY: u64 = 3;

/// The terms of a run. Amounts of work are per device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Number of rounds.
    pub rounds: u32,
    /// Number of rounds at the beginning that are warm-up rounds.
    pub warmup_rounds: u32,
    /// Tokens a device trains on in an ordinary round.
    pub tokens_per_round: u64,
    /// Tokens a device trains on in a warm-up round.
    pub warmup_tokens_per_round: u64,
    /// Pay for a verified token.
    pub price_per_token: Wei,
    /// Smallest chance that a commitment is audited, whatever its device has at stake.
    pub audit_rate: Bps,
    /// Pay for an uncontradicted verdict, as a share of the pay for the audited round.
    pub audit_pay: Bps,
    /// Share of the commitments of the round before that must have come before a round may close.
    pub quorum: Bps,
    /// Seats that must be taken before the first round opens.
    pub seats_min: u16,
    /// Largest number of commitments in a round.
    pub seats_max: u16,
    /// Seconds until the deadline of a round.
    pub round_seconds: u32,
    /// Seconds until the deadline of an auditor.
    pub audit_seconds: u32,
    /// Seconds without progress after which anyone may abandon the run.
    pub stall_seconds: u32,
    /// Pay for bringing the commitment or verdict of a device that has a round's pay at stake to the ledger, for whoever does it, the
    /// owner excepted.
    pub relay_fee: Wei,
    /// Digest of the specification: how to train.
    pub spec: Digest,
    /// Digest of the corpus manifest: what to train on.
    pub corpus: Digest,
    /// Digest of the state to start from.
    pub initial_state: Digest,
}

/// A field of the terms is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{field} is {value}: give {allowed}")]
pub struct TermsError {
    /// The field.
    pub field: &'static str,
    /// The given value.
    pub value: u64,
    /// The allowed values.
    pub allowed: &'static str,
}

impl Terms {
    /// Checks every field against its bounds.
    ///
    /// # Errors
    /// The first field that is out of bounds.
    pub fn validate(&self) -> Result<(), TermsError> {
        let seats_max = u64::from(SEATS_MAX);
        let (week, month) = (7 * 24 * 3600, 31 * 24 * 3600);
        let fields = [
            ("rounds", u64::from(self.rounds), 1, 100_000, "1 to 100000"),
            (
                "warmup_rounds",
                u64::from(self.warmup_rounds),
                0,
                u64::from(self.rounds),
                "0 to the number of rounds",
            ),
            ("tokens_per_round", self.tokens_per_round, 1, 1 << 48, "1 to 2^48"),
            ("warmup_tokens_per_round", self.warmup_tokens_per_round, 1, 1 << 48, "1 to 2^48"),
            (
                "audit_rate",
                u64::from(self.audit_rate.as_u16()),
                AUDIT_RATE_MIN,
                10_000,
                "500 to 10000 basis points",
            ),
            (
                "quorum",
                u64::from(self.quorum.as_u16()),
                5_000,
                10_000,
                "5000 to 10000 basis points",
            ),
            (
                "seats_min",
                u64::from(self.seats_min),
                2,
                u64::from(self.seats_max),
                "2 (one device works, one audits) to seats_max",
            ),
            ("seats_max", u64::from(self.seats_max), 2, seats_max, "2 to 1024"),
            ("round_seconds", u64::from(self.round_seconds), 1, week, "1 to 604800 (a week)"),
            ("audit_seconds", u64::from(self.audit_seconds), 1, week, "1 to 604800 (a week)"),
            ("stall_seconds", u64::from(self.stall_seconds), 1, month, "1 to 2678400 (a month)"),
        ];
        let refused =
            fields.into_iter().find(|(_, value, least, most, _)| value < least || value > most);
        refused.map_or(Ok(()), |(field, value, _, _, allowed)| {
            Err(TermsError { field, value, allowed })
        })
    }

    /// Returns the number of tokens of a device in a round.
    #[must_use]
    pub fn tokens(&self, round: u32) -> u64 {
        if round < self.warmup_rounds {
            self.warmup_tokens_per_round
        } else {
            self.tokens_per_round
        }
    }

    /// Returns the pay for the work of one device in a round, exact.
    ///
    /// # Errors
    /// [`Overflow`] when it does not fit.
    pub fn work_pay(&self, round: u32) -> Result<Wei, Overflow> {
        self.price_per_token.checked_mul_count(self.tokens(round))
    }

    /// Returns the pay for an uncontradicted verdict about a round, rounded down: the escrow keeps the remainder.
    ///
    /// # Errors
    /// [`Overflow`] when it does not fit.
    pub fn verdict_pay(&self, round: u32) -> Result<Wei, Overflow> {
        self.work_pay(round)?.part_down(self.audit_pay)
    }

    /// Returns the most that is held back of a device's verified pay: with this stake, the chance of an audit is at its
    /// floor. Rounded up.
    ///
    /// # Errors
    /// [`Overflow`] when it does not fit.
    pub fn stake_max(&self) -> Result<Wei, Overflow> {
        let floor = u64::from(self.audit_rate.as_u16()).saturating_mul(100);
        let rounds = chance::stake_for(floor).max(STAKE_MAX_MIN).div_ceil(chance::ROUND);
        self.price_per_token.checked_mul_count(self.tokens_per_round)?.checked_mul_count(rounds)
    }

    /// Returns an amount in thousandths of the pay for a round, rounded down, at most `u32::MAX`.
    #[must_use]
    pub fn in_rounds(&self, amount: Wei, round: u32) -> u32 {
        let pay = self.work_pay(round).map_or(0, Wei::as_u128);
        let thousandths = amount.as_u128().saturating_mul(u128::from(chance::ROUND));
        thousandths
            .checked_div(pay)
            .and_then(|rounds| u32::try_from(rounds).ok())
            .unwrap_or(u32::MAX)
    }

    /// Returns the largest possible cost of the run: every seat commits in every round, and every commitment costs its
    /// pay, two verdicts and the relay of three statements. (A bounty comes out of the stake
    /// that a cheat forfeits.)
    ///
    /// # Errors
    /// [`Overflow`] when it does not fit.
    pub fn required_deposit(&self) -> Result<Wei, Overflow> {
        self.worst_case_from(0)
    }

    /// Returns the largest possible cost of one commitment in a round.
    pub(crate) fn entry_cost(&self, round: u32) -> Result<Wei, Overflow> {
        let verdicts = self.verdict_pay(round)?.checked_mul_count(2)?;
        let relays = self.relay_fee.checked_mul_count(RELAYS_PER_ENTRY)?;
        self.work_pay(round)?.checked_add(verdicts)?.checked_add(relays)
    }

    /// Returns the largest possible cost of the rounds from `first` on.
    pub(crate) fn worst_case_from(&self, first: u32) -> Result<Wei, Overflow> {
        let seats = u64::from(self.seats_max);
        let warmup = self.warmup_rounds.saturating_sub(first);
        let later = self.rounds.saturating_sub(self.warmup_rounds.max(first));
        let of = |rounds: u32, round: u32| {
            let entries = u64::from(rounds).checked_mul(seats).ok_or(Overflow)?;
            if entries == 0 {
                Ok(Wei::ZERO)
            } else {
                self.entry_cost(round)?.checked_mul_count(entries)
            }
        };
        of(warmup, 0)?.checked_add(of(later, self.rounds.saturating_sub(1))?)
    }
}
