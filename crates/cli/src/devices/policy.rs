//! `gleaner devices policy`: limits that every agent of an account obeys beside its own.

use std::path::PathBuf;

use ::agent::Limits;
use abi::{DEVICES, Devices, POLICY_BYTES_MAX};
use anyhow::{Context as _, ensure};
use clap::Subcommand;
use ledger_views::devices;
use serde::Serialize;
use units::{DeviceId, Wei};

use super::{PolicyDocument, ReadArgs, too_old};
use crate::failure::Hint as _;
use crate::ledger;
use crate::market::{SendArgs, Sender, Step, TransactionDocument};
use crate::options::{LedgerArgs, SignerArgs, checksummed};
use crate::output::Output;
use crate::shell;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the policy of an account
    Show(ReadArgs),
    /// Replace your policy: a file with limits as in agent.toml, of which each only tightens what a machine's own file allows
    Set(SetArgs),
    /// Take your policy back
    Clear(ClearArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct SetArgs {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    sending: ClearArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct ClearArgs {
    #[command(flatten)]
    send: SendArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Keys of `gleaner devices policy … --json`.
#[derive(Serialize)]
struct Document {
    account: String,
    policy: Option<PolicyDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<SentDocument>,
}

/// The fee is in the smallest unit.
#[derive(Serialize)]
struct SentDocument {
    dry_run: bool,
    fee: String,
    transactions: Vec<TransactionDocument>,
}

/// Shows or changes a policy.
///
/// # Errors
/// When the ledger does not answer or refuses, the file is no policy, or nobody confirms.
pub(super) fn run(command: Command, output: &Output) -> anyhow::Result<()> {
    match command {
        Command::Show(args) => show(&args, output),
        Command::Set(args) => {
            let file = args.file.display().to_string();
            let text = std::fs::read_to_string(&args.file)
                .with_context(|| format!("{file}: file can't be read"))?;
            check(&text).with_context(|| file).hint("gleaner agent config")?;
            send(&args.sending, &text, output)
        }
        Command::Clear(args) => send(&args, "", output),
    }
}

/// Checks that a text is a policy that the ledger keeps and agents can read.
fn check(text: &str) -> anyhow::Result<()> {
    let size = text.len();
    ensure!(
        size <= POLICY_BYTES_MAX,
        "the policy has {size} bytes: at most {POLICY_BYTES_MAX} are kept on the ledger"
    );
    ensure!(!text.is_empty(), "the policy is empty: use `gleaner devices policy clear`");
    Limits::parse_policy(text)?;
    Ok(())
}

fn show(args: &ReadArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.account()?;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect(&args.ledger).await?;
        let orders = devices::orders(&ledger, &account, &DeviceId::ZERO).await?;
        let policy = PolicyDocument::of(orders.ok_or_else(too_old)?.policy);
        let text = match &policy {
            Some(policy) if !policy.text.is_empty() => {
                format!(
                    "# policy of {}, version {}\n{}",
                    checksummed(&account),
                    policy.version,
                    policy.text
                )
            }
            _ => format!("account {} has no policy", checksummed(&account)),
        };
        output.print(&Document { account: checksummed(&account), policy, sent: None }, &text)
    })
}

fn send(args: &ClearArgs, text: &str, output: &Output) -> anyhow::Result<()> {
    let account = args.signer.account()?;
    let shown = match text {
        "" => format!(
            "take the policy of {} back: each machine obeys its own file alone",
            checksummed(&account)
        ),
        text => format!(
            "policy for every agent of {}, readable by anyone:\n{text}",
            checksummed(&account)
        ),
    };
    let sent = |transactions, fee: Wei| {
        let dry_run = args.send.dry_run;
        Some(SentDocument { dry_run, fee: fee.to_string(), transactions })
    };
    if args.send.dry_run {
        let account = checksummed(&account);
        return output
            .print(&Document { account, policy: None, sent: sent(Vec::new(), Wei::ZERO) }, &shown);
    }
    args.send.confirm(&shown, output)?;
    let signer = args.signer.unlock()?;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
        devices::orders(&ledger, &account, &DeviceId::ZERO).await?.ok_or_else(too_old)?;
        let mut sender = Sender::new(&ledger, output);
        let call = Devices::setPolicyCall { text: text.to_owned() };
        sender.take(Step::new("set the policy", DEVICES, &call)).await?;
        let orders = devices::orders(&ledger, &account, &DeviceId::ZERO).await?;
        let policy = PolicyDocument::of(orders.ok_or_else(too_old)?.policy);
        let version = policy.as_ref().map_or(0, |policy| policy.version);
        let text = format!("policy version {version}: {}", sender.fees_text());
        let fee = sender.fees();
        let account = checksummed(&account);
        output.print(&Document { account, policy, sent: sent(sender.sent, fee) }, &text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_agents_can_read_is_sent() {
        check("[hours]\nsunday = \"never\"\n").unwrap();
        let error = |text: &str| format!("{:#}", check(text).unwrap_err());
        assert!(error("").contains("policy clear"));
        assert!(error("[hours]\nsomeday = \"never\"\n").contains("someday"));
        assert!(error("[machine]\ncores_percent = 0\n").contains("1 to 100"));
        assert!(error(&format!("# {}", "x".repeat(POLICY_BYTES_MAX))).contains("at most 4096"));
    }
}
