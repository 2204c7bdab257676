//! What runs on the machines: coordinator, workers, auditing device, referee, steward.

use std::{fmt::Debug, path::PathBuf, rc::Rc, sync::Arc, time::Duration};

use alloy_signer_local::PrivateKeySigner;
use coordinator::{Event as CoordinatorEvent, Options as CoordinatorOptions};
use machine::Machine;
use model::instructions::Isa;
use tokio::{sync::mpsc, time::sleep};
use transport::Network;
use wallet::DeviceKey;
use worker::{
    AuditorOptions, Behaviour, Event as WorkerEvent, InProcess, Options as WorkerOptions, Priority,
    RefereeOptions, Resources,
};

use super::{World, auditor_of};
use crate::{Host, steward, thief::ThiefNetwork, virtual_machine::VirtualMachine};

/// How long a request to a node that does not answer is repeated, and a transaction waited for.
pub(super) const NODE_PATIENCE: Duration = Duration::from_secs(60);

/// Port of the coordinator.
const PORT: u16 = 7_000;

/// How long workers try to reach a coordinator.
const PATIENCE: Duration = Duration::from_secs(600);

/// Pause before a program that has ended with an error is started again.
const RESTART: Duration = Duration::from_secs(20);

/// Disk and memory of a device: more than these models need.
const DISK_MAX: u64 = 1 << 24;
const MEMORY_MAX: u64 = 1 << 30;

impl World {
    /// Runs a machine's program until it has nothing more to do.
    pub(super) async fn live(self: Rc<Self>, host: Host) {
        match host {
            Host::Node => self.referee().await,
            Host::Coordinator => self.coordinate().await,
            Host::Auditor if self.plan.has_auditor => self.audit().await,
            Host::Auditor => {}
            Host::Steward => self.settle().await,
            Host::Worker(number) => self.work(number).await,
        }
    }

    /// Notes the events of a program until it ends; `take` takes them first.
    fn follow<E: Debug + 'static>(
        self: &Rc<Self>,
        host: Host,
        take: impl Fn(&Self, &E) + 'static,
    ) -> mpsc::UnboundedSender<E> {
        let (sender, mut events) = mpsc::unbounded_channel::<E>();
        let own = Rc::clone(self);
        tokio::task::spawn_local(async move {
            while let Some(event) = events.recv().await {
                take(&own, &event);
                own.note(host, &format!("{event:?}"));
            }
        });
        sender
    }

    async fn coordinate(self: Rc<Self>) {
        let host = Host::Coordinator;
        let owner: PrivateKeySigner = self.owner.clone();
        let ledger = self.ledger(host, Some(owner)).await;
        // Switched on again after the end, it has nothing to do.
        while !*self.has_report.borrow() {
            let options = CoordinatorOptions {
                project: self.project.clone(),
                folder: self.path("coordinator"),
                listen: (host.address(), PORT).into(),
                announce: Vec::new(),
                ledger: ledger.clone(),
                auditor: auditor_of(&self.plan, &self.auditor),
                taken: None,
                rewind: None,
                threads: 1,
                isa: Isa::Scalar,
                network: self.coordinators_network(),
                machine: self.machine(self.own_step()),
                events: self.follow(host, |world, event| world.hear_coordinator(event)),
                stop: self.stop.subscribe(),
            };
            match coordinator::run(options).await {
                Ok(report) => {
                    let words = report.map(|report| (report.run.ending, report.run.model_digest));
                    self.note(host, &format!("ends: {words:?}"));
                    *self.has_report.borrow_mut() = true;
                    return;
                }
                Err(error) => self.note(host, &format!("ends with an error: {error:#}")),
            }
            sleep(RESTART).await;
        }
    }

    fn coordinators_network(&self) -> Arc<dyn Network> {
        let inner = self.net.host(Host::Coordinator.address());
        if !self.plan.is_thief {
            return inner;
        }
        let (node_host, loot) = (Arc::clone(&self.node_host), Arc::clone(&self.loot));
        Arc::new(ThiefNetwork { inner, node_host, loot })
    }

    /// Learns the run from its coordinator.
    fn hear_coordinator(&self, event: &CoordinatorEvent) {
        if let CoordinatorEvent::Opened { run, .. } = event {
            self.run.change(|known| known.replace(*run) != Some(*run));
        }
        if let CoordinatorEvent::Advanced { round, updates, .. } = event {
            *self.aggregated.borrow_mut() += updates;
            self.next_round.set(round + 1);
        }
    }

    fn hear_worker(&self, event: &WorkerEvent) {
        if let WorkerEvent::RoundStarted { round } = event
            && *round > self.next_round.get()
        {
            self.started_ahead.set(self.started_ahead.get() + 1);
        }
    }

    async fn work(self: Rc<Self>, number: u16) {
        let host = Host::Worker(number);
        let index = usize::from(number);
        let (part, member, key) =
            (self.plan.cast[index], self.members[index], self.workers[index].clone());
        let ledger = self.ledger(host, None).await;
        let run = self.opened().await;
        loop {
            let is_colluder = part.behaviour == Behaviour::Colluder;
            let options = WorkerOptions {
                run,
                account: member.account,
                device: key.clone(),
                ledger: ledger.clone(),
                data_dir: self.path(&format!("worker-{number}")),
                disk_max: DISK_MAX,
                threads: 1,
                isa: Isa::Scalar,
                memory_max: MEMORY_MAX,
                patience: PATIENCE,
                conduct: part.behaviour.conduct(&key, is_colluder.then(|| self.path("colluders"))),
                network: self.net.host(host.address()),
                machine: self.machine(part.step),
                calculator: Arc::new(InProcess),
                events: self.follow(host, |world, event| world.hear_worker(event)),
                stop: self.stop.subscribe(),
                keeps_seat: Arc::default(),
            };
            match worker::participate(&options).await {
                Ok(ending) => return self.note(host, &format!("ends: {ending:?}")),
                Err(error) => self.note(host, &format!("ends with an error: {error:#}")),
            }
            sleep(RESTART).await;
        }
    }

    async fn audit(self: Rc<Self>) {
        let host = Host::Auditor;
        let ledger = self.ledger(host, None).await;
        let run = self.opened().await;
        loop {
            let options = AuditorOptions {
                run,
                device: self.auditor.clone(),
                ledger: ledger.clone(),
                resources: self.resources("auditor"),
                priority: Priority::Usual,
                patience: PATIENCE,
                network: self.net.host(host.address()),
                events: self.follow(host, |_, _| ()),
                stop: self.stop.subscribe(),
            };
            match worker::audit(&options).await {
                Ok(ending) => return self.note(host, &format!("ends: {ending:?}")),
                Err(error) => self.note(host, &format!("ends with an error: {error:#}")),
            }
            sleep(RESTART).await;
        }
    }

    async fn referee(self: Rc<Self>) {
        let host = Host::Node;
        let ledger = self.ledger(host, None).await;
        let options = RefereeOptions {
            device: DeviceKey::from_seed(&self.node_key),
            ledger,
            resources: self.resources("referee"),
            network: self.net.host(host.address()),
            events: self.follow(host, |_, _| ()),
            stop: self.stop.subscribe(),
        };
        if let Err(error) = worker::referee(&options).await {
            self.note(host, &format!("the referee ends with an error: {error:#}"));
        }
    }

    async fn settle(self: Rc<Self>) {
        let host = Host::Steward;
        let ledger = self.ledger(host, Some(self.steward.clone())).await;
        let run = self.opened().await;
        steward::settle(&ledger, run, |words| self.note(host, &words)).await;
    }

    fn resources(&self, name: &str) -> Resources {
        let data_dir: PathBuf = self.path(name);
        Resources {
            machine: self.machine(self.own_step()),
            calculator: Arc::new(InProcess),
            data_dir,
            disk_max: DISK_MAX,
            threads: 1,
            isa: Isa::Scalar,
            memory_max: MEMORY_MAX,
        }
    }

    fn machine(&self, step: Duration) -> Arc<dyn Machine> {
        Arc::new(VirtualMachine { step })
    }

    /// How long an inner step takes the auditing device and the referee: as long as the fastest device.
    fn own_step(&self) -> Duration {
        self.plan.cast.iter().map(|part| part.step).min().unwrap_or_default()
    }
}
