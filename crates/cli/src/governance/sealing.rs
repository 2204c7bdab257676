//! The sealed ballot of an account.

use abi::{GOVERNOR, Governor, convert};
use alloy_primitives::{B256, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall as _;
use governance::proposal::two_houses::sealed::BALLOT_BYTES_MAX;
use ledger_client::Ledger;
use ledger_views::governance::{self as views, KeyHolderView, ProposalView, SealedVoteView};
use sealed_ballots::{Ballot, Derived, Vote, commitment};
use units::AccountId;

use crate::market::Step;

/// A ballot that is to be sealed: the key is not known yet, from which its salt is derived.
pub(crate) struct Sealing {
    vote: Vote,
    keys: Vec<B256>,
    threshold: usize,
}

/// Whose vote about which proposal of a ledger.
pub(crate) fn vote_of(ledger: &Ledger, proposal: U256, account: AccountId) -> Vote {
    let voter = convert::address(account);
    Vote { chain: ledger.chain_id(), governor: GOVERNOR, proposal, voter }
}

/// What is derived from the key of an account.
pub(crate) fn derived(signer: &PrivateKeySigner) -> Derived {
    Derived::from_key(&signer.to_bytes())
}

impl Sealing {
    /// Prepares the ballot of an account; `None` where the ballots of a proposal are open.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub(crate) async fn of(
        ledger: &Ledger,
        proposal: &ProposalView,
        account: AccountId,
    ) -> anyhow::Result<Option<Self>> {
        let Some(sealing) = proposal.sealing.filter(|sealing| sealing.is_sealed) else {
            return Ok(None);
        };
        let holders = views::key_holders(ledger, proposal.id).await?;
        let keys = holders.iter().filter_map(|holder| holder.public_key).collect();
        let vote = vote_of(ledger, proposal.id, account);
        Ok(Some(Self { vote, keys, threshold: usize::from(sealing.threshold) }))
    }

    /// Returns a call with which the node can tell what the vote would count: it can't be opened.
    pub(crate) fn sample(&self) -> Vec<u8> {
        let ciphertext = Bytes::from(vec![0; BALLOT_BYTES_MAX]);
        let commitment = B256::repeat_byte(1);
        Governor::sealVoteCall { proposalId: self.vote.proposal, commitment, ciphertext }
            .abi_encode()
    }

    /// Seals a vote.
    ///
    /// # Errors
    /// When a key can't be encrypted to.
    pub(crate) fn call(
        &self,
        signer: &PrivateKeySigner,
        support: u8,
    ) -> anyhow::Result<Governor::sealVoteCall> {
        let ballot = Ballot { support, salt: derived(signer).salt(&self.vote) };
        let sealed = sealed_ballots::seal(&self.vote, &ballot, &self.keys, self.threshold)?;
        Ok(Governor::sealVoteCall {
            proposalId: self.vote.proposal,
            commitment: commitment(&self.vote, &ballot),
            ciphertext: sealed.into(),
        })
    }

    /// The same, as a step of a command.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub(crate) fn step(&self, signer: &PrivateKeySigner, support: u8) -> anyhow::Result<Step> {
        Ok(Step::new("cast a sealed ballot", GOVERNOR, &self.call(signer, support)?))
    }
}

/// Finds what an account has voted: of the three votes, the one whose commitment it is. `None` if it was sealed with another key.
pub(crate) fn own_ballot(vote: &Vote, signer: &PrivateKeySigner, sealed: B256) -> Option<Ballot> {
    let salt = derived(signer).salt(vote);
    let ballots = [0, 1, 2].map(|support| Ballot { support, salt });
    ballots.into_iter().find(|ballot| commitment(vote, ballot) == sealed)
}

/// Returns what of the sealed ballots can be read with the keys that are published.
pub(crate) fn readable(
    ledger: &Ledger,
    proposal: &ProposalView,
    holders: &[KeyHolderView],
    sealed: &[SealedVoteView],
) -> Vec<(AccountId, Ballot)> {
    let posted = holders.iter().filter(|holder| holder.public_key.is_some());
    let secrets: Vec<_> = posted.map(|holder| holder.secret_key).collect();
    let threshold = proposal.sealing.map_or(0, |sealing| usize::from(sealing.threshold));
    let read = |ballot: &SealedVoteView| {
        let vote = vote_of(ledger, proposal.id, ballot.voter);
        let (commitment, bytes) = (ballot.commitment, &ballot.ciphertext);
        let opened = sealed_ballots::open(&vote, commitment, bytes, &secrets, threshold)?;
        Some((ballot.voter, opened))
    };
    sealed.iter().filter_map(read).collect()
}

/// Returns the call that opens ballots.
pub(crate) fn opening(proposal: U256, ballots: &[(AccountId, Ballot)]) -> Governor::openVotesCall {
    let votes = ballots
        .iter()
        .map(|(voter, ballot)| Governor::OpenedVote {
            voter: convert::address(*voter),
            support: ballot.support,
            salt: ballot.salt,
        })
        .collect();
    Governor::openVotesCall { proposalId: proposal, votes }
}
