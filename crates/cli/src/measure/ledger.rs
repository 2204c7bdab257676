//! What the accounts of a ledger hold of an asset.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::Path;

use abi::{Erc20, GRAIN, WrappedGrain};
use alloy_primitives::{Address, B256, Log, U256, keccak256};
use alloy_sol_types::{SolCall, SolEvent as _, SolValue as _};
use anyhow::{Context as _, ensure};
use execution::Entry;
use ledger_client::{LedgerError, PastLedger};
use ledger_views::{Ask as _, Call, LogFilter, Outcome};
use store::{Reader, Store, StoreError, StoreOptions};

use super::pools;
use crate::failure::Hint as _;
use crate::ledger;
use crate::options::{LedgerArgs, parse_address};
use crate::shell;

/// Most holders that are read.
pub(super) const HOLDERS_MAX: usize = 10_000_000;
/// Blocks whose events are asked for at a time.
const BLOCKS_A_TIME: u64 = 10_000;
/// Slots of an asset's storage: balances, supply, and its issuer with the decimals above it (`native-modules/src/assets/issued.rs`).
const BALANCES_SLOT: U256 = U256::ZERO;
const SUPPLY_SLOT: u64 = 2;
const STANDING_SLOT: u64 = 6;
const ISSUER_BITS: usize = 160;

/// An asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asset {
    /// The native one.
    Grain,
    /// An ERC-20 asset or contract.
    At(Address),
}

/// For whom the balance of a pool is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pools {
    /// For the pool: it is an account like any other.
    AreHolders,
    /// For those who can take it out.
    AreLookedThrough,
}

/// The ledger has no such asset, at this block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoSuchAsset(Address);

impl std::fmt::Display for NoSuchAsset {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(text, "{} is not an ERC-20 asset of this ledger: it has no totalSupply()", self.0)
    }
}

impl std::error::Error for NoSuchAsset {}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    /// Name of the asset.
    pub(super) name: String,
    /// The block.
    pub(super) height: u64,
    /// Decimals of a whole unit.
    pub(super) decimals: u8,
    /// Who holds what.
    pub(super) holders: Vec<(Address, U256)>,
    /// What exists, as the asset says.
    pub(super) supply: U256,
}

/// What events have told of accounts, up to a block: who measures at many blocks reads each event once.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The accounts, and what the events say that they got, if it is that which is measured.
    pub(super) amounts: BTreeMap<Address, U256>,
    next: u64,
}

impl Seen {
    /// Returns the blocks up to a height that were not read before, and takes them as read.
    pub(super) fn unread(&mut self, height: u64) -> RangeInclusive<u64> {
        let first = self.next;
        self.next = first.max(height.saturating_add(1));
        first..=height
    }

    /// Adds to what an account got.
    ///
    /// # Errors
    /// When there are too many accounts.
    pub(super) fn add(&mut self, account: Address, more: U256) -> anyhow::Result<()> {
        let amount = self.amounts.entry(account).or_default();
        *amount = amount.saturating_add(more);
        ensure!(self.amounts.len() <= HOLDERS_MAX, "more than {HOLDERS_MAX} accounts");
        Ok(())
    }
}

impl Found {
    /// Says what is missing, if the balances do not add up to the supply.
    pub(super) fn gap(&self) -> Option<String> {
        let mut sum = U256::ZERO;
        for (_, amount) in &self.holders {
            sum = sum.saturating_add(*amount);
        }
        (sum != self.supply).then(|| {
            format!(
                "the balances that were found add up to {}, the supply is {}: holders are missing, or the asset counts otherwise",
                abi::amount_text(sum, self.decimals),
                abi::amount_text(self.supply, self.decimals)
            )
        })
    }
}

/// Parses `GRAIN` or an address.
pub(super) fn parse_asset(text: &str) -> Result<Asset, String> {
    if text.eq_ignore_ascii_case("grain") {
        return Ok(Asset::Grain);
    }
    match parse_address(text)? {
        GRAIN => Ok(Asset::Grain),
        address => Ok(Asset::At(address)),
    }
}

/// Reads all accounts of a ledger in a folder.
///
/// # Errors
/// When the ledger does not exist, is in use, or has no such asset.
pub(super) fn of_folder(asset: Asset, folder: &Path) -> anyhow::Result<Found> {
    let store = match Store::open_existing(folder, StoreOptions::default()) {
        Err(error @ StoreError::AlreadyOpen { .. }) => {
            return Err(error).hint("stop its node first, or measure a copy of the folder");
        }
        store => store?,
    };
    let reader = store.reader()?;
    let height = reader.head().number;
    match asset {
        Asset::Grain => {
            let mut holders = Vec::new();
            let mut supply = U256::ZERO;
            for entry in reader.commitment().entries(&reader) {
                if let Entry::Account(address, account) = entry? {
                    supply = supply.saturating_add(account.balance);
                    push(&mut holders, address, account.balance)?;
                }
            }
            Ok(Found { name: "GRAIN".to_owned(), height, decimals: 18, holders, supply })
        }
        Asset::At(address) => issued_asset(&reader, address),
    }
}

/// The balances of an asset issued on the ledger, of all accounts there are and all that it was ever moved to.
fn issued_asset(reader: &Reader, asset: Address) -> anyhow::Result<Found> {
    let height = reader.head().number;
    let mut candidates = BTreeSet::new();
    let mut is_there = false;
    for entry in reader.commitment().entries(reader) {
        match entry? {
            Entry::Account(address, _) => {
                candidates.insert(address);
            }
            Entry::Slot(address, _, _) => is_there |= address == asset,
        }
    }
    let is_issued = abi::Module::at(&asset).is_some_and(|module| module.name == "IssuedAsset");
    if !is_there || !is_issued {
        return Err(anyhow::anyhow!("{asset} is not an asset issued on this ledger")).hint(
            "other contracts are measured through a running node: --rpc URL instead of --data-dir",
        );
    }
    for number in reader.first_block()..=height {
        for receipt in reader.receipts(number)?.unwrap_or_default() {
            let logs = receipt.logs().iter().filter(|log| log.address == asset);
            candidates.extend(logs.flat_map(|log| moved_between(log.topics())));
        }
        ensure!(candidates.len() <= HOLDERS_MAX, "more than {HOLDERS_MAX} accounts");
    }
    let mut holders = Vec::new();
    for holder in candidates {
        let slot = U256::from_be_bytes(keccak256((holder, BALANCES_SLOT).abi_encode()).0);
        push(&mut holders, holder, reader.slot(&asset, &slot)?)?;
    }
    let supply = reader.slot(&asset, &U256::from(SUPPLY_SLOT))?;
    let standing = reader.slot(&asset, &U256::from(STANDING_SLOT))?;
    let decimals = (standing >> ISSUER_BITS).byte(0);
    Ok(Found { name: asset.to_checksum(None), height, decimals, holders, supply })
}

fn push(holders: &mut Vec<(Address, U256)>, holder: Address, amount: U256) -> anyhow::Result<()> {
    ensure!(holders.len() < HOLDERS_MAX, "more than {HOLDERS_MAX} holders");
    if !amount.is_zero() {
        holders.push((holder, amount));
    }
    Ok(())
}

/// Sender and receiver of a `Transfer`; the receiver of a `Deposit`.
pub(super) fn moved_between(topics: &[B256]) -> Vec<Address> {
    match topics {
        [signature, to] if *signature == WrappedGrain::Deposit::SIGNATURE_HASH => {
            vec![Address::from_word(*to)]
        }
        [signature, from, to] if *signature == Erc20::Transfer::SIGNATURE_HASH => {
            vec![Address::from_word(*from), Address::from_word(*to)]
        }
        _ => Vec::new(),
    }
}

/// Asks a node for everybody whom the asset was ever moved to, and for what they hold at its newest block or at a height, which is not below
/// those that were seen.
///
/// # Errors
/// When the node does not answer, has pruned blocks, or the asset does not exist. GRAIN also moves without events, so a node can't list
/// its holders.
pub(super) fn of_node(
    asset: Asset,
    (height, pools): (Option<u64>, Pools),
    seen: &mut Seen,
    args: &LedgerArgs,
) -> anyhow::Result<Found> {
    match asset {
        Asset::Grain => {
            let but = match pools {
                Pools::AreHolders => "",
                Pools::AreLookedThrough => ", without --through-pools",
            };
            Err(anyhow::anyhow!("a node can't list the holders of GRAIN, which moves without events, too"))
                .hint(format!("gleaner measure --asset GRAIN --data-dir DIR reads all accounts of a ledger whose node is stopped{but}"))
        }
        Asset::At(address) => {
            shell::block_on_until_interrupted(of_events(address, (height, pools), seen, args))
        }
    }
}

async fn of_events(
    asset: Address,
    (height, pools): (Option<u64>, Pools),
    seen: &mut Seen,
    args: &LedgerArgs,
) -> anyhow::Result<Found> {
    let (ledger, height) = at(height, args).await?;
    let supply = answer(&ledger, asset, &Erc20::totalSupplyCall {}).await?;
    let Some(supply) = supply else {
        return Err(NoSuchAsset(asset).into());
    };
    let decimals = answer(&ledger, asset, &Erc20::decimalsCall {}).await?.unwrap_or(0);
    let symbol = answer(&ledger, asset, &Erc20::symbolCall {}).await?;
    let unread = seen.unread(height);
    // Wrapped assets tell a deposit by an event of its own.
    for signature in [Erc20::Transfer::SIGNATURE_HASH, WrappedGrain::Deposit::SIGNATURE_HASH] {
        let topics = [Some(signature), None, None, None];
        scan(&ledger, (asset, topics), unread.clone(), &mut |log| {
            let mut accounts = moved_between(log.topics()).into_iter();
            accounts.try_for_each(|account| seen.add(account, U256::ZERO))
        })
        .await?;
    }
    let mut holders = Vec::new();
    for account in seen.amounts.keys().copied() {
        let held = answer(&ledger, asset, &Erc20::balanceOfCall { account }).await?;
        push(&mut holders, account, held.unwrap_or_default())?;
    }
    let name =
        symbol.map_or_else(|| asset.to_checksum(None), |symbol| format!("{symbol} ({asset})"));
    let mut found = Found { name, height, decimals, holders, supply };
    if pools == Pools::AreLookedThrough {
        let (count, left) = pools::look_through(&ledger, (asset, height), &mut found).await?;
        let left = abi::amount_text(left, decimals);
        found.name += &format!(", counted for the owners of {count} pools, which keep {left},");
    }
    Ok(found)
}

/// Connects to a ledger as it was at a height, or is now; returns the height, too.
///
/// # Errors
/// When the node does not answer, or the ledger is not so high.
pub(super) async fn at(
    height: Option<u64>,
    args: &LedgerArgs,
) -> anyhow::Result<(PastLedger, u64)> {
    let ledger = ledger::connect(args).await?;
    let head = ledger.head().await?.height;
    let height = height.unwrap_or(head);
    ensure!(height <= head, "the ledger is at block {head}: --height is {height}");
    Ok((ledger.at(height), height))
}

/// Reads all events of a contract in these blocks, the oldest first.
///
/// # Errors
/// When the node does not answer or has pruned blocks; those of `each`.
pub(super) async fn scan(
    ledger: &PastLedger,
    (address, topics): (Address, [Option<B256>; 4]),
    heights: RangeInclusive<u64>,
    each: &mut dyn FnMut(&Log) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (mut first, height) = heights.into_inner();
    let mut count = BLOCKS_A_TIME;
    while first <= height {
        let last = height.min(first.saturating_add(count) - 1);
        let filter = LogFilter { address, topics, heights: first..=last };
        match ledger.logs(filter).await {
            Ok(logs) => {
                for log in &logs {
                    each(&log.log)?;
                }
                first = last + 1;
                // Some blocks may be full of events, which says nothing of those after them.
                count = BLOCKS_A_TIME.min(count.saturating_mul(10));
            }
            // Too many events in these blocks.
            Err(LedgerError::Rejected { .. }) if count > 1 => count = (count / 10).max(1),
            Err(error) => return Err(error).context("the events of the ledger can't be read"),
        }
    }
    Ok(())
}

/// What a contract answers; `None` when it refuses, or answers something else.
pub(super) async fn answer<C: SolCall>(
    ledger: &PastLedger,
    to: Address,
    call: &C,
) -> anyhow::Result<Option<C::Return>> {
    let call = Call { to, input: call.abi_encode().into(), gas: None };
    let outcomes = ledger.calls(vec![call]).await?;
    Ok(match outcomes.first() {
        Some(Outcome::Returned(bytes)) => C::abi_decode_returns(bytes).ok(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_block_is_read_once() {
        let mut seen = Seen::default();
        assert_eq!(seen.unread(0), 0..=0);
        assert_eq!(seen.unread(5), 1..=5);
        assert!(seen.unread(5).is_empty() && seen.unread(2).is_empty());
        assert_eq!(seen.unread(6), 6..=6, "what was read stays read");
        assert_eq!(seen.unread(u64::MAX), 7..=u64::MAX);
    }
}
