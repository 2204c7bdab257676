//! What the newest votes of a house say about power in it, and which of it is a warning.
//!
//! No rule of the ledger follows from these figures, because they can be moved at will: docs/governance.md says how.

use std::collections::{BTreeMap, BTreeSet};

use abi::{GOVERNOR, Governor, GovernorCore, Votes};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolEvent as _;
use anyhow::{Context as _, ensure};
use concentration::{
    Threshold,
    blocs::{Ballot, Blocs, Similarity},
};
use governance::proposal::State;
use holdings_report::{AlarmDocument, Report};
use ledger_client::PastLedger;

use super::ledger::{HOLDERS_MAX, answer, at, scan};
use super::power::House;
use crate::options::LedgerArgs;
use crate::shell;

/// Votes that are looked at, the newest ones.
const VOTES: usize = 10;
/// Proposals among which they are looked for.
const LOOKED_AT_MAX: u64 = 200;
/// Below this entropy of voting blocs, in bits, one bloc has more than 70.7 % of the power.
const BLOCS_BOUND: f64 = 0.5;
/// From this probability on, an account decides more often than not.
const DECISIVE_BOUND: f64 = 0.5;
/// Turnouts are told in these parts.
const PARTS: u64 = 10_000;

/// The newest votes of a house that are over.
pub(super) struct Recent {
    count: usize,
    /// What part of the house has voted, on average.
    pub(super) turnout: Threshold,
    blocs_bits: f64,
}

/// Reads the newest votes; `None` while nobody has voted.
///
/// # Errors
/// When the node does not answer or has pruned blocks.
pub(super) fn recent(
    house: House,
    height: Option<u64>,
    args: &LedgerArgs,
) -> anyhow::Result<Option<Recent>> {
    shell::block_on_until_interrupted(async {
        let (ledger, height) = at(height, args).await?;
        let ids = ended(&ledger).await?;
        let mut cast = Vec::new();
        let topics = [Some(Governor::VoteCastInHouses::SIGNATURE_HASH), None, None, None];
        scan(&ledger, (GOVERNOR, topics), height, &mut |log| {
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
        if ended.len() == VOTES {
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
) -> anyhow::Result<Option<Recent>> {
    if elections.is_empty() {
        return Ok(None);
    }
    let order: BTreeMap<U256, u32> = elections.keys().copied().zip(0..).collect();
    let names: BTreeMap<Address, String> =
        cast.iter().map(|vote| (vote.voter, vote.voter.to_string())).collect();
    let weight =
        |vote: &Governor::VoteCastInHouses| house.choose(vote.stakeWeight, vote.workWeight);
    // Who has no votes in this house casts none in it.
    let cast: Vec<_> = cast.iter().filter(|vote| !weight(vote).is_zero()).collect();
    let choices = ["no", "yes", "abstain"];
    let ballot = |vote: &&Governor::VoteCastInHouses| Ballot {
        election: order.get(&vote.proposalId).copied().unwrap_or_default(),
        voter: names.get(&vote.voter).map_or("", String::as_str),
        choice: choices.get(usize::from(vote.support)).copied().unwrap_or("abstain"),
        weight: weight(vote),
    };
    let ballots: Vec<_> = cast.iter().map(ballot).collect();
    let mut largest: BTreeMap<Address, U256> = BTreeMap::new();
    for vote in &cast {
        let known = largest.entry(vote.voter).or_default();
        *known = (*known).max(weight(vote));
    }
    let active = largest.values().fold(U256::ZERO, |sum, weight| sum.saturating_add(*weight));
    let silent = total.saturating_sub(active);
    let blocs = Blocs::of(&ballots, silent, Similarity::Identical)?;
    let Some(blocs_bits) = blocs.min_entropy_bits() else { return Ok(None) };
    let voted = cast.iter().fold(U256::ZERO, |sum, vote| sum.saturating_add(weight(vote)));
    let could = elections.values().fold(U256::ZERO, |sum, votes| sum.saturating_add(*votes));
    let part = voted.saturating_mul(U256::from(PARTS)).checked_div(could).unwrap_or_default();
    let part = part.saturating_to::<u64>().clamp(1, PARTS);
    let turnout = Threshold::new(part, PARTS).context("a turnout is at most 1")?;
    Ok(Some(Recent { count: elections.len(), turnout, blocs_bits }))
}

impl Recent {
    /// The warnings, for a report that has the decisiveness at this turnout as its last.
    pub(super) fn alarms(&self, report: &Report) -> Vec<AlarmDocument> {
        let count = self.count;
        let mut alarms = vec![AlarmDocument {
            figure: "voting_bloc_entropy_bits",
            about: format!("entropy of blocs over the {count} newest votes, bits"),
            value: self.blocs_bits,
            bound: BLOCS_BOUND,
            is_raised: self.blocs_bits < BLOCS_BOUND,
        }];
        let holders = report.decisiveness.last().map(|at| at.holders.iter());
        let holders = holders.into_iter().flatten();
        let most = holders.max_by(|one, other| one.probability.total_cmp(&other.probability));
        alarms.extend(most.map(|most| AlarmDocument {
            figure: "decisiveness_at_usual_turnout",
            about: format!(
                "how often {} decides at a turnout of {:.1} %",
                most.name,
                self.turnout.to_f64() * 100.0
            ),
            value: most.probability,
            bound: DECISIVE_BOUND,
            is_raised: most.probability > DECISIVE_BOUND,
        }));
        alarms
    }
}
