//! Turnout, delegation, blocs, attack costs and process.

use alloy_primitives::U256;
use concentration::{
    Holdings, Threshold, Zeros,
    attack::{Offer, Way, cheapest, cost_by_value},
    blocs::{Ballot, Blocs, BlocsError, COMPARED_MAX, Similarity},
    delegation::{DelegationError, Stake, resolve},
    power::{Game, exact},
    process::{Process, Proposal},
    turnout::{Electorate, Rule, Voter, amount_of_share_up, amount_to_win},
};

fn amounts(values: &[u64]) -> Vec<U256> {
    values.iter().map(|value| U256::from(*value)).collect()
}

const MAJORITY: Rule = Rule::Governor { quorum: None };

/// Every way in which everybody votes, with its probability: the definition.
fn decisiveness_enumerated(voters: &[Voter], rule: impl Fn(f64, f64) -> bool, of: usize) -> f64 {
    let mut chance = 0.0;
    for mut state in 0..3_u32.pow(u32::try_from(voters.len()).unwrap() - 1) {
        let (mut probability, mut yes, mut no) = (1.0, 0.0, 0.0);
        for (_, voter) in voters.iter().enumerate().filter(|(index, _)| *index != of) {
            match state % 3 {
                0 => probability *= 1.0 - voter.turnout,
                1 => {
                    probability *= voter.turnout * voter.support;
                    yes += voter.share;
                }
                _ => {
                    probability *= voter.turnout * (1.0 - voter.support);
                    no += voter.share;
                }
            }
            state /= 3;
        }
        let share = voters[of].share;
        if rule(yes + share, no) != rule(yes, no + share) {
            chance += probability;
        }
    }
    chance
}

/// Whether so much for and so much against passes.
type Passes<'a> = &'a dyn Fn(f64, f64) -> bool;

#[test]
fn decisiveness_is_that_of_enumeration() {
    let shares = [0.3, 0.25, 0.2, 0.125, 0.075, 0.05];
    let voters: Vec<Voter> = (0_u32..)
        .zip(shares)
        .map(|(index, share)| Voter { share, turnout: 0.3 + 0.1 * f64::from(index), support: 0.55 })
        .collect();
    let electorate = Electorate::new(voters.clone());
    let fifth = Threshold::new(1, 5).unwrap();
    let rules: [(Rule, Passes<'_>); 3] = [
        (MAJORITY, &|yes, no| yes > no),
        (Rule::Governor { quorum: Some(fifth) }, &|yes, no| yes > no && yes >= 0.2 - 1e-12),
        (Rule::PartOfVotes(Threshold::TWO_THIRDS), &|yes, no| {
            yes > 0.0 && 3.0 * yes >= 2.0 * (yes + no) - 1e-9
        }),
    ];
    for (rule, passes) in rules {
        let estimates = electorate.decisiveness(rule, 10, 40_000, 3);
        assert_eq!(estimates.len(), 6, "no more than there are");
        for (of, estimate) in estimates.iter().enumerate() {
            let expected = decisiveness_enumerated(&voters, passes, of);
            let distance = (estimate.value - expected).abs();
            assert!(
                distance < 4.0 * estimate.standard_error,
                "{rule:?} {of}: {estimate:?} {expected}"
            );
        }
    }
}

#[test]
fn at_full_turnout_a_vote_decides_as_often_as_it_swings() {
    let weights = [13, 11, 7, 5, 3, 1];
    let holdings = Holdings::of_integers(&weights, Zeros::Drop).unwrap();
    let swings = exact(&Game::of_integers(21, &weights).unwrap()).unwrap().banzhaf();
    let estimates = Electorate::fair(&holdings, 1.0).decisiveness(MAJORITY, 6, 40_000, 1);
    for (estimate, swing) in estimates.iter().zip(swings) {
        // With 20 of 40 on each side the proposal fails, as it does below a quota of 21.
        assert!(
            (estimate.value - swing).abs() < 4.0 * estimate.standard_error,
            "{estimate:?} {swing}"
        );
    }
}

#[test]
fn low_turnout_makes_the_largest_decisive() {
    // A tenth in one hand, the rest in ten thousand.
    let mut weights = vec![9_u64; 10_000];
    weights.push(10_000);
    let holdings = Holdings::of_integers(&weights, Zeros::Drop).unwrap();
    let top =
        |turnout| Electorate::fair(&holdings, turnout).decisiveness(MAJORITY, 1, 4_000, 1)[0].value;
    assert!(top(1.0) > 0.99, "ten thousand others cancel out");
    let quorum = Rule::Governor { quorum: Some(Threshold::new(1, 20).unwrap()) };
    let with_quorum = Electorate::fair(&holdings, 0.04).decisiveness(quorum, 2, 4_000, 1);
    assert!(with_quorum[0].value > 0.99 && with_quorum[1].value < 0.01, "{with_quorum:?}");
}

#[test]
fn what_is_needed_to_win_is_a_quantile() {
    assert_eq!(amount_of_share_up(U256::from(1_000), 0.125), Some(U256::from(125)));
    assert_eq!(amount_of_share_up(U256::MAX, 1.0), Some(U256::MAX));
    assert_eq!(amount_of_share_up(U256::from(10), 0.25), Some(U256::from(3)));
    assert_eq!(amount_of_share_up(U256::from(10), 1.5), None);
    assert_eq!(amount_of_share_up(U256::from(10), f64::NAN), None);
    // More confidence costs more.
    let holdings = Holdings::of_integers(&[5, 4, 3, 2, 1], Zeros::Drop).unwrap();
    let needed = |sure| amount_to_win((&holdings, 0.5), MAJORITY, sure, 2_000, 1).unwrap();
    let amounts = [0.1, 0.5, 0.9, 1.0].map(needed);
    assert!(amounts.is_sorted() && amounts[3] > amounts[0], "{amounts:?}");
}

/// Where more must be for than against, who brings as much as is against has a tie, and a tie fails.
#[test]
fn what_is_needed_wins_and_one_less_does_not() {
    let needed = |values: &[u64], turnout, rule, confidence| {
        let holdings = Holdings::of_integers(values, Zeros::Drop).unwrap();
        amount_to_win((&holdings, turnout), rule, confidence, 20_000, 1).map(|it| it.to::<u64>())
    };
    let four = [40, 30, 20, 10];
    // Of 16 ways one has 100 more against it and one 80: to win 14 or 15 of them, these must lose.
    assert_eq!(needed(&four, 1.0, MAJORITY, 0.9), Some(81));
    assert_eq!(needed(&four, 1.0, MAJORITY, 1.0), Some(101));
    // Two of 16 are a tie, and 7 are won.
    assert_eq!(needed(&four, 1.0, MAJORITY, 0.5), Some(1));
    assert_eq!(needed(&[5], 0.1, MAJORITY, 0.9), Some(1), "nobody for it is not enough");
    // Against it are 4, 3 or 2 with 5 % each: below 3 it is lost with 14 %, at 3 with 9.5 %.
    assert_eq!(needed(&[4, 3, 2], 0.1, MAJORITY, 0.9), Some(3));
    let quorum = |text: &str| Rule::Governor { quorum: Some(text.parse().unwrap()) };
    assert_eq!(needed(&[50, 50], 1e-9, quorum("4%"), 0.9), Some(4), "the quorum is reached");
    assert_eq!(needed(&[50, 50], 1e-9, quorum("0.1%"), 0.9), Some(1));
    let part = |text: &str| Rule::PartOfVotes(text.parse().unwrap());
    assert_eq!(needed(&four, 1.0, part("3/5"), 1.0), Some(150));
    assert_eq!(needed(&four, 1.0, part("2/3"), 1.0), Some(200));
    assert_eq!(needed(&four, 1.0, part("1"), 1.0), None);
    assert_eq!(needed(&[5], 1e-9, part("1"), 0.9), Some(1));
    assert_eq!(needed(&[], 1.0, MAJORITY, 0.9), None);
    // Sums that floats can not tell from each other: 2^180 and one unit.
    let large = [U256::ONE << 180, U256::ONE];
    let large = Holdings::new(large, Zeros::Drop).unwrap();
    let all = amount_to_win((&large, 1.0), MAJORITY, 1.0, 1_000, 1).unwrap();
    assert_eq!(all, (U256::ONE << 180) + U256::from(2));
    // Those who are not drawn one by one count, too: 2,000 alike.
    let many = needed(&[1; 2_000], 1.0, MAJORITY, 0.9).unwrap();
    assert!((50..66).contains(&many), "1.28 deviations of √2000: {many}");
}

#[test]
fn delegation_goes_as_far_as_the_hops_do() {
    let stake = |own: u64, delegate| Stake { own: U256::from(own), delegate };
    // 0 → 1 → 2; 3 ↔ 4; 5 → 3; 6 to itself.
    let stakes = [
        stake(1, Some(1)),
        stake(2, Some(2)),
        stake(4, None),
        stake(8, Some(4)),
        stake(16, Some(3)),
        stake(32, Some(3)),
        stake(64, Some(6)),
    ];
    let power = |hops| {
        let delegated = resolve(&stakes, hops).unwrap();
        let sum = delegated.power.iter().fold(delegated.void, |sum, power| sum + *power);
        assert_eq!(sum, U256::from(127), "nothing is lost");
        (delegated.power.clone(), delegated.void, delegated)
    };
    let (none, void, _) = power(0);
    assert_eq!((none, void), (amounts(&[1, 2, 4, 8, 16, 32, 64]), U256::ZERO));
    let (one, void, _) = power(1);
    assert_eq!((one, void), (amounts(&[0, 1, 6, 48, 8, 0, 64]), U256::ZERO));
    let (all, void, delegated) = power(usize::MAX);
    assert_eq!((all, void), (amounts(&[0, 0, 7, 0, 0, 0, 64]), U256::from(56)));
    assert_eq!(delegated.amplification(2).unwrap().decimal(2), "1.75");
    assert_eq!(delegated.amplification(0).unwrap().decimal(2), "0.00");
    assert!(delegated.amplification(9).is_none());
    assert_eq!(delegated.holdings().unwrap().count(), 2);
    let refused = resolve(&[stake(1, Some(1))], 1).unwrap_err();
    assert_eq!(refused, DelegationError::NoSuchHolder { holder: 0, delegate: 1, count: 1 });
    // A long chain, and a circle with a long way to it.
    let chain: Vec<_> = (0..1_000).map(|at| stake(1, (at < 999).then_some(at + 1))).collect();
    assert_eq!(resolve(&chain, usize::MAX).unwrap().power[999], U256::from(1_000));
    let circle: Vec<_> =
        (0..1_000).map(|at| stake(1, Some(if at < 999 { at + 1 } else { 990 }))).collect();
    assert_eq!(resolve(&circle, usize::MAX).unwrap().void, U256::from(1_000));
}

fn ballot(
    election: u32,
    voter: &'static str,
    choice: &'static str,
    weight: u64,
) -> Ballot<'static> {
    Ballot { election, voter, choice, weight: U256::from(weight) }
}

#[test]
fn blocs_are_those_who_vote_alike() {
    let ballots = [
        ballot(0, "a", "for", 10),
        ballot(1, "a", "against", 12),
        ballot(0, "b", "for", 4),
        ballot(1, "b", "against", 4),
        ballot(0, "c", "against", 8),
        ballot(1, "d", "against", 4),
    ];
    let blocs = Blocs::of(&ballots, U256::ZERO, Similarity::Identical).unwrap();
    assert_eq!((blocs.voters, blocs.count()), (4, 3));
    assert_eq!(blocs.holdings.ascending(), amounts(&[4, 8, 16]));
    assert!((blocs.min_entropy_bits().unwrap() - (28_f64 / 16.0).log2()).abs() < 1e-12);
    // Splitting an account into two that vote alike changes nothing.
    let mut split = ballots.to_vec();
    split[0].weight = U256::from(7);
    split[1].weight = U256::from(7);
    split.extend([ballot(0, "e", "for", 5), ballot(1, "e", "against", 5)]);
    let same = Blocs::of(&split, U256::ZERO, Similarity::Identical).unwrap();
    assert_eq!(same.holdings, blocs.holdings);
    // The silent are one bloc, here the largest.
    let apathy = Blocs::of(&ballots, U256::from(1_000), Similarity::Identical).unwrap();
    assert!(apathy.min_entropy_bits() < blocs.min_entropy_bits());
    // d voted in one of two elections as a and b did: cosine 1/√2.
    let loose = Blocs::of(&ballots, U256::ZERO, Similarity::CosineAtLeast(0.7)).unwrap();
    assert_eq!(loose.holdings.ascending(), amounts(&[8, 20]));
    let strict = Blocs::of(&ballots, U256::ZERO, Similarity::CosineAtLeast(0.9)).unwrap();
    assert_eq!(strict.holdings, blocs.holdings);
    let alone = Blocs::of(&ballots[..1], U256::ZERO, Similarity::Identical).unwrap();
    assert_eq!((alone.min_entropy_bits(), alone.entropy_bits()), (Some(0.0), Some(0.0)));
    assert!(
        Blocs::of(&[], U256::ZERO, Similarity::Identical).unwrap().min_entropy_bits().is_none()
    );
}

#[test]
fn pairs_are_compared_up_to_a_bound() {
    let names: Vec<String> = (0..=COMPARED_MAX).map(|number| number.to_string()).collect();
    let ballots: Vec<Ballot<'_>> = names
        .iter()
        .map(|voter| Ballot { election: 0, voter, choice: "for", weight: U256::from(1) })
        .collect();
    let refused = Blocs::of(&ballots, U256::ZERO, Similarity::CosineAtLeast(0.9)).unwrap_err();
    assert_eq!(refused, BlocsError::TooMany { count: COMPARED_MAX + 1 });
    assert_eq!(Blocs::of(&ballots, U256::ZERO, Similarity::Identical).unwrap().count(), 1);
}

#[test]
fn the_cheapest_way_is_found() {
    let number = U256::from;
    let pool = Way::Buy { reserve_asset: number(1_000_u64), reserve_money: number(500_u64) };
    // 500·100/900 = 55.6, rounded against the buyer.
    assert_eq!(pool.cost_up(number(100)), Some(number(56)));
    assert_eq!(pool.cost_up(number(1_000)), None, "a pool never sells everything");
    let loan = Way::Borrow {
        available: number(400_u64),
        price: number(1_u64),
        price_unit: number(2_u64),
        rate_bps: 1_000,
        seconds: 31_536_000 / 10,
    };
    // Worth 50 at 10 % a year for a tenth of a year: 0.5, rounded up.
    assert_eq!(loan.cost_up(number(100)), Some(number(1)));
    assert_eq!(loan.cost_up(number(401)), None);
    let offer = |weight: u64, price: u64| Offer { weight: number(weight), price: number(price) };
    let bribes =
        Way::Offers(vec![offer(60, 30), offer(50, 10), offer(0, 0), offer(45, 9), offer(10, 1)]);
    // The cheapest for their weight are those of 10, 50 and 45, and all three are needed.
    assert_eq!(bribes.cost_up(number(100)), Some(number(20)));
    // 60 for 30 is needed for 160, and nothing can be left out of 165.
    assert_eq!(bribes.cost_up(number(160)), Some(number(50)));
    assert_eq!(bribes.cost_up(number(166)), None);
    // 10, 50 and 45 reach 94; without the 10 there are 95.
    assert_eq!(bribes.cost_up(number(94)), Some(number(19)));
    let identities = Way::Each { weight: number(3_u64), price: number(2_u64), count_max: 40 };
    assert_eq!(identities.cost_up(number(100)), Some(number(68)));
    assert_eq!(identities.cost_up(number(121)), None);
    let ways = [pool, bribes, identities, loan];
    let best = cheapest(&ways, number(100)).unwrap();
    assert_eq!((best.way, best.cost), (3, number(1)));
    let best = cheapest(&ways, number(410)).unwrap();
    assert_eq!((best.way, best.cost), (0, number(348)));
    assert!(cheapest(&ways, number(5_000)).is_none());
    assert_eq!(cheapest(&ways, U256::ZERO).unwrap().cost, U256::ZERO);
    assert_eq!(cost_by_value(number(348), number(1_000)).unwrap().decimal(3), "0.348");
    let huge = Way::Each { weight: number(1_u64), price: U256::MAX, count_max: u64::MAX };
    assert_eq!(huge.cost_up(number(2)), None, "more than 256 bits");
}

#[test]
fn a_process_is_measured_by_who_proposes_and_who_is_against() {
    let proposal = |proposer, yes: u64, no: u64, notice: u64| Proposal {
        proposer,
        yes: U256::from(yes),
        no: U256::from(no),
        posted: 1_000,
        vote_began: 1_000 + notice,
    };
    let process = Process::of(&[
        proposal("ann", 80, 20, 10),
        proposal("ann", 100, 0, 40),
        proposal("bob", 81, 19, 20),
        proposal("ann", 0, 0, 30),
    ]);
    assert_eq!(process.proposers.hhi().unwrap().decimal(0), "6250");
    assert_eq!(process.opposed.unwrap().decimal(2), "0.25");
    assert_eq!(process.median_margin.unwrap().decimal(2), "0.62");
    assert_eq!(process.median_notice_seconds, Some(20));
    let none = Process::of(&[]);
    assert!(
        none.opposed.is_none()
            && none.median_margin.is_none()
            && none.median_notice_seconds.is_none()
    );
}
