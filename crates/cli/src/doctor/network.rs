//! Who can be reached: the ledger's node, the coordinators of open projects, and this machine from elsewhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, SystemTime};

use ::agent::limits::Limits;
use execution::MODULES;
use ledger_client::Ledger;
use ledger_views::{Ask as _, Head, Window, runs};
use model::instructions::Isa;
use transport::{Pace, is_public};
use wallet::DeviceKey;
use worker::{Inquiry, is_unreachable};

use super::Check;
use crate::join::{network, offers};
use crate::ledger;
use crate::options::LedgerArgs;

/// Open projects whose coordinators are asked.
const ASKED_MAX: usize = 3;

/// Projects of one page of the ledger's list.
const LISTED_MAX: u64 = 64;

/// How long a coordinator may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How far a block may lie ahead of this machine's clock, in seconds: nodes refuse more.
const AHEAD_MAX: u64 = 15;

/// Looks at the ledger, at projects, and at this machine's own addresses.
pub(super) async fn checks(args: &LedgerArgs, limits: &Limits) -> Vec<Check> {
    let mut checks = Vec::new();
    match ledger::connect(args).await {
        Ok(ledger) => match asked(&ledger, args, limits).await {
            Ok(found) => checks.extend(found),
            Err(error) => checks.push(no_ledger(&error)),
        },
        Err(error) => checks.push(no_ledger(&error)),
    }
    checks.push(addresses(own_addresses()));
    checks
}

fn no_ledger(error: &anyhow::Error) -> Check {
    let found = format!("{error:#}");
    let change = "--rpc URL or GLEANER_RPC of a node that runs; `gleaner node` starts one here";
    Check::bad("ledger", found, change)
}

async fn asked(ledger: &Ledger, args: &LedgerArgs, limits: &Limits) -> anyhow::Result<Vec<Check>> {
    let head = ledger.head().await?;
    let revision = offers::revision(ledger).await?;
    let mut checks = vec![rules(ledger.chain_id(), &head, revision)];
    checks.extend(block_time(head.time.as_u64(), unix_seconds()));
    checks.push(projects(ledger, args, limits).await?);
    Ok(checks)
}

fn rules(chain: u64, head: &Head, revision: u32) -> Check {
    let found = format!("chain {chain} answers: block {}, revision {revision}", head.height);
    if MODULES.newest() < revision {
        let change = format!(
            "a newer gleaner: this one knows the rules up to revision {}",
            MODULES.newest()
        );
        return Check::bad("ledger", found, change);
    }
    Check::good("ledger", found)
}

#[expect(clippy::disallowed_methods, reason = "this machine's clock is what is checked")]
fn unix_seconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Says so if the newest block comes from this machine's future. One from the past may be that of an idle ledger.
fn block_time(block: u64, here: u64) -> Option<Check> {
    let ahead = block.saturating_sub(here);
    (AHEAD_MAX < ahead).then(|| {
        let found = format!("the newest block says a time {ahead} s ahead of this machine's clock");
        Check::advice("clock and ledger", found, "set the clock; deadlines are those of the ledger")
    })
}

/// Asks the coordinators of the newest open projects for what any worker needs first, over QUIC.
async fn projects(ledger: &Ledger, args: &LedgerArgs, limits: &Limits) -> anyhow::Result<Check> {
    let page = runs::list(ledger, Window::first(LISTED_MAX)).await?;
    let open = page.items.iter().filter(|run| run.phase.is_open()).map(|run| run.run);
    let open: Vec<u64> = open.take(ASKED_MAX).collect();
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    // The device's own key is the worker's: two connections with it would be one too many.
    let device = DeviceKey::from_seed(&seed);
    let network = network(&args.rpc, Pace::new(None, None)).await;
    let (mut answered, mut silent) = (Vec::new(), Vec::new());
    for run in open {
        let inquiry = Inquiry {
            ledger,
            network: network.as_ref(),
            device: &device,
            threads: 1,
            isa: Isa::detect(),
            memory_max: u64::from(limits.machine.memory_mib) << 20,
            disk_max: u64::from(limits.machine.disk_mib) << 20,
            patience: PATIENCE,
        };
        match inquiry.offer(run).await {
            Ok(_) => answered.push(format!("{run} would take this machine")),
            Err(error) if is_unreachable(&error) => silent.push(run.to_string()),
            Err(error) => answered.push(format!("{run} would not: {error:#}")),
        }
    }
    Ok(reached(&answered, &silent))
}

fn reached(answered: &[String], silent: &[String]) -> Check {
    const NAME: &str = "projects";
    if answered.is_empty() && silent.is_empty() {
        let change = "nothing: the agent waits for one";
        return Check::advice(NAME, "the ledger has no open project", change);
    }
    let list = answered.join("; ");
    if silent.is_empty() {
        return Check::good(NAME, list);
    }
    let silent = format!("no answer from the coordinator of {}", silent.join(", "));
    if answered.is_empty() {
        let change = "let UDP out (a firewall may hold it back); if others reach them, their coordinators are not there";
        return Check::advice(NAME, silent, change);
    }
    let change = "nothing: others are reached, so these may not be there";
    Check::advice(NAME, format!("{list}; {silent}"), change)
}

/// Returns the addresses from which this machine would send to the internet. Nothing is sent.
fn own_addresses() -> Vec<IpAddr> {
    // The roots of the DNS, J and K.
    let far = [
        (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::new(192, 58, 128, 30))),
        (
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            IpAddr::V6(Ipv6Addr::new(0x2001, 0x7fd, 0, 0, 0, 0, 0, 1)),
        ),
    ];
    let own = far.into_iter().filter_map(|(any, far)| {
        let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
        socket.connect(SocketAddr::new(far, 53)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    });
    own.filter(|ip| !ip.is_unspecified()).collect()
}

/// Says whether others can reach this machine. A worker needs it not: it dials.
fn addresses(own: Vec<IpAddr>) -> Check {
    const NAME: &str = "reached by others";
    let change = "nothing for working; to train a project of your own, forward a UDP port to this machine and give `gleaner train --announce ADDRESS:PORT`";
    let list = own.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if own.is_empty() {
        return Check::advice(NAME, "no address that leads to the internet", change);
    }
    if own.iter().any(|ip| is_public(*ip)) {
        return Check::good(
            NAME,
            format!("{list}: no NAT; a firewall may still refuse what comes in"),
        );
    }
    Check::advice(NAME, format!("{list}: behind NAT"), change)
}

#[cfg(test)]
mod tests {
    use units::{Digest, UnixSeconds};

    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_machine_behind_nat_works_and_is_told_what_it_cannot_do() {
        let of = |ip: &str| addresses(vec![ip.parse().unwrap()]);
        for private in ["192.168.1.4", "100.64.3.4", "10.0.0.1", "fd00::1"] {
            let check = of(private);
            assert!(check.found.contains("behind NAT"), "{check:?}");
            assert_eq!(check.verdict, Verdict::Advice);
        }
        for public in ["8.8.4.4", "2600::1"] {
            assert_eq!(of(public).verdict, Verdict::Good, "{public}");
        }
        assert_eq!(addresses(Vec::new()).verdict, Verdict::Advice);
    }

    #[test]
    fn only_a_block_from_the_future_says_something_of_the_clock() {
        assert_eq!(block_time(100, 1_000_000), None);
        assert_eq!(block_time(1_015, 1_000), None);
        assert!(block_time(1_016, 1_000).unwrap().found.contains("16 s ahead"));
    }

    #[test]
    fn silence_of_all_points_at_this_machine_and_of_some_at_them() {
        let list = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let of = |answered: &[&str], silent: &[&str]| reached(&list(answered), &list(silent));
        assert_eq!(of(&["1 would take this machine"], &[]).verdict, Verdict::Good);
        let words = |check: Check| check.change.unwrap();
        assert!(words(of(&[], &["1", "2"])).contains("UDP"));
        assert!(words(of(&["1"], &["2"])).contains("may not be there"));
        assert!(words(of(&[], &[])).contains("waits"));
    }

    #[test]
    fn rules_of_a_later_program_are_named() {
        let head = Head { height: 7, hash: Digest::ZERO, time: UnixSeconds::new(9) };
        assert_eq!(rules(1, &head, MODULES.newest()).verdict, Verdict::Good);
        let newer = rules(1, &head, MODULES.newest() + 1);
        assert_eq!(newer.verdict, Verdict::Bad);
        assert!(newer.change.unwrap().contains("newer gleaner"));
    }
}
