//! What happened in runs, read from logs.

use std::ops::RangeInclusive;

use abi::{TRAINING_RUNS, TrainingRuns::TrainingRunsEvents as Sol, convert};
use alloy_primitives::{B256, Bytes, Log, U256};
use alloy_sol_types::SolEventInterface as _;
use training_run::{Commitment, Effect, PayKind};
use units::{AccountId, DeviceId, Digest, UnixSeconds, Wei};

use super::{cause, vote_view, wei};
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
    /// The owner's auditing device is another one.
    AuditorNamed {
        /// The device.
        auditor: DeviceId,
    },
    /// A statement that was brought in a batch was refused.
    NotRelayed {
        /// Its place in the batch.
        index: u64,
        /// The error.
        error: Bytes,
    },
    /// The leaves under the seal of a disputed commitment were disclosed.
    Disclosed {
        /// The round.
        round: u32,
        /// The disputed device.
        subject: DeviceId,
        /// Digests of job, states at segment ends, and update.
        leaves: Vec<Digest>,
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

/// Reads the leaves of a device's round that were disclosed in the block at `height`. Nobody can have disclosed leaves that do
/// not lead to the device's seal; the caller may check that.
///
/// # Errors
/// [`ViewError`].
pub async fn leaves<A: Ask>(
    ledger: &A,
    (run, round): (u64, u32),
    device: DeviceId,
    height: u64,
) -> Result<Option<Vec<Digest>>, ViewError<A::Error>> {
    let logged = events(ledger, run, height..=height).await?;
    Ok(logged.into_iter().find_map(|logged| match logged.event {
        RunEvent::Disclosed { round: of, subject, leaves } if (of, subject) == (round, device) => {
            Some(leaves)
        }
        _ => None,
    }))
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
        Sol::AuditorNamed(event) => {
            (event.run, RunEvent::AuditorNamed { auditor: convert::device(event.auditor) })
        }
        Sol::NotRelayed(event) => {
            let index = event.index.saturating_to();
            (event.run, RunEvent::NotRelayed { index, error: event.error })
        }
        Sol::Disclosed(event) => {
            let (round, subject) = (event.round, convert::device(event.subject));
            let leaves = event.leaves.into_iter().map(convert::digest).collect();
            (event.run, RunEvent::Disclosed { round, subject, leaves })
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
            let (seat, from_round) = (event.seat, event.fromRound);
            (event.run, Effect::Enrolled { device, account, seat, from_round })
        }
        Sol::Left(event) => (event.run, Effect::Left { device: convert::device(event.device) }),
        Sol::RoundOpened(event) => {
            let (round, base) = (event.round, convert::digest(event.base));
            let deadline = UnixSeconds::new(event.deadline);
            (event.run, Effect::RoundOpened { round, base, deadline })
        }
        Sol::Committed(event) => {
            let (seal, update) = (convert::digest(event.sealedRoot), convert::digest(event.update));
            let (device, round) = (convert::device(event.device), event.round);
            let commitment = Commitment { seal, update };
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
        Sol::RoundDrawn(event) => {
            (event.run, Effect::RoundDrawn { round: event.round, audits: event.audits })
        }
        Sol::Cancelled(event) => (event.run, Effect::Cancelled),
        Sol::Finished(event) => {
            let (paid, refunded) = (wei("paid", event.paid)?, wei("refunded", event.refunded)?);
            (event.run, Effect::Finished { paid, refunded })
        }
        other => audit(other)?,
    })
}

/// What follows from audits and disputes.
fn audit(event: Sol) -> Result<(u64, Effect), Impossible> {
    Ok(match event {
        Sol::Drawn(event) => {
            let (subject, auditor) =
                (convert::device(event.subject), convert::device(event.auditor));
            (event.run, Effect::Drawn { round: event.round, subject, auditor })
        }
        Sol::Silent(event) => {
            let (subject, auditor) =
                (convert::device(event.subject), convert::device(event.auditor));
            (event.run, Effect::Silent { round: event.round, subject, auditor })
        }
        Sol::AuditPassed(event) => {
            let (subject, auditor) =
                (convert::device(event.subject), convert::device(event.auditor));
            (event.run, Effect::AuditPassed { round: event.round, subject, auditor })
        }
        Sol::Disputed(event) => {
            let (subject, accuser) =
                (convert::device(event.subject), convert::device(event.accuser));
            (event.run, Effect::Disputed { round: event.round, subject, accuser })
        }
        Sol::Voted(event) => {
            let (subject, vote) = (convert::device(event.subject), vote_view(&event.vote)?);
            (event.run, Effect::Voted { round: event.round, subject, vote })
        }
        Sol::Upheld(event) => {
            let subject = convert::device(event.subject);
            let (round, is_replayed) = (event.round, event.replayed);
            (event.run, Effect::Upheld { round, subject, is_replayed })
        }
        Sol::DeviceExpelled(event) => {
            let (device, account) =
                (convert::device(event.device), convert::account(event.account));
            let (cause, forfeited) = (cause(event.standing)?, wei("forfeited", event.forfeited)?);
            let round = event.round;
            (event.run, Effect::Expelled { round, device, account, cause, forfeited })
        }
        other => pay(other)?,
    })
}

/// What follows for money.
fn pay(event: Sol) -> Result<(u64, Effect), Impossible> {
    use abi::TrainingRuns::PayKind as Kind;
    Ok(match event {
        Sol::Verified(event) => {
            let kind = match event.kind {
                Kind::Work => PayKind::Work,
                Kind::Verdict => PayKind::Audit,
                Kind::Bounty => PayKind::Bounty,
                Kind::__Invalid => return Err(Impossible::new("kind", "unknown")),
            };
            let (device, round, tokens) =
                (convert::device(event.device), event.round, event.tokens);
            let amount = wei("amount", event.amount)?;
            (event.run, Effect::Verified { device, round, tokens, amount, kind })
        }
        Sol::Paid(event) => {
            let (account, device) =
                (convert::account(event.account), convert::device(event.device));
            (event.run, Effect::Pay { account, device, amount: wei("amount", event.amount)? })
        }
        Sol::BondReturned(event) => {
            let (account, amount) = (convert::account(event.account), wei("amount", event.amount)?);
            (event.run, Effect::ReturnBond { account, amount })
        }
        Sol::BondForfeited(event) => {
            let (account, amount) = (convert::account(event.referee), wei("amount", event.amount)?);
            (event.run, Effect::PayReferee { account, amount })
        }
        _ => return Err(Impossible::new("an event", "unknown")),
    })
}
