//! What accounts of a ledger have of votes and of rewards, at any height that the node keeps.

use abi::{GOVERNOR, Governor, ISSUANCE, Issuance, STAKE_HOUSE, Votes, WORK_HOUSE};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolEvent;
use anyhow::Context as _;
use clap::ValueEnum;
use holdings_report::DelegateDocument;

use super::ledger::{Found, Seen, answer, at, scan};
use crate::options::LedgerArgs;
use crate::shell;

/// Voters of whom it is said what is theirs.
const DELEGATES_SHOWN: usize = 10;

/// A house, as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum House {
    /// Votes by deposited GRAIN
    Stake,
    /// Votes by verified work
    Work,
}

impl House {
    pub(super) const fn address(self) -> Address {
        match self {
            Self::Stake => STAKE_HOUSE,
            Self::Work => WORK_HOUSE,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Stake => "stake house",
            Self::Work => "work house",
        }
    }

    /// Returns what is this house's.
    pub(super) const fn choose(self, stake: U256, work: U256) -> U256 {
        match self {
            Self::Stake => stake,
            Self::Work => work,
        }
    }

    const fn decimals(self) -> u8 {
        match self {
            Self::Stake => 18,
            Self::Work => 0,
        }
    }
}

/// Reads who has the votes of a house: what all who ever had some could vote with at a block, received votes counted up to their cap.
///
/// # Errors
/// When the node does not answer or has pruned blocks.
pub(super) fn of_house(
    house: House,
    height: Option<u64>,
    seen: &mut Seen,
    args: &LedgerArgs,
) -> anyhow::Result<Found> {
    shell::block_on_until_interrupted(async {
        let (ledger, height) = at(height, args).await?;
        let topics = [Some(Votes::DelegateVotesChanged::SIGNATURE_HASH), None, None, None];
        scan(&ledger, (house.address(), topics), seen.unread(height), &mut |log| {
            seen.add(Votes::DelegateVotesChanged::decode_log(log)?.delegate, U256::ZERO)
        })
        .await?;
        let mut amounts = Vec::with_capacity(seen.amounts.len());
        for account in seen.amounts.keys().copied() {
            // Voice halves without events.
            let call = Votes::getVotesCall { account };
            let votes = answer(&ledger, house.address(), &call).await?.unwrap_or_default();
            amounts.push((account, votes));
        }
        Ok(found(house.name().to_owned(), height, house.decimals(), amounts))
    })
}

/// Reads what those with the most votes hold themselves.
///
/// # Errors
/// When the node does not answer or has pruned blocks.
pub(super) fn delegation(
    house: House,
    found: &Found,
    args: &LedgerArgs,
) -> anyhow::Result<Vec<DelegateDocument>> {
    let mut most: Vec<(Address, U256)> = found.holders.clone();
    most.sort_by_key(|(_, votes)| std::cmp::Reverse(*votes));
    most.truncate(DELEGATES_SHOWN);
    shell::block_on_until_interrupted(async {
        let (ledger, _) = at(Some(found.height), args).await?;
        let mut delegates = Vec::new();
        for (account, votes) in most {
            let call = Votes::balanceOfCall { account };
            let own = answer(&ledger, house.address(), &call).await?.unwrap_or_default();
            let name = account.to_checksum(None);
            delegates.push(DelegateDocument::of(name, votes, own, usize::from(found.decimals)));
        }
        Ok(delegates)
    })
}

/// Reads what was cast on a proposal up to a block; of sealed ballots, what is open.
///
/// # Errors
/// When the node does not answer, has pruned blocks, or there is no such proposal.
pub(super) fn cast(
    house: House,
    (number, height): (u64, Option<u64>),
    args: &LedgerArgs,
) -> anyhow::Result<Found> {
    shell::block_on_until_interrupted(cast_on(house, (number, height), args))
}

async fn cast_on(
    house: House,
    (number, height): (u64, Option<u64>),
    args: &LedgerArgs,
) -> anyhow::Result<Found> {
    let (ledger, height) = at(height, args).await?;
    let index = U256::from(number.checked_sub(1).context("proposals are numbered from 1")?);
    let id = answer(&ledger, GOVERNOR, &Governor::proposalAtCall { index }).await?;
    let id = id.filter(|id| !id.is_zero());
    let id =
        id.with_context(|| format!("the ledger had no proposal {number} at block {height}"))?;
    let mut seen = Seen::default();
    let signature = Some(Governor::VoteCastInHouses::SIGNATURE_HASH);
    let topics = [signature, None, Some(B256::from(id)), None];
    scan(&ledger, (GOVERNOR, topics), seen.unread(height), &mut |log| {
        let event = Governor::VoteCastInHouses::decode_log(log)?;
        seen.add(event.voter, house.choose(event.stakeWeight, event.workWeight))
    })
    .await?;
    let name = format!("votes of the {} on proposal {number}", house.name());
    Ok(found(name, height, house.decimals(), seen.amounts))
}

/// Reads what accounts were paid as rewards for work.
///
/// # Errors
/// When the node does not answer or has pruned blocks.
pub(super) fn rewards(
    height: Option<u64>,
    seen: &mut Seen,
    args: &LedgerArgs,
) -> anyhow::Result<Found> {
    shell::block_on_until_interrupted(async {
        let (ledger, height) = at(height, args).await?;
        let topics = [Some(Issuance::RewardPaid::SIGNATURE_HASH), None, None, None];
        scan(&ledger, (ISSUANCE, topics), seen.unread(height), &mut |log| {
            let event = Issuance::RewardPaid::decode_log(log)?;
            seen.add(event.account, event.amount)
        })
        .await?;
        let amounts = seen.amounts.iter().map(|(account, amount)| (*account, *amount));
        Ok(found("rewards".to_owned(), height, 18, amounts))
    })
}

fn found(
    name: String,
    height: u64,
    decimals: u8,
    amounts: impl IntoIterator<Item = (Address, U256)>,
) -> Found {
    let holders: Vec<_> = amounts.into_iter().filter(|(_, amount)| !amount.is_zero()).collect();
    let supply = holders.iter().fold(U256::ZERO, |sum, (_, amount)| sum.saturating_add(*amount));
    Found { name, height, decimals, holders, supply }
}
