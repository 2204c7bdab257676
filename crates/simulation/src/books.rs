//! What must hold after every block, and at the end.

use std::collections::{BTreeMap, BTreeSet};

use abi::{
    DEVICES, GRAIN, REFEREES, TRAINING_RUNS,
    convert::{account, address},
};
use alloy_primitives::{Address, U256};
use anyhow::{Context as _, bail, ensure};
use ledger_views::{
    ready,
    runs::{self, RunEvent, RunPhase, RunView, SeatView},
};
use native_modules::GRAIN_SUPPLY;
use node::Node;
use store::Reader;
use training_run::{Effect, Ending, PayKind, Terms};
use units::{AccountId, DeviceId, Wei};
use worker::Behaviour;

/// Number of blocks whose events are read at once.
const BLOCKS_AT_ONCE: u64 = 200;

/// A device that takes part, and who is paid for it: nobody else uses the account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) device: DeviceId,
    pub(crate) account: AccountId,
    pub(crate) behaviour: Behaviour,
}

/// The money of the whole ledger, block by block.
#[derive(Debug)]
pub(crate) struct Books {
    /// All accounts that can have money.
    accounts: Vec<Address>,
    /// Sum of all balances, less the base fees that were burnt since.
    supply: U256,
    height: u64,
}

impl Books {
    /// Opens the books on the genesis block.
    pub(crate) fn open(
        node: &Node,
        people: impl IntoIterator<Item = AccountId>,
    ) -> anyhow::Result<Self> {
        let genesis = node.genesis()?;
        let mut accounts: BTreeSet<Address> = genesis.accounts.keys().copied().collect();
        accounts.extend(people.into_iter().map(address));
        accounts.extend([DEVICES, REFEREES, TRAINING_RUNS, GRAIN]);
        accounts.extend([node.relay_account(), genesis.fee_recipient]);
        let accounts = accounts.into_iter().collect();
        let mut books = Self { accounts, supply: U256::ZERO, height: 0 };
        books.supply = books.sum(&*node.reader()?)?;
        Ok(books)
    }

    /// Checks what holds after every block: nothing was made, and only base fees are gone.
    pub(crate) fn check(&mut self, node: &Node) -> anyhow::Result<()> {
        let reader = node.reader()?;
        let head = reader.head().number;
        ensure!(head >= self.height, "the ledger went back from block {} to {head}", self.height);
        for height in self.height + 1..=head {
            let header = reader.header(height)?.context("a block is missing")?;
            let fee = U256::from(header.base_fee_per_gas.unwrap_or_default());
            self.supply -= fee * U256::from(header.gas_used);
        }
        self.height = head;
        let (sum, slot) = (self.sum(&reader)?, reader.slot(&GRAIN_SUPPLY.0, &GRAIN_SUPPLY.1)?);
        ensure!(sum == self.supply, "all accounts have {sum} together, {} are left", self.supply);
        ensure!(slot == self.supply, "the supply is {slot}, {} are left", self.supply);
        Ok(())
    }

    fn sum(&self, reader: &Reader) -> anyhow::Result<U256> {
        self.accounts
            .iter()
            .try_fold(U256::ZERO, |sum, address| Ok(sum + balance(reader, address)?))
    }
}

/// Checks what holds for the run after every block.
pub(crate) fn check_run(node: &Node, run: u64) -> anyhow::Result<RunView> {
    let local = node.local()?;
    let summary = ready(runs::run(&local, run))?;
    let RunView { deposited, paid, refunded, owed, .. } = summary;
    let sum = |amounts: [Wei; 2]| amounts[0].checked_add(amounts[1]);
    ensure!(sum([paid, owed])? <= deposited, "{paid} paid and {owed} owed of {deposited}");
    let is_over = summary.phase.is_over();
    ensure!(is_over || refunded == Wei::ZERO, "{refunded} refunded before the end");
    ensure!(!is_over || sum([paid, refunded])? == deposited, "an ended run keeps money");
    ensure!(!is_over || owed == Wei::ZERO, "an ended run owes {owed}");
    Ok(summary)
}

/// What happened to the commitments of the devices.
#[derive(Debug, Default)]
struct History {
    committed: BTreeMap<DeviceId, BTreeSet<u32>>,
    verified: BTreeMap<DeviceId, BTreeSet<u32>>,
    paid: BTreeMap<AccountId, Wei>,
    /// Round, subject and auditor.
    passed: Vec<(u32, DeviceId, DeviceId)>,
    upheld: Vec<(u32, DeviceId)>,
    /// Not replayed, since the data could not be had.
    excused: BTreeSet<(u32, DeviceId)>,
    expelled: BTreeMap<DeviceId, String>,
}

impl History {
    fn read(node: &Node, run: u64) -> anyhow::Result<Self> {
        let mut history = Self::default();
        let (local, head) = (node.local()?, node.head().number);
        let mut first = 0;
        while first <= head {
            let last = head.min(first + BLOCKS_AT_ONCE - 1);
            for logged in ready(runs::events(&local, run, first..=last))? {
                if let RunEvent::Followed(effect) = logged.event {
                    history.take(effect)?;
                }
            }
            first = last + 1;
        }
        Ok(history)
    }

    fn take(&mut self, effect: Effect) -> anyhow::Result<()> {
        match effect {
            Effect::Committed { device, round, .. } => {
                let is_new = self.committed.entry(device).or_default().insert(round);
                ensure!(is_new, "device {device} has committed twice to round {round}");
            }
            Effect::Verified { device, round, kind: PayKind::Work, .. } => {
                let is_new = self.verified.entry(device).or_default().insert(round);
                ensure!(is_new, "round {round} of device {device} counted twice");
            }
            Effect::Pay { account, amount, .. } => {
                let sum = self.paid.entry(account).or_default();
                *sum = sum.checked_add(amount)?;
            }
            Effect::AuditPassed { round, subject, auditor } => {
                self.passed.push((round, subject, auditor));
            }
            Effect::Upheld { round, subject, is_replayed: true } => {
                self.upheld.push((round, subject));
            }
            Effect::Upheld { round, subject, is_replayed: false } => {
                self.excused.insert((round, subject));
            }
            Effect::Expelled { device, cause, .. } => {
                self.expelled.insert(device, format!("{cause:?}"));
            }
            _ => {}
        }
        Ok(())
    }
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Rounds that became a state.
    pub rounds: u32,
    /// Commitments in blocks.
    pub commitments: usize,
    /// Of them verified and paid.
    pub verified: usize,
    /// Devices that were expelled.
    pub expelled: usize,
    /// Commitments that count because the data of their audit could not be had.
    pub excused: usize,
    /// Updates that the coordinator aggregated.
    pub aggregated: usize,
    /// Rounds that devices started before the ledger had their base state.
    pub started_ahead: usize,
}

/// Checks what holds at the end of a run: whoever worked is paid, and nobody else.
pub(crate) fn check_end(
    node: &Node,
    run: u64,
    members: &[Member],
    ending: Option<Ending>,
) -> anyhow::Result<Settled> {
    let summary = check_run(node, run)?;
    let RunPhase::Finished(ended) = summary.phase else {
        bail!("the run is not over: {:?}", summary.phase)
    };
    ensure!(ending.is_none_or(|ending| ending == ended), "the run ended {ended:?}, not {ending:?}");
    let (local, reader) = (node.local()?, node.reader()?);
    let terms = ready(runs::terms(&local, run))?;
    let seats = ready(runs::seats(&local, run))?;
    let history = History::read(node, run)?;
    let left = balance(&reader, &TRAINING_RUNS)?;
    ensure!(left == U256::ZERO, "{left} are left in the escrow of ended runs");
    let count = |of: &BTreeMap<DeviceId, BTreeSet<u32>>| of.values().map(BTreeSet::len).sum();
    check_paid(&summary, &terms, &history, count(&history.committed))?;
    for member in members {
        let found = balance(&reader, &address(member.account))?;
        let paid = history.paid.get(&member.account).copied().unwrap_or_default();
        ensure!(
            found == U256::from(paid.as_u128()),
            "account {} has {found}, and was paid {paid}",
            member.account
        );
        match member.behaviour {
            Behaviour::Honest => check_honest(member, (&terms, seats.as_slice()), &history)?,
            _ => check_cheat(member, members, &history)?,
        }
    }
    Ok(Settled {
        rounds: summary.round,
        commitments: count(&history.committed),
        verified: count(&history.verified),
        expelled: history.expelled.len(),
        excused: history.excused.len(),
        // Whoever hears the coordinator knows.
        aggregated: 0,
        started_ahead: 0,
    })
}

/// What the events do not tell of is the pay of those who brought statements to the ledger: three for a commitment at most.
fn check_paid(
    summary: &RunView,
    terms: &Terms,
    history: &History,
    commitments: usize,
) -> anyhow::Result<()> {
    let told = history.paid.values().try_fold(Wei::ZERO, |sum, paid| sum.checked_add(*paid))?;
    let relayed = summary.paid.checked_sub(told).context("events tell of more than was paid")?;
    let most = terms.relay_fee.checked_mul_count(u64::try_from(commitments)?.saturating_mul(3))?;
    ensure!(relayed <= most, "{relayed} paid for statements of {commitments} commitments");
    let rest = relayed.as_u128().checked_rem(terms.relay_fee.as_u128()).unwrap_or_default();
    ensure!(rest == 0, "{relayed} paid for statements at {} each", terms.relay_fee);
    Ok(())
}

/// An honest device keeps its place, and every commitment of it that came into a block is verified and paid.
fn check_honest(
    member: &Member,
    (terms, seats): (&Terms, &[SeatView]),
    history: &History,
) -> anyhow::Result<()> {
    let device = &member.device;
    if let Some(cause) = history.expelled.get(device) {
        bail!("honest device {device} was expelled: {cause}");
    }
    let none = BTreeSet::new();
    let committed = history.committed.get(device).unwrap_or(&none);
    let verified = history.verified.get(device).unwrap_or(&none);
    ensure!(
        committed == verified,
        "honest device {device} has committed to rounds {committed:?}, of which {verified:?} count"
    );
    let pay = committed.iter().try_fold(Wei::ZERO, |sum, round| {
        terms.work_pay(*round).and_then(|pay| sum.checked_add(pay))
    })?;
    let paid = history.paid.get(&member.account).copied().unwrap_or_default();
    ensure!(paid >= pay, "honest device {device} has earned {pay} by work and was paid {paid}");
    let held = seats.iter().filter(|seat| seat.device == *device);
    let held = held.map(|seat| seat.stake).find(|stake| *stake != Wei::ZERO);
    ensure!(held.is_none(), "the stake of honest device {device} is held back at the end");
    Ok(())
}

/// No honest replay has passed work that was not done. None of it counts, unless an accomplice has passed it, or the data of an
/// audit of the device could not be had: the first is certain, and forfeits everything if it is done.
fn check_cheat(member: &Member, members: &[Member], history: &History) -> anyhow::Result<()> {
    let is_never_right = matches!(
        member.behaviour,
        Behaviour::MadeUp
            | Behaviour::Colluder
            | Behaviour::Poisoned
            | Behaviour::Garbage
            | Behaviour::Short
            | Behaviour::NotANumber
    );
    if !is_never_right {
        return Ok(());
    }
    let device = &member.device;
    let is_accomplice = |auditor: &DeviceId| {
        let mut others = members.iter();
        others.any(|it| it.device == *auditor && it.behaviour == Behaviour::Colluder)
    };
    let mut passes = history.passed.iter().filter(|(_, subject, _)| subject == device);
    if let Some((round, _, auditor)) = passes.find(|(_, _, auditor)| !is_accomplice(auditor)) {
        bail!("device {auditor} passed the made-up work of {device} in round {round}");
    }
    if let Some((round, _)) = history.upheld.iter().find(|(_, subject)| subject == device) {
        bail!("the referee upheld the made-up work of {device} in round {round}");
    }
    let vouched = |round: &u32| {
        history.passed.iter().any(|(passed, subject, _)| passed == round && subject == device)
    };
    let none = BTreeSet::new();
    let mut counted = history.verified.get(device).unwrap_or(&none).iter();
    let is_excused = history.excused.iter().any(|(_, subject)| subject == device);
    let unearned = counted.find(|round| !is_excused && !vouched(round));
    if member.behaviour != Behaviour::Colluder
        && let Some(round) = unearned
    {
        bail!("the made-up work of {device} in round {round} counts");
    }
    Ok(())
}

fn balance(reader: &Reader, address: &Address) -> anyhow::Result<U256> {
    Ok(reader.account(address)?.map_or(U256::ZERO, |account| account.balance))
}

/// Returns the account of a key.
pub(crate) fn account_of(signer: &alloy_signer_local::PrivateKeySigner) -> AccountId {
    account(signer.address())
}

#[cfg(test)]
mod tests;
