//! Training runs: who trains what, by which terms, who was paid, and what happened.

mod events;

use abi::{TRAINING_RUNS, TrainingRuns as sol, convert};
use alloy_primitives::{B256, U256};
use training_run::{Bar, Cause, Commitment, Ending, Ruling, SeatIndex, Standing, Terms, Vote};
use units::{AccountId, Bps, DeviceId, Digest, UnixSeconds, Wei};

use crate::{
    Ask, Impossible, Page, ViewError, Window,
    batch::{self, Batch},
    text,
};

pub use events::{LoggedEvent, RunEvent, event, events, leaves};

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
    WindingUp {
        /// Why.
        ending: Ending,
        /// From when on anyone may have the seats paid; the owner may before.
        payable: UnixSeconds,
    },
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
    /// The owner's auditing device.
    pub auditor: DeviceId,
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
    /// Held back as stakes, or not decided yet.
    pub owed: Wei,
    /// Tokens of verified work.
    pub tokens_verified: u64,
    /// Seats ever used: their indices are below this.
    pub seats: u32,
    /// Seats that take part.
    pub seats_active: u32,
    /// Commitments of the open round.
    pub committed: u32,
    /// Commitments that a round needs.
    pub quorum: u32,
    /// Commitments whose audits are not over.
    pub unsettled: u32,
    /// Disputes before the referee.
    pub disputes: u32,
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
    /// First round it takes part in.
    pub from_round: u32,
    /// The round after its last commitment.
    pub next_round: u32,
    /// Commitments whose audits are not over, those before the referee included.
    pub unsettled: u32,
    /// Verified pay that is held back.
    pub stake: Wei,
    /// Paid to its account for this seat.
    pub paid: Wei,
    /// Tokens of verified work.
    pub tokens_verified: u64,
    /// Whether it has committed in the open round.
    pub committed: bool,
    /// Whether it missed so many rounds that it is given up.
    pub overdue: bool,
    /// Whether `settle` does something for it.
    pub due: bool,
}

/// What a run knows of a device, whether it has a seat or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standpoint {
    /// Its seat.
    pub seat: Option<(SeatIndex, SeatView)>,
    /// Number of the last enrolment or leave that it signed.
    pub nonce: u64,
    /// Why it may not enrol.
    pub bar: Option<Bar>,
}

/// A round whose commitments are not all settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenRound {
    /// The round.
    pub round: u32,
    /// State it started from.
    pub base: Digest,
    /// Height of the block in which it closed.
    pub closed: u64,
    /// Its commitments.
    pub commitments: u32,
    /// Those that are not settled.
    pub unsettled: u32,
    /// Whether its audits are drawn.
    pub is_drawn: bool,
    /// Whether `draw` does something in the next block.
    pub is_due: bool,
    /// Whether a draw waits for the hash of a block that is not there yet.
    pub is_waiting: bool,
}

/// How far the audit of a commitment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckView {
    /// Not drawn: not yet, or, once its round is drawn, not selected.
    Committed,
    /// An auditor has to repeat the work.
    Audit {
        /// Who.
        auditor: DeviceId,
        /// When it is replaced.
        deadline: UnixSeconds,
    },
    /// The next auditor is drawn soon.
    Waiting,
    /// An audit passed; it may be repeated.
    Passed,
    /// The referee decides.
    Disputed,
    /// Counted as verified.
    Settled,
    /// Not paid: the device was expelled.
    Void,
}

/// A commitment in a round that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryView {
    /// The seat.
    pub seat: SeatIndex,
    /// Its device.
    pub device: DeviceId,
    /// What it committed to.
    pub commitment: Commitment,
    /// How far its audit is.
    pub check: CheckView,
    /// Height of the block in which the leaves under its seal were disclosed: [`leaves`] reads them.
    pub disclosed: Option<u64>,
}

/// An audit under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditView {
    /// The audited round.
    pub round: u32,
    /// The audited device.
    pub subject: DeviceId,
    /// The device to repeat its work.
    pub auditor: DeviceId,
    /// When the auditor is replaced.
    pub deadline: UnixSeconds,
    /// State the audited round started from.
    pub base: Digest,
    /// What the subject committed to.
    pub commitment: Commitment,
}

/// A dispute before the referees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeView {
    /// The round.
    pub round: u32,
    /// The disputed device.
    pub subject: DeviceId,
    /// The device that disputes, unless it is an account, or no auditor answered.
    pub accuser: Option<DeviceId>,
    /// The account that disputes.
    pub account: Option<AccountId>,
    /// Its bond.
    pub bond: Wei,
    /// When the dispute expires, and the work counts.
    pub deadline: UnixSeconds,
    /// State the round started from.
    pub base: Digest,
    /// What the subject committed to.
    pub commitment: Commitment,
    /// Height of the block in which the leaves under the seal were disclosed: [`leaves`] reads them.
    pub disclosed: Option<u64>,
    /// Votes of referees so far.
    pub votes: Vec<Vote>,
}

/// All that the ledger says of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDetails {
    /// At a glance.
    pub run: RunView,
    /// Its terms.
    pub terms: Terms,
    /// All seats.
    pub seats: Vec<SeatView>,
    /// The rounds that are not settled.
    pub open_rounds: Vec<OpenRound>,
    /// The audits under way.
    pub audits: Vec<AuditView>,
    /// The disputes before the referee.
    pub disputes: Vec<DisputeView>,
}

impl RunPhase {
    /// Whether devices can still take a seat.
    #[must_use]
    pub fn is_open(self) -> bool {
        match self {
            Self::Gathering | Self::Training { .. } | Self::Closed => true,
            Self::WindingUp { .. } | Self::Finished(_) => false,
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
    let rounds = batch.add(TRAINING_RUNS, &sol::openRoundsCall { run });
    let audits = batch.add(TRAINING_RUNS, &sol::auditsCall { run });
    let disputes = batch.add(TRAINING_RUNS, &sol::disputesCall { run });
    let answers = batch.ask(ledger).await?;
    Ok(RunDetails {
        run: answers.read(&summary, run_view)?,
        terms: answers.read(&terms, terms_view)?,
        seats: answers.read(&seats, seat_views)?,
        open_rounds: answers.read(&rounds, |rounds| Ok(open_round_views(rounds)))?,
        audits: answers.read(&audits, |audits| Ok(audit_views(audits)))?,
        disputes: answers.read(&disputes, dispute_views)?,
    })
}

/// Reads the terms of a run.
///
/// # Errors
/// [`ViewError`].
pub async fn terms<A: Ask>(ledger: &A, run: u64) -> Result<Terms, ViewError<A::Error>> {
    batch::read(ledger, TRAINING_RUNS, &sol::termsCall { run }, terms_view).await
}

/// Reads all seats of a run: 1,024 at most.
///
/// # Errors
/// [`ViewError`].
pub async fn seats<A: Ask>(ledger: &A, run: u64) -> Result<Vec<SeatView>, ViewError<A::Error>> {
    batch::read(ledger, TRAINING_RUNS, &sol::seatsCall { run }, seat_views).await
}

/// Reads what a run knows of a device.
///
/// # Errors
/// [`ViewError`].
pub async fn standpoint<A: Ask>(
    ledger: &A,
    run: u64,
    device: &DeviceId,
) -> Result<Standpoint, ViewError<A::Error>> {
    let call = sol::standpointCall { run, device: convert::device_word(*device) };
    batch::read(ledger, TRAINING_RUNS, &call, standpoint_view).await
}

/// Reads the rounds of a run that are not settled, oldest first.
///
/// # Errors
/// [`ViewError`].
pub async fn open_rounds<A: Ask>(
    ledger: &A,
    run: u64,
) -> Result<Vec<OpenRound>, ViewError<A::Error>> {
    let rounds = batch::ask(ledger, TRAINING_RUNS, &sol::openRoundsCall { run }).await?;
    Ok(open_round_views(rounds))
}

/// Reads the commitments of a round, if the run still keeps it.
///
/// # Errors
/// [`ViewError`].
pub async fn entries<A: Ask>(
    ledger: &A,
    run: u64,
    round: u32,
) -> Result<Vec<EntryView>, ViewError<A::Error>> {
    batch::read(ledger, TRAINING_RUNS, &sol::entriesCall { run, round }, entry_views).await
}

/// Reads the state that a round started from, if the run still keeps it.
///
/// # Errors
/// [`ViewError`].
pub async fn base_of<A: Ask>(
    ledger: &A,
    run: u64,
    round: u32,
) -> Result<Option<Digest>, ViewError<A::Error>> {
    let base = batch::ask(ledger, TRAINING_RUNS, &sol::baseOfCall { run, round }).await?;
    let base = convert::digest(base);
    Ok((base != Digest::ZERO).then_some(base))
}

/// How fast a device did verified work in a run, at least: medians in tokens per thousand seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpeedView {
    /// Of its rounds that counted as verified.
    pub verified: u64,
    /// Number of these rounds, at most 16.
    pub rounds: u8,
    /// Of its audits that passed.
    pub repeated: u64,
    /// Number of these audits, at most 16.
    pub audits: u8,
}

/// Reads how fast devices did verified work. `None` where the ledger's rules do not note it yet: before revision 5.
///
/// # Errors
/// [`ViewError`].
pub async fn speeds<A: Ask>(
    ledger: &A,
    of: &[(u64, DeviceId)],
) -> Result<Option<Vec<SpeedView>>, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let call = |(run, device): &(u64, DeviceId)| sol::speedOfCall {
        run: *run,
        device: convert::device_word(*device),
    };
    let asked: Vec<_> = of.iter().map(|it| batch.add(TRAINING_RUNS, &call(it))).collect();
    let answers = batch.ask(ledger).await?;
    let mut speeds = Vec::new();
    for asked in &asked {
        let sol::speedOfReturn { verified, rounds, repeated, audits } = match answers.take(asked) {
            Err(ViewError::Refused { .. }) => return Ok(None),
            answer => answer?,
        };
        speeds.push(SpeedView { verified, rounds, repeated, audits });
    }
    Ok(Some(speeds))
}

/// Reads the audits under way in a run.
///
/// # Errors
/// [`ViewError`].
pub async fn audits<A: Ask>(ledger: &A, run: u64) -> Result<Vec<AuditView>, ViewError<A::Error>> {
    let audits = batch::ask(ledger, TRAINING_RUNS, &sol::auditsCall { run }).await?;
    Ok(audit_views(audits))
}

/// Reads the disputes of a run before the referee.
///
/// # Errors
/// [`ViewError`].
pub async fn disputes<A: Ask>(
    ledger: &A,
    run: u64,
) -> Result<Vec<DisputeView>, ViewError<A::Error>> {
    batch::read(ledger, TRAINING_RUNS, &sol::disputesCall { run }, dispute_views).await
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
        relayFee: terms.relay_fee.as_u128(),
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
        relay_fee: Wei::new(terms.relayFee),
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
        name: text::one_line(&summary.name),
        coordinator: convert::device(summary.coordinator),
        endpoint: summary.endpoint,
        auditor: convert::device(summary.auditor),
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
        committed: summary.committed,
        quorum: summary.quorum,
        unsettled: summary.unsettled,
        disputes: summary.disputes,
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
        (sol::Phase::WindingUp, Some(ending)) => {
            RunPhase::WindingUp { ending, payable: UnixSeconds::new(summary.deadline) }
        }
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
    let standing = match seat.standing {
        sol::Standing::Active => Standing::Active,
        sol::Standing::Left => Standing::Left,
        other => Standing::Expelled { round: seat.expelledRound, cause: cause(other)? },
    };
    Ok(SeatView {
        device: convert::device(seat.device),
        account: convert::account(seat.account),
        standing,
        from_round: seat.fromRound,
        next_round: seat.nextRound,
        unsettled: seat.unsettled,
        stake: wei("stake", seat.stake)?,
        paid: wei("paid", seat.paid)?,
        tokens_verified: seat.tokensVerified,
        committed: seat.committed,
        overdue: seat.overdue,
        due: seat.due,
    })
}

pub(crate) fn cause(standing: sol::Standing) -> Result<Cause, Impossible> {
    match standing {
        sol::Standing::Convicted => Ok(Cause::Convicted),
        sol::Standing::FalseAuditor => Ok(Cause::FalseAudit),
        sol::Standing::Vouched => Ok(Cause::Vouched),
        sol::Standing::Active | sol::Standing::Left | sol::Standing::__Invalid => {
            Err(Impossible::new("standing", format!("{standing:?}")))
        }
    }
}

fn standpoint_view(known: sol::Standpoint) -> Result<Standpoint, Impossible> {
    let bar = match known.barred {
        true => Some(Bar { round: known.barredRound, cause: cause(known.barredFor)? }),
        false => None,
    };
    let seat = match known.seated {
        true => Some((known.index, seat_view(known.seat)?)),
        false => None,
    };
    Ok(Standpoint { seat, nonce: known.nonce, bar })
}

fn open_round_views(rounds: Vec<sol::OpenRound>) -> Vec<OpenRound> {
    let view = |round: sol::OpenRound| OpenRound {
        round: round.round,
        base: convert::digest(round.base),
        closed: round.closed,
        commitments: round.commitments,
        unsettled: round.unsettled,
        is_drawn: round.drawn,
        is_due: round.due,
        is_waiting: round.waiting,
    };
    rounds.into_iter().map(view).collect()
}

fn entry_views(entries: Vec<sol::Entry>) -> Result<Vec<EntryView>, Impossible> {
    let view = |entry: sol::Entry| {
        let check = match entry.check {
            sol::Check::Committed => CheckView::Committed,
            sol::Check::Audit => CheckView::Audit {
                auditor: convert::device(entry.auditor),
                deadline: UnixSeconds::new(entry.deadline),
            },
            sol::Check::Waiting => CheckView::Waiting,
            sol::Check::Passed => CheckView::Passed,
            sol::Check::Disputed => CheckView::Disputed,
            sol::Check::Settled => CheckView::Settled,
            sol::Check::Void => CheckView::Void,
            sol::Check::__Invalid => return Err(Impossible::new("check", "unknown")),
        };
        let commitment = commitment(entry.seal, entry.update);
        let device = convert::device(entry.device);
        let disclosed = height(entry.disclosed);
        Ok(EntryView { seat: entry.seat, device, commitment, check, disclosed })
    };
    entries.into_iter().map(view).collect()
}

fn commitment(seal: B256, update: B256) -> Commitment {
    Commitment { seal: convert::digest(seal), update: convert::digest(update) }
}

fn audit_views(audits: Vec<sol::Audit>) -> Vec<AuditView> {
    let view = |audit: sol::Audit| AuditView {
        round: audit.round,
        subject: convert::device(audit.subject),
        auditor: convert::device(audit.auditor),
        deadline: UnixSeconds::new(audit.deadline),
        base: convert::digest(audit.base),
        commitment: commitment(audit.seal, audit.update),
    };
    audits.into_iter().map(view).collect()
}

fn dispute_views(disputes: Vec<sol::Dispute>) -> Result<Vec<DisputeView>, Impossible> {
    let view = |dispute: sol::Dispute| {
        Ok(DisputeView {
            round: dispute.round,
            subject: convert::device(dispute.subject),
            accuser: (!dispute.accuser.is_zero()).then(|| convert::device(dispute.accuser)),
            account: (!dispute.account.is_zero()).then(|| convert::account(dispute.account)),
            bond: wei("bond", dispute.bond)?,
            deadline: UnixSeconds::new(dispute.deadline),
            base: convert::digest(dispute.base),
            commitment: commitment(dispute.seal, dispute.update),
            disclosed: height(dispute.disclosed),
            votes: dispute.votes.iter().map(vote_view).collect::<Result<_, _>>()?,
        })
    };
    disputes.into_iter().map(view).collect()
}

pub(crate) fn vote_view(vote: &sol::Vote) -> Result<Vote, Impossible> {
    let Commitment { seal, update } = commitment(vote.sealedRoot, vote.update);
    let ruling = match vote.kind {
        sol::Ruling::Replayed => Ruling::Replayed { seal, update },
        sol::Ruling::Differs => Ruling::Differs { leaf: vote.leaf },
        sol::Ruling::Unavailable => Ruling::Unavailable,
        sol::Ruling::__Invalid => return Err(Impossible::new("ruling", "unknown")),
    };
    let (referee, account) = (convert::device(vote.referee), convert::account(vote.account));
    Ok(Vote { referee, account, ruling })
}

/// Returns a height of which 0 stands for none.
fn height(height: u64) -> Option<u64> {
    (height > 0).then_some(height)
}

fn wei(field: &'static str, amount: U256) -> Result<Wei, Impossible> {
    convert::wei(amount).map_err(|_| Impossible::new(field, amount))
}

#[cfg(test)]
mod tests;
