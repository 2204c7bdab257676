//! What happened in runs, read from logs.

use std::ops::RangeInclusive;

use abi::{TRAINING_RUNS, TrainingRuns::TrainingRunsEvents as Sol, convert};
use alloy_primitives::{B256, Log, U256};
use alloy_sol_types::SolEventInterface as _;
use training_run::{Commitment, Effect, PayKind};
use units::{AccountId, DeviceId, UnixSeconds, Wei};

use super::wei;
use crate::{Ask, Impossible, LogFilter, ViewError};

/// What happened in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEvent {
    /// It was opened.
    Opened {
        /// By whom.
        owner: AccountId,
        /// What people call it.
        name: String,
        /// Put in by the owner.
        deposited: Wei,
    },
    /// Its coordinator has moved.
    Announced {
        /// Key of the coordinator.
        coordinator: DeviceId,
        /// Where it listens now.
        endpoint: String,
    },
    /// The rules of the run said so.
    Followed(Effect),
}

/// An event and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Height of its block.
    pub height: u64,
    /// Hash of its transaction.
    pub transaction: B256,
    /// The run.
    pub run: u64,
    /// What happened.
    pub event: RunEvent,
}

/// Reads what happened in a run in some blocks, both ends included, in order.
///
/// # Errors
/// [`ViewError`]; in particular [`ViewError::Unanswered`] when these are too many blocks at a time for who is asked.
pub async fn events<A: Ask>(
    ledger: &A,
    run: u64,
    heights: RangeInclusive<u64>,
) -> Result<Vec<LoggedEvent>, ViewError<A::Error>> {
    let of_run = Some(B256::from(U256::from(run)));
    let filter = LogFilter { address: TRAINING_RUNS, topics: [None, of_run, None, None], heights };
    let logs = ledger.logs(filter).await?;
    let mut events = Vec::with_capacity(logs.len());
    for placed in logs {
        let read = event(&placed.log).map_err(|source| ViewError::Impossible {
            call: "a log",
            of: placed.log.address,
            source,
        })?;
        let (height, transaction) = (placed.height, placed.transaction);
        events.extend(read.map(|(run, event)| LoggedEvent { height, transaction, run, event }));
    }
    Ok(events)
}

/// Returns the run and what happened to it, or `None` for logs of others and for events that this program does not know.
///
/// # Errors
/// [`Impossible`] when the log says what can't be.
pub fn event(log: &Log) -> Result<Option<(u64, RunEvent)>, Impossible> {
    let is_known = |topic: &B256| Sol::SELECTORS.contains(&topic.0);
    if log.address != TRAINING_RUNS || !log.topics().first().is_some_and(is_known) {
        return Ok(None);
    }
    let event = Sol::decode_raw_log(log.topics(), &log.data.data)
        .map_err(|error| Impossible::new("an event", error))?;
    Ok(Some(match event {
        Sol::Opened(event) => {
            let deposited = wei("deposited", event.deposited)?;
            let owner = convert::account(event.owner);
            (event.run, RunEvent::Opened { owner, name: event.name, deposited })
        }
        Sol::Announced(event) => {
            let coordinator = convert::device(event.coordinator);
            (event.run, RunEvent::Announced { coordinator, endpoint: event.endpoint })
        }
        other => {
            let (run, effect) = work(other)?;
            (run, RunEvent::Followed(effect))
        }
    }))
}

/// What follows from seats and rounds.
fn work(event: Sol) -> Result<(u64, Effect), Impossible> {
    Ok(match event {
        Sol::Enrolled(event) => {
            let (device, account) =
                (convert::device(event.device), convert::account(event.account));
            (event.run, Effect::Enrolled { device, account, from_round: event.fromRound })
        }
        Sol::Left(event) => (event.run, Effect::Left { device: convert::device(event.device) }),
        Sol::RoundOpened(event) => {
            let (round, base) = (event.round, convert::digest(event.base));
            let deadline = UnixSeconds::new(event.deadline);
            (event.run, Effect::RoundOpened { round, base, deadline })
        }
        Sol::Committed(event) => {
            let commitment = Commitment {
                seal: convert::digest(event.seal),
                update: convert::digest(event.update),
            };
            let (device, round) = (convert::device(event.device), event.round);
            (event.run, Effect::Committed { device, round, commitment })
        }
        Sol::RoundClosed(event) => {
            let (round, commitments) = (event.round, event.commitments);
            (event.run, Effect::RoundClosed { round, commitments })
        }
        Sol::Advanced(event) => {
            let (state, update) = (convert::digest(event.state), convert::digest(event.update));
            (event.run, Effect::Advanced { round: event.round, state, update })
        }
        Sol::Paid(event) => {
            let kind = match event.kind {
                abi::TrainingRuns::PayKind::Work => PayKind::Work,
                abi::TrainingRuns::PayKind::Verdict => PayKind::Audit,
                abi::TrainingRuns::PayKind::__Invalid => {
                    return Err(Impossible::new("kind", "unknown"));
                }
            };
            let (account, device) =
                (convert::account(event.account), convert::device(event.device));
            let (round, tokens, amount) = (event.round, event.tokens, wei("amount", event.amount)?);
            (event.run, Effect::Pay { account, device, round, tokens, amount, kind })
        }
        other => outcome(other)?,
    })
}

/// What follows from audits and endings.
fn outcome(event: Sol) -> Result<(u64, Effect), Impossible> {
    Ok(match event {
        Sol::Drawn(event) => {
            let (subject, auditor) =
                (convert::device(event.subject), convert::device(event.auditor));
            (event.run, Effect::Drawn { round: event.round, subject, auditor })
        }
        Sol::AuditPassed(event) => {
            let (subject, auditor) =
                (convert::device(event.subject), convert::device(event.auditor));
            (event.run, Effect::AuditPassed { round: event.round, subject, auditor })
        }
        Sol::Disputed(event) => {
            let (subject, auditor) =
                (convert::device(event.subject), convert::device(event.auditor));
            (event.run, Effect::Disputed { round: event.round, subject, auditor })
        }
        Sol::Convicted(event) => {
            let (subject, account) =
                (convert::device(event.subject), convert::account(event.account));
            let forfeited = wei("forfeited", event.forfeited)?;
            (event.run, Effect::Convicted { round: event.round, subject, account, forfeited })
        }
        Sol::AuditorExpelled(event) => {
            let (auditor, account) =
                (convert::device(event.auditor), convert::account(event.account));
            let forfeited = wei("forfeited", event.forfeited)?;
            (event.run, Effect::AuditorExpelled { round: event.round, auditor, account, forfeited })
        }
        Sol::Unresolved(event) => {
            let subject = convert::device(event.subject);
            (event.run, Effect::Unresolved { round: event.round, subject })
        }
        Sol::Cancelled(event) => (event.run, Effect::Cancelled),
        Sol::Finished(event) => {
            let (paid, refunded) = (wei("paid", event.paid)?, wei("refunded", event.refunded)?);
            (event.run, Effect::Finished { paid, refunded })
        }
        _ => unreachable!("read by `event` and `work`"),
    })
}
