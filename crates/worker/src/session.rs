//! A session: one connection to a coordinator, with the computations that its messages start.
//!
//! The coordinator only announces that there is work; the details are read from the ledger, and what is fetched is
//! checked against digests on the ledger. A dishonest coordinator can waste a worker's time, but not make it sign
//! something false.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use abi::TrainingRuns::Verdict;
use tokio::sync::mpsc;
use transport::message::{ToCoordinator, ToWorker};
use units::{DeviceId, Digest};
use verification::{JobError, Outcome};

use crate::{
    Event, Options,
    inputs::{Base, Inputs},
    misbehaviour::{self, Behaviour},
    participate::Refusal,
    view,
    work::{self, Finding, Pace},
};

/// Number of updates served at once: those of the last rounds, which the coordinator may still request.
pub(crate) const SERVED_MAX: usize = 4;

/// Why a session ended, other than by a lost connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The run has ended.
    Finished,
    /// The device was expelled, according to the ledger.
    Expelled,
    /// The owner stopped the worker.
    Stopped,
}

/// The last finished work of this process; it is sent again after a reconnection.
#[derive(Clone)]
pub(crate) struct LastWork {
    round: u32,
    message: ToCoordinator,
    update: Vec<u8>,
}

impl LastWork {
    /// Returns the round of the work.
    pub(crate) fn round(&self) -> u32 {
        self.round
    }
}

/// Results of the computing tasks.
enum Done {
    Paced { round: u32, pace: Pace },
    Trained { round: u32, work: anyhow::Result<Outcome> },
    Audited { round: u32, subject: DeviceId, finding: anyhow::Result<Option<Finding>> },
}

/// A computation; dropping it stops it.
struct Running {
    round: u32,
    called_off: Arc<AtomicBool>,
}

impl Running {
    fn start(round: u32) -> (Self, Arc<AtomicBool>) {
        let called_off = Arc::new(AtomicBool::new(false));
        (Self { round, called_off: Arc::clone(&called_off) }, called_off)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.called_off.store(true, Ordering::Relaxed);
    }
}

/// A connection and the computations in progress.
pub(crate) struct Session<'a> {
    options: &'a Options,
    inputs: Arc<Inputs>,
    last: &'a mut Option<LastWork>,
    done: mpsc::UnboundedSender<Done>,
    training: Option<Running>,
    audits: BTreeMap<(u32, DeviceId), Running>,
    /// Digests of the served blobs, oldest first.
    served: VecDeque<Digest>,
}

impl<'a> Session<'a> {
    /// Handles the coordinator's messages until the run or the connection ends.
    pub(crate) async fn run(
        options: &'a Options,
        inputs: Inputs,
        last: &'a mut Option<LastWork>,
    ) -> anyhow::Result<Ending> {
        let (done, results) = mpsc::unbounded_channel();
        let inputs = Arc::new(inputs);
        let mut session = Self {
            options,
            inputs: Arc::clone(&inputs),
            last,
            done,
            training: None,
            audits: BTreeMap::new(),
            served: VecDeque::new(),
        };
        let ending = session.serve(results).await;
        drop(session);
        // A stopped computation may hold the inputs a little longer; then the connection just ends.
        if let Some(inputs) = Arc::into_inner(inputs) {
            inputs.endpoint.close().await;
        }
        ending
    }

    async fn serve(
        &mut self,
        mut results: mpsc::UnboundedReceiver<Done>,
    ) -> anyhow::Result<Ending> {
        // The coordinator may still request the last update.
        if let Some(last) = self.last.clone() {
            self.publish(last.update).await?;
        }
        let mut stop = self.options.stop.clone();
        loop {
            let inputs = Arc::clone(&self.inputs);
            let ended = tokio::select! {
                message = inputs.endpoint.recv() => self.hear(message?).await?,
                Some(done) = results.recv() => self.finish(done).await?,
                _ = stop.wait_for(|stop| *stop) => {
                    self.leave().await?;
                    Some(Ending::Stopped)
                }
            };
            if let Some(ending) = ended {
                return Ok(ending);
            }
        }
    }

    /// Serves a blob and stops serving those older than the newest [`SERVED_MAX`].
    async fn publish(&mut self, bytes: Vec<u8>) -> anyhow::Result<()> {
        let digest = self.inputs.endpoint.publish(bytes).await?;
        self.served.push_back(digest);
        while self.served.len() > SERVED_MAX {
            self.served.pop_front();
        }
        self.inputs.endpoint.retain(&self.served.iter().copied().collect());
        Ok(())
    }

    async fn hear(&mut self, message: ToWorker) -> anyhow::Result<Option<Ending>> {
        match message {
            ToWorker::Round { round, base, previous, update } => {
                self.train(round, base, previous, update).await?;
            }
            ToWorker::Audit { round, subject, base } => {
                self.audit(round, DeviceId::from_bytes(subject), Digest::from_bytes(base));
            }
            ToWorker::Refused { reason } => {
                self.options.emit(Event::Refused { reason });
                if view::is_expelled(&self.inputs.ledger, self.inputs.run, &self.inputs.device)
                    .await?
                {
                    return Ok(Some(Ending::Expelled));
                }
            }
            ToWorker::Finished => return Ok(Some(Ending::Finished)),
            ToWorker::Welcome { .. } => {}
        }
        Ok(None)
    }

    /// Starts a round, or submits its work again if it is already done.
    async fn train(
        &mut self,
        round: u32,
        base: [u8; 32],
        previous: [u8; 32],
        update: [u8; 32],
    ) -> anyhow::Result<()> {
        if let Some(last) = self.last.as_ref().filter(|last| last.round == round) {
            self.inputs.endpoint.send(&last.message).await?;
            return Ok(());
        }
        if self.training.as_ref().is_some_and(|training| training.round == round) {
            return Ok(());
        }
        if self.options.behaviour == Behaviour::Late
            && let Some(last) = self.last.as_ref()
        {
            self.inputs.endpoint.send(&last.message).await?;
        }
        self.options.emit(Event::RoundStarted { round });
        let (running, called_off) = Running::start(round);
        self.training = Some(running);
        let [state, previous, update] = [base, previous, update].map(Digest::from_bytes);
        let base = Base { state, step: (update != Digest::ZERO).then_some((previous, update)) };
        let (inputs, done, behaviour) =
            (Arc::clone(&self.inputs), self.done.clone(), self.options.behaviour);
        tokio::spawn(async move {
            let work = train(&inputs, round, base, behaviour, &called_off, &done).await;
            let is_wanted = !called_off.load(Ordering::Relaxed);
            if is_wanted {
                // A session that has ended does not read the result.
                let _ = done.send(Done::Trained { round, work });
            }
        });
        Ok(())
    }

    fn audit(&mut self, round: u32, subject: DeviceId, base: Digest) {
        if self.audits.contains_key(&(round, subject)) {
            return;
        }
        self.options.emit(Event::AuditStarted { round, subject });
        let (running, called_off) = Running::start(round);
        self.audits.insert((round, subject), running);
        let (inputs, done) = (Arc::clone(&self.inputs), self.done.clone());
        tokio::spawn(async move {
            let finding = audit(&inputs, round, subject, base, &called_off).await;
            let is_wanted = !called_off.load(Ordering::Relaxed);
            if is_wanted {
                let _ = done.send(Done::Audited { round, subject, finding });
            }
        });
    }

    async fn finish(&mut self, done: Done) -> anyhow::Result<Option<Ending>> {
        match done {
            Done::Paced { round, pace } => {
                self.options.emit(Event::Paced { round, pace });
                self.inputs.endpoint.send(&progress(round, pace)).await?;
            }
            Done::Trained { round, work } => {
                self.training = None;
                match work {
                    Ok(outcome) => self.commit(round, outcome).await?,
                    Err(error) if error.downcast_ref::<Refusal>().is_some() => {
                        // It would fail again in every round, and delay the others.
                        self.leave().await?;
                        return Err(error);
                    }
                    Err(error) => {
                        if has_diverged(&error) {
                            self.inputs.endpoint.send(&ToCoordinator::Diverged { round }).await?;
                        }
                        self.options.emit(Event::Failed { round, reason: format!("{error:#}") })
                    }
                }
            }
            Done::Audited { round, subject, finding } => {
                self.audits.remove(&(round, subject));
                self.pronounce(round, subject, finding).await?;
            }
        }
        Ok(None)
    }

    async fn commit(&mut self, round: u32, outcome: Outcome) -> anyhow::Result<()> {
        let seal = units::seal(&self.inputs.device, &outcome.root);
        let (update, digests) = match self.options.behaviour {
            Behaviour::Honest => (outcome.update, [seal, outcome.update_digest]),
            _ => self.misbehave(round, outcome.update, seal).await?,
        };
        self.publish(update.clone()).await?;
        let message = self.options.sign_commitment(self.inputs.run, round, digests);
        if self.options.behaviour != Behaviour::Late {
            self.inputs.endpoint.send(&message).await?;
        }
        let (loss, tokens) = (outcome.loss_mean, outcome.tokens);
        self.options.emit(Event::Committed { round, loss, tokens });
        *self.last = Some(LastWork { round, message, update });
        Ok(())
    }

    /// Returns the update to send instead of the computed one, and the commitment to it: seal, update.
    async fn misbehave(
        &self,
        round: u32,
        update: Vec<u8>,
        seal: Digest,
    ) -> anyhow::Result<(Vec<u8>, [Digest; 2])> {
        let inputs = &self.inputs;
        let update = misbehaviour::sent_update(self.options.behaviour, update);
        let digest = Digest::of(&update);
        let own = [seal, digest];
        if self.options.behaviour == Behaviour::Twice {
            let message = self.options.sign_commitment(inputs.run, round, own);
            inputs.endpoint.send(&message).await?;
            return Ok((update, [digest, seal]));
        }
        if self.options.behaviour == Behaviour::Copied
            && let Some(theirs) = misbehaviour::copied(&inputs.ledger, inputs.run, round).await?
        {
            return Ok((update, theirs));
        }
        Ok((update, own))
    }

    async fn pronounce(
        &mut self,
        round: u32,
        subject: DeviceId,
        finding: anyhow::Result<Option<Finding>>,
    ) -> anyhow::Result<()> {
        let finding = finding.unwrap_or_else(|error| {
            self.options.emit(Event::Failed { round, reason: format!("audit: {error:#}") });
            None
        });
        let finding = match self.options.behaviour {
            Behaviour::FalseAudits => Some(misbehaviour::false_finding(&subject)),
            _ => finding,
        };
        let (kind, value) = match finding {
            Some(Finding::Passed { root } | Finding::Upheld { root }) => (Verdict::Opened, root),
            Some(Finding::Mismatch { sealed }) => (Verdict::Mismatch, sealed),
            None => (Verdict::Unavailable, Digest::ZERO),
        };
        let message = self.options.sign_verdict(self.inputs.run, round, &subject, kind, &value);
        self.inputs.endpoint.send(&message).await?;
        self.options.emit(Event::Audited { round, subject, finding });
        Ok(())
    }

    async fn leave(&mut self) -> anyhow::Result<()> {
        let round = view::current(&self.inputs.ledger, self.inputs.run).await?.round;
        let message = self.options.sign_leave(self.inputs.run, round);
        self.inputs.endpoint.send(&message).await?;
        Ok(())
    }
}

/// Returns whether the round can't be finished because its numbers left their range.
fn has_diverged(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(JobError::Diverged { .. } | JobError::Compress(_)))
}

fn progress(round: u32, pace: Pace) -> ToCoordinator {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float to integer cast saturates"
    )]
    let loss_milli = (pace.step.loss * 1000.0) as u32;
    let (step, steps) = (pace.step.step, pace.step.steps);
    ToCoordinator::Progress {
        round,
        step,
        steps,
        loss_milli,
        tokens_per_second: pace.tokens_per_second,
    }
}

/// Trains a round of this device.
async fn train(
    inputs: &Arc<Inputs>,
    round: u32,
    base: Base,
    behaviour: Behaviour,
    called_off: &Arc<AtomicBool>,
    done: &mpsc::UnboundedSender<Done>,
) -> anyhow::Result<Outcome> {
    let current = view::current(&inputs.ledger, inputs.run).await?;
    anyhow::ensure!(
        current.round == round && current.base == base.state,
        "the coordinator announced round {round} from state {}, the ledger has round {} from state {}",
        base.state,
        current.round,
        current.base
    );
    let _turn = inputs.turns.acquire().await?;
    let assignment = inputs.assignment(round, inputs.device, base).await?;
    let (called_off, done) = (Arc::clone(called_off), done.clone());
    let computed = tokio::task::spawn_blocking(move || match behaviour {
        Behaviour::MadeUp => misbehaviour::made_up(&assignment),
        _ => work::compute(&assignment, &mut |pace| {
            let _ = done.send(Done::Paced { round, pace });
            flow(&called_off)
        }),
    });
    Ok(computed.await??)
}

/// Replays the round of `subject`; returns `None` when its data is not available.
async fn audit(
    inputs: &Arc<Inputs>,
    round: u32,
    subject: DeviceId,
    base: Digest,
    called_off: &Arc<AtomicBool>,
) -> anyhow::Result<Option<Finding>> {
    let case = view::case(&inputs.ledger, inputs.run, round, &subject).await?;
    anyhow::ensure!(
        case.auditor == inputs.device,
        "the ledger has drawn device {} for this audit, not this device",
        case.auditor
    );
    anyhow::ensure!(
        case.base == base,
        "round {round} started from state {}, the coordinator announced {base}",
        case.base
    );
    let base = Base { state: base, step: None };
    let _turn = inputs.turns.acquire().await?;
    let assignment = match inputs.assignment(round, subject, base).await {
        Ok(assignment) => assignment,
        Err(error) => {
            tracing::warn!(%subject, round, "the data for an audit is not available: {error:#}");
            return Ok(None);
        }
    };
    let called_off = Arc::clone(called_off);
    let computed =
        tokio::task::spawn_blocking(move || work::compute(&assignment, &mut |_| flow(&called_off)));
    let outcome = computed.await??;
    let found = work::Found { root: outcome.root, update: outcome.update_digest };
    Ok(Some(work::judge(&found, &inputs.device, (&subject, &case.commitment), &case.claims)))
}

fn flow(called_off: &AtomicBool) -> ControlFlow<()> {
    if called_off.load(Ordering::Relaxed) {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}
