//! Opens a project's run on the ledger, or resumes it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use ledger_client::{Announcement, Ledger, LedgerError};
use ledger_views::{
    Ask as _, ITEMS_MAX, Window,
    runs::{self, RunView},
};
use machine::{Effort, Machine};
use model::instructions::Isa;
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use training_run::Terms;
use transport::{Limits, Listener, Network, message::Role};
use units::{AccountId, DeviceId, Digest, Wei};
use verification::RunSpec;

use crate::{
    Event, Folder, Project, RunRecord,
    aggregate::Aggregator,
    chain::Chain,
    drive::trouble::{Respite, Trouble},
    folder::{FolderError, Rewound},
    handover::Taken,
    identity::{self, Change},
    ledger_events::{EVENT_BLOCKS_MAX, Tally},
};

/// Options of a coordinator.
pub struct Options {
    /// The project.
    pub project: Project,
    /// Folder for states, keys and the model.
    pub folder: PathBuf,
    /// UDP address to listen on for workers.
    pub listen: SocketAddr,
    /// Addresses or names, `HOST:PORT`, to announce instead of the address listened on, if workers elsewhere reach
    /// this machine by them.
    pub announce: Vec<String>,
    /// The ledger, with the owner's key.
    pub ledger: Ledger,
    /// The network on which workers connect.
    pub network: Arc<dyn Network>,
    /// The machine that aggregates and measures.
    pub machine: Arc<dyn Machine>,
    /// The owner's auditing device; zero for none.
    pub auditor: DeviceId,
    /// The run to drive, if it was taken over from another coordinator.
    pub taken: Option<Taken>,
    /// Start a new run from the state after this many rounds of the folder's run, which must be over.
    pub rewind: Option<u32>,
    /// Number of threads to measure losses.
    pub threads: usize,
    /// Vector instructions to measure losses.
    pub isa: Isa,
    /// Receives the events.
    pub events: mpsc::UnboundedSender<Event>,
    /// Becomes true to stop the coordinator; started again, it continues the run.
    pub stop: watch::Receiver<bool>,
}

/// Why a project can't be run.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The deposit does not cover the worst case.
    #[error("a budget of {} GRAIN does not cover the terms: give at least {} GRAIN", .budget.to_grain(), .required.to_grain())]
    BudgetTooSmall {
        /// The given budget.
        budget: Wei,
        /// The largest cost of the terms.
        required: Wei,
    },
    /// The account's balance is below the deposit.
    #[error("the account has {} GRAIN, but the project deposits {} GRAIN and pays fees: fund the account", .balance.to_grain(), .deposit.to_grain())]
    TooPoor {
        /// The account's balance.
        balance: Wei,
        /// The deposit.
        deposit: Wei,
    },
    /// The folder belongs to another project or ledger.
    #[error("folder {} belongs to run {run}, and this is not the same: {}", folder.display(), listed(.changes))]
    Changed {
        /// The folder.
        folder: PathBuf,
        /// Its run.
        run: u64,
        /// What is not as it was.
        changes: Vec<Change>,
    },
    /// The folder does not have the run's newest state.
    #[error("run {run} is at state {state}, which folder {} does not have ({reason}); {} GRAIN are in its escrow", folder.display(), .escrow.to_grain())]
    StateLost {
        /// The folder.
        folder: PathBuf,
        /// The run.
        run: u64,
        /// The state's digest on the ledger.
        state: Digest,
        /// Why it can't be read.
        reason: String,
        /// What is in escrow.
        escrow: Wei,
    },
    /// There is no run to start again from.
    #[error("folder {} has no run that could be rewound", folder.display())]
    NothingToRewind {
        /// The folder.
        folder: PathBuf,
    },
    /// The run to start again from is not over.
    #[error("run {run} is not over, so it can't be rewound; {} GRAIN are in its escrow", .escrow.to_grain())]
    StillOpen {
        /// The run.
        run: u64,
        /// What is in escrow.
        escrow: Wei,
    },
    /// The state to start again from is not on disk.
    #[error("the state after round {rounds} of run {run} is not on disk: {}", offered(.available))]
    NoSuchState {
        /// The run.
        run: u64,
        /// The given number of rounds.
        rounds: u32,
        /// Numbers of rounds whose states are on disk.
        available: Vec<u32>,
    },
    /// Another coordinator drives the run now.
    #[error("run {run} is driven by another coordinator, {by}, at {endpoint}: this one stops")]
    TakenOver {
        /// The run.
        run: u64,
        /// Key of the other one.
        by: DeviceId,
        /// Its addresses.
        endpoint: String,
    },
    /// The account is not the owner's.
    #[error("run {run} belongs to account {owner}: only its owner can take it over")]
    NotOwner {
        /// The run.
        run: u64,
        /// Its owner.
        owner: AccountId,
    },
    /// The folder belongs to another run.
    #[error("folder {} belongs to run {run}: use another --data-dir", folder.display())]
    OtherRun {
        /// The folder.
        folder: PathBuf,
        /// Its run.
        run: u64,
    },
    /// What a run needs to go on is nowhere.
    #[error("run {run} can't go on: no connected worker has {missing}")]
    Scattered {
        /// The run.
        run: u64,
        /// What is missing.
        missing: String,
    },
    /// The folder's run has ended.
    #[error("run {run} in folder {} has ended: its model is in {}; use another --data-dir for a new run", folder.display(), folder.join("model").display())]
    Over {
        /// The folder.
        folder: PathBuf,
        /// The run.
        run: u64,
    },
}

/// A run that is ready to be driven.
pub(crate) struct Opened {
    pub(crate) run: u64,
    pub(crate) folder: Folder,
    pub(crate) endpoint: Arc<dyn Listener>,
    pub(crate) spec: Arc<RunSpec>,
    pub(crate) aggregator: Aggregator,
    pub(crate) loss_initial: Option<f64>,
    /// The devices that are connected already.
    pub(crate) peers: BTreeMap<DeviceId, Role>,
    /// Whether the folder had a key before.
    has_old_key: bool,
    /// What is in escrow.
    pub(crate) escrow: Wei,
    /// Where the run begins, if not at the initial state.
    rewound: Option<Rewound>,
}

/// A run of this folder on the ledger.
struct Found {
    /// What the folder says of it; `None` when that was lost.
    record: Option<RunRecord>,
    run: RunView,
    terms: Terms,
}

/// Opens the project, or resumes the run of the folder. The rounds of a rewound project that are done already are taken
/// off its specification.
pub(crate) async fn open(options: &mut Options) -> anyhow::Result<Opened> {
    let (has_old_key, Taken { folder, listener: endpoint, peers }) = match options.taken.take() {
        Some(taken) => (true, taken),
        None => {
            let folder = Folder::open(&options.folder)?;
            let has_old_key = folder.has_key();
            let key = folder.key(random_key)?;
            let listener = options.network.listen(key, options.listen, Limits::USUAL).await?.into();
            (has_old_key, Taken { folder, listener, peers: BTreeMap::new() })
        }
    };
    let spec = Arc::new(options.project.spec.clone());
    let validation = Arc::new(options.project.corpus.evaluated().to_vec());
    let (threads, isa) = (options.threads, options.isa);
    let aggregator = Aggregator::initial(&spec, validation, (threads, isa));
    let mut opened = Opened {
        run: 0,
        folder,
        endpoint,
        spec,
        aggregator,
        loss_initial: None,
        peers,
        has_old_key,
        escrow: Wei::ZERO,
        rewound: None,
    };
    let found = find(options, &opened).await?;
    let before = found.as_ref().and_then(|found| found.record.as_ref()?.rewound);
    match (options.rewind, found) {
        (Some(rounds), Some(found)) if !is_done_rewind(&found, rounds) => {
            rewind(options, &mut opened, (&found, rounds)).await?;
            opened.folder.set_model_aside(found.run.run)?;
            open_new(options, &mut opened).await?;
        }
        (Some(_), None) => {
            return Err(Refusal::NothingToRewind { folder: options.folder.clone() }.into());
        }
        (_, Some(found)) => {
            if let Some(rewound) = before {
                begin_later(options, &mut opened, rewound)?;
            }
            take_up(options, &mut opened, found).await?;
        }
        (None, None) => open_new(options, &mut opened).await?,
    }
    Ok(opened)
}

/// Measures the validation loss of the aggregator's state, over the beginning of the text.
async fn measure(options: &Options, opened: &mut Opened) -> anyhow::Result<()> {
    let aggregator = opened.aggregator.clone();
    let machine = options.machine.as_ref();
    opened.loss_initial =
        machine::run(machine, Effort::of(0), move || aggregator.partial_loss()).await??;
    Ok(())
}

/// Returns the run of this folder: the recorded one, or, when the record was lost, the one that the ledger has.
async fn find(options: &Options, opened: &Opened) -> anyhow::Result<Option<Found>> {
    let ledger = &options.ledger;
    let record = match opened.folder.run() {
        Ok(record) => record,
        Err(FolderError::Damaged { path, reason }) => {
            let note = format!(
                "{} is damaged ({reason}): the run is looked up on the ledger",
                path.display()
            );
            let _ = options.events.send(Event::Note(note));
            None
        }
        Err(error) => return Err(error.into()),
    };
    let Some(record) = record else { return find_on_ledger(options, opened).await };
    let genesis = ledger.at(0).head().await?.hash;
    let changes = identity::ledger_changes(&record, ledger.chain_id(), &genesis);
    if !changes.is_empty() {
        let (folder, run) = (options.folder.clone(), record.run);
        return Err(Refusal::Changed { folder, run, changes }.into());
    }
    let run = runs::run(ledger, record.run).await?;
    let terms = runs::terms(ledger, record.run).await?;
    Ok(Some(Found { record: Some(record), run, terms }))
}

/// Returns a run on the ledger that this folder drove: the newest whose coordinator has the folder's key, or, when the
/// key was lost too, one of this account and these terms whose newest state the folder has.
async fn find_on_ledger(options: &Options, opened: &Opened) -> anyhow::Result<Option<Found>> {
    let ledger = &options.ledger;
    let (device, owner) = (opened.endpoint.device(), ledger.account());
    let now = options.project.terms(opened.aggregator.digest())?;
    let states = opened.folder.states()?;
    let mut window = Window::first(ITEMS_MAX);
    loop {
        let page = runs::list(ledger, window).await?;
        for run in page.items {
            let is_alike = Some(run.owner) == owner
                && run.name == options.project.name
                && !run.phase.is_over();
            if run.coordinator != device && !is_alike {
                continue;
            }
            let terms = runs::terms(ledger, run.run).await?;
            if run.coordinator == device || (terms == now && states.contains(&run.state)) {
                return Ok(Some(Found { record: None, run, terms }));
            }
            let note = format!(
                "project {} is also called {} and still has {} GRAIN in escrow: `gleaner project cancel {}` returns what is not owed",
                run.run,
                run.name,
                in_escrow(&run).to_grain(),
                run.run
            );
            let _ = options.events.send(Event::Note(note));
        }
        match page.older {
            Some(older) => window = Window { newest: Some(older), items: ITEMS_MAX },
            None => return Ok(None),
        }
    }
}

async fn open_new(options: &Options, opened: &mut Opened) -> anyhow::Result<()> {
    let ledger = &options.ledger;
    measure(options, opened).await?;
    let state = opened.aggregator.state();
    opened.folder.keep_state(&state)?;
    let terms = options.project.terms(state.digest())?;
    let required = terms.required_deposit().context("the cost of the terms overflows")?;
    let deposit = options.project.budget.unwrap_or(required);
    if deposit < required {
        return Err(Refusal::BudgetTooSmall { budget: deposit, required }.into());
    }
    let owner = ledger.account().context("opening a project needs an account of the wallet")?;
    let balance = ledger.balance(&owner).await?;
    if balance <= deposit {
        return Err(Refusal::TooPoor { balance, deposit }.into());
    }
    let announcement = announcement(options, opened);
    let run = ledger
        .open_run(&terms, (&options.project.name, &options.auditor), &announcement, deposit)
        .await?
        .run;
    (opened.run, opened.escrow) = (run, deposit);
    keep_record(options, opened).await?;
    let _ = options.events.send(Event::Opened {
        run,
        deposited: deposit,
        price_per_token: terms.price_per_token,
        round: 0,
        rounds: terms.rounds,
        resumed: false,
    });
    Ok(())
}

/// Records the run and what it belongs to in the folder.
async fn keep_record(options: &Options, opened: &Opened) -> anyhow::Result<()> {
    let record = RunRecord {
        chain_id: options.ledger.chain_id(),
        run: opened.run,
        spec: opened.spec.digest().to_string(),
        genesis: Some(options.ledger.at(0).head().await?.hash.to_string()),
        specification: Some(serde_json::to_value(opened.spec.as_ref())?),
        coordinator: Some(opened.endpoint.device().to_string()),
        rewound: opened.rewound,
    };
    Ok(opened.folder.keep_run(&record)?)
}

async fn take_up(options: &Options, opened: &mut Opened, found: Found) -> anyhow::Result<()> {
    let (ledger, folder) = (&options.ledger, options.folder.clone());
    let Found { record, run: summary, terms } = found;
    let run = summary.run;
    let now = options.project.terms(terms.initial_state)?;
    let changes =
        identity::project_changes(record.as_ref(), (&summary, &terms), (&options.project, &now));
    if !changes.is_empty() {
        return Err(Refusal::Changed { folder, run, changes }.into());
    }
    if summary.phase.is_over() && options.folder.join("model").exists() {
        return Err(Refusal::Over { folder, run }.into());
    }
    let own = opened.endpoint.device();
    if !summary.phase.is_over() && is_replaced(&summary, record.as_ref(), (opened, own)) {
        return Err(taken_over(&summary).into());
    }
    (opened.run, opened.escrow) = (run, in_escrow(&summary));
    // The state of the beginning may be gone from disk; then the loss is that of the initial one.
    let _ = opened.aggregator.resume(&opened.folder, &terms.initial_state);
    measure(options, opened).await?;
    resume(opened, &summary)?;
    if summary.coordinator != own {
        // The rule after a change of the coordinator's key.
        opened.aggregator.rest();
        opened.folder.keep_state(&opened.aggregator.state())?;
    }
    keep_record(options, opened).await?;
    let announcement = announcement(options, opened);
    let is_announced = summary.endpoint == announcement.endpoint
        && summary.coordinator == announcement.coordinator;
    if !is_announced && !summary.phase.is_over() {
        // Also in its last audits, for which auditors need it.
        insist(&options.events, async || ledger.announce(run, &announcement).await).await?;
    }
    if summary.phase.is_open() && options.auditor != DeviceId::ZERO {
        // It may have missed audits while this process was stopped: named again, it is drawn again.
        let auditor = &options.auditor;
        insist(&options.events, async || ledger.set_auditor(run, auditor).await).await?;
    }
    let _ = options.events.send(Event::Opened {
        run,
        deposited: summary.deposited,
        price_per_token: terms.price_per_token,
        round: summary.round,
        rounds: terms.rounds,
        resumed: true,
    });
    Ok(())
}

/// Repeats a change that may be made more than once until the ledger has made it: a node that is busy, or an account without
/// funds for gas, ends nothing.
///
/// # Errors
/// When a rule refuses it.
pub(crate) async fn insist<T>(
    events: &mpsc::UnboundedSender<Event>,
    change: impl AsyncFn() -> Result<T, LedgerError>,
) -> anyhow::Result<()> {
    let mut trouble = Trouble::default();
    loop {
        match change().await {
            Ok(_) => return Ok(()),
            Err(error @ LedgerError::Refused { .. }) => return Err(error.into()),
            Err(error) => {
                let Respite { pause, note } = trouble.endure(error.into())?;
                if let Some(note) = note {
                    let _ = events.send(Event::Note(note));
                }
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// Returns whether the ledger names another coordinator than the one that drove the run from this folder.
fn is_replaced(
    run: &RunView,
    record: Option<&RunRecord>,
    (opened, own): (&Opened, DeviceId),
) -> bool {
    let recorded = record.and_then(|record| record.coordinator.as_ref()?.parse().ok());
    let before = if opened.has_old_key { Some(own) } else { recorded };
    before.is_some_and(|before: DeviceId| before != run.coordinator)
}

/// Returns the refusal of a coordinator that was replaced.
pub(crate) fn taken_over(run: &RunView) -> Refusal {
    Refusal::TakenOver { run: run.run, by: run.coordinator, endpoint: run.endpoint.clone() }
}

/// Checks that a project is that of a run.
///
/// # Errors
/// [`Refusal::Changed`] with what is not.
pub(crate) fn check_project(
    folder: &Path,
    (run, terms): (&RunView, &Terms),
    project: &Project,
) -> anyhow::Result<()> {
    let now = project.terms(terms.initial_state)?;
    let changes = identity::project_changes(None, (run, terms), (project, &now));
    match changes.is_empty() {
        true => Ok(()),
        false => Err(Refusal::Changed { folder: folder.to_owned(), run: run.run, changes }.into()),
    }
}

/// Loads the run's newest state from disk; the initial one can also be derived from the seed.
fn resume(opened: &mut Opened, summary: &RunView) -> Result<(), Refusal> {
    let is_initial = is_at(&opened.aggregator, &summary.state);
    match opened.aggregator.resume(&opened.folder, &summary.state) {
        Err(error) if !is_initial => Err(Refusal::StateLost {
            folder: opened.folder.path().to_owned(),
            run: summary.run,
            state: summary.state,
            reason: format!("{error:#}"),
            escrow: in_escrow(summary),
        }),
        _ => Ok(()),
    }
}

/// Returns whether the found run is the one that this rewind has opened before.
fn is_done_rewind(found: &Found, rounds: u32) -> bool {
    let rewound = found.record.as_ref().and_then(|record| record.rewound);
    rewound.is_some_and(|rewound| rewound.rounds == rounds) && !found.run.phase.is_over()
}

/// Loads the state after `rounds` rounds of the found run, to start a new run from it.
async fn rewind(
    options: &mut Options,
    opened: &mut Opened,
    (found, rounds): (&Found, u32),
) -> anyhow::Result<()> {
    let run = found.run.run;
    if !found.run.phase.is_over() {
        return Err(Refusal::StillOpen { run, escrow: in_escrow(&found.run) }.into());
    }
    let states = states_of(&options.ledger, &found.run, &found.terms).await?;
    let on_disk = opened.folder.states()?;
    let state = states.get(&rounds).filter(|state| on_disk.contains(state));
    let Some(state) = state else {
        let available = states.iter().filter(|(_, state)| on_disk.contains(state));
        let available = available.map(|(rounds, _)| *rounds).collect();
        return Err(Refusal::NoSuchState { run, rounds, available }.into());
    };
    opened.aggregator.resume(&opened.folder, state).with_context(|| {
        format!(
            "the state after round {rounds} does not fit the project: keep its [model] as it was"
        )
    })?;
    opened.aggregator.rest();
    let before = found.record.as_ref().and_then(|record| record.rewound);
    let rounds_before = before.map_or(0, |before| before.rounds_before).saturating_add(rounds);
    begin_later(options, opened, Rewound { run, rounds, rounds_before })
}

/// Takes the rounds that are done already off the specification.
fn begin_later(options: &mut Options, opened: &mut Opened, rewound: Rewound) -> anyhow::Result<()> {
    let spec = &mut options.project.spec;
    let (rounds, before) = (spec.rounds, rewound.rounds_before);
    anyhow::ensure!(
        before < rounds,
        "{before} of {rounds} rounds are done already: give more rounds in the project file"
    );
    spec.rounds = rounds - before;
    spec.warmup_rounds = spec.warmup_rounds.saturating_sub(before);
    opened.spec = Arc::new(spec.clone());
    opened.aggregator.respecify(&opened.spec);
    opened.rewound = Some(rewound);
    Ok(())
}

/// Returns the digests of a run's states by the number of rounds that led to them.
pub(crate) async fn states_of(
    ledger: &Ledger,
    run: &RunView,
    terms: &Terms,
) -> anyhow::Result<BTreeMap<u32, Digest>> {
    let mut states = chain_of(ledger, run, terms).await?.states();
    states.insert(run.round, run.state);
    Ok(states)
}

/// Reads the chain of a run's states from the ledger.
pub(crate) async fn chain_of(
    ledger: &Ledger,
    run: &RunView,
    terms: &Terms,
) -> anyhow::Result<Chain> {
    let mut tally = Tally::default();
    tally.chain.begin(terms.initial_state);
    let head = ledger.head().await?.height;
    let mut next = 0;
    while next <= head {
        let last = head.min(next.saturating_add(EVENT_BLOCKS_MAX - 1));
        for logged in runs::events(ledger, run.run, next..=last).await? {
            let _ = tally.take(logged.event);
        }
        next = last + 1;
    }
    Ok(tally.chain)
}

fn offered(available: &[u32]) -> String {
    match available {
        [] => "there is no state of this run on disk".to_owned(),
        _ => {
            let rounds: Vec<String> = available.iter().map(ToString::to_string).collect();
            format!("give one of {}", rounds.join(", "))
        }
    }
}

/// Returns what is neither paid nor refunded.
pub(crate) fn in_escrow(run: &RunView) -> Wei {
    let spent = run.paid.as_u128().saturating_add(run.refunded.as_u128());
    Wei::new(run.deposited.as_u128().saturating_sub(spent))
}

fn listed(changes: &[Change]) -> String {
    changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn announcement(options: &Options, opened: &Opened) -> Announcement {
    let listening = opened.endpoint.addresses().iter().map(ToString::to_string).collect();
    let addresses = if options.announce.is_empty() { &listening } else { &options.announce };
    let endpoint = addresses.join(",");
    let _ = options.events.send(Event::Listening { endpoint: endpoint.clone() });
    Announcement { coordinator: opened.endpoint.device(), endpoint }
}

pub(crate) fn random_key() -> Result<[u8; 32], FolderError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)
        .map_err(|error| FolderError::NoRandomness { reason: error.to_string() })?;
    Ok(key)
}

/// Returns whether the aggregator is at the state of the ledger.
pub(crate) fn is_at(aggregator: &Aggregator, state: &Digest) -> bool {
    aggregator.digest() == *state
}
