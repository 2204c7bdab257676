//! How a device does its rounds and audits.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, atomic::AtomicBool},
};

use calculator::{Order, Pace};
use machine::Effort;
use training_run::Commitment;
use units::{DeviceId, Digest};
use verification::{Comparison, Outcome};

use crate::{
    inputs::Inputs,
    replay::{self, Case, Finding},
};

/// The result of a round or an audit, once it is there.
pub(crate) type Result<'a, T> = Pin<Box<dyn Future<Output = anyhow::Result<T>> + Send + 'a>>;

/// A way to do rounds and audits.
pub(crate) trait Craft: fmt::Debug + Send + Sync {
    /// Does a round of this device.
    fn train<'a>(&'a self, training: Training<'a>) -> Result<'a, Submission>;

    /// Finds out about the round of another device.
    fn audit<'a>(&'a self, audit: Audit<'a>) -> Result<'a, Finding>;
}

/// A round to do.
pub(crate) struct Training<'a> {
    pub(crate) inputs: &'a Arc<Inputs>,
    pub(crate) assignment: Order,
    /// Becomes true when the round is of no use any more.
    pub(crate) called_off: &'a Arc<AtomicBool>,
    /// Is told of each step.
    pub(crate) on_step: Box<dyn FnMut(Pace) + Send>,
}

/// An audit to do.
#[derive(Clone, Copy)]
pub(crate) struct Audit<'a> {
    pub(crate) inputs: &'a Inputs,
    pub(crate) case: &'a Case,
    /// Becomes true when the audit is another device's, or of no use any more.
    pub(crate) called_off: &'a Arc<AtomicBool>,
}

/// What a device commits to for its round, and the update that it serves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Submission {
    pub(crate) commitment: Commitment,
    pub(crate) update: Vec<u8>,
    /// The leaves under the root of the work.
    pub(crate) leaves: Vec<Digest>,
    /// Mean loss of the steps, nats per token.
    pub(crate) loss: f32,
    /// Tokens trained on.
    pub(crate) tokens: u64,
}

impl Submission {
    /// Returns what an outcome of the device's round is submitted as.
    pub(crate) fn of(device: &DeviceId, outcome: Outcome) -> Self {
        let Outcome { leaves, root, update, update_digest, loss_mean: loss, tokens } = outcome;
        let commitment = Commitment { seal: units::seal(device, &root), update: update_digest };
        Self { commitment, update, leaves, loss, tokens }
    }
}

/// How a device does its rounds and audits; cheap to clone.
#[derive(Clone, Debug)]
pub struct Conduct(pub(crate) Arc<dyn Craft>);

impl Conduct {
    /// Returns the conduct of a device that does what it is paid for.
    #[must_use]
    pub fn honest() -> Self {
        Self(Arc::new(Honest))
    }
}

/// Does the assigned work, and tells what it has found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Honest;

impl Craft for Honest {
    fn train<'a>(&'a self, training: Training<'a>) -> Result<'a, Submission> {
        Box::pin(async move {
            let Training { inputs, assignment, called_off, mut on_step } = training;
            let steps = assignment.spec.steps(assignment.round);
            let called_off = Arc::clone(called_off);
            let wanted = Arc::clone(&called_off);
            let effort = Effort { name: "training", called_off, ..Effort::of(steps) };
            let calculator = Arc::clone(&inputs.calculator);
            let order = Order { is_saved: true, ..assignment };
            let computing = move || calculator.calculate(order, &wanted, &mut on_step);
            let computed = machine::run(inputs.machine.as_ref(), effort, computing).await?;
            match computed?? {
                Comparison::Whole(outcome) => Ok(Submission::of(&inputs.device, outcome)),
                Comparison::Differs { leaf } => {
                    anyhow::bail!("nothing was to be compared, and leaf {leaf} differs")
                }
            }
        })
    }

    fn audit<'a>(&'a self, Audit { inputs, case, called_off }: Audit<'a>) -> Result<'a, Finding> {
        Box::pin(async move {
            let replay = replay::replay(inputs, case, called_off).await?;
            Ok(replay.judge(case))
        })
    }
}
