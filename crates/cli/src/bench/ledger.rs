//! `gleaner bench ledger`: measures the transfers per second of a node.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use abi::convert;
use alloy_signer_local::{MnemonicBuilder, coins_bip39::English};
use anyhow::Context as _;
use indicatif::ProgressBar;
use ledger_benchmark::{Load, Measurement, Milliseconds, Progress};
use serde::Serialize;
use tempfile::TempDir;
use units::{UnixSeconds, Wei};

use super::execution::{self, CALLERS as EXECUTION_CALLERS};
use crate::genesis::{CHAIN_ID_DEFAULT, genesis};
use crate::output::{self, Output};
use crate::shell;

/// The phrase of development nodes, whose keys are public.
const PHRASE: &str = "test test test test test test test test test test test junk";
/// Balance of each sender in a ledger created for the benchmark.
const FUNDS: Wei = Wei::new(1_000_000_000_000_000_000_000_000);
/// Gas limit of its blocks, large enough not to matter.
const GAS_LIMIT: u64 = 1_000_000_000;
/// Fraction of the largest rate at which the time to a receipt is measured.
const PACE: f64 = 0.5;
/// How long to wait for the next receipt.
const PATIENCE: Duration = Duration::from_secs(60);

/// Flags of `gleaner bench ledger`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Node to measure [default: a new one in a temporary folder]
    #[arg(long, value_name = "HOST:PORT")]
    rpc: Option<String>,
    /// Words whose first accounts are funded [default: those of development nodes]
    #[arg(long, default_value = PHRASE, hide_default_value = true)]
    phrase: String,
    /// Number of sending accounts
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    senders: u16,
    /// Transfers per measurement
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    transfers: u32,
    /// Number of connections; each sends one transfer at a time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// Transfers per request in the first measurement; the second sends each alone
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    batch: u16,
    /// Largest number of transfers without a receipt
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    unanswered: u32,
    /// Transfers per second of the second measurement [default: half the rate of the first one]
    #[arg(long, value_name = "NUMBER")]
    rate: Option<f64>,
}

/// Keys of `gleaner bench ledger --json`.
#[derive(Serialize)]
struct Document {
    node: String,
    processor: Option<String>,
    senders: u16,
    connections: u16,
    batch: u16,
    saturated: Figures,
    paced: Figures,
    /// Execution on one core, without network, signatures and disk; empty for another node.
    execution: Vec<Executed>,
}

#[derive(Serialize)]
struct Executed {
    what: &'static str,
    /// Execution only.
    calls_per_second: f64,
    /// With the roots of transactions, receipts and state.
    calls_per_second_sealed: f64,
    /// Gas of one whole transaction.
    gas: u64,
    /// Time beyond that of a plain transfer, per gas.
    ns_per_gas: f64,
}

#[derive(Serialize)]
struct Figures {
    /// The given rate; none when as many as possible were sent.
    rate: Option<f64>,
    transfers: usize,
    seconds: f64,
    transfers_per_second: f64,
    blocks: u64,
    ms_to_acceptance: Quantiles,
    ms_to_receipt: Quantiles,
}

#[derive(Clone, Copy, Serialize)]
struct Quantiles {
    median: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

/// Measures twice: at the largest rate of the node, then at a steady lower rate.
///
/// # Errors
/// When the node can't be started or reached, or refuses.
pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<()> {
    let own = args.rpc.is_none().then(|| OwnNode::start(args)).transpose()?;
    let host = match (&args.rpc, &own) {
        (Some(host), _) => host.trim_start_matches("http://").trim_end_matches('/').to_owned(),
        (None, own) => own.as_ref().map(|own| own.host.clone()).unwrap_or_default(),
    };
    let load = |rate: Option<f64>| Load {
        host: host.clone(),
        phrase: args.phrase.clone(),
        senders: args.senders.into(),
        transfers: usize::try_from(args.transfers).unwrap_or(usize::MAX),
        connections: args.connections.into(),
        unanswered_max: usize::try_from(args.unanswered).unwrap_or(usize::MAX),
        batch: if rate.is_some() { 1 } else { args.batch.into() },
        rate,
        patience: PATIENCE,
    };
    let document = shell::block_on_until_interrupted(async {
        let saturated = measure(&load(None), output).await?;
        let rate = args.rate.unwrap_or(saturated.per_second() * PACE);
        let paced = measure(&load(Some(rate)), output).await?;
        Ok(Document {
            node: host.clone(),
            processor: benchmark::processor(),
            senders: args.senders,
            connections: args.connections,
            batch: args.batch,
            saturated: figures(None, &saturated),
            paced: figures(Some(rate), &paced),
            execution: Vec::new(),
        })
    })?;
    drop(own);
    let document = Document { execution: executed(args, output)?, ..document };
    output.print(&document, &text(&document))
}

fn executed(args: &Args, output: &Output) -> anyhow::Result<Vec<Executed>> {
    if args.rpc.is_some() {
        return Ok(Vec::new());
    }
    output.say("executing calls on one core");
    let folder = tempfile::tempdir().context("no temporary folder can be made")?;
    let callers = (0..EXECUTION_CALLERS).map(|index| convert::account(execution::caller(index)));
    let funds = callers.map(|caller| (caller, FUNDS)).collect();
    let mut genesis = genesis(CHAIN_ID_DEFAULT, UnixSeconds::new(0), &funds);
    genesis.gas_limit = GAS_LIMIT;
    let rates = execution::rates(folder.path(), genesis)?;
    let executed = |rate: execution::Rate| {
        let execution::Rate { what, calls_per_second, calls_per_second_sealed, gas, ns_per_gas } =
            rate;
        Executed { what, calls_per_second, calls_per_second_sealed, gas, ns_per_gas }
    };
    Ok(rates.into_iter().map(executed).collect())
}

async fn measure(load: &Load, output: &Output) -> anyhow::Result<Measurement> {
    let pace = load.rate.map_or_else(String::new, |rate| format!(", {rate:.0} per second"));
    output.say(&format!("sending {} transfers to {}{pace}", load.transfers, load.host));
    let bar = if output.is_live() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let measured = ledger_benchmark::run(load, &mut |Progress { receipts, transfers }| {
        bar.set_length(u64::try_from(transfers).unwrap_or(u64::MAX));
        bar.set_position(u64::try_from(receipts).unwrap_or(u64::MAX));
    })
    .await;
    bar.finish_and_clear();
    Ok(measured?)
}

fn figures(rate: Option<f64>, measured: &Measurement) -> Figures {
    let quantiles = |Milliseconds { median, p90, p99, max }| Quantiles { median, p90, p99, max };
    Figures {
        rate,
        transfers: measured.transfers,
        seconds: measured.seconds,
        transfers_per_second: measured.per_second(),
        blocks: measured.blocks,
        ms_to_acceptance: quantiles(measured.to_acceptance),
        ms_to_receipt: quantiles(measured.to_receipt),
    }
}

fn text(document: &Document) -> String {
    let row = |name: &str, figures: &Figures| {
        let Quantiles { median, p99, max, .. } = figures.ms_to_receipt;
        vec![
            name.to_owned(),
            format!("{:.0}", figures.transfers_per_second),
            figures.blocks.to_string(),
            format!("{median:.1}"),
            format!("{p99:.1}"),
            format!("{max:.1}"),
        ]
    };
    let head = ["load", "transfers/s", "blocks", "ms to receipt: median", "p99", "slowest"];
    let rows = [row("saturated", &document.saturated), row("paced", &document.paced)];
    let loads = output::table(&head, &rows);
    if document.execution.is_empty() {
        return loads;
    }
    let row = |executed: &Executed| {
        let Executed { what, calls_per_second, calls_per_second_sealed, gas, ns_per_gas } =
            executed;
        let calls = [calls_per_second, calls_per_second_sealed].map(|calls| format!("{calls:.0}"));
        let [alone, sealed] = calls;
        vec![(*what).to_owned(), alone, sealed, gas.to_string(), format!("{ns_per_gas:.2}")]
    };
    let rows: Vec<_> = document.execution.iter().map(row).collect();
    format!(
        "{loads}\n\n{}",
        output::table(
            &[
                "executed on one core",
                "calls/s",
                "with roots",
                "gas",
                "ns per gas above a transfer's"
            ],
            &rows
        )
    )
}

/// A node of this program in a process of its own, on a new ledger; removed with its folder when dropped.
struct OwnNode {
    host: String,
    process: Child,
    _folder: TempDir,
}

impl OwnNode {
    fn start(args: &Args) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder can be made")?;
        let file = folder.path().join("genesis.json");
        fs::write(&file, genesis_for(args)?).context("the genesis file can't be written")?;
        let program = std::env::current_exe().context("this program's own path is unknown")?;
        let mut process = Command::new(program)
            .args(["node", "--rpc", "127.0.0.1:0", "--genesis"])
            .arg(&file)
            .arg("--data-dir")
            .arg(folder.path().join("node"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("a node can't be started")?;
        let stdout = process.stdout.take().context("the node has no output")?;
        let mut own = Self { host: String::new(), process, _folder: folder };
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url).context("the node printed nothing")?;
        let host = url.trim().strip_prefix("http://").context("the node did not start")?;
        own.host = host.to_owned();
        Ok(own)
    }
}

impl Drop for OwnNode {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn genesis_for(args: &Args) -> anyhow::Result<String> {
    let mut funds = BTreeMap::new();
    for index in 0..args.senders {
        let builder = MnemonicBuilder::<English>::default().phrase(&args.phrase);
        let signer = builder.index(u32::from(index)).and_then(|builder| builder.build());
        let signer = signer.context("the phrase is not an English BIP-39 phrase")?;
        funds.insert(convert::account(signer.address()), FUNDS);
    }
    let mut genesis = genesis(CHAIN_ID_DEFAULT, UnixSeconds::new(0), &funds);
    genesis.gas_limit = GAS_LIMIT;
    Ok(genesis.to_json())
}
