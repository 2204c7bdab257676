//! What the owner of a run promises, fixed when it opens.

use thiserror::Error;
use units::{Bps, Digest, Overflow, Wei};

/// Seats a run has at most; it bounds every list in its state.
pub const SEATS_MAX: u16 = 256;

/// Rounds for which pay may be held back; it bounds the rounds a run remembers.
pub const HOLD_BACK_ROUNDS_MAX: u16 = 64;

/// The terms of a run. Amounts of work are per device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Rounds in all.
    pub rounds: u32,
    /// Rounds at the beginning that count as warm-up.
    pub warmup_rounds: u32,
    /// Tokens a device trains on in an ordinary round.
    pub tokens_per_round: u64,
    /// Tokens a device trains on in a warm-up round.
    pub warmup_tokens_per_round: u64,
    /// What a verified token pays.
    pub price_per_token: Wei,
    /// Chance of a commitment to be drawn for audit.
    pub audit_rate: Bps,
    /// What a standing verdict pays, as a share of what the audited round pays.
    pub audit_pay: Bps,
    /// Share of the active seats that must have committed before a round may close.
    pub quorum: Bps,
    /// Seats that must be taken before the first round opens.
    pub seats_min: u16,
    /// Commitments a round takes at most.
    pub seats_max: u16,
    /// How long a round waits for the slowest.
    pub round_seconds: u32,
    /// How long an auditor has.
    pub audit_seconds: u32,
    /// After this long without progress anyone may wind the run up.
    pub stall_seconds: u32,
    /// Rounds for which pay is held back.
    pub hold_back_rounds: u16,
    /// Names how to train.
    pub spec: Digest,
    /// Names what to train on.
    pub corpus: Digest,
    /// Names what to start from.
    pub initial_state: Digest,
}

/// Terms that can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{field} = {value}: {allowed} is allowed")]
pub struct TermsError {
    /// The field.
    pub field: &'static str,
    /// What it says.
    pub value: u64,
    /// What it may say.
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
                "warmup rounds",
                u64::from(self.warmup_rounds),
                0,
                u64::from(self.rounds),
                "0 to the number of rounds",
            ),
            ("tokens per round", self.tokens_per_round, 1, 1 << 48, "1 to 2^48"),
            ("warmup tokens per round", self.warmup_tokens_per_round, 1, 1 << 48, "1 to 2^48"),
            ("quorum", u64::from(self.quorum.as_u16()), 1, 10_000, "1 to 10000 basis points"),
            (
                "seats min",
                u64::from(self.seats_min),
                2,
                u64::from(self.seats_max),
                "2 (one works, one checks) to seats max",
            ),
            ("seats max", u64::from(self.seats_max), 2, seats_max, "2 to 256"),
            ("round seconds", u64::from(self.round_seconds), 1, year, "1 second to a year"),
            ("audit seconds", u64::from(self.audit_seconds), 1, year, "1 second to a year"),
            ("stall seconds", u64::from(self.stall_seconds), 1, year, "1 second to a year"),
            ("hold back rounds", u64::from(self.hold_back_rounds), 0, hold_back_max, "0 to 64"),
        ];
        let refused =
            fields.into_iter().find(|(_, value, least, most, _)| value < least || value > most);
        refused.map_or(Ok(()), |(field, value, _, _, allowed)| {
            Err(TermsError { field, value, allowed })
        })
    }

    /// Tokens a device trains on in a round.
    #[must_use]
    pub fn tokens(&self, round: u32) -> u64 {
        if round < self.warmup_rounds {
            self.warmup_tokens_per_round
        } else {
            self.tokens_per_round
        }
    }

    /// What the work of one device in a round pays, exact.
    ///
    /// # Errors
    /// [`Overflow`] when it does not fit.
    pub fn work_pay(&self, round: u32) -> Result<Wei, Overflow> {
        self.price_per_token.checked_mul_count(self.tokens(round))
    }

    /// What a standing verdict about a round pays, rounded down: the escrow keeps the remainder.
    ///
    /// # Errors
    /// [`Overflow`] when it does not fit.
    pub fn verdict_pay(&self, round: u32) -> Result<Wei, Overflow> {
        self.work_pay(round)?.part_down(self.audit_pay)
    }

    /// What the run can cost at most: every seat commits in every round, and every commitment costs its pay and one verdict. (A
    /// convicted subject costs two verdicts instead, which is no more.)
    ///
    /// # Errors
    /// [`Overflow`] when it does not fit.
    pub fn required_deposit(&self) -> Result<Wei, Overflow> {
        self.worst_case_from(0)
    }

    /// What the rounds from `first` on can cost at most.
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
