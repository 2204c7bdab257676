//! Who is named by votes: referees, price reporters, and who sets the protocol's fees of Uniswap while nobody else is named.

use abi::{
    GOVERNOR, JURIES, Juries, PARAMETERS, PRICE_FEEDS, Parameters, PriceFeeds, REFEREES, REVISIONS,
    Referees, Revisions, STAKE_HOUSE, TREASURY, Treasury, UNISWAP_V2_FACTORY, UNISWAP_V3_FACTORY,
    UniswapV2Factory, UniswapV3Factory, Votes, WORK_HOUSE,
};
use alloy_primitives::{
    Address, B256, U256,
    aliases::{I24, U48},
    uint,
};
use alloy_sol_types::{SolCall, SolError};
use native_kit::{Failure, Module, test_host::TestHost};

use crate::{TABLE, price_feeds, referees};

const ALICE: Address = Address::repeat_byte(1);

fn check_refused(result: Result<Vec<u8>, Failure>, error: &impl SolError) {
    assert_eq!(result.unwrap_err(), Failure::revert(error));
}

fn keys(numbers: &[u8]) -> Vec<B256> {
    numbers.iter().copied().map(B256::repeat_byte).collect()
}

fn set_members(
    host: &mut TestHost,
    caller: Address,
    numbers: &[u8],
    threshold: u16,
) -> Result<Vec<u8>, Failure> {
    let call = Referees::setMembersCall { members: keys(numbers), threshold };
    host.transact(REFEREES, caller, 0, &call.abi_encode())
}

fn members(host: &mut TestHost) -> (Vec<B256>, u16) {
    host.within(REFEREES, |host| referees::load(host, REFEREES)).unwrap()
}

#[test]
fn votes_replace_the_referees_and_leave_no_word_of_the_old_ones() {
    let mut host = TestHost::new(TABLE);
    check_refused(set_members(&mut host, ALICE, &[1], 1), &Referees::NotGovernor { caller: ALICE });
    for (numbers, threshold) in [(&[1, 2, 3, 4, 5][..], 3), (&[7, 8], 2), (&[9, 8, 7], 2)] {
        set_members(&mut host, GOVERNOR, numbers, threshold).unwrap();
        assert_eq!(members(&mut host), (keys(numbers), threshold));
        // The same storage as a ledger that begins with them: nothing is left behind.
        let mut fresh = referees::storage(&keys(numbers), threshold);
        fresh.retain(|_, word| !word.is_zero());
        let slots = host.state().slots;
        let kept =
            slots.iter().filter(|((module, _), word)| *module == REFEREES && !word.is_zero());
        assert!(kept.map(|((_, slot), word)| (slot, word)).eq(fresh.iter()));
    }
    let before = members(&mut host);
    let three = U256::from(3);
    let refusals = [
        (set_members(&mut host, GOVERNOR, &[1, 2, 1], 2), Referees::NotDistinct {}.abi_encode()),
        (set_members(&mut host, GOVERNOR, &[1, 0], 2), Referees::NotDistinct {}.abi_encode()),
        (
            set_members(&mut host, GOVERNOR, &[], 0),
            Referees::MemberCount { count: U256::ZERO, max: U256::from(referees::COUNT_MAX) }
                .abi_encode(),
        ),
        (
            set_members(&mut host, GOVERNOR, &[1, 2, 3], 1),
            Referees::ThresholdOutOfRange { threshold: 1, count: three }.abi_encode(),
        ),
        (
            set_members(&mut host, GOVERNOR, &[1, 2, 3], 4),
            Referees::ThresholdOutOfRange { threshold: 4, count: three }.abi_encode(),
        ),
    ];
    for (result, error) in refusals {
        assert_eq!(result.unwrap_err(), Failure::Revert(error.into()));
    }
    assert_eq!(members(&mut host), before);
}

fn set_reporters(
    host: &mut TestHost,
    caller: Address,
    numbers: &[u8],
    quorum: u16,
) -> Result<Vec<u8>, Failure> {
    let reporters = numbers.iter().copied().map(Address::repeat_byte).collect();
    let call = PriceFeeds::setReportersCall { reporters, quorum };
    host.transact(PRICE_FEEDS, caller, 0, &call.abi_encode())
}

#[test]
fn votes_replace_the_reporters_and_leave_no_word_of_the_old_ones() {
    let mut host = TestHost::new(TABLE);
    let refused = set_reporters(&mut host, ALICE, &[1], 1);
    check_refused(refused, &PriceFeeds::NotGovernor { caller: ALICE });
    for (numbers, quorum) in [(&[1, 2, 3, 4, 5][..], 3), (&[7, 8], 2), (&[9, 8, 7], 2)] {
        set_reporters(&mut host, GOVERNOR, numbers, quorum).unwrap();
        let named: Vec<_> = numbers.iter().copied().map(Address::repeat_byte).collect();
        let mut fresh = price_feeds::storage(&named, quorum);
        fresh.retain(|_, word| !word.is_zero());
        let slots = host.state().slots;
        let kept =
            slots.iter().filter(|((module, _), word)| *module == PRICE_FEEDS && !word.is_zero());
        assert!(kept.map(|((_, slot), word)| (slot, word)).eq(fresh.iter()));
    }
    let three = U256::from(3);
    let refusals = [
        (
            set_reporters(&mut host, GOVERNOR, &[1, 2, 1], 2),
            PriceFeeds::NotDistinct {}.abi_encode(),
        ),
        (set_reporters(&mut host, GOVERNOR, &[0, 1], 2), PriceFeeds::NotDistinct {}.abi_encode()),
        (
            set_reporters(&mut host, GOVERNOR, &[], 0),
            PriceFeeds::ReporterCount {
                count: U256::ZERO,
                max: U256::from(price_feeds::REPORTERS_MAX),
            }
            .abi_encode(),
        ),
        (
            set_reporters(&mut host, GOVERNOR, &[1, 2, 3], 1),
            PriceFeeds::QuorumOutOfRange { quorum: 1, count: three }.abi_encode(),
        ),
    ];
    let before = host.state();
    for (result, error) in refusals {
        assert_eq!(result.unwrap_err(), Failure::Revert(error.into()));
    }
    assert_eq!(host.state(), before);
}

#[test]
fn the_governor_sets_uniswaps_fees_only_while_nobody_else_is_named() {
    let mut host = TestHost::new(TABLE);
    let v2 = |host: &mut TestHost, caller, to| {
        let call = UniswapV2Factory::setFeeToSetterCall { to };
        host.transact(UNISWAP_V2_FACTORY, caller, 0, &call.abi_encode())
    };
    let v3 = |host: &mut TestHost, caller, to| {
        let call = UniswapV3Factory::setOwnerCall { _owner: to };
        host.transact(UNISWAP_V3_FACTORY, caller, 0, &call.abi_encode())
    };
    v2(&mut host, ALICE, ALICE).unwrap_err();
    v3(&mut host, ALICE, ALICE).unwrap_err();
    let tier = UniswapV3Factory::enableFeeAmountCall { fee: uint!(100_U24), tickSpacing: I24::ONE };
    host.transact(UNISWAP_V3_FACTORY, ALICE, 0, &tier.abi_encode()).unwrap_err();
    host.transact(UNISWAP_V3_FACTORY, GOVERNOR, 0, &tier.abi_encode()).unwrap();
    v2(&mut host, GOVERNOR, ALICE).unwrap();
    v3(&mut host, GOVERNOR, ALICE).unwrap();
    v2(&mut host, GOVERNOR, GOVERNOR).unwrap_err();
    v3(&mut host, GOVERNOR, GOVERNOR).unwrap_err();
    v2(&mut host, ALICE, Address::ZERO).unwrap();
    v3(&mut host, ALICE, Address::ZERO).unwrap();
    v2(&mut host, GOVERNOR, GOVERNOR).unwrap();
    v3(&mut host, GOVERNOR, GOVERNOR).unwrap();
}

#[test]
fn a_function_of_a_later_revision_is_unknown_before() {
    let find = |name: &str| TABLE.iter().find(|row: &&Module| row.name == name).unwrap();
    for (name, selector) in [
        ("Referees", Referees::setMembersCall::SELECTOR),
        ("PriceFeeds", PriceFeeds::setReportersCall::SELECTOR),
    ] {
        assert!(find(name).function(&selector, 2).is_none(), "{name}");
        assert!(find(name).function(&selector, 3).is_some(), "{name}");
    }
}

/// Every call that only a proposal which has passed may make, by somebody else, and by the modules themselves.
#[test]
fn nobody_but_the_governor_does_what_only_a_vote_may() {
    let (token, to, amount) = (abi::GRAIN, ALICE, U256::ONE);
    let (start, stop, total) = (1_u64, 2_u64, U256::ONE);
    let note = Votes::noteVoteCall { account: ALICE, until: U48::from(u32::MAX) }.abi_encode();
    let stream = Treasury::streamCall { token, to, total, start, stop };
    let beyond = Treasury::streamBeyondBudgetCall { token, to, total, start, stop };
    let calls: Vec<(&str, Address, Vec<u8>)> = vec![
        (
            "referees",
            REFEREES,
            Referees::setMembersCall { members: keys(&[1]), threshold: 1 }.abi_encode(),
        ),
        (
            "reporters",
            PRICE_FEEDS,
            PriceFeeds::setReportersCall { reporters: vec![ALICE], quorum: 1 }.abi_encode(),
        ),
        ("grant", TREASURY, Treasury::grantCall { token, to, amount }.abi_encode()),
        (
            "large grant",
            TREASURY,
            Treasury::grantBeyondBudgetCall { token, to, amount }.abi_encode(),
        ),
        ("stream", TREASURY, stream.abi_encode()),
        ("large stream", TREASURY, beyond.abi_encode()),
        ("cancel stream", TREASURY, Treasury::cancelStreamCall { id: 1 }.abi_encode()),
        ("summon", JURIES, Juries::summonCall { id: U256::ONE }.abi_encode()),
        (
            "parameter",
            PARAMETERS,
            Parameters::setCall {
                key: B256::from(governance::SAMPLES.key()),
                value: U256::from(4),
            }
            .abi_encode(),
        ),
        (
            "schedule",
            REVISIONS,
            Revisions::scheduleCall { revision: 9, height: 30_000 }.abi_encode(),
        ),
        (
            "reschedule",
            REVISIONS,
            Revisions::rescheduleCall { revision: 9, height: 30_000 }.abi_encode(),
        ),
        ("cancel revision", REVISIONS, Revisions::cancelCall { revision: 9 }.abi_encode()),
        ("note vote of stake", STAKE_HOUSE, note.clone()),
        ("note vote of work", WORK_HOUSE, note),
    ];
    let mut host = TestHost::new(TABLE);
    let before = host.state();
    let mut open = Vec::new();
    for (name, module, call) in &calls {
        for caller in [ALICE, *module, TREASURY, STAKE_HOUSE] {
            let refused = Failure::revert(&Parameters::NotGovernor { caller });
            if host.transact(*module, caller, 0, call) != Err(refused) {
                open.push((*name, caller));
            }
        }
    }
    assert_eq!(open, []);
    assert_eq!(host.state(), before);
}
