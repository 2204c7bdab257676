//! The terms of a run, fixed when it opens.

use thiserror::Error;
use units::{Bps, Digest, Overflow, Wei};

/// Largest number of seats of a run; bounds every list of its state.
pub const SEATS_MAX: u16 = 256;

/// Largest number of rounds for which pay is held back; bounds the rounds that a run keeps.
pub const HOLD_BACK_ROUNDS_MAX: u16 = 64;

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
    /// Probability that a commitment is drawn for audit.
    pub audit_rate: Bps,
    /// Pay for an uncontradicted verdict, as a share of the pay for the audited round.
    pub audit_pay: Bps,
    /// Share of the active seats that must have committed before a round may close.
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
    /// Number of rounds for which pay is held back.
    pub hold_back_rounds: u16,
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
        let hold_back_max = u64::from(HOLD_BACK_ROUNDS_MAX);
        let year = 366 * 24 * 3600;
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
            ("quorum", u64::from(self.quorum.as_u16()), 1, 10_000, "1 to 10000 basis points"),
            (
                "seats_min",
                u64::from(self.seats_min),
                2,
                u64::from(self.seats_max),
                "2 (one device works, one audits) to seats_max",
            ),
            ("seats_max", u64::from(self.seats_max), 2, seats_max, "2 to 256"),
            ("round_seconds", u64::from(self.round_seconds), 1, year, "1 to 31536000 (a year)"),
            ("audit_seconds", u64::from(self.audit_seconds), 1, year, "1 to 31536000 (a year)"),
            ("stall_seconds", u64::from(self.stall_seconds), 1, year, "1 to 31536000 (a year)"),
            ("hold_back_rounds", u64::from(self.hold_back_rounds), 0, hold_back_max, "0 to 64"),
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

    /// Returns the largest possible cost of the run: every seat commits in every round, and every commitment costs
    /// its pay and one verdict. (A convicted subject costs two verdicts instead, which is not more.)
    ///
    /// # Errors
    /// [`Overflow`] when it does not fit.
    pub fn required_deposit(&self) -> Result<Wei, Overflow> {
        self.worst_case_from(0)
    }

    /// Returns the largest possible cost of the rounds from `first` on.
    pub(crate) fn worst_case_from(&self, first: u32) -> Result<Wei, Overflow> {
        let of = |round: u32| self.work_pay(round)?.checked_add(self.verdict_pay(round)?);
        let seats = u64::from(self.seats_max);
        let warmup = self.warmup_rounds.saturating_sub(first);
        let later = self.rounds.saturating_sub(self.warmup_rounds.max(first));
        let warmup = u64::from(warmup).checked_mul(seats).ok_or(Overflow)?;
        let later = u64::from(later).checked_mul(seats).ok_or(Overflow)?;
        let (first, last) = (of(0)?, of(self.rounds.saturating_sub(1))?);
        let warmup = if warmup == 0 { Wei::ZERO } else { first.checked_mul_count(warmup)? };
        let later = if later == 0 { Wei::ZERO } else { last.checked_mul_count(later)? };
        warmup.checked_add(later)
    }
}
