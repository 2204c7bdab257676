//! What a proposal says: its calls and description, from the block in which it was posted.

use abi::{GOVERNOR, Governor, GovernorCore};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolEvent as _, SolType as _, sol_data};
use units::UnixSeconds;

use crate::{Ask, Impossible, LogFilter, PlacedLog, ViewError, text};

/// Blocks that are looked through at most, from the first one on that has the time of the posting.
const BLOCKS_MAX: u64 = 1_000;

/// What a proposal says. Strangers have written the description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Height of the block in which it was posted.
    pub height: u64,
    /// The transaction.
    pub transaction: B256,
    /// What would be called, in order.
    pub calls: Vec<ProposedCall>,
    /// The description, without control characters and invisible ones; lines end with `\n`.
    pub description: String,
    /// Keccak-256 of the description as it was given: with the calls it makes the id.
    pub description_hash: B256,
    /// What was deposited, in wei.
    pub deposit: U256,
}

/// A call of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedCall {
    /// Who is called.
    pub target: Address,
    /// With how much GRAIN of the Governor's, in wei.
    pub value: U256,
    /// With which calldata.
    pub data: Bytes,
}

impl Posting {
    /// The first line of the description, without the marks of a heading.
    #[must_use]
    pub fn title(&self) -> &str {
        let line = self.description.lines().find(|line| !line.trim().is_empty());
        line.unwrap_or_default().trim_start_matches('#').trim()
    }
}

/// `ProposalCreated`, with texts as bytes: the hash is of the bytes that were given, whether or not they are UTF-8.
type Created = (
    sol_data::Uint<256>,
    sol_data::Address,
    sol_data::Array<sol_data::Address>,
    sol_data::Array<sol_data::Uint<256>>,
    sol_data::Array<sol_data::Bytes>,
    sol_data::Array<sol_data::Bytes>,
    sol_data::Uint<256>,
    sol_data::Uint<256>,
    sol_data::Bytes,
);

/// Finds what a proposal says, which was posted at a time, not above a height. `None` when the block is not kept any longer.
pub(super) async fn find<A: Ask>(
    ledger: &A,
    id: U256,
    posted_at: UnixSeconds,
    height_max: u64,
) -> Result<Option<Posting>, ViewError<A::Error>> {
    let Some(first) = first_since(ledger, posted_at, height_max).await? else { return Ok(None) };
    let last = first.saturating_add(BLOCKS_MAX - 1).min(height_max);
    let signature = Some(Governor::ProposalPosted::SIGNATURE_HASH);
    let topics = [signature, Some(B256::from(id)), None, None];
    let filter = LogFilter { address: GOVERNOR, topics, heights: first..=last };
    let Some(posted) = ledger.logs(filter).await?.into_iter().next() else { return Ok(None) };
    let signature = Some(GovernorCore::ProposalCreated::SIGNATURE_HASH);
    let filter = LogFilter {
        address: GOVERNOR,
        topics: [signature, None, None, None],
        heights: posted.height..=posted.height,
    };
    let logs = ledger.logs(filter).await?;
    posting(id, &posted, &logs).map_err(|source| ViewError::Impossible {
        call: "ProposalCreated",
        of: GOVERNOR,
        source,
    })
}

fn posting(
    id: U256,
    posted: &PlacedLog,
    created: &[PlacedLog],
) -> Result<Option<Posting>, Impossible> {
    let unreadable = |error| Impossible::new("a log", error);
    let deposit = Governor::ProposalPosted::decode_log(&posted.log).map_err(unreadable)?.deposit;
    for placed in created {
        let data = Created::abi_decode_sequence(&placed.log.data.data).map_err(unreadable)?;
        let (of, _, targets, values, _, calldatas, _, _, description) = data;
        if of != id {
            continue;
        }
        if targets.len() != values.len() || targets.len() != calldatas.len() {
            return Err(Impossible::new("the number of values", values.len()));
        }
        let calls = targets.into_iter().zip(values).zip(calldatas);
        let calls = calls.map(|((target, value), data)| ProposedCall { target, value, data });
        return Ok(Some(Posting {
            height: placed.height,
            transaction: placed.transaction,
            calls: calls.collect(),
            description: text::lines(&String::from_utf8_lossy(&description)),
            description_hash: keccak256(&description),
            deposit,
        }));
    }
    Ok(None)
}

/// Finds the first block at or after a time, among those that are kept and not above a height. It goes back from there in steps that double, then halves
/// the last of them: blocks that are not kept are before every time, and a recent block is found with few questions.
async fn first_since<A: Ask>(
    ledger: &A,
    time: UnixSeconds,
    height_max: u64,
) -> Result<Option<u64>, ViewError<A::Error>> {
    let is_since = async |height: u64| {
        let block = ledger.block(height).await?;
        Ok::<_, A::Error>(block.is_some_and(|block| block.time >= time))
    };
    let mut found = height_max;
    if !is_since(found).await? {
        return Ok(None);
    }
    let (mut step, mut before) = (1_u64, None);
    while before.is_none() && found > 0 {
        let next = found.saturating_sub(step);
        if is_since(next).await? {
            found = next;
        } else {
            before = Some(next);
        }
        step = step.saturating_mul(2);
    }
    let Some(mut before) = before else { return Ok(Some(found)) };
    while found.saturating_sub(before) > 1 {
        let middle = before.midpoint(found);
        if is_since(middle).await? {
            found = middle;
        } else {
            before = middle;
        }
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests;
