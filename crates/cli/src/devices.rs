//! `gleaner devices`: the devices of an account: what each does, and what the account says to them.

mod change;
mod leave;
mod list;
mod orders;
mod policy;

use std::collections::BTreeMap;

use clap::Subcommand;
use ledger_client::Ledger;
use ledger_views::{
    devices,
    runs::{self, SeatView},
};
use units::{AccountId, DeviceId};

use crate::earnings::projects;
use crate::failure::Hint as _;
use crate::options::{LedgerArgs, checksummed};
use crate::output::Output;

pub(crate) use leave::LeftDocument;
pub(crate) use orders::{OrdersDocument, PolicyDocument};

/// Letters of a device that are enough to name one of an account's.
const PREFIX_MIN: usize = 6;

/// Flags of `gleaner devices`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: list::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the devices of an account: where they work, what they earned, when they last committed
    List(list::Args),
    /// Cut a device off from your account, for instance a stolen one: it loses its seats, and what it has earned is paid to you
    Revoke(change::Args),
    /// Let a revoked device work for your account again
    Restore(change::Args),
    /// Limits that every agent of your account obeys beside its own
    #[command(subcommand)]
    Policy(policy::Command),
    /// Print what an account says to a device: its agent asks
    #[command(hide = true)]
    Orders(orders::Args),
    /// Give up the seat of this machine's device in a project: its agent does
    #[command(hide = true)]
    Leave(leave::Args),
}

/// Lists, or does what is asked.
///
/// # Errors
/// When the ledger does not answer or refuses, or nobody confirms.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    match args.command {
        None => list::run(&args.list, output),
        Some(Command::List(args)) => list::run(&args, output),
        Some(Command::Revoke(args)) => change::revoke(&args, output),
        Some(Command::Restore(args)) => change::restore(&args, output),
        Some(Command::Policy(command)) => policy::run(command, output),
        Some(Command::Orders(args)) => orders::run(&args, output),
        Some(Command::Leave(args)) => leave::run(&args, output),
    }
}

/// A seat that works for the account.
struct Seat {
    project: u64,
    name: String,
    seat: SeatView,
}

/// The devices of an account.
struct Found {
    /// With their seats for it: those that have one, and those that the ledger lists, as far as they were read.
    devices: BTreeMap<DeviceId, Vec<Seat>>,
    /// How many the ledger lists, and how many of these were read.
    listed: (u64, usize),
}

/// Returns the devices of an account.
async fn of_account(ledger: &Ledger, account: &AccountId) -> anyhow::Result<Found> {
    let mut found: BTreeMap<DeviceId, Vec<Seat>> = BTreeMap::new();
    let listed = devices::listed(ledger, account).await?;
    let count = (listed.total, listed.devices.len());
    for device in listed.devices {
        found.entry(device).or_default();
    }
    for project in projects(ledger, &[*account]).await? {
        let mut name = None;
        for seat in runs::seats(ledger, project).await? {
            if seat.account != *account {
                continue;
            }
            if name.is_none() {
                name = Some(runs::run(ledger, project).await?.name);
            }
            let name = name.clone().unwrap_or_default();
            found.entry(seat.device).or_default().push(Seat { project, name, seat });
        }
    }
    Ok(Found { devices: found, listed: count })
}

/// A device as its owner writes it: all of its 64 letters, or the first few where they name one of the account's.
fn named(
    text: &str,
    account: &AccountId,
    found: &BTreeMap<DeviceId, Vec<Seat>>,
) -> anyhow::Result<DeviceId> {
    if let Ok(device) = text.parse() {
        return Ok(device);
    }
    let all = found.keys().filter(|device| device.to_string().starts_with(text));
    let matching: Vec<&DeviceId> = all.take(2).collect();
    match matching[..] {
        [device] if PREFIX_MIN <= text.len() => Ok(*device),
        [_, _] => Err(anyhow::anyhow!("several devices of the account begin with {text}"))
            .hint("give more of its letters"),
        _ => Err(anyhow::anyhow!(
            "{text} is no device of account {}: give its 64 letters, or the first {PREFIX_MIN} or more",
            checksummed(account)
        ))
        .hint("gleaner devices list"),
    }
}

/// Says that a ledger is too old.
fn too_old() -> anyhow::Error {
    anyhow::anyhow!("this ledger's rules have no such thing: it begins with revision 4")
}

/// Flags of commands that read.
#[derive(Clone, Debug, clap::Args)]
struct ReadArgs {
    /// The account [default: the only one in the wallet]
    #[arg(value_name = "ADDRESS", value_parser = crate::options::parse_account)]
    account: Option<AccountId>,
    #[command(flatten)]
    wallet: crate::options::WalletArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl ReadArgs {
    /// Returns the account that is asked about.
    fn account(&self) -> anyhow::Result<AccountId> {
        match self.account {
            Some(account) => Ok(account),
            None => match self.wallet.these_or_all(&[])?[..] {
                [account] => Ok(account),
                ref accounts => Err(anyhow::anyhow!(
                    "the wallet has {} accounts: say which one",
                    accounts.len()
                ))
                .hint("gleaner wallet list"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_by_as_many_letters_as_are_needed() {
        let account = AccountId::from_bytes([1; 20]);
        let device = |first: u8, last: u8| {
            let mut bytes = [first; 32];
            bytes[31] = last;
            DeviceId::from_bytes(bytes)
        };
        let all = [device(0xab, 1), device(0xab, 2), device(0xcd, 3)];
        let found: BTreeMap<_, _> = all.iter().map(|device| (*device, Vec::new())).collect();
        assert_eq!(named("cdcdcd", &account, &found).unwrap(), all[2]);
        // A device that the ledger does not list can be named, too: an account may revoke any.
        let other = device(7, 7);
        assert_eq!(named(&other.to_string(), &account, &found).unwrap(), other);
        let error = |text| format!("{:#}", named(text, &account, &found).unwrap_err());
        assert!(error("ababab").contains("several devices"));
        assert!(error("cdcd").contains("64 letters"));
        assert!(error("eeeeeeee").contains("no device of account"));
    }
}
