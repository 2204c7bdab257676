//! `gleaner audit`: repeats the work of any device.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;
use machine::Threads;
use serde::Serialize;
use transport::Iroh;
use units::DeviceId;
use verification::Part;
use wallet::DeviceKey;
use worker::{Difference, First, InProcess, Observation, Observer, Resources, replay_round};

use crate::failure::Hint as _;
use crate::options::{IsaArgs, LedgerArgs};
use crate::output::{Output, lines};
use crate::{ledger, paths, shell};

/// Disk space for the texts of rounds, in bytes: thousands of shards.
const DISK_MAX: u64 = 1 << 30;

/// Flags of `gleaner audit`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Repeat a device's round, and compare it with what the device committed to
    Replay(ReplayArgs),
}

/// Flags of `gleaner audit replay`.
#[derive(Debug, clap::Args)]
struct ReplayArgs {
    /// The project
    #[arg(value_name = "RUN")]
    run: u64,
    /// The round, counted from 1; the ledger keeps the last 64
    #[arg(value_name = "ROUND", value_parser = clap::value_parser!(u32).range(1..))]
    round: u32,
    /// The device, 64 hexadecimal digits
    #[arg(value_name = "DEVICE")]
    device: DeviceId,
    #[command(flatten)]
    ledger: LedgerArgs,
    /// Number of threads
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    #[command(flatten)]
    isa: IsaArgs,
    /// Memory to use, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    memory: u64,
    /// Folder for the texts of rounds [default: audit in gleaner's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Keys of `gleaner audit replay --json`; the round is counted from 1.
#[derive(Serialize)]
struct Document {
    run: u64,
    round: u32,
    device: String,
    /// Whether root and update are what the device committed to.
    matches: bool,
    /// `none`, `root`, `update`, `both` or `no-result`.
    difference: &'static str,
    /// Where they first differ; `null` unless the device has disclosed its leaves, as one that is disputed does.
    first: Option<FirstDocument>,
    committed: Committed,
    replayed: Replayed,
}

/// The first leaf that differs.
#[derive(Serialize)]
struct FirstDocument {
    /// Counted from 0: the inputs, the state at the end of each segment, the update.
    leaf: usize,
    /// `inputs`, `segment`, `update`, or `none` when the device has more leaves than the round.
    part: &'static str,
    /// Counted from 1; `null` unless it is a segment.
    segment: Option<usize>,
    /// The segment's first and last step, counted from 1.
    steps: Option<[u32; 2]>,
}

/// What the device committed to.
#[derive(Serialize)]
struct Committed {
    seal: String,
    update: String,
}

/// What the round leads to; `null` when it has no result.
#[derive(Serialize)]
struct Replayed {
    root: Option<String>,
    seal: Option<String>,
    update: Option<String>,
}

/// Repeats a round.
///
/// # Errors
/// When there is no such commitment, or the round's data can't be had.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let Command::Replay(args) = args.command;
    let (document, text) = shell::block_on(replay(&args))?;
    output.print(&document, &text)
}

async fn replay(args: &ReplayArgs) -> anyhow::Result<(Document, String)> {
    let ledger = ledger::connect(&args.ledger).await?;
    ledger::project(&ledger, args.run).await?;
    let mut seed = [0; 32];
    // The coordinator is asked under a key that nobody knows: it can't answer one device in another way than others.
    getrandom::fill(&mut seed).context("the system gives no random numbers")?;
    let resources = Resources {
        machine: Arc::new(Threads),
        calculator: Arc::new(InProcess),
        data_dir: paths::or_home(args.data_dir.clone(), "audit")?,
        disk_max: DISK_MAX,
        threads: args.threads.into(),
        isa: args.isa.choose()?,
        memory_max: args.memory.saturating_mul(1 << 20),
    };
    let observer = Observer {
        ledger,
        network: Arc::new(Iroh),
        device: DeviceKey::from_seed(&seed),
        resources,
    };
    let observed = replay_round(&observer, (args.run, args.round - 1), args.device).await;
    let hint = format!("gleaner project show {}", args.run);
    let observed = observed.hint(hint)?;
    let document = document(args, &observed);
    let text = text(&document, &observed);
    Ok((document, text))
}

fn document(args: &ReplayArgs, observed: &Observation) -> Document {
    let Observation { commitment, root, update, difference, first } = observed;
    Document {
        run: args.run,
        round: args.round,
        device: args.device.to_string(),
        matches: difference.is_none(),
        difference: match difference {
            None => "none",
            Some(Difference::Root) => "root",
            Some(Difference::Update) => "update",
            Some(Difference::Both) => "both",
            Some(Difference::NoResult { .. }) => "no-result",
        },
        first: first.map(first_document),
        committed: Committed {
            seal: commitment.seal.to_string(),
            update: commitment.update.to_string(),
        },
        replayed: Replayed {
            root: root.map(|root| root.to_string()),
            seal: root.map(|root| units::seal(&args.device, &root).to_string()),
            update: update.map(|update| update.to_string()),
        },
    }
}

fn first_document(first: First) -> FirstDocument {
    let First { leaf, part } = first;
    let (part, segment, steps) = match part {
        Some(Part::Inputs) => ("inputs", None, None),
        Some(Part::Segment { number, first, last, .. }) => {
            ("segment", Some(number), Some([first, last]))
        }
        Some(Part::Update) => ("update", None, None),
        None => ("none", None, None),
    };
    FirstDocument { leaf, part, segment, steps }
}

/// Returns where a replay first differs, if it does.
fn place(observed: &Observation) -> String {
    let Observation { difference, first, .. } = observed;
    match (difference, first) {
        (None | Some(Difference::NoResult { .. } | Difference::Update), _) => String::new(),
        (_, Some(First { part: Some(part), .. })) => format!("; it first differs in {part}"),
        (_, Some(First { part: None, .. })) => {
            "; the device has more leaves than the round".to_owned()
        }
        (_, None) => {
            "; where it first differs is not known, as the device has not disclosed its leaves"
                .to_owned()
        }
    }
}

fn text(document: &Document, observed: &Observation) -> String {
    let Document { round, device, committed, replayed, .. } = document;
    let verdict = match &observed.difference {
        None => "the work is what the device committed to".to_owned(),
        Some(Difference::Root) => {
            "the root differs, the update does not: the device did not do the work that led to it"
                .to_owned()
        }
        Some(Difference::Update) => {
            "the update differs, the root does not: the device did the work and committed to another update"
                .to_owned()
        }
        Some(Difference::Both) => {
            "root and update differ: the device did not do the work".to_owned()
        }
        Some(Difference::NoResult { reason }) => {
            format!("the round has no result, so nobody did this work: {reason}")
        }
    };
    let none = || "none".to_owned();
    let row = |name: &str, committed: &str, replayed: Option<&String>| {
        let replayed = replayed.cloned().unwrap_or_else(none);
        vec![
            vec![format!("{name} committed"), committed.to_owned()],
            vec![format!("{name} replayed"), replayed],
        ]
    };
    let rows = [
        row("seal", &committed.seal, replayed.seal.as_ref()),
        row("update", &committed.update, replayed.update.as_ref()),
    ];
    let place = place(observed);
    format!("round {round} of device {device}: {verdict}{place}\n\n{}", lines(&rows.concat()))
}
