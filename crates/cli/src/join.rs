//! `gleaner join`: lets this machine work for projects.

mod choice;
mod confinement;
mod hearing;
mod news;
pub(crate) mod offers;
pub(crate) mod progress;
mod skips;

use std::fs::{File, TryLockError};
use std::io::Read as _;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use calculator::Calculator;
use ledger_client::Ledger;
use ledger_views::runs;
use machine::Threads;
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use training_run::Cause;
use transport::{Network, Pace};
use units::{AccountId, DeviceId, Wei};
use wallet::DeviceKey;
use worker::{Behaviour, Ending, Event, Finding, Refusal};

use crate::failure::{Hint as _, Interrupted};
use crate::ledger;
use crate::options::{IsaArgs, LedgerArgs, checksummed, parse_grain, parse_payee};
use crate::output::Output;
use crate::{paths, shell};
pub(crate) use confinement::network;

use choice::{Chosen, Search, Speeds};
use progress::Progress;
use skips::Skips;

/// How long to wait for a ledger that can't be reached: its node may be restarting.
const LEDGER_PATIENCE: Duration = Duration::from_secs(300);

/// Pause between two searches for an open project.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// How long to try to reach the coordinator of a project that was chosen by this program, before another is chosen.
const CHOSEN_PATIENCE: Duration = Duration::from_secs(60);

/// How long a worker that was stopped waits for the ledger, to say what was paid.
const FAREWELL: Duration = Duration::from_millis(200);

/// How long a worker that gives memory back waits until its round is saved; a step must end first.
const GIVING_BACK_MAX: Duration = Duration::from_secs(30);

/// Name of the file whose lock says that a folder is in use.
const LOCK_NAME: &str = "lock";

/// Flags of `gleaner join`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    ledger: LedgerArgs,
    /// Account that is paid; its key is not needed on this machine
    #[arg(long, value_name = "ADDRESS", env = "GLEANER_ACCOUNT", value_parser = parse_payee)]
    account: AccountId,
    /// Work for this project and end with it [default: the open project that pays best, one after the other]
    #[arg(long, value_name = "ID")]
    project: Option<u64>,
    /// Folder of this device's key and its texts [default: worker in gleaner's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Number of threads of training, and of all audits together
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    #[command(flatten)]
    isa: IsaArgs,
    /// Memory to use, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    memory: u64,
    /// Disk space to use for texts to train on, in MiB, and as much again for the round that is interrupted
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    disk: u64,
    /// Bytes of updates and states to send, in KiB a second over all connections [default: as fast as it goes]
    #[arg(long, value_name = "KIB", value_parser = clap::value_parser!(u32).range(64..))]
    upload: Option<u32>,
    /// Bytes of texts and states to fetch, in KiB a second over all connections [default: as fast as it goes]
    #[arg(long, value_name = "KIB", value_parser = clap::value_parser!(u32).range(64..))]
    download: Option<u32>,
    /// Work only for projects that would pay this machine at least so much an hour, by its measured speed
    #[arg(long, value_name = "GRAIN", value_parser = parse_grain)]
    min_per_hour: Option<Wei>,
    /// How long to try to reach a coordinator that does not answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    patience: u64,
    /// Compute in the process that has the network and the device's key: what is wrong with a text of strangers may then reach them
    #[arg(long)]
    in_process: bool,
    /// Only say what the open projects would pay this machine, and end
    #[arg(long)]
    offers: bool,
    /// With --offers: measure nothing; what was measured before is known
    #[arg(long, requires = "offers")]
    measured_only: bool,
    /// With --offers: also what this price feed says that one GRAIN is worth
    #[arg(long, value_name = "NUMBER", requires = "offers")]
    grain_feed: Option<u64>,
    /// With --offers: say what is left in this project if it has ended
    #[arg(long, value_name = "ID", requires = "offers", hide = true)]
    watch: Vec<u64>,
    /// Print a line of JSON for each event on stdout, instead of the document at the end
    #[arg(long, hide = true, conflicts_with = "offers")]
    events: bool,
    /// When SIGTERM stops it: save the round, keep the seat, and go on from there when started again
    #[arg(long)]
    keep_seat: bool,
    /// End when stdin is closed, for programs that start workers
    #[arg(long, hide = true)]
    stop_with_stdin: bool,
    /// Cheat in this way, to test the protection
    #[arg(long = "misbehave", hide = true, value_name = "HOW", default_value = "honest")]
    behaviour: Behaviour,
    /// Folder that colluders share
    #[arg(long, hide = true, value_name = "DIR")]
    accomplices: Option<PathBuf>,
}

impl Args {
    fn memory_max(&self) -> u64 {
        self.memory.saturating_mul(1 << 20)
    }

    /// How fast blobs may come and go.
    fn pace(&self) -> Pace {
        let rate = |kib: Option<u32>| kib.and_then(|kib| NonZeroU64::new(u64::from(kib) << 10));
        Pace::new(rate(self.upload), rate(self.download))
    }

    fn disk_max(&self) -> u64 {
        self.disk.saturating_mul(1 << 20)
    }
}

/// Keys of `gleaner join --json`, printed at the end.
#[derive(Serialize)]
struct Document {
    device: String,
    account: String,
    projects: Vec<ProjectResult>,
}

/// The result of one project.
#[derive(Serialize)]
struct ProjectResult {
    id: u64,
    ending: &'static str,
    tokens_verified: u64,
    paid: String,
}

/// Works until the project ends, or the owner stops it.
///
/// # Errors
/// When the ledger can't be reached for too long, or this machine can't take part.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let folder = paths::or_home(args.data_dir.clone(), "worker")?;
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("{}: folder can't be created", folder.display()))?;
    // Who only asks may do so beside a worker.
    let _lock = if args.offers { None } else { Some(lock(&folder)?) };
    let device = DeviceKey::load_or_create(&folder.join("device.key"))?.device();
    confinement::confine(&args, &folder, output);
    if args.offers {
        return shell::block_on_until_interrupted(list(&args, &folder, output));
    }
    let calculator = confinement::calculator(&args, &folder);
    shell::block_on_and_leave(async {
        let (stop, stopped) = watch::channel(false);
        if args.stop_with_stdin {
            end_with_stdin();
        }
        let means = Means {
            calculator: Arc::clone(&calculator),
            network: confinement::network(&args.ledger.rpc, args.pace()).await,
            keeps_seat: Arc::default(),
        };
        let signals = tokio::spawn(obey_signals(means.clone(), args.keep_seat, stop)?);
        let (projects, is_stopped) = work(&args, &folder, (&means, stopped), output).await?;
        if means.keeps_seat.load(Ordering::Relaxed) {
            calculator.give_back(GIVING_BACK_MAX);
        }
        signals.abort();
        let document =
            Document { device: device.to_string(), account: checksummed(&args.account), projects };
        if !args.events {
            output.print(&document, &summary(&document))?;
        }
        if is_stopped { Err(Interrupted.into()) } else { Ok(()) }
    })
}

/// Prints what open projects would pay.
async fn list(args: &Args, folder: &Path, output: &Output) -> anyhow::Result<()> {
    let ledger = ledger::connect_to_show(&args.ledger, output).await?;
    let device = DeviceKey::load_or_create(&folder.join("device.key"))?;
    let network = confinement::network(&args.ledger.rpc, args.pace()).await;
    let search = Search { args, ledger: &ledger, device: &device, network: &network, output };
    offers::offers(args, &search, &mut Speeds::open(folder), output).await
}

/// What a worker computes with and reaches coordinators through.
#[derive(Clone)]
struct Means {
    calculator: Arc<dyn Calculator>,
    network: Arc<dyn Network>,
    /// Whether it keeps its seat when it is stopped.
    keeps_seat: Arc<AtomicBool>,
}

/// Returns what stops the worker at the first signal, and ends the process at the second one.
fn obey_signals(
    means: Means,
    keep_seat: bool,
    stop: watch::Sender<bool>,
) -> anyhow::Result<impl Future<Output = ()> + Send> {
    let mut received = shell::StopSignals::listen()?;
    Ok(async move {
        if received.next().await == shell::StopSignal::Terminate && keep_seat {
            means.keeps_seat.store(true, Ordering::Relaxed);
            // Begins to save before the session calls its round off.
            means.calculator.give_back(Duration::ZERO);
        }
        let _ = stop.send(true);
        received.next().await;
        std::process::exit(130);
    })
}

/// Locks the folder, until the result is dropped or the process ends in any way.
fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join(LOCK_NAME);
    let file = File::options().create(true).append(true).open(&path);
    let file = file.with_context(|| format!("{}: file can't be written", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(anyhow::anyhow!(
            "another gleaner join works in folder {}: each process needs a folder and a device key of its own",
            folder.display()
        ))
        .hint("--data-dir ANOTHER_FOLDER, or --threads N for one process that uses more cores"),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{}: file can't be locked", path.display()))
        }
    }
}

/// Ends this process as soon as the process that started it has ended.
fn end_with_stdin() {
    std::thread::spawn(|| {
        let mut byte = [0];
        while matches!(std::io::stdin().read(&mut byte), Ok(1)) {}
        std::process::exit(0);
    });
}

/// Works for one project after the other; returns their results, and whether the owner stopped it.
async fn work(
    args: &Args,
    folder: &Path,
    (means, stopped): (&Means, watch::Receiver<bool>),
    output: &Output,
) -> anyhow::Result<(Vec<ProjectResult>, bool)> {
    let mut projects = Vec::new();
    let Some(ledger) = or_stopped(ledger::connect(&args.ledger), &stopped).await else {
        return Ok((projects, true));
    };
    let ledger = ledger?.with_patience(LEDGER_PATIENCE);
    if args.events {
        tokio::spawn(hearing::follow(ledger.clone(), *output));
    }
    let device = DeviceKey::load_or_create(&folder.join("device.key"))?;
    let id = device.device();
    let search = Search { args, ledger: &ledger, device: &device, network: &means.network, output };
    let (mut skips, mut speeds) = (Skips::default(), Speeds::open(folder));
    loop {
        let choosing = choose(&search, &projects, &mut skips, &mut speeds);
        let Some(chosen) = or_stopped(choosing, &stopped).await else {
            return Ok((projects, true));
        };
        let chosen = chosen?;
        let run = chosen.offer.run;
        output.say(&chosen.text());
        if args.events {
            let per_hour = chosen.estimate.pay_per_hour.to_string();
            output.line(&Progress::Chosen { project: run, per_hour });
        }
        output.say(&format!(
            "device {id} joins project {run}, paid to {}",
            checksummed(&args.account)
        ));
        match participate(&search, run, folder, (means, &stopped)).await {
            Ok(ending) => {
                skips.clear(run);
                let result = project_result(&ledger, run, &id, ending);
                let result = match ending {
                    Ending::Stopped => tokio::time::timeout(FAREWELL, result).await.ok(),
                    _ => Some(result.await),
                };
                projects.extend(result.transpose()?);
                if ending == Ending::Stopped || args.project.is_some() {
                    return Ok((projects, ending == Ending::Stopped));
                }
            }
            Err(error) if args.project.is_none() && is_of_the_project(&error) => {
                if let Some(text) = skips.add(run, format!("{error:#}"), choice::now()) {
                    output.say(&text);
                }
            }
            Err(error) => return Err(error).hint("gleaner project list"),
        }
    }
}

/// Whether an error concerns the project only, so that another one may work.
fn is_of_the_project(error: &anyhow::Error) -> bool {
    !matches!(
        error.downcast_ref::<Refusal>(),
        Some(Refusal::Disk { .. } | Refusal::KeyInUse | Refusal::Revoked { .. })
    )
}

/// Takes part in a project until it ends.
async fn participate(
    search: &Search<'_>,
    run: u64,
    folder: &Path,
    (means, stopped): (&Means, &watch::Receiver<bool>),
) -> anyhow::Result<Ending> {
    let Search { args, ledger, output, .. } = search;
    let (events, received) = mpsc::unbounded_channel();
    let patience = Duration::from_secs(args.patience);
    let device = DeviceKey::load_or_create(&folder.join("device.key"))?;
    let options = worker::Options {
        run,
        account: args.account,
        conduct: args.behaviour.conduct(&device, args.accomplices.clone()),
        device,
        ledger: (*ledger).clone(),
        network: Arc::clone(&means.network),
        machine: Arc::new(Threads),
        calculator: Arc::clone(&means.calculator),
        data_dir: folder.to_owned(),
        disk_max: args.disk_max(),
        threads: args.threads.into(),
        isa: args.isa.choose()?,
        memory_max: args.memory_max(),
        patience: if args.project.is_some() { patience } else { patience.min(CHOSEN_PATIENCE) },
        events,
        stop: stopped.clone(),
        keeps_seat: Arc::clone(&means.keeps_seat),
    };
    let printing = tokio::spawn(print_events(received, args.events, **output));
    let ending = worker::participate(&options).await;
    drop(options);
    if !matches!(ending, Ok(Ending::Stopped)) {
        printing.await.context("the printing task panicked")?;
    }
    ending
}

/// Returns the project to work for: the given one, or the one that pays this machine best among those not worked for
/// yet; waits for one.
async fn choose(
    search: &Search<'_>,
    done: &[ProjectResult],
    skips: &mut Skips,
    speeds: &mut Speeds,
) -> anyhow::Result<Chosen> {
    if let Some(run) = search.args.project {
        ledger::project(search.ledger, run).await?;
        return until_reached(search, run, speeds).await;
    }
    let is_new = |run| done.iter().all(|result| result.id != run);
    let mut has_said = false;
    loop {
        if let Some(chosen) = search.best(is_new, skips, speeds).await? {
            return Ok(chosen);
        }
        if !has_said {
            let what = if skips.is_empty() { "is open" } else { "that suits this machine is open" };
            search.output.say(&format!("no project {what}: waiting for one (Ctrl-C to stop)"));
            has_said = true;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Examines the given project; waits for a coordinator that does not answer as long as the owner wants.
async fn until_reached(
    search: &Search<'_>,
    run: u64,
    speeds: &mut Speeds,
) -> anyhow::Result<Chosen> {
    let begun = choice::now();
    let patience = Duration::from_secs(search.args.patience);
    let mut has_said = false;
    loop {
        let error = match search.examine(run, speeds).await {
            Ok(chosen) => return Ok(chosen),
            Err(error) => error,
        };
        let may_come = worker::is_unreachable(&error);
        if !may_come || patience < choice::now().duration_since(begun) {
            return Err(error).hint("gleaner project list");
        }
        if !has_said {
            search.output.say(&format!("{error:#}: trying again"));
            has_said = true;
        }
        tokio::time::sleep(POLL_INTERVAL.min(patience)).await;
    }
}

/// Waits for `work`; `None` when the owner stops it before.
async fn or_stopped<T>(
    work: impl Future<Output = T>,
    stopped: &watch::Receiver<bool>,
) -> Option<T> {
    let mut stopped = stopped.clone();
    tokio::select! {
        result = work => Some(result),
        Ok(_) = stopped.wait_for(|stopped| *stopped) => None,
    }
}

async fn project_result(
    ledger: &Ledger,
    run: u64,
    device: &DeviceId,
    ending: Ending,
) -> anyhow::Result<ProjectResult> {
    let seats = runs::seats(ledger, run).await?;
    let seat = seats.iter().find(|seat| seat.device == *device);
    Ok(ProjectResult {
        id: run,
        ending: match ending {
            Ending::Finished => "finished",
            Ending::Expelled => "expelled",
            Ending::Stopped => "stopped",
        },
        tokens_verified: seat.map_or(0, |seat| seat.tokens_verified),
        paid: seat.map_or(units::Wei::ZERO, |seat| seat.paid).to_string(),
    })
}

/// Prints one line per event.
async fn print_events(
    mut events: mpsc::UnboundedReceiver<Event>,
    for_a_program: bool,
    output: Output,
) {
    while let Some(event) = events.recv().await {
        if let Some(progress) = Progress::of(&event).filter(|_| for_a_program) {
            output.line(&progress);
        }
        if let Some(text) = describe(&event) {
            output.say(&text);
        }
    }
}

/// Describes an event. Rounds are counted from one in messages, from zero on the ledger.
fn describe(event: &Event) -> Option<String> {
    Some(match event {
        Event::Joined => "joined".to_owned(),
        Event::Disconnected { reason } => format!("disconnected ({reason}): connecting again"),
        Event::RoundStarted { round } => format!("round {}: started", round + 1),
        Event::Paced { .. } => return None,
        Event::Committed { round, loss, tokens } => {
            format!("round {}: {tokens} tokens done, loss {loss:.3}", round + 1)
        }
        Event::AuditStarted { round, subject } => {
            format!("round {}: auditing device {subject}", round + 1)
        }
        Event::Audited { round, subject, finding } => {
            let found = match finding {
                Finding::Passed { .. } => "the work matches the commitment",
                Finding::Mismatch => {
                    "the work differs from the commitment: the referee decides"
                }
                Finding::Unavailable => "the data is not available",
            };
            format!("round {}: device {subject} audited: {found}", round + 1)
        }
        Event::Refused { reason } => format!("refused: {reason}"),
        Event::Dropped => {
            "the project has dropped this device, because it missed rounds or its work could not be audited: that work is not paid; enrolling again".to_owned()
        }
        Event::Expelled { bar } => {
            let why = match bar.cause {
                Cause::Convicted => "the referee found that its work was made up",
                Cause::FalseAudit => "it claimed a mismatch that the referee did not find",
                Cause::Vouched => "it passed work that was made up",
            };
            format!(
                "round {}: this device is expelled from the project, and its held-back pay is forfeited: {why}",
                bar.round + 1
            )
        }
        Event::Failed { round, reason } => format!("round {}: {reason}", round + 1),
    })
}

/// Says why nothing was paid, if so.
fn unpaid(result: &ProjectResult) -> &'static str {
    match (result.paid.as_str(), result.ending) {
        ("0", "expelled") => {
            ": an expelled device loses the pay that was held back, see gleaner earnings"
        }
        ("0", "stopped") => {
            ": pay is held back for some rounds, and follows if audits pass: see gleaner earnings"
        }
        ("0", _) => ": no round of this device was verified before the project ended",
        _ => "",
    }
}

fn summary(document: &Document) -> String {
    let grain = |wei: &str| {
        wei.parse().map_or_else(|_| wei.to_owned(), |wei| units::Wei::new(wei).to_grain())
    };
    let line = |result: &ProjectResult| {
        format!(
            "project {}: {}, {} tokens verified, {} GRAIN paid{}",
            result.id,
            result.ending,
            result.tokens_verified,
            grain(&result.paid),
            unpaid(result)
        )
    };
    document.projects.iter().map(line).collect::<Vec<_>>().join("\n")
}
