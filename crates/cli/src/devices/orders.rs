//! What an account says to one of its devices, for the agent.

use ledger_views::devices;
use serde::{Deserialize, Serialize};
use units::{AccountId, DeviceId};

use crate::ledger;
use crate::options::{LedgerArgs, checksummed, parse_account};
use crate::output::Output;
use crate::shell;

/// Flags of `gleaner devices orders`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(value_name = "ADDRESS", value_parser = parse_account)]
    account: AccountId,
    #[arg(value_name = "DEVICE")]
    device: DeviceId,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Keys of `gleaner devices orders --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrdersDocument {
    /// The account.
    pub(crate) account: String,
    /// When it revoked the device, in Unix seconds.
    pub(crate) revoked_at: Option<u64>,
    /// Its policy; none where the ledger's rules have no policies, or none was ever set.
    pub(crate) policy: Option<PolicyDocument>,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyDocument {
    /// How often it was set.
    pub(crate) version: u64,
    /// When it was set last, in Unix seconds.
    pub(crate) since: u64,
    /// The text; empty if it was cleared.
    pub(crate) text: String,
}

impl PolicyDocument {
    /// Returns a policy that was ever set.
    pub(super) fn of(policy: devices::Policy) -> Option<Self> {
        let devices::Policy { text, version, since } = policy;
        (version > 0).then(|| Self { version, since: since.as_u64(), text })
    }
}

/// Prints them.
///
/// # Errors
/// When the ledger does not answer.
pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<()> {
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect(&args.ledger).await?;
        let orders = devices::orders(&ledger, &args.account, &args.device).await?;
        let account = checksummed(&args.account);
        let document = match orders {
            None => OrdersDocument { account, revoked_at: None, policy: None },
            Some(devices::Orders { revoked, policy }) => OrdersDocument {
                account,
                revoked_at: revoked.map(units::UnixSeconds::as_u64),
                policy: PolicyDocument::of(policy),
            },
        };
        output.print(&document, &format!("{document:?}"))
    })
}
