//! Answers of the ledger, converted to the types of the other crates. Values are checked here, once.

use abi::{
    TrainingRuns as wire,
    convert::{self, account, account_if_any, device, digest, digest_word},
};
use alloy_primitives::U256;
use training_run::{Cause, Commitment, Ending, Standing, Terms};
use units::{AccountId, Bps, DeviceId, Digest, UnixSeconds, Wei};

/// The answer has a value that our ledger never gives.
#[derive(Debug, thiserror::Error)]
#[error("{field} is {value}, which is out of range")]
pub(crate) struct Impossible {
    field: &'static str,
    value: String,
}

/// The account of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The account that is paid; `None` before the first link.
    pub account: Option<AccountId>,
    /// Nonce of the last link; the next link needs one more.
    pub nonce: u64,
}

/// The phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunPhase {
    /// Waiting for seats.
    Gathering,
    /// A round accepts commitments.
    Training {
        /// Time after which anyone may close it if there is a quorum.
        deadline: UnixSeconds,
    },
    /// The round waits for its new state.
    Closed,
    /// No more rounds open; audits continue.
    WindingUp(Ending),
    /// All is paid and refunded.
    Finished(Ending),
}

/// The summary of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Its id.
    pub run: u64,
    /// The account that opened it and gets the refund.
    pub owner: AccountId,
    /// Its name, chosen by the owner; must be escaped when shown.
    pub name: String,
    /// Key of the coordinator.
    pub coordinator: DeviceId,
    /// The coordinator's socket addresses, comma separated; chosen by the owner.
    pub endpoint: String,
    /// The phase.
    pub phase: RunPhase,
    /// The open or closed round; in other phases the number of rounds that have a state.
    pub round: u32,
    /// Number of rounds.
    pub rounds: u32,
    /// The newest state.
    pub state: Digest,
    /// The outer update that led to the state; zero before the first.
    pub update: Digest,
    /// Deposited by the owner.
    pub deposited: Wei,
    /// Paid for work and verdicts.
    pub paid: Wei,
    /// Refunded to the owner.
    pub refunded: Wei,
    /// Held back for work.
    pub owed: Wei,
    /// Tokens paid for.
    pub tokens_verified: u64,
    /// Number of seats that were ever taken.
    pub seats: u32,
    /// Number of active seats.
    pub seats_active: u32,
    /// Number of commitments needed to close a round early.
    pub quorum: u32,
}

/// A device in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatRecord {
    /// The device.
    pub device: DeviceId,
    /// The account that is paid.
    pub account: AccountId,
    /// Whether it takes part.
    pub standing: Standing,
    /// Whether every commitment is audited; ends with the first passed audit.
    pub on_probation: bool,
    /// First round it takes part in.
    pub from_round: u32,
    /// Error-feedback memory of its last commitment; zero before the first.
    pub memory: Digest,
    /// Tokens paid for.
    pub tokens_verified: u64,
    /// Paid to its account for this seat.
    pub paid: Wei,
    /// Whether it has committed in the open round.
    pub committed: bool,
}

/// An open audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// The audited round.
    pub round: u32,
    /// The audited device.
    pub subject: DeviceId,
    /// The device that must replay its work.
    pub auditor: DeviceId,
    /// When the auditor may be replaced.
    pub deadline: UnixSeconds,
    /// State at the start of the audited round.
    pub base: Digest,
    /// The commitment: where the round started, and its result.
    pub commitment: Commitment,
    /// Earlier auditors whose replay gave another root, with their sealed roots.
    pub claims: Vec<(DeviceId, Digest)>,
}

/// A closed round whose audits are not drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UndrawnRound {
    /// The round.
    pub round: u32,
    /// It may be drawn in any block after this height.
    pub draw_height: u64,
}

pub(crate) fn link(answer: abi::Devices::accountOfReturn) -> Link {
    Link { account: account_if_any(answer.account), nonce: answer.nonce }
}

pub(crate) fn summary(summary: wire::Summary) -> Result<RunSummary, Impossible> {
    let phase = phase(&summary)?;
    Ok(RunSummary {
        run: summary.run,
        owner: account(summary.owner),
        name: summary.name,
        coordinator: device(summary.coordinator),
        endpoint: summary.endpoint,
        phase,
        round: summary.round,
        rounds: summary.rounds,
        state: digest(summary.state),
        update: digest(summary.update),
        deposited: wei("deposited", summary.deposited)?,
        paid: wei("paid", summary.paid)?,
        refunded: wei("refunded", summary.refunded)?,
        owed: wei("owed", summary.owed)?,
        tokens_verified: summary.tokensVerified,
        seats: summary.seats,
        seats_active: summary.seatsActive,
        quorum: summary.quorum,
    })
}

fn phase(summary: &wire::Summary) -> Result<RunPhase, Impossible> {
    let ending = match summary.ending {
        wire::Ending::None => None,
        wire::Ending::Completed => Some(Ending::Completed),
        wire::Ending::Cancelled => Some(Ending::Cancelled),
        wire::Ending::Abandoned => Some(Ending::Abandoned),
        wire::Ending::__Invalid => return Err(impossible("ending", u8::from(summary.ending))),
    };
    match (summary.phase, ending) {
        (wire::Phase::Gathering, None) => Ok(RunPhase::Gathering),
        (wire::Phase::Training, None) => {
            Ok(RunPhase::Training { deadline: UnixSeconds::new(summary.deadline) })
        }
        (wire::Phase::Closed, None) => Ok(RunPhase::Closed),
        (wire::Phase::WindingUp, Some(ending)) => Ok(RunPhase::WindingUp(ending)),
        (wire::Phase::Finished, Some(ending)) => Ok(RunPhase::Finished(ending)),
        (phase, _) => {
            Err(impossible("phase", format!("{phase:?} with ending {:?}", summary.ending)))
        }
    }
}

pub(crate) fn seat(seat: wire::Seat) -> Result<SeatRecord, Impossible> {
    let expelled = |cause| Standing::Expelled { round: seat.expelledRound, cause };
    let standing = match seat.standing {
        wire::Standing::Active => Standing::Active,
        wire::Standing::Left => Standing::Left,
        wire::Standing::Convicted => expelled(Cause::Convicted),
        wire::Standing::FalseAuditor => expelled(Cause::FalseAudit),
        wire::Standing::__Invalid => return Err(impossible("standing", u8::from(seat.standing))),
    };
    Ok(SeatRecord {
        device: device(seat.device),
        account: account(seat.account),
        standing,
        on_probation: seat.onProbation,
        from_round: seat.fromRound,
        memory: digest(seat.memoryDigest),
        tokens_verified: seat.tokensVerified,
        paid: wei("paid", seat.paid)?,
        committed: seat.committed,
    })
}

pub(crate) fn audit(audit: wire::Audit) -> AuditRecord {
    AuditRecord {
        round: audit.round,
        subject: device(audit.subject),
        auditor: device(audit.auditor),
        deadline: UnixSeconds::new(audit.deadline),
        base: digest(audit.base),
        commitment: Commitment {
            seal: digest(audit.seal),
            update: digest(audit.update),
            memory_before: digest(audit.memoryBefore),
            memory_after: digest(audit.memoryAfter),
        },
        claims: audit
            .claims
            .into_iter()
            .map(|claim| (device(claim.auditor), digest(claim.sealedRoot)))
            .collect(),
    }
}

pub(crate) fn undrawn(round: wire::UndrawnRound) -> UndrawnRound {
    UndrawnRound { round: round.round, draw_height: round.drawHeight }
}

pub(crate) fn terms(terms: &wire::Terms) -> Result<Terms, Impossible> {
    let share = |field, bps| Bps::new(bps).map_err(|_| impossible(field, bps));
    Ok(Terms {
        rounds: terms.rounds,
        warmup_rounds: terms.warmupRounds,
        tokens_per_round: terms.tokensPerRound,
        warmup_tokens_per_round: terms.warmupTokensPerRound,
        price_per_token: Wei::new(terms.pricePerToken),
        audit_rate: share("auditRate", terms.auditRate)?,
        audit_pay: share("auditPay", terms.auditPay)?,
        quorum: share("quorum", terms.quorum)?,
        seats_min: terms.seatsMin,
        seats_max: terms.seatsMax,
        round_seconds: terms.roundSeconds,
        audit_seconds: terms.auditSeconds,
        stall_seconds: terms.stallSeconds,
        hold_back_rounds: terms.holdBackRounds,
        spec: digest(terms.spec),
        corpus: digest(terms.corpus),
        initial_state: digest(terms.initialState),
    })
}

pub(crate) fn wire_terms(terms: &Terms) -> wire::Terms {
    wire::Terms {
        rounds: terms.rounds,
        warmupRounds: terms.warmup_rounds,
        tokensPerRound: terms.tokens_per_round,
        warmupTokensPerRound: terms.warmup_tokens_per_round,
        pricePerToken: terms.price_per_token.as_u128(),
        auditRate: terms.audit_rate.as_u16(),
        auditPay: terms.audit_pay.as_u16(),
        quorum: terms.quorum.as_u16(),
        seatsMin: terms.seats_min,
        seatsMax: terms.seats_max,
        roundSeconds: terms.round_seconds,
        auditSeconds: terms.audit_seconds,
        stallSeconds: terms.stall_seconds,
        holdBackRounds: terms.hold_back_rounds,
        spec: digest_word(terms.spec),
        corpus: digest_word(terms.corpus),
        initialState: digest_word(terms.initial_state),
    }
}

pub(crate) fn wei(field: &'static str, amount: U256) -> Result<Wei, Impossible> {
    convert::wei(amount).map_err(|_| impossible(field, amount))
}

fn impossible(field: &'static str, value: impl ToString) -> Impossible {
    Impossible { field, value: value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_survive_the_way_to_the_ledger_and_back() {
        let original = Terms {
            rounds: 1,
            warmup_rounds: 2,
            tokens_per_round: 3,
            warmup_tokens_per_round: 4,
            price_per_token: Wei::new(u128::MAX),
            audit_rate: Bps::new(5).unwrap(),
            audit_pay: Bps::new(6).unwrap(),
            quorum: Bps::new(7).unwrap(),
            seats_min: 8,
            seats_max: 9,
            round_seconds: 10,
            audit_seconds: 11,
            stall_seconds: 12,
            hold_back_rounds: 13,
            spec: Digest::from_bytes([14; 32]),
            corpus: Digest::from_bytes([15; 32]),
            initial_state: Digest::from_bytes([16; 32]),
        };
        let mut wire = wire_terms(&original);
        assert_eq!(terms(&wire).unwrap(), original);
        wire.quorum = 10_001;
        assert_eq!(terms(&wire).unwrap_err().to_string(), "quorum is 10001, which is out of range");
    }

    #[test]
    fn numbers_without_a_meaning_are_refused() {
        assert!(wei("paid", U256::from(u128::MAX)).is_ok());
        assert!(wei("paid", U256::from(u128::MAX) + U256::from(1)).is_err());
    }
}
