//! The newest votes of a house, for the alarms of `holdings_report`.

use std::collections::{BTreeMap, BTreeSet};

use abi::{GOVERNOR, Governor, GovernorCore, Votes};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolEvent as _;
use anyhow::{Context as _, ensure};
use concentration::blocs::Ballot;
use governance::proposal::State;
use holdings_report::{ALARM_VOTES, RecentVotes, Window};
use ledger_client::PastLedger;

use super::ledger::{HOLDERS_MAX, answer, at, scan};
use super::power::House;
use crate::options::LedgerArgs;
use crate::shell;

/// Proposals among which they are looked for.
const LOOKED_AT_MAX: u64 = 200;

/// Reads the newest votes; `None` while nobody has voted.
///
/// # Errors
/// When the node does not answer or has pruned blocks.
pub(super) fn recent(
    house: House,
    height: Option<u64>,
    args: &LedgerArgs,
) -> anyhow::Result<Option<RecentVotes>> {
    shell::block_on_until_interrupted(async {
        let (ledger, height) = at(height, args).await?;
        let ids = ended(&ledger).await?;
        let mut cast = Vec::new();
        let topics = [Some(Governor::VoteCastInHouses::SIGNATURE_HASH), None, None, None];
        scan(&ledger, (GOVERNOR, topics), 0..=height, &mut |log| {
            let vote = Governor::VoteCastInHouses::decode_log(log)?.data;
            if ids.contains(&vote.proposalId) {
                cast.push(vote);
            }
            ensure!(cast.len() <= HOLDERS_MAX, "more than {HOLDERS_MAX} ballots");
            Ok(())
        })
        .await?;
        let total = answer(&ledger, house.address(), &Votes::totalSupplyCall {}).await?;
        let total = total.context("the house does not say how many votes it has")?;
        let mut elections = BTreeMap::new();
        for vote in &cast {
            elections.entry(vote.proposalId).or_insert(U256::ZERO);
        }
        for (id, votes) in &mut elections {
            let call = Governor::electorateCall { proposalId: *id };
            let electorate = answer(&ledger, GOVERNOR, &call).await?;
            *votes = electorate.map_or(U256::ZERO, |it| house.choose(it.stakeTotal, it.workTotal));
        }
        found(house, total, &elections, &cast)
    })
}

/// The newest proposals whose vote is over.
async fn ended(ledger: &PastLedger) -> anyhow::Result<BTreeSet<U256>> {
    let count = answer(ledger, GOVERNOR, &Governor::proposalCountCall {}).await?;
    let count: u64 = count.unwrap_or_default().saturating_to();
    let mut ended = BTreeSet::new();
    for index in (count.saturating_sub(LOOKED_AT_MAX)..count).rev() {
        let call = Governor::proposalAtCall { index: U256::from(index) };
        let id = answer(ledger, GOVERNOR, &call).await?.unwrap_or_default();
        let state = answer(ledger, GOVERNOR, &GovernorCore::stateCall { proposalId: id }).await?;
        let open = [State::Pending, State::Active, State::Canceled].map(State::number);
        let is_over = |state: u8| !open.contains(&state);
        if state.is_some_and(is_over) {
            ended.insert(id);
        }
        if ended.len() == ALARM_VOTES {
            break;
        }
    }
    Ok(ended)
}

fn found(
    house: House,
    total: U256,
    elections: &BTreeMap<U256, U256>,
    cast: &[Governor::VoteCastInHouses],
) -> anyhow::Result<Option<RecentVotes>> {
    if elections.is_empty() {
        return Ok(None);
    }
    let order: BTreeMap<U256, u32> = elections.keys().copied().zip(0..).collect();
    let names: BTreeMap<Address, String> =
        cast.iter().map(|vote| (vote.voter, vote.voter.to_string())).collect();
    let choices = ["no", "yes", "abstain"];
    let ballot = |vote: &Governor::VoteCastInHouses| Ballot {
        election: order.get(&vote.proposalId).copied().unwrap_or_default(),
        voter: names.get(&vote.voter).map_or("", String::as_str),
        choice: choices.get(usize::from(vote.support)).copied().unwrap_or("abstain"),
        weight: house.choose(vote.stakeWeight, vote.workWeight),
    };
    let ballots: Vec<_> = cast.iter().map(ballot).collect();
    let electorates = elections.values().fold(U256::ZERO, |sum, votes| sum.saturating_add(*votes));
    let window = Window { votes: elections.len(), ballots: &ballots, electorates, total };
    Ok(RecentVotes::of(&window)?)
}
