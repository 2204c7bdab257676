//! Training runs: who trains what, by which terms, who was paid, and what happened.

mod events;

use abi::{TRAINING_RUNS, TrainingRuns as sol, convert};
use alloy_primitives::U256;
use training_run::{Cause, Commitment, Ending, Standing, Terms};
use units::{AccountId, Bps, DeviceId, Digest, UnixSeconds, Wei};

use crate::{
    Ask, Impossible, Page, ViewError, Window,
    batch::{self, Batch},
};

pub use events::{LoggedEvent, RunEvent, event, events};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunPhase {
    /// Waits for seats.
    Gathering,
    /// A round takes commitments.
    Training {
        /// When a quorum is enough for anyone to close it.
        deadline: UnixSeconds,
    },
    /// The round waits for its new state.
    Closed,
    /// No more rounds; audits go on.
    WindingUp(Ending),
    /// Over.
    Finished(Ending),
}

/// A run at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunView {
    /// Its id.
    pub run: u64,
    /// Who opened it and gets the rest back.
    pub owner: AccountId,
    /// What people call it; chosen by the owner, not to be trusted on a screen.
    pub name: String,
    /// Key of the coordinator.
    pub coordinator: DeviceId,
    /// Where the coordinator listens: socket addresses, comma separated; chosen by the owner.
    pub endpoint: String,
    /// Where it stands.
    pub phase: RunPhase,
    /// The open or closed round; in other phases the number of rounds that became a state.
    pub round: u32,
    /// Rounds in all.
    pub rounds: u32,
    /// The newest state.
    pub state: Digest,
    /// The outer update that led to it; zero before the first.
    pub update: Digest,
    /// Put in by the owner.
    pub deposited: Wei,
    /// Paid for work and verdicts.
    pub paid: Wei,
    /// Given back.
    pub refunded: Wei,
    /// Held back for work.
    pub owed: Wei,
    /// Tokens paid for.
    pub tokens_verified: u64,
    /// Seats ever taken.
    pub seats: u32,
    /// Seats that take part.
    pub seats_active: u32,
    /// Commitments that a round needs.
    pub quorum: u32,
}

/// A device in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatView {
    /// The device.
    pub device: DeviceId,
    /// Who is paid.
    pub account: AccountId,
    /// Whether it takes part.
    pub standing: Standing,
    /// Every commitment is audited until one audit has passed.
    pub on_probation: bool,
    /// First round it takes part in.
    pub from_round: u32,
    /// Tokens paid for.
    pub tokens_verified: u64,
    /// Paid to its account for this seat.
    pub paid: Wei,
    /// Whether it has committed in the open round.
    pub committed: bool,
}

/// An audit under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditView {
    /// The audited round.
    pub round: u32,
    /// The audited device.
    pub subject: DeviceId,
    /// The device to repeat its work.
    pub auditor: DeviceId,
    /// When the auditor may be replaced.
    pub deadline: UnixSeconds,
    /// State the audited round started from.
    pub base: Digest,
    /// What the subject started from, and says it arrived at.
    pub commitment: Commitment,
    /// Earlier auditors who arrived at something else, and their sealed roots.
    pub claims: Vec<(DeviceId, Digest)>,
}

/// A closed round whose audits are not drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UndrawnRound {
    /// The round.
    pub round: u32,
    /// It may be drawn in any block after this one.
    pub draw_height: u64,
}

/// All that the ledger says of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDetails {
    /// At a glance.
    pub run: RunView,
    /// Its terms.
    pub terms: Terms,
    /// All seats ever taken.
    pub seats: Vec<SeatView>,
    /// The audits under way.
    pub audits: Vec<AuditView>,
    /// The closed rounds whose audits are not drawn.
    pub undrawn: Vec<UndrawnRound>,
}

impl RunPhase {
    /// Whether devices can still take a seat.
    #[must_use]
    pub fn is_open(self) -> bool {
        match self {
            Self::Gathering | Self::Training { .. } | Self::Closed => true,
            Self::WindingUp(_) | Self::Finished(_) => false,
        }
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Finished(_))
    }
}

impl SeatView {
    /// Whether it takes part.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.standing == Standing::Active
    }

    /// Whether it is out for good.
    #[must_use]
    pub fn is_expelled(&self) -> bool {
        matches!(self.standing, Standing::Expelled { .. })
    }
}

/// Reads how many runs were ever opened; their ids are 1 to this.
///
/// # Errors
/// [`ViewError`].
pub async fn count<A: Ask>(ledger: &A) -> Result<u64, ViewError<A::Error>> {
    batch::ask(ledger, TRAINING_RUNS, &sol::countCall {}).await
}

/// Reads a run at a glance.
///
/// # Errors
/// [`ViewError`]; in particular [`ViewError::Refused`] with [`sol::NoSuchRun`].
pub async fn run<A: Ask>(ledger: &A, run: u64) -> Result<RunView, ViewError<A::Error>> {
    batch::read(ledger, TRAINING_RUNS, &sol::summaryCall { run }, run_view).await
}

/// Reads a page of runs, newest first.
///
/// # Errors
/// [`ViewError`].
pub async fn list<A: Ask>(
    ledger: &A,
    window: Window,
) -> Result<Page<RunView>, ViewError<A::Error>> {
    let count = count(ledger).await?;
    let mut batch = Batch::default();
    let mut ask = |run| batch.add(TRAINING_RUNS, &sol::summaryCall { run });
    let asked: Vec<_> = window.numbers(count).map(&mut ask).collect();
    let answers = batch.ask(ledger).await?;
    let items = asked.iter().map(|asked| answers.read(asked, run_view));
    Ok(Page::new(window, count, items.collect::<Result<_, _>>()?))
}

/// Reads all that the ledger says of one run.
///
/// # Errors
/// [`ViewError`]; in particular [`ViewError::Refused`] with [`sol::NoSuchRun`].
pub async fn details<A: Ask>(ledger: &A, run: u64) -> Result<RunDetails, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let summary = batch.add(TRAINING_RUNS, &sol::summaryCall { run });
    let terms = batch.add(TRAINING_RUNS, &sol::termsCall { run });
    let seats = batch.add(TRAINING_RUNS, &sol::seatsCall { run });
    let audits = batch.add(TRAINING_RUNS, &sol::auditsCall { run });
    let undrawn = batch.add(TRAINING_RUNS, &sol::undrawnCall { run });
    let answers = batch.ask(ledger).await?;
    Ok(RunDetails {
        run: answers.read(&summary, run_view)?,
        terms: answers.read(&terms, terms_view)?,
        seats: answers.read(&seats, seat_views)?,
        audits: answers.read(&audits, |audits| Ok(audit_views(audits)))?,
        undrawn: answers.read(&undrawn, |rounds| Ok(undrawn_rounds(rounds)))?,
    })
}

/// Reads the terms of a run.
///
/// # Errors
/// [`ViewError`].
pub async fn terms<A: Ask>(ledger: &A, run: u64) -> Result<Terms, ViewError<A::Error>> {
    batch::read(ledger, TRAINING_RUNS, &sol::termsCall { run }, terms_view).await
}

/// Reads all seats ever taken in a run: no more than its terms allow, which is 256 at most.
///
/// # Errors
/// [`ViewError`].
pub async fn seats<A: Ask>(ledger: &A, run: u64) -> Result<Vec<SeatView>, ViewError<A::Error>> {
    batch::read(ledger, TRAINING_RUNS, &sol::seatsCall { run }, seat_views).await
}

/// Reads the audits under way in a run.
///
/// # Errors
/// [`ViewError`].
pub async fn audits<A: Ask>(ledger: &A, run: u64) -> Result<Vec<AuditView>, ViewError<A::Error>> {
    let audits = batch::ask(ledger, TRAINING_RUNS, &sol::auditsCall { run }).await?;
    Ok(audit_views(audits))
}

/// Reads the closed rounds whose audits are not drawn.
///
/// # Errors
/// [`ViewError`].
pub async fn undrawn<A: Ask>(
    ledger: &A,
    run: u64,
) -> Result<Vec<UndrawnRound>, ViewError<A::Error>> {
    let rounds = batch::ask(ledger, TRAINING_RUNS, &sol::undrawnCall { run }).await?;
    Ok(undrawn_rounds(rounds))
}

/// Reads the least deposit for these terms, as the ledger computes it.
///
/// # Errors
/// [`ViewError`]; in particular [`ViewError::Refused`] with [`sol::TermOutOfRange`].
pub async fn required_deposit<A: Ask>(
    ledger: &A,
    terms: &Terms,
) -> Result<Wei, ViewError<A::Error>> {
    let call = sol::requiredDepositCall { terms: sol_terms(terms) };
    batch::read(ledger, TRAINING_RUNS, &call, |amount| wei("requiredDeposit", amount)).await
}

/// The terms in the words of the interface, to open a run with.
#[must_use]
pub fn sol_terms(terms: &Terms) -> sol::Terms {
    sol::Terms {
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
        spec: convert::digest_word(terms.spec),
        corpus: convert::digest_word(terms.corpus),
        initialState: convert::digest_word(terms.initial_state),
    }
}

fn terms_view(terms: sol::Terms) -> Result<Terms, Impossible> {
    let share = |field, bps| Bps::new(bps).map_err(|_| Impossible::new(field, bps));
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
        spec: convert::digest(terms.spec),
        corpus: convert::digest(terms.corpus),
        initial_state: convert::digest(terms.initialState),
    })
}

fn run_view(summary: sol::Summary) -> Result<RunView, Impossible> {
    Ok(RunView {
        run: summary.run,
        owner: convert::account(summary.owner),
        phase: phase(&summary)?,
        name: summary.name,
        coordinator: convert::device(summary.coordinator),
        endpoint: summary.endpoint,
        round: summary.round,
        rounds: summary.rounds,
        state: convert::digest(summary.state),
        update: convert::digest(summary.update),
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

fn phase(summary: &sol::Summary) -> Result<RunPhase, Impossible> {
    let ending = match summary.ending {
        sol::Ending::Completed => Some(Ending::Completed),
        sol::Ending::Cancelled => Some(Ending::Cancelled),
        sol::Ending::Abandoned => Some(Ending::Abandoned),
        sol::Ending::None | sol::Ending::__Invalid => None,
    };
    Ok(match (summary.phase, ending) {
        (sol::Phase::Gathering, None) => RunPhase::Gathering,
        (sol::Phase::Training, None) => {
            RunPhase::Training { deadline: UnixSeconds::new(summary.deadline) }
        }
        (sol::Phase::Closed, None) => RunPhase::Closed,
        (sol::Phase::WindingUp, Some(ending)) => RunPhase::WindingUp(ending),
        (sol::Phase::Finished, Some(ending)) => RunPhase::Finished(ending),
        (phase, _) => {
            let both = format!("{phase:?} with the ending {:?}", summary.ending);
            return Err(Impossible::new("phase", both));
        }
    })
}

fn seat_views(seats: Vec<sol::Seat>) -> Result<Vec<SeatView>, Impossible> {
    seats.into_iter().map(seat_view).collect()
}

fn seat_view(seat: sol::Seat) -> Result<SeatView, Impossible> {
    let expelled = |cause| Standing::Expelled { round: seat.expelledRound, cause };
    let standing = match seat.standing {
        sol::Standing::Active => Standing::Active,
        sol::Standing::Left => Standing::Left,
        sol::Standing::Convicted => expelled(Cause::Convicted),
        sol::Standing::FalseAuditor => expelled(Cause::FalseAudit),
        sol::Standing::__Invalid => return Err(Impossible::new("standing", "unknown")),
    };
    Ok(SeatView {
        device: convert::device(seat.device),
        account: convert::account(seat.account),
        standing,
        on_probation: seat.onProbation,
        from_round: seat.fromRound,
        tokens_verified: seat.tokensVerified,
        paid: wei("paid", seat.paid)?,
        committed: seat.committed,
    })
}

fn audit_views(audits: Vec<sol::Audit>) -> Vec<AuditView> {
    audits.into_iter().map(audit_view).collect()
}

fn audit_view(audit: sol::Audit) -> AuditView {
    let claim =
        |claim: sol::Claim| (convert::device(claim.auditor), convert::digest(claim.sealedRoot));
    AuditView {
        round: audit.round,
        subject: convert::device(audit.subject),
        auditor: convert::device(audit.auditor),
        deadline: UnixSeconds::new(audit.deadline),
        base: convert::digest(audit.base),
        commitment: Commitment {
            seal: convert::digest(audit.seal),
            update: convert::digest(audit.update),
        },
        claims: audit.claims.into_iter().map(claim).collect(),
    }
}

fn undrawn_rounds(rounds: Vec<sol::UndrawnRound>) -> Vec<UndrawnRound> {
    let view = |round: sol::UndrawnRound| UndrawnRound {
        round: round.round,
        draw_height: round.drawHeight,
    };
    rounds.into_iter().map(view).collect()
}

fn wei(field: &'static str, amount: U256) -> Result<Wei, Impossible> {
    convert::wei(amount).map_err(|_| Impossible::new(field, amount))
}

#[cfg(test)]
mod tests;
