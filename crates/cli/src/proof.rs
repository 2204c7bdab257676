//! `gleaner proof`: an account with its proof.

use std::fs;
use std::path::PathBuf;

use alloy_eips::BlockId;
use alloy_primitives::{Address, U256};
use anyhow::Context as _;
use execution::ProofDocument;

use crate::ledger;
use crate::options::{LedgerArgs, parse_address};
use crate::output::Output;
use crate::shell;
use crate::verify_proof::Summary;

/// Flags of `gleaner proof`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address of the account
    #[arg(value_name = "ADDRESS", value_parser = parse_address)]
    address: Address,
    /// Storage slot of the account, as a number; may be given more than once
    #[arg(long, value_name = "SLOT")]
    slot: Vec<U256>,
    /// Block after which the state is proven: a number, a hash or latest
    #[arg(long, value_name = "BLOCK", default_value = "latest")]
    block: BlockId,
    /// Where to write the proof [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Fetches a proof, checks it, and writes it.
///
/// # Errors
/// When the node returns none, or an invalid one, or the file can't be written.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let answer = shell::block_on_until_interrupted(async {
        let ledger = ledger::connect(&args.ledger).await?;
        Ok(ledger.state_proof(args.address, &args.slot, args.block).await?)
    })?;
    let url = &args.ledger.rpc;
    let document: ProofDocument =
        serde_json::from_value(answer).with_context(|| format!("{url} did not return a proof"))?;
    let proven =
        document.verify(None).with_context(|| format!("{url} returned an invalid proof"))?;
    let text = serde_json::to_string_pretty(&document).context("the proof can't be written")?;
    let Some(path) = &args.out else { return output.print(&document, &text) };
    let shown = path.display();
    fs::write(path, text + "\n").with_context(|| format!("{shown}: can't be written"))?;
    let summary = Summary::new(&proven, None);
    output.print(&summary, &format!("{}\n\nwritten to {shown}", summary.text()))
}
