//! The owner's auditing device: repeats the rounds for which the ledger has drawn it, with what the machine leaves idle.
//!
//! It has no seat and no account, and is paid nothing: it protects its owner from workers that agree with each other.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ledger_client::Ledger;
use ledger_views::runs::AuditView;
use machine::Priority;
use tokio::sync::{mpsc, watch};
use transport::{
    Network,
    message::{Role, ToCoordinator, ToWorker},
};
use units::{DeviceId, Digest};
use wallet::DeviceKey;

use crate::{
    Ending, Event, Resources,
    audits::Audits,
    connect::Caller,
    courier::Courier,
    inputs::Inputs,
    look::Look,
    options,
    outbox::Goal,
    participate::{Patience, connect, stopped},
    replay::{self, Case, Finding},
    session,
};

/// How the owner's device audits a run.
pub struct AuditorOptions {
    /// The run.
    pub run: u64,
    /// The device that the owner has named on the ledger.
    pub device: DeviceKey,
    /// The ledger, for reading, and for statements that the coordinator does not bring there.
    pub ledger: Ledger,
    /// The network on which the coordinator is reached.
    pub network: Arc<dyn Network>,
    /// What the machine gives to audits.
    pub resources: Resources,
    /// Whether other programs go first.
    pub priority: Priority,
    /// How long to try to reach a coordinator that does not answer.
    pub patience: Duration,
    /// Receives the events.
    pub events: mpsc::UnboundedSender<Event>,
    /// Becomes true when the owner stops the auditor.
    pub stop: watch::Receiver<bool>,
}

impl AuditorOptions {
    fn emit(&self, event: Event) {
        // It does not matter if nobody receives it.
        let _ = self.events.send(event);
    }
}

/// Audits a run until it ends, or the owner stops the auditor.
///
/// # Errors
/// A [`crate::Refusal`], or an error when ledger or coordinator can't be reached for longer than the options' patience.
pub fn audit(
    options: &AuditorOptions,
) -> Pin<Box<dyn Future<Output = anyhow::Result<Ending>> + Send + '_>> {
    // In a box its code is compiled here. That of an `async fn` would be compiled again in the program that awaits it.
    Box::pin(audit_until(options))
}

async fn audit_until(options: &AuditorOptions) -> anyhow::Result<Ending> {
    let calling = (Role::Auditor, options.priority);
    let outside = (&options.ledger, &options.network);
    let caller = Caller::new(calling, &options.device, outside, &options.resources)?;
    let courier = Courier::start(&options.ledger, options.run, options.device.device());
    let mut audits = Audits::default();
    let mut patience = Patience::new(options.patience);
    loop {
        let connected = tokio::select! {
            biased;
            () = stopped(&options.stop) => return Ok(Ending::Stopped),
            connected = connect(&caller, options.run) => connected,
        };
        let error = match connected {
            Ok(None) => return Ok(Ending::Finished),
            Ok(Some(inputs)) => {
                patience.renew();
                options.emit(Event::Joined);
                let ended = Watch::run(options, *inputs, &courier, &mut audits).await;
                audits.stop();
                match ended {
                    Ok(ending) => return Ok(ending),
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        let reason = patience.may_go_on(error)?;
        options.emit(Event::Disconnected { reason });
        tokio::select! {
            biased;
            () = stopped(&options.stop) => return Ok(Ending::Stopped),
            () = patience.pause() => {}
        }
    }
}

/// A finished audit.
struct Done {
    round: u32,
    subject: DeviceId,
    finding: anyhow::Result<Finding>,
}

/// A connection and the audits in progress.
struct Watch<'a> {
    options: &'a AuditorOptions,
    inputs: Arc<Inputs>,
    courier: &'a Courier,
    audits: &'a mut Audits,
    done: mpsc::UnboundedSender<Done>,
}

impl<'a> Watch<'a> {
    async fn run(
        options: &'a AuditorOptions,
        inputs: Inputs,
        courier: &'a Courier,
        audits: &'a mut Audits,
    ) -> anyhow::Result<Ending> {
        let (done, mut results) = mpsc::unbounded_channel();
        let inputs = Arc::new(inputs);
        let mut watch = Self { options, inputs, courier, audits, done };
        for call in courier.calls() {
            watch.inputs.endpoint.send(&ToCoordinator::Statement(call)).await?;
        }
        let mut looks = courier.looks();
        looks.mark_changed();
        loop {
            let inputs = Arc::clone(&watch.inputs);
            // In this order a coordinator that says much keeps nothing else waiting.
            tokio::select! {
                biased;
                () = stopped(&options.stop) => return Ok(Ending::Stopped),
                Some(done) = results.recv() => watch.pronounce(done).await?,
                Ok(()) = looks.changed() => {
                    let look = looks.borrow_and_update().clone();
                    if let Some(ending) = look.and_then(|look| watch.see(&look)) {
                        return Ok(ending);
                    }
                }
                message = inputs.endpoint.recv() => watch.hear(message?),
            }
        }
    }

    fn hear(&self, message: ToWorker) {
        match message {
            ToWorker::Served { round, base } => {
                self.inputs.answer(round, Digest::from_bytes(base));
            }
            ToWorker::Refused { reason } => {
                // If it matters, a node says so as well.
                tracing::debug!(%reason, "the coordinator has refused something");
                self.courier.hurry();
            }
            ToWorker::Audit { .. } | ToWorker::Relayed | ToWorker::Finished => self.courier.wake(),
            ToWorker::Round { .. }
            | ToWorker::Welcome { .. }
            | ToWorker::Keep { .. }
            | ToWorker::Serve { .. } => {}
        }
    }

    fn see(&mut self, look: &Look) -> Option<Ending> {
        for refused in self.courier.take_refused() {
            self.options.emit(Event::Refused { reason: format!("{:#}", refused.error) });
        }
        if look.run.phase.is_over() {
            return Some(Ending::Finished);
        }
        for (audit, called_off) in self.audits.compare(&look.audits) {
            self.start(&audit, called_off);
        }
        None
    }

    fn start(&self, audit: &AuditView, called_off: Arc<AtomicBool>) {
        let case = Case::from(audit);
        let Case { round, subject, .. } = case;
        self.options.emit(Event::AuditStarted { round, subject });
        let (inputs, done) = (Arc::clone(&self.inputs), self.done.clone());
        tokio::spawn(async move {
            let replay = replay::replay(&inputs, &case, &called_off).await;
            let finding = replay.map(|replay| replay.judge(&case));
            if !called_off.load(Ordering::Relaxed) {
                // An auditor that has ended does not read the result.
                let _ = done.send(Done { round, subject, finding });
            }
        });
    }

    async fn pronounce(&mut self, done: Done) -> anyhow::Result<()> {
        let Done { round, subject, finding } = done;
        let finding = finding.unwrap_or_else(|error| {
            let reason = format!("audit: {error:#}");
            self.options.emit(Event::Failed { round, reason });
            Finding::Unavailable
        });
        let AuditorOptions { device, ledger, run, .. } = self.options;
        let of = (*run, round);
        let call = options::sign(device, ledger.chain_id(), |signer| {
            session::verdict(&signer, of, &subject, finding)
        });
        self.audits.judged((round, subject));
        self.courier.put(Goal::Verdict { round, subject }, call.clone());
        self.inputs.endpoint.send(&ToCoordinator::Statement(call)).await?;
        self.options.emit(Event::Audited { round, subject, finding });
        Ok(())
    }
}
