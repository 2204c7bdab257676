//! How fair the process around votes is: who proposes, whether anybody is ever against, and how much time there is.

use alloy_primitives::U256;

use crate::{Groups, Holdings, Ratio, Strictness, Threshold, Zeros};

/// A proposal that was voted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal<'a> {
    /// Who made it.
    pub proposer: &'a str,
    /// Weight for it.
    pub yes: U256,
    /// Weight against it.
    pub no: U256,
    /// When it was posted, Unix seconds.
    pub posted: u64,
    /// When the vote began, Unix seconds.
    pub vote_began: u64,
}

/// Figures of a list of proposals. Each is `None` where it has no value, as for an empty list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// How many proposals each proposer made.
    pub proposers: Holdings,
    /// The part of proposals with a fifth or more of the votes against. Near 0, votes are a rubber stamp.
    pub opposed: Option<Ratio>,
    /// The median of the margins, `|yes − no| / (yes + no)`; of an even number, the lower one. Proposals without votes are left out.
    pub median_margin: Option<Ratio>,
    /// The median time from post to vote, seconds; of an even number, the lower one.
    pub median_notice_seconds: Option<u64>,
}

impl Process {
    /// Measures proposals.
    #[must_use]
    pub fn of(proposals: &[Proposal<'_>]) -> Self {
        let fifth = Threshold::new(1, 5).expect("a fifth is a part");
        let one = U256::from(1);
        let made = proposals.iter().map(|proposal| (proposal.proposer, one));
        let proposers = Groups::new(made, Zeros::Drop).holdings(Zeros::Drop);
        let votes = |proposal: &Proposal<'_>| proposal.yes.saturating_add(proposal.no);
        let is_opposed = |proposal: &&Proposal<'_>| {
            let votes = votes(proposal);
            !votes.is_zero() && fifth.is_passed(proposal.no, votes, Strictness::AtLeast)
        };
        let opposed = proposals.iter().filter(is_opposed).count();
        let margins = proposals
            .iter()
            .filter_map(|proposal| Ratio::new(proposal.yes.abs_diff(proposal.no), votes(proposal)));
        let notices =
            proposals.iter().map(|proposal| proposal.vote_began.saturating_sub(proposal.posted));
        Self {
            proposers: proposers.expect("a count of proposals fits 256 bits").all_distinct,
            opposed: Ratio::new(U256::from(opposed), U256::from(proposals.len())),
            median_margin: lower_median(margins.collect()),
            median_notice_seconds: lower_median(notices.collect()),
        }
    }
}

fn lower_median<T: Ord>(mut values: Vec<T>) -> Option<T> {
    values.sort();
    let middle = values.len().checked_sub(1)? / 2;
    Some(values.swap_remove(middle))
}
