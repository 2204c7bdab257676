//! `gleaner join`: lets this machine work for projects.

use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use ledger_client::Ledger;
use ledger_views::runs;
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use units::{AccountId, DeviceId};
use wallet::DeviceKey;
use worker::{Behaviour, Ending, Event, Finding};

use crate::failure::{Hint as _, Interrupted};
use crate::ledger;
use crate::options::{IsaArgs, LedgerArgs, checksummed, parse_payee};
use crate::output::Output;
use crate::{paths, shell};

/// How long to wait for a ledger that can't be reached: its node may be restarting.
const LEDGER_PATIENCE: Duration = Duration::from_secs(300);

/// Pause between two searches for an open project.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

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
    /// Folder of this device's key and its shards [default: worker in gleaner's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Number of threads
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    #[command(flatten)]
    isa: IsaArgs,
    /// Memory to use, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    memory: u64,
    /// How long to try to reach a coordinator that does not answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    patience: u64,
    /// End when stdin is closed, for programs that start workers
    #[arg(long, hide = true)]
    stop_with_stdin: bool,
    /// Cheat in this way, to test the protection
    #[arg(long = "misbehave", hide = true, value_name = "HOW", default_value = "honest")]
    behaviour: Behaviour,
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
    let device = DeviceKey::load_or_create(&folder.join("device.key"))?.device();
    shell::block_on(async {
        let (stop, stopped) = watch::channel(false);
        if args.stop_with_stdin {
            end_with_stdin();
        }
        let signals = tokio::spawn(async move {
            // A second signal ends the process at once.
            if shell::stop_signal().await.is_ok() {
                let _ = stop.send(true);
                if shell::stop_signal().await.is_ok() {
                    std::process::exit(130);
                }
            }
        });
        let (projects, is_stopped) = work(&args, &folder, stopped, output).await?;
        signals.abort();
        let document =
            Document { device: device.to_string(), account: checksummed(&args.account), projects };
        output.print(&document, &summary(&document))?;
        if is_stopped { Err(Interrupted.into()) } else { Ok(()) }
    })
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
    folder: &std::path::Path,
    stopped: watch::Receiver<bool>,
    output: &Output,
) -> anyhow::Result<(Vec<ProjectResult>, bool)> {
    let ledger = ledger::connect(&args.ledger, None).await?.with_patience(LEDGER_PATIENCE);
    let mut projects: Vec<ProjectResult> = Vec::new();
    loop {
        let run = match args.project {
            Some(run) => ledger::project(&ledger, run).await?.run.run,
            None => match next(&ledger, &projects, &stopped, output).await? {
                Some(run) => run,
                None => return Ok((projects, true)),
            },
        };
        let device = DeviceKey::load_or_create(&folder.join("device.key"))?;
        let id = device.device();
        output.say(&format!(
            "device {id} joins project {run}, paid to {}",
            checksummed(&args.account)
        ));
        let (events, received) = mpsc::unbounded_channel();
        let options = worker::Options {
            run,
            account: args.account,
            device,
            chain_id: ledger.chain_id(),
            ledger: ledger.clone(),
            data_dir: folder.to_owned(),
            threads: args.threads.into(),
            isa: args.isa.choose()?,
            memory_max: args.memory.saturating_mul(1 << 20),
            patience: Duration::from_secs(args.patience),
            behaviour: args.behaviour,
            events,
            stop: stopped.clone(),
        };
        let printing = tokio::spawn(print_events(received, *output));
        let ending = worker::participate(&options).await;
        drop(options);
        printing.await.context("the printing task panicked")?;
        let ending = ending.hint("gleaner project list")?;
        projects.push(project_result(&ledger, run, &id, ending).await?);
        if ending == Ending::Stopped || args.project.is_some() {
            return Ok((projects, ending == Ending::Stopped));
        }
    }
}

/// Returns the open project that pays best among those not worked for yet; waits for one. Returns `None` when the
/// owner stops it.
async fn next(
    ledger: &Ledger,
    done: &[ProjectResult],
    stopped: &watch::Receiver<bool>,
    output: &Output,
) -> anyhow::Result<Option<u64>> {
    let mut stopped = stopped.clone();
    let mut has_said = false;
    loop {
        let mut best = None;
        for run in 1..=runs::count(ledger).await? {
            let is_new = done.iter().all(|result| result.id != run);
            if is_new && runs::run(ledger, run).await?.phase.is_open() {
                let price = runs::terms(ledger, run).await?.price_per_token;
                best = best.max(Some((price, run)));
            }
        }
        if let Some((_, run)) = best {
            return Ok(Some(run));
        }
        if !has_said {
            output.say("no project is open: waiting for one (Ctrl-C to stop)");
            has_said = true;
        }
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return Ok(None),
        }
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
async fn print_events(mut events: mpsc::UnboundedReceiver<Event>, output: Output) {
    while let Some(event) = events.recv().await {
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
                Some(Finding::Passed { .. }) => "the work matches the commitment",
                Some(Finding::Upheld { .. }) => "the work is made up, as an earlier auditor found",
                Some(Finding::Mismatch { .. }) => "the work differs from the commitment",
                None => "the data is not available",
            };
            format!("round {}: device {subject} audited: {found}", round + 1)
        }
        Event::Refused { reason } => format!("refused: {reason}"),
        Event::Failed { round, reason } => format!("round {}: {reason}", round + 1),
    })
}

fn summary(document: &Document) -> String {
    let grain = |wei: &str| {
        wei.parse().map_or_else(|_| wei.to_owned(), |wei| units::Wei::new(wei).to_grain())
    };
    let line = |result: &ProjectResult| {
        format!(
            "project {}: {}, {} tokens verified, {} GRAIN paid",
            result.id,
            result.ending,
            result.tokens_verified,
            grain(&result.paid)
        )
    };
    document.projects.iter().map(line).collect::<Vec<_>>().join("\n")
}
