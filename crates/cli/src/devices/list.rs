//! `gleaner devices list`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ::agent::{Activity, Status};
use ledger_client::{LastCommitment, Ledger};
use ledger_views::runs::{self, SpeedView};
use ledger_views::{Ask as _, devices};
use serde::Serialize;
use units::{AccountId, DeviceId, UnixSeconds, Wei};
use wallet::DeviceKey;

use super::{Found, PolicyDocument, ReadArgs, Seat, of_account};
use crate::agent;
use crate::ledger;
use crate::options::checksummed;
use crate::output::{Output, table};
use crate::paths;
use crate::project::short;
use crate::shell;

/// Seconds of what counts as today's: the day before now.
const DAY_SECONDS: u64 = 86_400;

/// Devices in the text that have earned nothing for the account.
const IDLE_MAX: usize = 8;

/// Flags of `gleaner devices list`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    read: ReadArgs,
    /// Folder of this machine's device key [default: worker in gleaner's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Keys of `gleaner devices --json`. Amounts are in the smallest unit, times in Unix seconds.
#[derive(Serialize)]
struct Document {
    account: String,
    devices: Vec<DeviceDocument>,
    /// How many the ledger lists; more than there are above if strangers have linked very many.
    listed: u64,
    policy: Option<PolicyDocument>,
}

#[derive(Serialize)]
struct DeviceDocument {
    device: String,
    /// Whether its key is on this machine.
    here: bool,
    /// Whether it is linked to the account now: its next seat works for it.
    linked: bool,
    /// The account that it is linked to now; `null` before its first seat.
    linked_to: Option<String>,
    revoked_at: Option<u64>,
    seats: Vec<SeatDocument>,
    tokens_verified: u64,
    paid: String,
    /// Paid in the last 24 hours; none where the node's history index does not say.
    paid_last_day: Option<String>,
    /// Verified pay that is held back.
    held: String,
    last_commitment: Option<CommitmentDocument>,
    /// What the agent of this machine does.
    agent: Option<AgentDocument>,
}

impl DeviceDocument {
    /// Whether it has earned nothing for the account, which has not revoked it, and is not this machine's. A seat says nothing: strangers can give theirs, in
    /// a project of their own, to any account. Pay costs them what it brings.
    fn is_idle(&self) -> bool {
        let is_unpaid = [&self.paid, &self.held].iter().all(|it| it.as_str() == "0");
        is_unpaid && self.revoked_at.is_none() && !self.here
    }
}

#[derive(Serialize)]
struct SeatDocument {
    project: u64,
    name: String,
    standing: &'static str,
    tokens_verified: u64,
    paid: String,
    held: String,
    /// How fast it was, as the ledger saw it; none before revision 5.
    speed: Option<SpeedDocument>,
}

/// Medians of its last rounds that counted as verified, and of its last audits that passed, at most 16 of each.
#[derive(Serialize)]
struct SpeedDocument {
    tokens_per_second: f64,
    rounds: u8,
    audit_tokens_per_second: f64,
    audits: u8,
}

impl SpeedDocument {
    fn new(speed: &SpeedView) -> Self {
        let SpeedView { verified, rounds, repeated, audits } = *speed;
        // Both are far below 2^53.
        let per_second = |per_thousand: u64| per_thousand as f64 / 1_000.0;
        let (tokens_per_second, audit_tokens_per_second) =
            (per_second(verified), per_second(repeated));
        Self { tokens_per_second, rounds, audit_tokens_per_second, audits }
    }
}

#[derive(Serialize)]
struct CommitmentDocument {
    project: u64,
    /// Counted from 0.
    round: u32,
    at: u64,
}

#[derive(Serialize)]
struct AgentDocument {
    activity: Activity,
    /// What it does, and the first reason.
    text: String,
    for_seconds: u64,
}

/// Lists the devices of an account.
///
/// # Errors
/// When no account is given or in the wallet, or the ledger does not answer.
pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<()> {
    let account = args.read.account()?;
    let key = paths::or_home(args.data_dir.clone(), "worker")?.join("device.key");
    // A machine without a key is none of the account's devices yet.
    let here = DeviceKey::load(&key).ok().map(|key| key.device());
    let status = agent::present().filter(|status| status.account == checksummed(&account));
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect(&args.read.ledger).await?;
        let now = ledger.head().await?.time.as_u64();
        let Found { devices: mut found, listed } = of_account(&ledger, &account).await?;
        if let Some(here) = here
            && status.is_some()
        {
            found.entry(here).or_default();
        }
        let orders = devices::orders(&ledger, &account, &DeviceId::ZERO).await?;
        let policy = orders.and_then(|orders| PolicyDocument::of(orders.policy));
        let names: Vec<DeviceId> = found.keys().copied().collect();
        let ties = devices::ties(&ledger, &account, &names).await?;
        let speeds = Speeds::of(&ledger, &found).await?;
        let mut all = Vec::new();
        for ((device, seats), tie) in found.iter().zip(ties) {
            let of_agent = status.as_ref().filter(|_| here == Some(*device));
            // One that never had a seat has no history, and strangers can link any number of them.
            let history = match seats.is_empty() {
                true => History { last: None, paid_last_day: None },
                false => History::of(&ledger, (&account, device), now).await?,
            };
            let mut document = document((device, seats), &speeds, &history, of_agent)?;
            document.here = here == Some(*device);
            document.linked = tie.linked_to == Some(account);
            document.linked_to = tie.linked_to.as_ref().map(checksummed);
            document.revoked_at = tie.revoked.map(UnixSeconds::as_u64);
            all.push((*device, document));
        }
        // Those that only somebody's word made the account's come last, and of them those without a seat.
        all.sort_by_key(|(_, document)| (document.is_idle(), document.seats.is_empty()));
        let shown = all.iter().filter(|(_, document)| !document.is_idle()).count();
        let shown = shown + (all.len() - shown).min(IDLE_MAX);
        let rows = all.iter().take(shown).map(|(device, it)| row(device, it, now));
        let rows: Vec<_> = rows.collect();
        let devices: Vec<DeviceDocument> = all.into_iter().map(|(_, document)| document).collect();
        let more = more_text(devices.len() - shown, listed);
        let text = text(&rows, &devices, policy.as_ref()) + &more;
        let account = checksummed(&account);
        output.print(&Document { account, devices, listed: listed.0, policy }, &text)
    })
}

/// Says which devices are not shown.
fn more_text(hidden: usize, (total, read): (u64, usize)) -> String {
    let mut text = String::new();
    if 0 < hidden {
        text += &format!(
            "\n\n{hidden} more devices are linked to the account and have earned nothing for it: anyone can link one, and it can only earn for you. --json lists them"
        );
    }
    let unread = total.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
    if 0 < unread {
        text += &format!(
            "\n\nthe ledger lists {total} devices of the account, of which {unread} were not read: those that work for it are above; another one is revoked by its 64 letters"
        );
    }
    text
}

/// What the node's history index says of a device.
struct History {
    last: Option<LastCommitment>,
    paid_last_day: Option<Wei>,
}

impl History {
    async fn of(
        ledger: &Ledger,
        (account, device): (&AccountId, &DeviceId),
        now: u64,
    ) -> anyhow::Result<Self> {
        let since = UnixSeconds::new(now.saturating_sub(DAY_SECONDS));
        let paid_last_day = ledger.paid_since((account, device), since).await?;
        Ok(Self { last: ledger.last_commitment(device).await?, paid_last_day })
    }
}

/// How fast devices were in the projects in which they have seats.
#[derive(Default)]
struct Speeds(BTreeMap<(u64, DeviceId), SpeedView>);

impl Speeds {
    async fn of(ledger: &Ledger, found: &BTreeMap<DeviceId, Vec<Seat>>) -> anyhow::Result<Self> {
        let seats =
            found.iter().flat_map(|(device, seats)| seats.iter().map(|it| (it.project, *device)));
        let seats: Vec<(u64, DeviceId)> = seats.collect();
        let speeds = runs::speeds(ledger, &seats).await?.unwrap_or_default();
        Ok(Self(seats.into_iter().zip(speeds).collect()))
    }
}

fn document(
    (device, seats): (&DeviceId, &[Seat]),
    speeds: &Speeds,
    history: &History,
    status: Option<&Status>,
) -> anyhow::Result<DeviceDocument> {
    let (mut paid, mut held, mut tokens_verified) = (Wei::ZERO, Wei::ZERO, 0_u64);
    let mut documents = Vec::new();
    for Seat { project, name, seat } in seats {
        (paid, held) = (paid.checked_add(seat.paid)?, held.checked_add(seat.stake)?);
        tokens_verified = tokens_verified.saturating_add(seat.tokens_verified);
        documents.push(SeatDocument {
            project: *project,
            name: name.clone(),
            standing: ledger::standing(seat),
            tokens_verified: seat.tokens_verified,
            paid: seat.paid.to_string(),
            held: seat.stake.to_string(),
            speed: speeds.0.get(&(*project, *device)).map(SpeedDocument::new),
        });
    }
    Ok(DeviceDocument {
        device: device.to_string(),
        here: false,
        linked: false,
        linked_to: None,
        revoked_at: None,
        seats: documents,
        tokens_verified,
        paid: paid.to_string(),
        paid_last_day: history.paid_last_day.map(|paid| paid.to_string()),
        held: held.to_string(),
        last_commitment: history.last.map(|last| {
            let LastCommitment { run: project, round, at } = last;
            CommitmentDocument { project, round, at: at.as_u64() }
        }),
        agent: status.map(|status| AgentDocument {
            activity: status.decision.activity,
            text: status.text.clone(),
            for_seconds: status.decision.at.since(status.decision.since) / 1_000,
        }),
    })
}

fn row(device: &DeviceId, document: &DeviceDocument, now: u64) -> Vec<String> {
    let here = if document.here { " (here)" } else { "" };
    let grain =
        |wei: &str| wei.parse().map_or_else(|_| String::new(), |it| Wei::new(it).to_grain());
    let last = document.last_commitment.as_ref().map_or_else(String::new, |last| {
        format!("project {}, {} ago", last.project, ago(now.saturating_sub(last.at)))
    });
    vec![
        format!("{}{here}", short(device)),
        state(document, now),
        document.tokens_verified.to_string(),
        speed(document),
        document.paid_last_day.as_deref().map_or_else(String::new, grain),
        grain(&document.paid),
        grain(&document.held),
        last,
    ]
}

/// Says how fast a device was in its newest project with a round that took some time.
fn speed(document: &DeviceDocument) -> String {
    let speeds = document.seats.iter().rev().filter_map(|seat| seat.speed.as_ref());
    let mut known = speeds.filter(|speed| 0 < speed.rounds);
    known.next().map_or_else(String::new, |speed| format!("{:.0}", speed.tokens_per_second))
}

/// Says what a device does as far as the ledger knows.
fn state(document: &DeviceDocument, now: u64) -> String {
    if let Some(at) = document.revoked_at {
        return format!("revoked {} ago", ago(now.saturating_sub(at)));
    }
    let active = document.seats.iter().filter(|seat| seat.standing == "active");
    let projects: Vec<String> = active.map(|seat| seat.project.to_string()).collect();
    match (&projects[..], &document.linked_to) {
        ([], None) => "has had no seat yet".to_owned(),
        ([], Some(_)) if document.linked => "no seat".to_owned(),
        ([], Some(_)) => "works for another account".to_owned(),
        ([one], _) => format!("seat in project {one}"),
        (many, _) => format!("seats in projects {}", many.join(", ")),
    }
}

fn text(
    rows: &[Vec<String>],
    documents: &[DeviceDocument],
    policy: Option<&PolicyDocument>,
) -> String {
    let head = [
        "device",
        "state",
        "tokens verified",
        "tokens/s",
        "paid in 24 h",
        "paid",
        "held back",
        "last commitment",
    ];
    let mut text = table(&head, rows);
    if rows.is_empty() {
        text = "the account has no devices".to_owned();
    }
    for agent in documents.iter().filter_map(|document| document.agent.as_ref()) {
        text += &format!("\n\nhere: {}, for {}", agent.text, ago(agent.for_seconds));
    }
    if let Some(policy) = policy {
        let what = if policy.text.is_empty() {
            "is empty"
        } else {
            "is shown by gleaner devices policy show"
        };
        text += &format!("\n\npolicy version {} {what}", policy.version);
    }
    text
}

/// Says a number of seconds.
fn ago(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_that_earns_nothing_does_not_make_a_device_the_accounts_own() {
        let seat = || SeatDocument {
            project: 1,
            name: "a stranger's".to_owned(),
            standing: "active",
            tokens_verified: 1 << 40,
            paid: "0".to_owned(),
            held: "0".to_owned(),
            speed: None,
        };
        let with = |paid: &str, held: &str, seats| DeviceDocument {
            device: String::new(),
            here: false,
            linked: true,
            linked_to: Some("0x1".to_owned()),
            revoked_at: None,
            seats,
            tokens_verified: 0,
            paid: paid.to_owned(),
            paid_last_day: None,
            held: held.to_owned(),
            last_commitment: None,
            agent: None,
        };
        assert!(with("0", "0", Vec::new()).is_idle());
        assert!(with("0", "0", vec![seat()]).is_idle());
        assert!(!with("7", "0", vec![seat()]).is_idle());
        assert!(!with("0", "7", vec![seat()]).is_idle());
        assert!(!DeviceDocument { here: true, ..with("0", "0", Vec::new()) }.is_idle());
        assert!(!DeviceDocument { revoked_at: Some(7), ..with("0", "0", Vec::new()) }.is_idle());
        // One that was just installed is nobody else's.
        let none = || with("0", "0", Vec::new());
        assert_eq!(state(&none(), 9), "no seat");
        let elsewhere = DeviceDocument { linked: false, ..none() };
        assert_eq!(state(&elsewhere, 9), "works for another account");
        let new = DeviceDocument { linked_to: None, ..elsewhere };
        assert_eq!(state(&new, 9), "has had no seat yet");
    }
}
