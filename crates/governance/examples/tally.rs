//! Measures how long counting a million voters takes: `cargo run --release -p governance --example tally`.
//!
//! Each account votes once in both houses, and each vote is checked against the set of those that have voted, as a ledger's storage does it.

#![expect(clippy::print_stdout, reason = "it prints a figure")]

use std::{collections::BTreeSet, time::Instant};

use alloy_primitives::{Address, U256};
use governance::{
    Class,
    proposal::{
        Support,
        two_houses::{Admission, Electorate, Missed, Open, Proposal, Settings, Weights},
    },
};

const VOTERS: u64 = 1_000_000;
const NOW: u64 = 1_000_000_000;

fn main() {
    let settings = Settings::INITIAL;
    let weights =
        |voter: u64| Weights { stake: U256::from(voter % 977), work: U256::from(voter % 89) };
    let totals = (0..VOTERS).map(weights).fold((U256::ZERO, U256::ZERO), |sum, it| {
        (sum.0.saturating_add(it.stake), sum.1.saturating_add(it.work))
    });
    let electorate = Electorate::new(totals.0, totals.1, U256::ZERO);
    let admission = Admission {
        proposer: Address::ZERO,
        value: settings.deposit,
        weights: Weights { stake: settings.threshold, work: U256::ZERO },
        open: Open::default(),
        key_threshold: 0,
    };
    let facts = (electorate, Missed::default());
    let posted = Proposal::post(NOW, Class::Ordinary, &settings, &admission, facts);
    let mut proposal = posted.expect("the proposer has the threshold and pays the deposit");
    let mut voted = BTreeSet::new();
    let now = proposal.core.vote_start.saturating_add(1);
    #[expect(clippy::disallowed_methods, reason = "it measures time")]
    let begun = Instant::now();
    for voter in 0..VOTERS {
        // Accounts in no order.
        let account = voter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        assert!(voted.insert(account), "an account votes once");
        let support = if voter % 3 == 0 { Support::Against } else { Support::For };
        let counted = proposal.vote(now, &settings, support, weights(voter));
        counted.expect("votes are counted now");
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{VOTERS} voters in {seconds:.3} s: {}", proposal.decision().reason());
}
