//! What a node does for the runs of its ledger: it relays devices' statements, and it may be a referee.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use abi::convert;
use alloy_primitives::Address;
use anyhow::Context as _;
use ledger_client::Ledger;
use ledger_views::{ready, referees::referees};
use model::instructions::Isa;
use node::Node;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use units::Wei;

use crate::offices::{self, Limits};
use crate::output::Output;

/// How long the referee waits for its own node.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a replay may take to end when the node stops.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// A balance below this is said to be low: a tenth of what a new ledger gives.
const LOW: Wei = Wei::new(10_000_000_000_000_000_000);

/// The relay account, and whether the node is a referee.
#[derive(Serialize)]
pub(super) struct Roles {
    /// The account that pays for bringing statements into blocks.
    relay_account: Address,
    /// Its balance in the smallest unit.
    relay_balance: String,
    /// Whether the node's key is one of the ledger's referees.
    pub(super) is_referee: bool,
    /// Number of the ledger's referees.
    referees: usize,
}

impl Roles {
    /// Reads them from the ledger.
    pub(super) fn of(node: &Node) -> anyhow::Result<Self> {
        let relay_account = node.relay_account();
        let account = node.reader()?.account(&relay_account)?;
        let balance = account.map_or(Ok(Wei::ZERO), |account| convert::wei(account.balance));
        let balance = balance.context("the balance of the relay account is out of range")?;
        // A ledger from before there were referees has none.
        let view = ready(referees(&node.local()?));
        let members = view.map_or_else(|_| Vec::new(), |referees| referees.members);
        Ok(Self {
            relay_account,
            relay_balance: balance.as_u128().to_string(),
            is_referee: members.contains(&convert::device(node.key())),
            referees: members.len(),
        })
    }

    /// Returns them in sentences.
    pub(super) fn text(&self) -> String {
        let account = self.relay_account;
        let balance = Wei::new(self.relay_balance.parse().unwrap_or_default());
        let advice = if balance == Wei::ZERO {
            format!(
                " and can't bring devices' statements into blocks: gleaner wallet send {account} 100"
            )
        } else if balance < LOW {
            format!(", which is little: gleaner wallet send {account} 100")
        } else {
            ", for bringing devices' statements into blocks".to_owned()
        };
        let referee = match (self.is_referee, self.referees) {
            (true, 1) => "this node's key is the ledger's referee".to_owned(),
            (true, count) => format!("this node's key is one of the ledger's {count} referees"),
            (false, 0) => {
                "this ledger has no referee: disputed work counts, as nobody can rule".to_owned()
            }
            (false, count) => format!("this node's key is none of the ledger's {count} referees"),
        };
        let balance = balance.to_grain();
        format!("relay account {account} has {balance} GRAIN{advice}\n{referee}")
    }
}

/// The referee of this node, at work.
pub(super) struct RefereeOffice {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl RefereeOffice {
    /// Starts to decide disputes with the key of the node in `data_dir`, which serves JSON-RPC at `address`.
    pub(super) async fn open(
        data_dir: &Path,
        address: SocketAddr,
        limits: Limits,
        output: Output,
    ) -> anyhow::Result<Self> {
        let mut own = address;
        if own.ip().is_unspecified() {
            own.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        let ledger = Ledger::connect(&format!("http://{own}"), None, PATIENCE).await?;
        let (stop, stopped) = watch::channel(false);
        let (key, shards) = (data_dir.join("node.key"), data_dir.join("referee"));
        let resources = limits.resources(shards, Isa::detect());
        let task = offices::referee(&key, resources, ledger, stopped, output)?;
        Ok(Self { stop, task })
    }

    /// Ends the replay in progress; it is repeated after a restart.
    pub(super) async fn close(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(STOP_PATIENCE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_learns_what_to_do() {
        let check = |balance: &str, (is_referee, referees), expected: &[&str]| {
            let relay_balance = Wei::parse_grain(balance).unwrap().as_u128().to_string();
            let relay_account = Address::ZERO;
            let text = Roles { relay_account, relay_balance, is_referee, referees }.text();
            for part in expected {
                assert!(text.contains(part), "{text}");
            }
        };
        let send = format!("gleaner wallet send {} 100", Address::ZERO);
        check("0", (true, 1), &["has 0 GRAIN and can't bring", &send, "is the ledger's referee"]);
        check("9.5", (true, 3), &["which is little", &send, "one of the ledger's 3 referees"]);
        check("100", (false, 2), &["for bringing", "none of the ledger's 2 referees"]);
        check("10", (false, 0), &["has 10 GRAIN, for bringing", "no referee"]);
    }
}
