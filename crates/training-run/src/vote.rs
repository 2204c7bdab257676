//! Votes of referees on a dispute, and when they decide it.
//!
//! 1. Each referee votes once, with a ruling of its own: nobody collects votes of others. The vote stands on the ledger.
//! 2. A ruling says one of three things about the commitment: it is the work, it is not, or nothing can be said. As soon as
//!    [`Panel::threshold`] referees say the same, that is decided. What their replays led to instead does not
//!    matter: whether a device has disclosed its leaves, and when, must not divide those who found it wrong.
//! 3. As soon as the votes that are missing can't lead to a decision any more, the work counts, and nobody is blamed. The same when
//!    the dispute expires.

use units::{AccountId, DeviceId};

use crate::{Commitment, Panel, Ruling};

/// A referee's vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The referee.
    pub referee: DeviceId,
    /// Who brought the vote.
    pub account: AccountId,
    /// What the referee found.
    pub ruling: Ruling,
}

/// What a ruling says about a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// It is the work.
    IsTheWork,
    /// It is not.
    IsNotTheWork,
    /// Nothing.
    Nothing,
}

impl Opinion {
    const ALL: [Self; 3] = [Self::IsTheWork, Self::IsNotTheWork, Self::Nothing];
}

impl Ruling {
    /// Returns what it says about a commitment.
    #[must_use]
    pub fn opinion(&self, commitment: &Commitment) -> Opinion {
        match *self {
            Self::Replayed { seal, update } if *commitment == (Commitment { seal, update }) => {
                Opinion::IsTheWork
            }
            Self::Replayed { .. } | Self::Differs { .. } => Opinion::IsNotTheWork,
            Self::Unavailable => Opinion::Nothing,
        }
    }
}

/// Returns what the votes of the panel's members decide, or `None` while the missing ones can decide it.
pub(crate) fn decision(votes: &[Vote], commitment: &Commitment, panel: &Panel) -> Option<Opinion> {
    let of_members = votes.iter().filter(|vote| panel.members.contains(&vote.referee));
    let given: Vec<Opinion> = of_members.map(|vote| vote.ruling.opinion(commitment)).collect();
    let threshold = usize::from(panel.threshold.max(1));
    let missing = panel.members.len().saturating_sub(given.len());
    let count = |opinion: Opinion| given.iter().filter(|vote| **vote == opinion).count();
    if let Some(decided) = Opinion::ALL.into_iter().find(|opinion| threshold <= count(*opinion)) {
        return Some(decided);
    }
    let is_open =
        Opinion::ALL.into_iter().any(|opinion| threshold <= count(opinion).saturating_add(missing));
    if is_open { None } else { Some(Opinion::Nothing) }
}
