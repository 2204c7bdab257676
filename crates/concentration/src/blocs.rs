//! Voting blocs: who votes together, and how few blocs decide.
//!
//! Source: Fábrega, Zhao, Yu, Austgen, Allen, Babel, Kelkar and Juels, "DAO Decentralization: Voting-Bloc Entropy, Bribery, and Dark DAOs",
//! arXiv 2311.03530, section 4: an entropy over clusters of voters. Here it is the min-entropy, `−log₂` of the largest cluster's share.
//!
//! Voters of the same choices in every election are one bloc; that shatters blocs over long windows, so five to ten elections at a time say most.
//! With a similarity below 1, voters whose choices agree that much are together, directly or through others. Splitting an account leaves the
//! entropy unchanged; apathy, herding and bribery lower it. It says who voted together, not why.

use std::collections::BTreeMap;

use alloy_primitives::U256;

use crate::{Holdings, Zeros, entropy::entropy_bits, float::log2, holdings::TooLarge};

/// Most voters whose choices are compared pair by pair.
pub const COMPARED_MAX: usize = 4_096;

/// A vote cast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot<'a> {
    /// In which election.
    pub election: u32,
    /// By whom.
    pub voter: &'a str,
    /// For what.
    pub choice: &'a str,
    /// With how much.
    pub weight: U256,
}

/// Who counts as voting together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Similarity {
    /// The same choice in every election, or none in the same ones.
    Identical,
    /// A cosine of the choices of at least this: the number of elections with the same choice, by the geometric mean of how many each took
    /// part in.
    CosineAtLeast(f64),
}

/// Why there are no blocs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlocsError {
    /// Too many voters to compare all pairs.
    #[error(
        "{count} voters: at most {COMPARED_MAX} can be compared pair by pair; use fewer elections, or identical choices"
    )]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// The weights are too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// Blocs of voters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocs {
    /// Number of voters.
    pub voters: usize,
    /// What each bloc weighs: the largest weight of each voter inside the window. Those who could have voted and did not are one bloc.
    pub holdings: Holdings,
}

impl Blocs {
    /// Puts voters of these ballots into blocs. `silent` is the weight of those who cast none: an inactivity whale.
    ///
    /// A voter's later ballot in the same election replaces the earlier one.
    ///
    /// # Errors
    /// [`BlocsError`].
    pub fn of(
        ballots: &[Ballot<'_>],
        silent: U256,
        similarity: Similarity,
    ) -> Result<Self, BlocsError> {
        let mut voters: BTreeMap<&str, (Choices<'_>, U256)> = BTreeMap::new();
        for ballot in ballots {
            let (choices, weight) = voters.entry(ballot.voter).or_default();
            choices.insert(ballot.election, ballot.choice);
            *weight = (*weight).max(ballot.weight);
        }
        let sums = match similarity {
            Similarity::Identical => identical(voters.values())?,
            Similarity::CosineAtLeast(least) => {
                similar(&voters.values().collect::<Vec<_>>(), least)?
            }
        };
        let holdings = Holdings::new(sums.into_iter().chain([silent]), Zeros::Drop)?;
        Ok(Self { voters: voters.len(), holdings })
    }

    /// Returns the number of blocs.
    #[must_use]
    pub fn count(&self) -> usize {
        self.holdings.count()
    }

    /// Returns the min-entropy over blocs in bits: 0 when one bloc is everybody. `None` when nobody weighs anything.
    #[must_use]
    pub fn min_entropy_bits(&self) -> Option<f64> {
        // Of one bloc it is 0, not −0.
        self.holdings.shares().next().map(|largest| (-log2(largest)).max(0.0))
    }

    /// Returns Shannon's entropy over blocs in bits.
    #[must_use]
    pub fn entropy_bits(&self) -> Option<f64> {
        (self.count() > 0).then(|| entropy_bits(self.holdings.shares()))
    }
}

/// What a voter chose, by election.
type Choices<'a> = BTreeMap<u32, &'a str>;

fn identical<'a>(
    voters: impl Iterator<Item = &'a (Choices<'a>, U256)>,
) -> Result<Vec<U256>, TooLarge> {
    let mut blocs: BTreeMap<&Choices<'_>, U256> = BTreeMap::new();
    for (choices, weight) in voters {
        let bloc = blocs.entry(choices).or_default();
        *bloc = bloc.checked_add(*weight).ok_or(TooLarge)?;
    }
    Ok(blocs.into_values().collect())
}

fn similar(voters: &[&(Choices<'_>, U256)], least: f64) -> Result<Vec<U256>, BlocsError> {
    let count = voters.len();
    if count > COMPARED_MAX {
        return Err(BlocsError::TooMany { count });
    }
    let mut parents: Vec<usize> = (0..count).collect();
    for later in 1..count {
        for earlier in 0..later {
            if cosine(&voters[earlier].0, &voters[later].0) >= least {
                let (left, right) = (root(&mut parents, earlier), root(&mut parents, later));
                parents[left.max(right)] = left.min(right);
            }
        }
    }
    let mut blocs: BTreeMap<usize, U256> = BTreeMap::new();
    for (voter, (_, weight)) in voters.iter().enumerate() {
        let bloc = blocs.entry(root(&mut parents, voter)).or_default();
        *bloc = bloc.checked_add(*weight).ok_or(TooLarge)?;
    }
    Ok(blocs.into_values().collect())
}

fn root(parents: &mut [usize], mut voter: usize) -> usize {
    while parents[voter] != voter {
        parents[voter] = parents[parents[voter]];
        voter = parents[voter];
    }
    voter
}

fn cosine(left: &Choices<'_>, right: &Choices<'_>) -> f64 {
    let same = left.iter().filter(|(election, choice)| right.get(election) == Some(choice));
    same.count() as f64 / (left.len() as f64 * right.len() as f64).sqrt()
}
