//! Juries.

use alloy_primitives::{U256, keccak256};
use governance::jury::*;
use proptest::prelude::*;

const DAY: u64 = 24 * 60 * 60;

/// A tree in memory, beside the weights themselves.
#[derive(Default)]
struct Plain {
    nodes: Vec<u128>,
    weights: Vec<u128>,
}

impl Tree for Plain {
    type Failure = std::convert::Infallible;

    fn count(&mut self) -> Result<u32, Self::Failure> {
        Ok(u32::try_from(self.nodes.len()).unwrap())
    }

    fn node(&mut self, index: u32) -> Result<u128, Self::Failure> {
        Ok(self.nodes[index as usize - 1])
    }

    fn set_node(&mut self, index: u32, sum: u128) -> Result<(), Self::Failure> {
        self.nodes[index as usize - 1] = sum;
        Ok(())
    }

    fn set_count(&mut self, count: u32) -> Result<(), Self::Failure> {
        self.nodes.resize(count as usize, 0);
        Ok(())
    }
}

impl Plain {
    fn with(weights: &[u128]) -> Self {
        let mut tree = Self::default();
        for weight in weights {
            tree.push();
            tree.set(tree.weights.len(), *weight);
        }
        tree
    }

    fn push(&mut self) {
        let number = append(self).unwrap().unwrap();
        self.weights.push(0);
        assert_eq!(number as usize, self.weights.len());
    }

    fn set(&mut self, number: usize, weight: u128) {
        let before = std::mem::replace(&mut self.weights[number - 1], weight);
        set_weight(self, u32::try_from(number).unwrap(), (before, weight)).unwrap();
    }

    /// The juror at a place, found by counting.
    fn counted(&self, place: u128) -> Option<u32> {
        let mut left = place;
        for (number, weight) in (1..).zip(&self.weights) {
            if left < *weight {
                return Some(number);
            }
            left -= weight;
        }
        None
    }
}

proptest! {
    #[test]
    fn the_tree_says_what_counting_says(
        steps in prop::collection::vec((any::<prop::sample::Index>(), 0_u128..20, any::<bool>()), 1..120),
    ) {
        let mut tree = Plain::default();
        for (index, weight, is_new) in steps {
            if is_new || tree.weights.is_empty() {
                tree.push();
            }
            let number = index.index(tree.weights.len()) + 1;
            tree.set(number, weight);
            let sum: u128 = tree.weights.iter().sum();
            prop_assert_eq!(total(&mut tree).unwrap(), sum);
            for place in 0..sum + 2 {
                let expected = tree.counted(place);
                prop_assert_eq!(at(&mut tree, place).unwrap(), expected, "{}", place);
            }
        }
    }

    /// Jury stuffing: an account that splits its weight is drawn as often with the same randomness.
    #[test]
    fn identities_bring_no_seats(
        others in prop::collection::vec(1_u128..1_000, 1..20),
        parts in prop::collection::vec(1_u128..1_000, 1..20),
        seed in any::<u64>(),
    ) {
        let whole: u128 = parts.iter().sum();
        let mut one = Plain::with(&[&[whole], &others[..]].concat());
        let mut many = Plain::with(&[&parts[..], &others[..]].concat());
        for seat in 0..50_u64 {
            let randomness = U256::from_be_bytes(keccak256([seed.to_be_bytes(), seat.to_be_bytes()].concat()).0);
            let of_one = draw(&mut one, randomness).unwrap().unwrap() == 1;
            let of_many = draw(&mut many, randomness).unwrap().unwrap() as usize <= parts.len();
            prop_assert_eq!(of_one, of_many);
        }
    }
}

#[test]
fn without_weight_nobody_is_drawn() {
    assert_eq!(draw(&mut Plain::default(), U256::from(7)), Ok(None));
    assert_eq!(draw(&mut Plain::with(&[0, 0]), U256::from(7)), Ok(None));
    assert_eq!(draw(&mut Plain::with(&[0, 1, 0]), U256::MAX), Ok(Some(2)));
}

/// The chance that a third of the weight is a majority of 201 seats is 5.5e-7 by the source's table.
#[test]
fn a_third_of_the_weight_is_no_majority() {
    let mut tree = Plain::with(&[1, 2]);
    for case in 0..200_u64 {
        let seats = (0..u64::from(Panel::SIZE)).filter(|seat| {
            let word = keccak256([case.to_be_bytes(), seat.to_be_bytes()].concat());
            draw(&mut tree, word.into()).unwrap() == Some(1)
        });
        assert!(seats.count() < 101, "case {case}");
    }
}

#[test]
fn seats_come_from_both_strata_unless_one_is_empty() {
    let seats = |totals| Stratum::ALL.map(|stratum| Panel::seats_of(stratum, totals));
    assert_eq!(seats([5, 9]), [101, 100]);
    assert_eq!(seats([0, 9]), [0, 201]);
    assert_eq!(seats([5, 0]), [201, 0]);
    assert_eq!(seats([0, 0]), [0, 0]);
}

fn seats(count: u32) -> Seats {
    Seats { count, deposit: 10, ..Seats::default() }
}

#[test]
fn a_vote_counts_once_and_only_as_it_was_committed_to() {
    let mut panel = Panel { drawn_at: 1_000, ..Panel::default() };
    let (commits, shows) = panel.ends();
    assert_eq!((commits, shows), (1_000 + 3 * DAY, 1_000 + 5 * DAY));
    let wrong = |now| JuryError::WrongPhase { now, commits_until: commits, shows_until: shows };
    let (mut juror, digest) = (seats(3), [7; 32]);
    assert_eq!(panel.show(&mut juror, (digest, true), (10, commits - 1)), Err(wrong(commits - 1)));
    assert_eq!(
        panel.commit(&mut juror, digest, (9, 1_000)),
        Err(JuryError::Withdrawn { has: 9, drawn: 10 })
    );
    assert_eq!(panel.commit(&mut seats(0), digest, (10, 1_000)), Err(JuryError::NoSeat));
    panel.commit(&mut juror, digest, (10, commits - 1)).unwrap();
    assert_eq!(panel.commit(&mut juror, [8; 32], (10, 1_000)), Err(JuryError::Done));
    assert_eq!(panel.commit(&mut seats(1), digest, (10, commits)), Err(wrong(commits)));
    assert_eq!(panel.show(&mut juror, ([8; 32], true), (10, commits)), Err(JuryError::Otherwise));
    // It has withdrawn in between.
    assert_eq!(
        panel.show(&mut juror, (digest, true), (0, commits)),
        Err(JuryError::Withdrawn { has: 0, drawn: 10 })
    );
    let untold = panel.show(&mut seats(1), ([0; 32], true), (10, commits));
    assert_eq!(untold, Err(JuryError::Otherwise), "who has not committed shows nothing");
    panel.show(&mut juror, (digest, true), (10, shows - 1)).unwrap();
    assert_eq!(panel.show(&mut juror, (digest, true), (10, commits)), Err(JuryError::Done));
    assert_eq!((panel.yes, panel.no), (3, 0));
    assert_eq!(panel.show(&mut juror, (digest, true), (10, shows)), Err(wrong(shows)));
}

#[test]
fn a_majority_of_what_is_shown_decides_if_half_is_shown() {
    let verdict = |yes, no| Panel { drawn_at: 0, yes, no }.verdict(5 * DAY);
    assert_eq!(verdict(51, 49), Verdict::Absent);
    assert_eq!(verdict(51, 50), Verdict::Yes);
    assert_eq!(verdict(50, 51), Verdict::No);
    assert_eq!(verdict(100, 100), Verdict::No);
    assert_eq!(Panel { drawn_at: 0, yes: 201, no: 0 }.verdict(5 * DAY - 1), Verdict::Open);
}
