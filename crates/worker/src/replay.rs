//! Repeats another device's round, and compares it with what that device committed to.
//!
//! A worker or the owner's auditing device that was drawn, a referee, and whoever wants to know: all of them do this.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use calculator::{Calculator, Order};
use ledger_views::runs::{AuditView, DisputeView};
use machine::{Effort, Machine, Priority};
use training_run::Commitment;
use units::{DeviceId, Digest};
use verification::{Comparison, JobError, Outcome};

use crate::inputs::{Base, Inputs};

/// The round of a device, and what it committed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) round: u32,
    pub(crate) subject: DeviceId,
    /// State that the round started from.
    pub(crate) base: Digest,
    pub(crate) commitment: Commitment,
}

/// The finding of whoever has repeated a round. All who repeat it honestly find the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The round leads to what the device committed to.
    Passed {
        /// The root, which opens the device's seal.
        root: Digest,
    },
    /// It leads to something else.
    Mismatch,
    /// The data of the round can't be had.
    Unavailable,
}

/// The result of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Replay {
    /// The round was repeated.
    Done {
        /// Digests under the root: job, state at the end of each segment, update.
        leaves: Vec<Digest>,
        /// Root of the work.
        root: Digest,
        /// Digest of the update.
        update: Digest,
    },
    /// The round was repeated up to the first of the disclosed leaves that differs.
    Differs {
        /// Index of the leaf.
        leaf: usize,
    },
    /// The round has no result on any machine, so nobody can have done it.
    NoResult {
        /// The reason.
        reason: String,
    },
    /// Something that the replay needs can't be had.
    Unavailable {
        /// The reason.
        reason: String,
    },
}

impl From<&AuditView> for Case {
    fn from(audit: &AuditView) -> Self {
        let AuditView { round, subject, base, commitment, .. } = *audit;
        Self { round, subject, base, commitment }
    }
}

impl From<&DisputeView> for Case {
    fn from(dispute: &DisputeView) -> Self {
        let &DisputeView { round, subject, base, commitment, .. } = dispute;
        Self { round, subject, base, commitment }
    }
}

impl Replay {
    /// Compares the replay with the commitment: seal and update must both be those of the replay.
    pub(crate) fn judge(&self, case: &Case) -> Finding {
        match self {
            Self::Done { root, update, .. } if is_kept(case, root, update) => {
                Finding::Passed { root: *root }
            }
            Self::Done { .. } | Self::Differs { .. } | Self::NoResult { .. } => Finding::Mismatch,
            Self::Unavailable { .. } => Finding::Unavailable,
        }
    }
}

fn is_kept(case: &Case, root: &Digest, update: &Digest) -> bool {
    units::seal(&case.subject, root) == case.commitment.seal && *update == case.commitment.update
}

/// Repeats a round, when it is this computation's turn. What can't be fetched makes it unavailable.
///
/// # Errors
/// When `called_off` becomes true, or the computation panics.
pub(crate) async fn replay(
    inputs: &Inputs,
    case: &Case,
    called_off: &Arc<AtomicBool>,
) -> anyhow::Result<Replay> {
    replay_against(inputs, case, None, called_off).await
}

/// As [`replay`]; stops at the first of `leaves` that the work does not lead to. They must lead to the seal.
///
/// # Errors
/// As [`replay`].
pub(crate) async fn replay_against(
    inputs: &Inputs,
    case: &Case,
    leaves: Option<Vec<Digest>>,
    called_off: &Arc<AtomicBool>,
) -> anyhow::Result<Replay> {
    // Before it is this computation's turn: a base state that nobody serves must not keep the device's own rounds waiting.
    if let Err(error) = inputs.wait_for_base(case.round, &case.base).await {
        return Ok(unavailable(case, &error));
    }
    let turn = inputs.turns.replay().await?;
    let base = Base { state: case.base, step: None };
    let assignment = match inputs.assignment(case.round, case.subject, base).await {
        Ok(assignment) => assignment,
        Err(error) => return Ok(unavailable(case, &error)),
    };
    let machine = (inputs.machine.as_ref(), inputs.priority);
    let order = Order { threads: turn.threads, leaves, ..assignment };
    let computed = compute((&inputs.calculator, order), machine, called_off).await?;
    if called_off.load(Ordering::Relaxed) {
        anyhow::bail!("not needed any more");
    }
    Ok(found(computed))
}

fn unavailable(case: &Case, error: &anyhow::Error) -> Replay {
    let reason = format!("{error:#}");
    tracing::warn!(subject = %case.subject, round = case.round, %reason, "a round can't be repeated");
    Replay::Unavailable { reason }
}

fn found(computed: Result<Comparison, JobError>) -> Replay {
    match computed {
        Ok(Comparison::Whole(outcome)) => {
            let Outcome { leaves, root, update_digest: update, .. } = outcome;
            Replay::Done { leaves, root, update }
        }
        Ok(Comparison::Differs { leaf }) => Replay::Differs { leaf },
        Err(error @ (JobError::Diverged { .. } | JobError::Compress(_))) => {
            Replay::NoResult { reason: error.to_string() }
        }
        // The others say something about this machine or the run's data, nothing about the device.
        Err(error) => Replay::Unavailable { reason: format!("{:#}", anyhow::Error::from(error)) },
    }
}

async fn compute(
    (calculator, order): (&Arc<dyn Calculator>, Order),
    (machine, priority): (&dyn Machine, Priority),
    called_off: &Arc<AtomicBool>,
) -> anyhow::Result<Result<Comparison, JobError>> {
    let steps = order.spec.steps(order.round);
    let effort = Effort { name: "replay", steps, priority, called_off: Arc::clone(called_off) };
    let (calculator, called_off) = (Arc::clone(calculator), Arc::clone(called_off));
    let computing = move || calculator.calculate(order, &called_off, &mut |_| {});
    machine::run(machine, effort, computing).await?
}

#[cfg(test)]
mod tests;
