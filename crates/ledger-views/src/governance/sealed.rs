//! Sealed ballots of a proposal: how far they are, who holds their keys, and what was sealed.

use abi::{GOVERNOR, Governor, convert};
use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::SolEvent as _;
use units::{AccountId, UnixSeconds};

use super::proposals::ProposalView;
use crate::{
    Ask, Impossible, LogFilter, PlacedLog, ViewError,
    batch::{self, Batch},
};

/// Ballots that are asked about in one request.
const VOTES_AT_ONCE: usize = 64;
/// Blocks that are looked through in one request: a node allows 10,000, and as many logs.
const BLOCKS_AT_ONCE: u64 = 5_000;

/// How far the sealed ballots of a proposal are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealingView {
    /// Whether there are enough keys: settled once the vote has begun.
    pub is_sealed: bool,
    /// Keys that must be there when the vote begins, and that read a ballot.
    pub threshold: u8,
    /// Public keys that were posted.
    pub keys: u8,
    /// Secret keys that are published.
    pub published: u8,
    /// Ballots that were sealed.
    pub ballots: u32,
    /// How many of them are open.
    pub opened: u32,
    /// The last second of the opening.
    pub opening_until: UnixSeconds,
    /// The weights of all of them in the stake house, in wei.
    pub stake: U256,
    /// The same in the work house, in units of voice.
    pub work: U256,
}

/// A holder of a ballot key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHolderView {
    /// Who.
    pub account: AccountId,
    /// Whether it withheld a key before, and was not named again since.
    pub is_barred: bool,
    /// Its public key for the proposal, if it has posted one.
    pub public_key: Option<B256>,
    /// Its secret key, if it is published.
    pub secret_key: Option<B256>,
}

/// A ballot as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedVoteView {
    /// Who has voted.
    pub voter: AccountId,
    /// What it has committed to.
    pub commitment: B256,
    /// What the voter says is the vote, encrypted.
    pub ciphertext: Bytes,
}

/// Returns how far they are; `None` where ballots are always open.
pub(super) fn sealing(said: &Governor::SealedBallots) -> Option<SealingView> {
    (said.threshold > 0).then(|| SealingView {
        is_sealed: said.isSealed,
        threshold: said.threshold,
        keys: said.keys,
        published: said.published,
        ballots: said.ballots,
        opened: said.opened,
        opening_until: UnixSeconds::new(said.openingUntil),
        stake: said.stakeWeight,
        work: said.workWeight,
    })
}

/// Reads who holds ballot keys of a proposal, in the order of the list.
///
/// # Errors
/// [`ViewError`].
pub async fn key_holders<A: Ask>(
    ledger: &A,
    proposal: U256,
) -> Result<Vec<KeyHolderView>, ViewError<A::Error>> {
    let call = Governor::ballotKeyHoldersOfCall { proposalId: proposal };
    let holders = batch::ask(ledger, GOVERNOR, &call).await?.holders;
    let mut batch = Batch::default();
    let asked: Vec<_> = holders
        .iter()
        .map(|holder| {
            let key = Governor::ballotKeyOfCall { proposalId: proposal, holder: *holder };
            let barred = Governor::isBarredHolderCall { holder: *holder };
            (batch.add(GOVERNOR, &key), batch.add(GOVERNOR, &barred))
        })
        .collect();
    let answers = batch.ask(ledger).await?;
    let mut all = Vec::new();
    for (holder, (key, barred)) in holders.into_iter().zip(&asked) {
        let key = answers.take(key)?;
        all.push(KeyHolderView {
            account: convert::account(holder),
            is_barred: answers.take(barred)?,
            public_key: Some(key.publicKey).filter(|key| !key.is_zero()),
            secret_key: Some(key.secretKey).filter(|key| !key.is_zero()),
        });
    }
    Ok(all)
}

/// Reads what was sealed for a proposal and is not open yet, the ballots of most weight first, from the blocks since it was posted. `None` when the node does not keep them.
///
/// Whoever opens them pays for each, and may stop anywhere: ballots of nearly no weight, which cost their voters little, come last.
///
/// # Errors
/// [`ViewError`].
pub async fn sealed_votes<A: Ask>(
    ledger: &A,
    proposal: &ProposalView,
) -> Result<Option<Vec<SealedVoteView>>, ViewError<A::Error>> {
    let Some(posting) = &proposal.posting else { return Ok(None) };
    sealed_since(ledger, proposal.id, posting.height).await.map(Some)
}

async fn sealed_since<A: Ask>(
    ledger: &A,
    proposal: U256,
    first: u64,
) -> Result<Vec<SealedVoteView>, ViewError<A::Error>> {
    let mut votes = Vec::new();
    for placed in sealed_logs(ledger, proposal, first).await? {
        let event = Governor::VoteSealed::decode_log(&placed.log).map_err(|error| {
            let source = Impossible::new("a log", error);
            ViewError::Impossible { call: "VoteSealed", of: GOVERNOR, source }
        })?;
        let Governor::VoteSealed { voter, commitment, ciphertext, stakeWeight, workWeight, .. } =
            event.data;
        let vote = SealedVoteView { voter: convert::account(voter), commitment, ciphertext };
        votes.push((stakeWeight, workWeight, vote));
    }
    votes.sort_by_key(|vote| std::cmp::Reverse((vote.0, vote.1)));
    let votes: Vec<SealedVoteView> = votes.into_iter().map(|(_, _, vote)| vote).collect();
    let mut sealed = Vec::new();
    for votes in votes.chunks(VOTES_AT_ONCE) {
        let mut batch = Batch::default();
        let asked: Vec<_> = votes
            .iter()
            .map(|vote| {
                let voter = convert::address(vote.voter);
                batch.add(GOVERNOR, &Governor::sealedVoteOfCall { proposalId: proposal, voter })
            })
            .collect();
        let answers = batch.ask(ledger).await?;
        for (vote, asked) in votes.iter().zip(&asked) {
            if answers.take(asked)?.commitment == vote.commitment {
                sealed.push(vote.clone());
            }
        }
    }
    Ok(sealed)
}

/// Reads the logs of sealed ballots since a block. Where many were cast in few blocks, which anybody with a little weight can do, it asks for fewer blocks at a time.
async fn sealed_logs<A: Ask>(
    ledger: &A,
    proposal: U256,
    mut first: u64,
) -> Result<Vec<PlacedLog>, ViewError<A::Error>> {
    let signature = Some(Governor::VoteSealed::SIGNATURE_HASH);
    let topics = [signature, None, Some(B256::from(proposal)), None];
    let head = ledger.head().await?.height;
    let (mut all, mut count) = (Vec::new(), BLOCKS_AT_ONCE);
    while first <= head {
        let last = first.saturating_add(count - 1).min(head);
        let filter = LogFilter { address: GOVERNOR, topics, heights: first..=last };
        match ledger.logs(filter).await {
            Ok(logs) => {
                all.extend(logs);
                first = last.saturating_add(1);
                count = (count * 2).min(BLOCKS_AT_ONCE);
            }
            Err(_) if count > 1 => count = (count / 8).max(1),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
