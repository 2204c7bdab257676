//! Gives up the seat of this machine's device in a project, for the agent.

use std::path::PathBuf;

use abi::{TRAINING_RUNS, signed::Signer};
use ledger_views::runs;
use serde::{Deserialize, Serialize};
use wallet::DeviceKey;

use crate::ledger;
use crate::options::LedgerArgs;
use crate::output::Output;
use crate::shell;

/// Flags of `gleaner devices leave`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(value_name = "PROJECT")]
    project: u64,
    /// Folder of this machine's device key
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Keys of `gleaner devices leave --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftDocument {
    /// The project.
    pub(crate) project: u64,
    /// Whether the device had a seat, which it has given up.
    pub(crate) had_seat: bool,
}

/// Signs and sends what gives the seat up, if there is one.
///
/// # Errors
/// When there is no device key, or the ledger does not answer or refuses.
pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<()> {
    let key = DeviceKey::load(&args.data_dir.join("device.key"))?;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect(&args.ledger).await?;
        let (run, device) = (args.project, key.device());
        let standpoint = runs::standpoint(&ledger, run, &device).await?;
        let had_seat = standpoint.seat.is_some_and(|(_, seat)| seat.is_active());
        if had_seat {
            let sign = |statement: &[u8]| key.sign(statement);
            let device = abi::convert::device_word(device);
            let signer = Signer { device, chain_id: ledger.chain_id(), sign: &sign };
            let call = signer.leave(run, standpoint.nonce.saturating_add(1));
            ledger.submit_statement(TRAINING_RUNS, &call).await?;
        }
        let text = if had_seat { "is given up" } else { "does not exist" };
        let text = format!("the seat in project {run} {text}");
        output.print(&LeftDocument { project: run, had_seat }, &text)
    })
}
