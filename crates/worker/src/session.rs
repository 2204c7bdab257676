//! A session: one connection to a coordinator, with the computations that it feeds.
//!
//! The coordinator only announces that there is work; the details are read from the ledger, and what is fetched is
//! checked against digests on the ledger. A dishonest coordinator can waste a worker's time, but not make it sign
//! something false. An update is served only once its commitment is in a block: nobody can take it and drop the
//! commitment.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use abi::TrainingRuns::Verdict;
use calculator::Pace;
use ledger_views::{
    devices,
    runs::{self, AuditView, EntryView, SeatView},
};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::Instant,
};
use transport::message::{ToCoordinator, ToWorker};
use units::{DeviceId, Digest};
use verification::JobError;

use crate::{
    Conduct, Event, Options, Refusal,
    audits::{Audits, Running},
    conduct::{Audit, Submission, Training},
    courier::{Courier, Refused},
    inputs::{self, Base, Inputs},
    leaves::Leaves,
    look::{Fate, Look},
    membership::{Membership, Step},
    outbox::{COORDINATOR_MAX, Goal},
    replay::{Case, Finding},
    served::Served,
    view,
};

/// How often a round is started, if it could not be computed before.
const TRIES_MAX: u32 = 3;

/// How long a worker that was stopped waits for its leave to be on the ledger.
pub(crate) const LEAVING_MAX: Duration = Duration::from_millis(700);

/// How long the coordinator may take to bring a leave to the ledger: the process ends soon.
const LEAVE_BY_COORDINATOR: Duration = Duration::from_millis(250);

/// How often progress is told: each message takes processor time from the training of both sides.
const PACED_EVERY: Duration = Duration::from_millis(200);

/// How long a worker without work keeps the memory of the last round.
const SPARE_MAX: Duration = Duration::from_secs(10);

/// Number of outer updates that are fetched at a time before they are needed.
const KEEPING_MAX: usize = 2;

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

/// What a device keeps from one connection to the next.
pub(crate) struct Kept {
    pub(crate) membership: Membership,
    pub(crate) audits: Audits,
    /// Of the last rounds, for disputes.
    leaves: Leaves,
    /// The newest finished work.
    work: Option<Work>,
}

impl Kept {
    pub(crate) fn new(membership: Membership) -> Self {
        let (audits, leaves) = (Audits::default(), Leaves::default());
        Self { membership, audits, leaves, work: None }
    }
}

/// A finished round.
struct Work {
    round: u32,
    /// Not served before the commitment is in a block.
    update: Vec<u8>,
    digest: Digest,
    loss: f32,
    tokens: u64,
    stage: Stage,
    /// The signed commitment, and when it was last stated.
    call: Vec<u8>,
    stated: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The commitment is signed.
    Signed,
    /// It is in a block.
    Committed,
    /// The round closed without it.
    Missed,
}

/// A round that the coordinator has announced.
#[derive(Clone, Copy)]
struct Announced {
    round: u32,
    base: Base,
    tries: u32,
}

/// A round that is being computed.
struct Computing {
    round: u32,
    base: Digest,
    _running: Running,
}

/// Results of the computing tasks.
enum Done {
    /// The state from which the round will start, unless the ledger says otherwise.
    Made {
        round: u32,
        base: Digest,
    },
    Paced {
        round: u32,
        pace: Pace,
    },
    Trained {
        round: u32,
        base: Digest,
        work: anyhow::Result<Submission>,
    },
    Audited {
        round: u32,
        subject: DeviceId,
        finding: anyhow::Result<Finding>,
    },
}

/// A connection and the computations in progress.
pub(crate) struct Session<'a> {
    options: &'a Options,
    inputs: Arc<Inputs>,
    courier: &'a Courier,
    kept: &'a mut Kept,
    done: mpsc::UnboundedSender<Done>,
    /// Whether the owner knows that the device has its seat and is connected.
    has_joined: bool,
    announced: Option<Announced>,
    training: Option<Computing>,
    /// The work of a round and the base it was computed from, until the ledger says that the round is open.
    trained: Option<(u32, Digest, Submission)>,
    /// When the last round or replay ended.
    rested: Instant,
    served: Served,
    /// Limits how many outer updates are fetched at a time.
    keeping: Arc<Semaphore>,
    /// The state of which the next one was made last, before the ledger had it.
    made_from: Option<Digest>,
}

impl<'a> Session<'a> {
    /// Handles the coordinator's messages and the ledger's news until the run or the connection ends.
    pub(crate) async fn run(
        options: &'a Options,
        inputs: Inputs,
        courier: &'a Courier,
        kept: &'a mut Kept,
    ) -> anyhow::Result<Ending> {
        let (done, results) = mpsc::unbounded_channel();
        let inputs = Arc::new(inputs);
        let mut session = Self {
            options,
            inputs: Arc::clone(&inputs),
            courier,
            kept,
            done,
            has_joined: false,
            announced: None,
            training: None,
            trained: None,
            rested: Instant::now(),
            served: Served::default(),
            keeping: Arc::new(Semaphore::new(KEEPING_MAX)),
            made_from: None,
        };
        let ending = session.serve(results).await;
        session.kept.audits.stop();
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
        for call in self.courier.calls() {
            self.inputs.endpoint.send(&ToCoordinator::Statement(call)).await?;
        }
        // The coordinator may still request the last update.
        if let Some(work) = self.kept.work.as_ref().filter(|work| work.stage == Stage::Committed) {
            self.served.publish(self.inputs.endpoint.as_ref(), work.update.clone()).await?;
        }
        let mut stop = self.options.stop.clone();
        let mut looks: watch::Receiver<Option<Arc<Look>>> = self.courier.looks();
        looks.mark_changed();
        loop {
            let inputs = Arc::clone(&self.inputs);
            // In this order a coordinator that says much keeps nothing else waiting.
            let ended = tokio::select! {
                biased;
                Ok(_) = stop.wait_for(|stop| *stop) => {
                    self.leave().await?;
                    Some(Ending::Stopped)
                }
                Some(done) = results.recv() => self.finish(done).await?,
                Ok(()) = looks.changed() => {
                    let look = looks.borrow_and_update().clone();
                    match look {
                        Some(look) => self.see(&look).await?,
                        None => None,
                    }
                }
                message = inputs.endpoint.recv() => self.hear(message?).await?,
            };
            if let Some(ending) = ended {
                return Ok(ending);
            }
        }
    }

    /// Sends a statement to the coordinator; the courier sees to it that the ledger gets it.
    async fn state(&self, goal: Goal, call: Vec<u8>) -> anyhow::Result<()> {
        self.courier.put(goal, call.clone());
        self.inputs.endpoint.send(&ToCoordinator::Statement(call)).await?;
        Ok(())
    }

    async fn hear(&mut self, message: ToWorker) -> anyhow::Result<Option<Ending>> {
        match message {
            ToWorker::Round { round, base, previous, update } => {
                let [state, previous, update] = [base, previous, update].map(Digest::from_bytes);
                let step = (update != Digest::ZERO).then_some((previous, update));
                let base = Base { state, step };
                self.announced = Some(Announced { round, base, tries: 0 });
                // What is known of the ledger may be older than the round.
                self.courier.wake();
            }
            ToWorker::Served { round, base } => {
                self.inputs.answer(round, Digest::from_bytes(base));
            }
            ToWorker::Audit { .. } | ToWorker::Relayed => self.courier.wake(),
            ToWorker::Refused { reason } => {
                // If it matters, a node says so as well.
                tracing::debug!(%reason, "the coordinator has refused something");
                self.courier.hurry();
            }
            ToWorker::Finished => {
                let current = view::current(&self.inputs.ledger, self.inputs.run).await?;
                anyhow::ensure!(
                    current.is_over,
                    "the coordinator says that the run has ended, the ledger says that it goes on"
                );
                return Ok(Some(Ending::Finished));
            }
            ToWorker::Keep { update } => {
                let (inputs, update) = (Arc::clone(&self.inputs), Digest::from_bytes(update));
                // One next state is made of each state that the ledger has named.
                let newest = self.courier.look().map(|look| (look.run.round, look.run.state));
                let newest = newest.filter(|(_, base)| self.made_from != Some(*base));
                self.made_from = newest.map(|(_, base)| base).or(self.made_from);
                let next = newest.and_then(|(round, _)| round.checked_add(1));
                let done = self.done.clone();
                if let Ok(permit) = Arc::clone(&self.keeping).try_acquire_owned() {
                    tokio::spawn(async move {
                        let _permit = permit;
                        // Without an answer the coordinator goes on after a moment.
                        let made = inputs.keep(update, newest).await;
                        if let (Ok(Some(base)), Some(round)) = (made, next) {
                            let _ = done.send(Done::Made { round, base });
                        }
                    });
                }
            }
            ToWorker::Serve { blob } => {
                let inputs = Arc::clone(&self.inputs);
                let from = (inputs.holdings.as_ref(), inputs.run);
                let blob = Digest::from_bytes(blob);
                let place = (inputs.endpoint.as_ref(), inputs.machine.as_ref());
                inputs::lend(place, &mut self.served, from, blob).await?;
            }
            ToWorker::Welcome { .. } => {}
        }
        Ok(None)
    }

    /// Acts on the ledger's news.
    async fn see(&mut self, look: &Look) -> anyhow::Result<Option<Ending>> {
        for refused in self.courier.take_refused() {
            self.hear_refusal(&refused)?;
        }
        if look.run.phase.is_over() {
            return Ok(Some(Ending::Finished));
        }
        if let Some(ending) = self.take_part(look).await? {
            return Ok(Some(ending));
        }
        self.deliver(look).await?;
        for (audit, called_off) in self.kept.audits.compare(&look.audits) {
            self.audit(&audit, called_off);
        }
        self.disclose(look);
        self.settle(look).await?;
        self.train(look);
        let spare = self.inputs.spare.as_ref();
        if let Some(spare) = spare.filter(|_| self.rested.elapsed() >= SPARE_MAX) {
            spare.clear();
        }
        Ok(None)
    }

    fn hear_refusal(&mut self, refused: &Refused) -> anyhow::Result<()> {
        let reason = format!("{:#}", refused.error);
        self.options.emit(Event::Refused { reason });
        if let Some(revoked) = refused.error.refusal::<abi::Devices::DeviceRevoked>() {
            let account = abi::convert::account(revoked.account);
            return Err(Refusal::Revoked { account }.into());
        }
        if matches!(refused.goal, Goal::Link { .. } | Goal::Enroll { .. }) {
            self.kept.membership.refused(Instant::now());
            if let Some(full) = refused.error.refusal::<abi::TrainingRuns::Full>() {
                return Err(Refusal::Full { seats: full.seats }.into());
            }
        }
        Ok(())
    }

    /// Takes a seat, or learns that it is lost.
    async fn take_part(&mut self, look: &Look) -> anyhow::Result<Option<Ending>> {
        let is_meant = |goal: &Goal| matches!(goal, Goal::Link { .. } | Goal::Enroll { .. });
        let is_waiting = self.courier.has(is_meant);
        let run = self.inputs.run;
        match self.kept.membership.step(look, is_waiting, Instant::now()) {
            Step::Wait | Step::Joined => {}
            Step::Link { nonce } => {
                let account = self.options.account;
                let call = self.options.sign(|signer| signer.link(*account.as_bytes(), nonce));
                self.state(Goal::Link { account }, call).await?;
            }
            Step::Enroll { nonce } => {
                let call = self.options.sign(|signer| signer.enroll(run, nonce));
                self.state(Goal::Enroll { nonce }, call).await?;
            }
            Step::Dropped => {
                self.has_joined = false;
                self.check_accepted().await?;
                self.options.emit(Event::Dropped);
            }
            Step::GiveUp { times } => return Err(Refusal::Dropped { times }.into()),
            Step::Expelled(bar) => {
                self.options.emit(Event::Expelled { bar });
                return Ok(Some(Ending::Expelled));
            }
        }
        if look.active_seat().is_some() && !std::mem::replace(&mut self.has_joined, true) {
            self.options.emit(Event::Joined);
        }
        Ok(None)
    }

    /// Asks whether the seat is gone because the account has revoked this device.
    async fn check_accepted(&self) -> anyhow::Result<()> {
        let account = self.options.account;
        let orders = devices::orders(&self.inputs.ledger, &account, &self.inputs.device).await?;
        match orders.and_then(|orders| orders.revoked) {
            Some(_) => Err(Refusal::Revoked { account }.into()),
            None => Ok(()),
        }
    }

    /// Serves the update of the finished work once its commitment is in a block. While the round takes it and nothing brings it to the
    /// ledger, states it again: it was refused while the device had no seat.
    async fn deliver(&mut self, look: &Look) -> anyhow::Result<()> {
        let Some(work) = self.kept.work.as_ref().filter(|work| work.stage == Stage::Signed) else {
            return Ok(());
        };
        let &Work { round, loss, tokens, stated, digest, .. } = work;
        let in_open_round = look.has_committed(round);
        let has_committed = match in_open_round {
            Some(has_committed) => has_committed,
            None => match self.is_on_ledger(round, &digest).await {
                Ok(is_on_ledger) => is_on_ledger,
                Err(error) => {
                    // The next look asks again.
                    tracing::debug!("the ledger does not answer: {error:#}");
                    return Ok(());
                }
            },
        };
        if has_committed {
            let update = work.update.clone();
            self.move_on(Stage::Committed);
            self.kept.membership.committed();
            self.served.publish(self.inputs.endpoint.as_ref(), update).await?;
            self.options.emit(Event::Committed { round, loss, tokens });
            self.fold_states();
        } else if in_open_round.is_none() {
            self.move_on(Stage::Missed);
            let reason =
                "the round closed before this device's commitment was in a block".to_owned();
            self.options.emit(Event::Failed { round, reason });
            self.fold_states();
        } else if look.active_seat().is_some_and(|seat| seat.next_round <= round)
            && stated.elapsed() >= COORDINATOR_MAX
            && !self.courier.has(|goal| *goal == Goal::Commit { round })
        {
            let call = work.call.clone();
            if let Some(work) = self.kept.work.as_mut() {
                work.stated = Instant::now();
            }
            self.state(Goal::Commit { round }, call).await?;
        }
        Ok(())
    }

    fn move_on(&mut self, stage: Stage) {
        if let Some(work) = self.kept.work.as_mut() {
            work.stage = stage;
        }
    }

    /// Returns whether this device's commitment to an update of a closed round is on the ledger.
    async fn is_on_ledger(&self, round: u32, update: &Digest) -> anyhow::Result<bool> {
        let (inputs, run) = (&self.inputs, self.inputs.run);
        let entries = runs::entries(&inputs.ledger, run, round).await?;
        let is_own = |it: &EntryView| it.device == inputs.device && it.commitment.update == *update;
        Ok(entries.iter().any(is_own))
    }

    /// Gives the leaves of disputed rounds of this device to a node.
    fn disclose(&mut self, look: &Look) {
        for dispute in &look.disputes {
            if let Some(call) = self.kept.leaves.disclose(self.inputs.run, dispute) {
                let goal = Goal::Disclose { round: dispute.round };
                self.courier.put_for(goal, call, Duration::ZERO);
            }
        }
    }

    /// Starts the announced round, if it is open, this device takes part in it, and its work is not done.
    fn train(&mut self, look: &Look) {
        let Some(announced) = self.announced.as_mut() else { return };
        let Announced { round, base, .. } = *announced;
        let is_open = look.open_round() == Some(round);
        // A device that has committed before it was restarted has lost its update, and computes it again.
        let is_due = |seat: &SeatView| seat.next_round <= round || seat.committed;
        let is_done = self.kept.work.as_ref().is_some_and(|work| work.round == round);
        let is_started = self.training.as_ref().is_some_and(|training| training.round == round)
            || self.trained.as_ref().is_some_and(|(trained, ..)| *trained == round);
        let is_hopeless = announced.tries >= TRIES_MAX;
        let is_idle = !is_done && !is_started && !is_hopeless;
        if !is_open || !is_idle || !look.active_seat().is_some_and(is_due) {
            return;
        }
        announced.tries += 1;
        self.start(round, base, Known::OnLedger);
    }

    /// Starts the next round from the state that the coordinator has told, while the ledger takes it: its blocks cost the round no time.
    /// Nothing is signed before the ledger has named that state. Once for each state on the ledger, so a coordinator that tells of states
    /// that never come wastes no more than a round.
    fn train_ahead(&mut self, round: u32, base: Digest) {
        let Some(look) = self.courier.look() else { return };
        let is_next = look.run.round.checked_add(1) == Some(round) && round < look.run.rounds;
        let is_free = self.training.is_none() && self.trained.is_none();
        let is_due = |seat: &SeatView| seat.next_round <= round;
        if is_next && is_free && look.active_seat().is_some_and(is_due) {
            self.start(round, Base { state: base, step: None }, Known::ToCoordinator);
        }
    }

    fn start(&mut self, round: u32, base: Base, known: Known) {
        self.options.emit(Event::RoundStarted { round });
        let (running, called_off) = Running::start();
        self.training = Some(Computing { round, base: base.state, _running: running });
        let (inputs, done) = (Arc::clone(&self.inputs), self.done.clone());
        let conduct = self.options.conduct.clone();
        tokio::spawn(async move {
            let work = train(&inputs, (round, base, known), &conduct, &called_off, &done).await;
            if !called_off.load(Ordering::Relaxed) {
                // A session that has ended does not read the result.
                let _ = done.send(Done::Trained { round, base: base.state, work });
            }
        });
    }

    /// Commits to the finished work if its round has begun from its base, and drops work that came to nothing. When the round has closed
    /// meanwhile, a device that had committed before it was restarted has its update again, and the coordinator waits for it.
    async fn settle(&mut self, look: &Look) -> anyhow::Result<()> {
        let training = self.training.as_ref();
        if training.is_some_and(|it| look.fate(it.round, &it.base) == Fate::Void) {
            self.training = None;
        }
        let Some((round, base, submission)) = self.trained.take() else { return Ok(()) };
        match look.fate(round, &base) {
            Fate::Begun => self.commit(round, submission).await?,
            Fate::Ahead => self.trained = Some((round, base, submission)),
            Fate::Void => {
                let reason = "the round was over, or had begun from another state, before this device's work was done";
                self.options.emit(Event::Failed { round, reason: reason.to_owned() });
            }
        }
        Ok(())
    }

    fn is_training(&self, round: u32, base: Digest) -> bool {
        let training = self.training.as_ref();
        training.is_some_and(|training| training.round == round && training.base == base)
    }

    fn audit(&mut self, audit: &AuditView, called_off: Arc<AtomicBool>) {
        let case = Case::from(audit);
        let Case { round, subject, .. } = case;
        self.options.emit(Event::AuditStarted { round, subject });
        let (inputs, done) = (Arc::clone(&self.inputs), self.done.clone());
        let conduct = self.options.conduct.clone();
        tokio::spawn(async move {
            let audit = Audit { inputs: &inputs, case: &case, called_off: &called_off };
            let finding = conduct.0.audit(audit).await;
            if !called_off.load(Ordering::Relaxed) {
                let _ = done.send(Done::Audited { round, subject, finding });
            }
        });
    }

    async fn finish(&mut self, done: Done) -> anyhow::Result<Option<Ending>> {
        self.rested = Instant::now();
        match done {
            Done::Paced { round, pace } => {
                self.options.emit(Event::Paced { round, pace });
                self.inputs.endpoint.send(&progress(round, pace)).await?;
            }
            Done::Made { round, base } => self.train_ahead(round, base),
            // The next round may have replaced it while its result was on the way.
            Done::Trained { round, base, .. } if !self.is_training(round, base) => {}
            Done::Trained { round, base, work } => {
                self.training = None;
                match work {
                    Ok(submission) => {
                        self.trained = Some((round, base, submission));
                        if let Some(look) = self.courier.look() {
                            self.settle(&look).await?;
                        }
                    }
                    Err(error) if error.downcast_ref::<Refusal>().is_some() => {
                        // It would fail again in every round, and delay the others.
                        self.leave().await?;
                        return Err(error);
                    }
                    Err(error) => {
                        if has_diverged(&error) {
                            self.inputs.endpoint.send(&ToCoordinator::Diverged { round }).await?;
                        }
                        self.options.emit(Event::Failed { round, reason: format!("{error:#}") });
                    }
                }
            }
            Done::Audited { round, subject, finding } => {
                let finding = finding.unwrap_or_else(|error| {
                    let reason = format!("audit: {error:#}");
                    self.options.emit(Event::Failed { round, reason });
                    Finding::Unavailable
                });
                let run = self.inputs.run;
                let call =
                    self.options.sign(|signer| verdict(&signer, (run, round), &subject, finding));
                self.kept.audits.judged((round, subject));
                self.state(Goal::Verdict { round, subject }, call).await?;
                self.options.emit(Event::Audited { round, subject, finding });
            }
        }
        Ok(None)
    }

    /// Signs the commitment to the finished work of a round. The update waits until it is in a block.
    async fn commit(&mut self, round: u32, submission: Submission) -> anyhow::Result<()> {
        let Submission { commitment, update, leaves, loss, tokens } = submission;
        self.kept.leaves.keep(round, leaves);
        let (run, digest) = (self.inputs.run, commitment.update);
        let (sealed, committed) = (*commitment.seal.as_bytes(), *digest.as_bytes());
        let call = self.options.sign(|signer| signer.commit(run, round, sealed, committed));
        let (stage, stated) = (Stage::Signed, Instant::now());
        self.kept.work =
            Some(Work { round, update, digest, loss, tokens, stage, call: call.clone(), stated });
        self.state(Goal::Commit { round }, call).await
    }

    /// Frees the memory of older states. Until the next round, others compute what this device waits for: they go first.
    fn fold_states(&self) {
        let inputs = Arc::clone(&self.inputs);
        tokio::spawn(async move { inputs.fold_states().await });
    }

    /// Gives up the seat, and waits a moment until the ledger shows it.
    async fn leave(&mut self) -> anyhow::Result<()> {
        let Some(look) = self.courier.look() else { return Ok(()) };
        let Some((goal, call)) = leave(self.options, &look) else { return Ok(()) };
        self.courier.put_for(goal, call.clone(), LEAVE_BY_COORDINATOR);
        self.inputs.endpoint.send(&ToCoordinator::Statement(call)).await?;
        self.courier.until(LEAVING_MAX, |look| look.active_seat().is_none()).await;
        Ok(())
    }
}

/// Returns the statement by which a device gives up its seat, if it has one and will not be back.
pub(crate) fn leave(options: &Options, look: &Look) -> Option<(Goal, Vec<u8>)> {
    look.active_seat()?;
    if options.keeps_seat.load(Ordering::Relaxed) {
        return None;
    }
    let nonce = look.standpoint.nonce.saturating_add(1);
    Some((Goal::Leave { nonce }, options.sign(|signer| signer.leave(options.run, nonce))))
}

/// Returns a device's verdict about the round of another.
pub(crate) fn verdict(
    signer: &abi::signed::Signer<'_>,
    (run, round): (u64, u32),
    subject: &DeviceId,
    finding: Finding,
) -> Vec<u8> {
    let (kind, value) = match finding {
        Finding::Passed { root } => (Verdict::Opened, root),
        Finding::Mismatch => (Verdict::Mismatch, Digest::ZERO),
        Finding::Unavailable => (Verdict::Unavailable, Digest::ZERO),
    };
    signer.verdict(run, round, *subject.as_bytes(), kind, *value.as_bytes())
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

/// Who says from which state a round starts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    OnLedger,
    ToCoordinator,
}

/// Trains a round of this device.
async fn train(
    inputs: &Arc<Inputs>,
    (round, base, known): (u32, Base, Known),
    conduct: &Conduct,
    called_off: &Arc<AtomicBool>,
    done: &mpsc::UnboundedSender<Done>,
) -> anyhow::Result<Submission> {
    if known == Known::OnLedger {
        let current = view::current(&inputs.ledger, inputs.run).await?;
        anyhow::ensure!(
            current.round == round && current.base == base.state,
            "the coordinator announced round {} from state {}, the ledger has round {} from state {}",
            round.saturating_add(1),
            base.state,
            current.round.saturating_add(1),
            current.base
        );
    }
    let _turn = inputs.turns.own().await?;
    let assignment = inputs.assignment(round, inputs.device, base).await?;
    let done = done.clone();
    let mut told: Option<Instant> = None;
    let on_step = Box::new(move |pace: Pace| {
        let is_last = pace.step.step == pace.step.steps;
        if is_last || told.is_none_or(|told| told.elapsed() >= PACED_EVERY) {
            told = Some(Instant::now());
            let _ = done.send(Done::Paced { round, pace });
        }
    });
    conduct.0.train(Training { inputs, assignment, called_off, on_step }).await
}
