//! `gleaner devices revoke` and `restore`.

use abi::{DEVICES, Devices, TRAINING_RUNS, TrainingRuns, convert};
use ledger_client::Ledger;
use ledger_views::{devices, runs};
use serde::Serialize;
use units::{AccountId, DeviceId, Wei};

use super::{named, of_account, too_old};
use crate::failure::Hint as _;
use crate::ledger;
use crate::market::{SendArgs, Sender, Step, TransactionDocument};
use crate::options::{LedgerArgs, SignerArgs, checksummed};
use crate::output::{Output, lines};
use crate::shell;

/// Flags of `gleaner devices revoke` and `restore`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The device: its 64 letters, or the first of them
    #[arg(value_name = "DEVICE")]
    device: String,
    #[command(flatten)]
    send: SendArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Keys of `gleaner devices revoke --json` and `restore --json`. Amounts are in the smallest unit.
#[derive(Serialize)]
struct Document {
    dry_run: bool,
    account: String,
    device: String,
    revoked: bool,
    /// Projects in which its seat was given up.
    seats_given_up: Vec<u64>,
    fee: String,
    transactions: Vec<TransactionDocument>,
}

/// How things are before.
struct Before {
    device: DeviceId,
    is_revoked: bool,
    /// Open projects in which it has a seat for the account.
    active: Vec<u64>,
    held: Wei,
}

async fn before(ledger: &Ledger, account: &AccountId, text: &str) -> anyhow::Result<Before> {
    let found = of_account(ledger, account).await?.devices;
    let device = named(text, account, &found)?;
    let orders = devices::orders(ledger, account, &device).await?.ok_or_else(too_old)?;
    let (mut active, mut held) = (Vec::new(), Wei::ZERO);
    for it in found.get(&device).into_iter().flatten() {
        held = held.checked_add(it.seat.stake)?;
        // In a project that has ended there is no seat to give up: the ledger would refuse it.
        if it.seat.is_active() && runs::run(ledger, it.project).await?.phase.is_open() {
            active.push(it.project);
        }
    }
    Ok(Before { device, is_revoked: orders.revoked.is_some(), active, held })
}

/// Revokes a device, then gives up its seats.
///
/// # Errors
/// When the ledger does not answer or refuses, or nobody confirms.
pub(super) fn revoke(args: &Args, output: &Output) -> anyhow::Result<()> {
    let account = args.signer.account()?;
    let found = shell::block_on_until_interrupted(async {
        let ledger = ledger::connect(&args.ledger).await?;
        before(&ledger, &account, &args.device).await
    })?;
    let Before { device, is_revoked, .. } = found;
    let projects: Vec<String> = found.active.iter().map(u64::to_string).collect();
    let seats = if projects.is_empty() { "none".to_owned() } else { projects.join(", ") };
    let rows = [
        ("account", checksummed(&account)),
        ("revoke", device.to_string()),
        ("seats given up, in projects", seats),
        (
            "held back for you",
            format!("{} GRAIN, paid when nothing of it is undecided", found.held.to_grain()),
        ),
        (
            "then",
            "it takes no seat for you, and commits and audits nothing, until you restore it"
                .to_owned(),
        ),
    ];
    let text = aligned(&rows);
    let document = |seats_given_up, sent, fee: Wei| Document {
        dry_run: args.send.dry_run,
        account: checksummed(&account),
        device: device.to_string(),
        revoked: true,
        seats_given_up,
        fee: fee.to_string(),
        transactions: sent,
    };
    if args.send.dry_run {
        return output.print(&document(found.active, Vec::new(), Wei::ZERO), &text);
    }
    args.send.confirm(&text, output)?;
    let signer = args.signer.unlock()?;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
        let mut sender = Sender::new(&ledger, output);
        let word = convert::device_word(device);
        if !is_revoked {
            let call = Devices::revokeCall { device: word };
            sender.take(Step::new("revoke the device", DEVICES, &call)).await?;
        }
        // It may have taken seats meanwhile; now it can't.
        let active = before(&ledger, &account, &device.to_string()).await?.active;
        for run in &active {
            let call = TrainingRuns::retireCall { run: *run, device: word };
            let step =
                Step::new(format!("give up its seat in project {run}"), TRAINING_RUNS, &call);
            sender.take(step).await?;
        }
        let text = format!("device {device} is revoked: {}", sender.fees_text());
        let fee = sender.fees();
        output.print(&document(active, sender.sent, fee), &text)
    })
}

/// Restores a device.
///
/// # Errors
/// As [`revoke`]; when the device is not revoked.
pub(super) fn restore(args: &Args, output: &Output) -> anyhow::Result<()> {
    let account = args.signer.account()?;
    let Before { device, is_revoked, .. } = shell::block_on_until_interrupted(async {
        let ledger = ledger::connect(&args.ledger).await?;
        before(&ledger, &account, &args.device).await
    })?;
    if !is_revoked {
        return Err(anyhow::anyhow!(
            "account {} has not revoked device {device}",
            checksummed(&account)
        ))
        .hint("gleaner devices list");
    }
    let text = aligned(&[("account", checksummed(&account)), ("restore", device.to_string())]);
    let document = |sent, fee: Wei| Document {
        dry_run: args.send.dry_run,
        account: checksummed(&account),
        device: device.to_string(),
        revoked: false,
        seats_given_up: Vec::new(),
        fee: fee.to_string(),
        transactions: sent,
    };
    if args.send.dry_run {
        return output.print(&document(Vec::new(), Wei::ZERO), &text);
    }
    args.send.confirm(&text, output)?;
    let signer = args.signer.unlock()?;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
        let mut sender = Sender::new(&ledger, output);
        let call = Devices::restoreCall { device: convert::device_word(device) };
        sender.take(Step::new("restore the device", DEVICES, &call)).await?;
        let text = format!("device {device} may work for you again: {}", sender.fees_text());
        let fee = sender.fees();
        output.print(&document(sender.sent, fee), &text)
    })
}

fn aligned(rows: &[(&str, String)]) -> String {
    let row = |(name, value): &(&str, String)| vec![(*name).to_owned(), value.clone()];
    lines(&rows.iter().map(row).collect::<Vec<_>>())
}
