//! Plays the votes of a table again, one after the other, and says after which of them the alarms are raised.

use std::{borrow::Cow, collections::BTreeMap};

use alloy_primitives::U256;
use concentration::{Holdings, TooLarge, Zeros, blocs::Ballot, blocs::BlocsError};
use serde::Serialize;

use crate::{
    alarms::{ALARM_VOTES, RecentVotes, Window},
    amount::decimal_text,
    document::{AlarmDocument, DecisivenessDocument},
    report::number,
    series::sort_by_number,
    sheet::{Sheet, SheetColumns, SheetError, read_sheet},
};

/// Where the ballots are in a table.
#[derive(Clone, Copy, Debug)]
pub struct BallotColumns<'a> {
    /// The column of the votes. Where all are numbers they are in that order, else in the order of their first ballots.
    pub vote: &'a str,
    /// The column of the voters.
    pub voter: &'a str,
    /// The column of what they chose.
    pub choice: &'a str,
    /// The column of what their ballots weigh.
    pub weight: &'a str,
    /// As [`SheetColumns::delimiter`].
    pub delimiter: Option<u8>,
}

/// Why votes can't be played again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The table can't be read.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// The weights are too large.
    #[error(transparent)]
    Blocs(#[from] BlocsError),
    /// The weights are too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// There is nothing to play again.
    #[error("the table has no ballots")]
    NoBallots,
    /// A ballot lacks its vote or its voter.
    #[error("ballot {row} names no {column}")]
    NoName {
        /// The ballot, from 1 on, without those that have no weight.
        row: usize,
        /// The column.
        column: String,
    },
}

/// Votes of a table, and what the alarms said after each.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replay {
    /// The votes that were asked for, in order.
    pub votes: Vec<ReplayedVote>,
    /// Ballots of the table after which the same voter cast another in the same vote: the last counts.
    pub replaced_ballots: usize,
}

/// A vote, and what the alarms said after it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplayedVote {
    /// The vote.
    pub vote: String,
    /// Number of its ballots.
    pub ballots: usize,
    /// What they weigh.
    pub weight: String,
    /// Who cast the heaviest.
    pub largest: String,
    /// That ballot's share of the vote.
    pub largest_share: Option<f64>,
    /// Votes that the alarms looked at, with this one.
    pub window: usize,
    /// Their turnout: what was cast, by what the voters of the window were known to have.
    pub turnout: Option<f64>,
    /// The alarms.
    pub alarms: Vec<AlarmDocument>,
}

impl ReplayedVote {
    /// Whether any alarm is raised.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.alarms.iter().any(|alarm| alarm.is_raised)
    }
}

/// Plays the `last` newest votes of a table again; each is looked at with the nine before it. `progress` is told how many of how many are done.
///
/// A table of ballots does not say who could have voted and never did. What could have voted is taken to be what the voters of the window were
/// known to have until then: the most that each has cast.
///
/// # Errors
/// [`ReplayError`].
pub fn replay(
    bytes: &[u8],
    columns: BallotColumns<'_>,
    last: usize,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Replay, ReplayError> {
    let BallotColumns { vote, voter, choice, weight, delimiter } = columns;
    let labels = [vote, voter, choice];
    let sheet = read_sheet(bytes, SheetColumns { value: weight, labels: &labels, delimiter })?;
    let votes = votes(&sheet, columns)?;
    if votes.is_empty() {
        return Err(ReplayError::NoBallots);
    }
    let first = votes.len().saturating_sub(last);
    let mut played = Vec::with_capacity(votes.len() - first);
    for index in first..votes.len() {
        progress(played.len(), votes.len() - first);
        let begin = (index + 1).saturating_sub(ALARM_VOTES);
        played.push(replayed(&votes[begin..=index], sheet.decimals)?);
    }
    let counted: usize = votes.iter().map(|vote| vote.ballots.len()).sum();
    Ok(Replay { votes: played, replaced_ballots: sheet.amounts.len() - counted })
}

/// A vote: who cast what. The last ballot of a voter counts.
struct Vote<'a> {
    name: &'a str,
    ballots: BTreeMap<&'a str, (&'a str, U256)>,
}

fn votes<'a>(
    sheet: &'a Sheet<'_>,
    columns: BallotColumns<'_>,
) -> Result<Vec<Vote<'a>>, ReplayError> {
    let mut votes: Vec<Vote<'a>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (row, weight) in sheet.amounts.iter().enumerate() {
        let [vote, voter, choice] = [0, 1, 2].map(|column| Cow::as_ref(&sheet.labels[column][row]));
        for (name, column) in [(vote, columns.vote), (voter, columns.voter)] {
            if name.is_empty() {
                return Err(ReplayError::NoName { row: row + 1, column: column.to_owned() });
            }
        }
        let place = *places.entry(vote).or_insert_with(|| {
            votes.push(Vote { name: vote, ballots: BTreeMap::new() });
            votes.len() - 1
        });
        votes[place].ballots.insert(voter, (choice, *weight));
    }
    sort_by_number(&mut votes, |vote| vote.name);
    Ok(votes)
}

/// The last of these votes, with what the alarms say about all of them.
fn replayed(votes: &[Vote<'_>], decimals: usize) -> Result<ReplayedVote, ReplayError> {
    let mut known: BTreeMap<&str, U256> = BTreeMap::new();
    let (mut ballots, mut electorates) = (Vec::new(), U256::ZERO);
    for (election, vote) in (0..).zip(votes) {
        for (voter, (choice, weight)) in &vote.ballots {
            let most = known.entry(voter).or_default();
            *most = (*most).max(*weight);
            ballots.push(Ballot { election, voter, choice, weight: *weight });
        }
        electorates = electorates.checked_add(sum(known.values())?).ok_or(TooLarge)?;
    }
    let window = Window { votes: votes.len(), ballots: &ballots, electorates, total: U256::ZERO };
    let recent = RecentVotes::of(&window)?;
    let mut largest: Vec<_> = known.iter().collect();
    largest.sort_by(|one, other| other.1.cmp(one.1));
    let names: Vec<String> = largest.iter().map(|(name, _)| (**name).to_owned()).collect();
    let holdings = Holdings::new(known.values().copied(), Zeros::Drop)?;
    let alarms = recent.map_or_else(Vec::new, |recent| {
        let decisiveness = DecisivenessDocument::of(&holdings, &names, recent.turnout, None);
        recent.alarms(decisiveness.as_ref())
    });
    let Some(vote) = votes.last() else { unreachable!("a window has a vote") };
    let cast = Holdings::new(vote.ballots.values().map(|(_, weight)| *weight), Zeros::Drop)?;
    let heaviest = vote.ballots.iter().max_by_key(|(_, (_, weight))| *weight);
    Ok(ReplayedVote {
        vote: vote.name.to_owned(),
        ballots: vote.ballots.len(),
        weight: decimal_text(cast.total(), decimals),
        largest: heaviest.map_or_else(String::new, |(name, _)| (*name).to_owned()),
        largest_share: number(cast.top_share(1)),
        window: votes.len(),
        turnout: recent.map(|recent| recent.turnout.to_f64()),
        alarms,
    })
}

fn sum<'a>(mut amounts: impl Iterator<Item = &'a U256>) -> Result<U256, TooLarge> {
    amounts.try_fold(U256::ZERO, |sum, amount| sum.checked_add(*amount)).ok_or(TooLarge)
}
