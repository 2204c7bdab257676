//! The houses: each agrees with its rule alone after random calls, and nobody but the Governor locks, nobody but the issuer mints.

use abi::{
    Delegation, GOVERNOR, ISSUANCE, STAKE_HOUSE, StakeHouse, Votes, WORK_HOUSE, WorkHouse,
    convert::{account, address},
    permit_domain,
};
use alloy_primitives::{Address, U256, aliases::U48};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolError, SolEvent, SolStruct};
use governance::{
    voice,
    votes::{self, House, PlainBook, Refused},
};
use native_kit::{
    Failure,
    test_host::{CHAIN_ID, TestHost},
};
use proptest::{collection::vec, prelude::*};
use units::{AccountId, Bps, UnixSeconds};

use crate::{TABLE, ended::Ended};

const DAY: u64 = 86_400;
/// Some day of 2026.
const START: u64 = 20_786 * DAY;
/// What each account can deposit.
const RICHES: u64 = 1_000_000;

fn who(number: u8) -> Address {
    Address::repeat_byte(number)
}

fn host() -> TestHost {
    let mut host = TestHost::new(TABLE);
    host.time = START;
    for number in 1..=4 {
        host.give(who(number), RICHES);
    }
    host
}

fn stake_house() -> House {
    House::stake(Bps::new(300).unwrap())
}

fn read<C: SolCall>(host: &mut TestHost, module: Address, call: &C) -> C::Return {
    let answer = host.read(module, &call.abi_encode()).unwrap();
    C::abi_decode_returns(&answer).unwrap()
}

fn check_refused<T: std::fmt::Debug>(result: Result<T, Failure>, error: &impl SolError) {
    assert_eq!(result.unwrap_err(), Failure::revert(error));
}

fn deposit(host: &mut TestHost, caller: u8, amount: u64) {
    host.transact(STAKE_HOUSE, who(caller), amount, &StakeHouse::depositCall {}.abi_encode())
        .unwrap();
}

fn votes_of(host: &mut TestHost, module: Address, number: u8) -> U256 {
    read(host, module, &Votes::getVotesCall { account: who(number) })
}

fn note_vote(
    host: &mut TestHost,
    module: Address,
    number: u8,
    until: u64,
) -> Result<U256, Failure> {
    let call = Votes::noteVoteCall { account: who(number), until: U48::from(until) };
    let answer = host.transact(module, GOVERNOR, 0, &call.abi_encode())?;
    Ok(Votes::noteVoteCall::abi_decode_returns(&answer).unwrap())
}

#[test]
fn a_deposit_is_paid_back() {
    let mut host = host();
    deposit(&mut host, 1, 700);
    let names: Vec<_> = host.state().logs.iter().map(|(_, topics, _)| topics[0]).collect();
    let expected = [
        StakeHouse::Deposited::SIGNATURE_HASH,
        Votes::DelegateChanged::SIGNATURE_HASH,
        Votes::DelegateVotesChanged::SIGNATURE_HASH,
    ];
    assert_eq!(names, expected);
    assert_eq!(host.balance_of(STAKE_HOUSE), U256::from(700));
    assert_eq!(votes_of(&mut host, STAKE_HOUSE, 1), U256::from(700));
    assert_eq!(read(&mut host, STAKE_HOUSE, &Votes::delegatesCall { account: who(1) }), who(1));
    let withdraw =
        |amount: u64| StakeHouse::withdrawCall { amount: U256::from(amount) }.abi_encode();
    let refused = host.transact(STAKE_HOUSE, who(1), 0, &withdraw(701));
    let (held, needed) = (U256::from(700), U256::from(701));
    check_refused(refused, &StakeHouse::InsufficientDeposit { account: who(1), held, needed });
    host.transact(STAKE_HOUSE, who(1), 0, &withdraw(700)).unwrap();
    assert_eq!(host.balance_of(who(1)), U256::from(RICHES));
    assert_eq!(host.balance_of(STAKE_HOUSE), U256::ZERO);
    assert_eq!(votes_of(&mut host, STAKE_HOUSE, 1), U256::ZERO);
}

#[test]
fn what_a_wallet_asks_a_house() {
    let mut host = host();
    for (module, name, symbol, decimals) in [
        (STAKE_HOUSE, "Gleaner Stake House", "STAKE", 18),
        (WORK_HOUSE, "Gleaner Work House", "WORK", 0),
    ] {
        assert_eq!(read(&mut host, module, &Votes::nameCall {}), name);
        assert_eq!(read(&mut host, module, &Votes::symbolCall {}), symbol);
        assert_eq!(read(&mut host, module, &Votes::decimalsCall {}), decimals);
        assert_eq!(read(&mut host, module, &Votes::clockCall {}), U48::from(START));
        assert_eq!(read(&mut host, module, &Votes::CLOCK_MODECall {}), "mode=timestamp");
        let domain = read(&mut host, module, &Votes::eip712DomainCall {});
        assert_eq!((domain.name.as_str(), domain.verifyingContract), (name, module));
        let separator = permit_domain(name, CHAIN_ID, module).separator();
        assert_eq!(read(&mut host, module, &Votes::DOMAIN_SEPARATORCall {}), separator);
        let half = Votes::coefficientCall { numerator: 1, denominator: 2 };
        let found = read(&mut host, module, &half);
        assert_eq!((found.least, found.most), (0, 0));
        for timepoint in [U256::from(START), U256::from(START) + U256::ONE, U256::MAX] {
            let clock = U48::from(START);
            let error = Votes::ERC5805FutureLookup { timepoint, clock };
            let call = Votes::getPastTotalSupplyCall { timepoint };
            check_refused(host.read(module, &call.abi_encode()), &error);
            let call = Votes::getPastVotesCall { account: who(1), timepoint };
            check_refused(host.read(module, &call.abi_encode()), &error);
        }
    }
}

#[test]
fn only_the_governor_locks_and_only_the_issuer_mints() {
    let mut host = host();
    deposit(&mut host, 1, 700);
    let call = Votes::noteVoteCall { account: who(1), until: U48::from(START + 10) }.abi_encode();
    for module in [STAKE_HOUSE, WORK_HOUSE] {
        for caller in [who(1), ISSUANCE, module] {
            check_refused(host.transact(module, caller, 0, &call), &Votes::NotGovernor { caller });
        }
    }
    let call = WorkHouse::mintCall { account: who(1), work: U256::from(7) }.abi_encode();
    for caller in [who(1), GOVERNOR, WORK_HOUSE] {
        let refused = host.transact(WORK_HOUSE, caller, 0, &call);
        check_refused(refused, &WorkHouse::NotIssuance { caller });
    }
    let max = U256::from(u128::MAX);
    let work = max + U256::ONE;
    let call = WorkHouse::mintCall { account: who(1), work }.abi_encode();
    let refused = host.transact(WORK_HOUSE, ISSUANCE, 0, &call);
    check_refused(refused, &WorkHouse::WorkTooLarge { work, max });
}

/// Attacks of a holder against the ledger: a loan of one block, and a vote before a sale.
#[test]
fn what_is_borrowed_or_has_voted_cannot_vote_and_leave() {
    let mut host = host();
    deposit(&mut host, 1, 100);
    host.time += 8 * DAY;
    let snapshot = U256::from(host.time - 1);
    deposit(&mut host, 2, RICHES);
    let past = Votes::getPastVotesCall { account: who(2), timepoint: snapshot };
    assert_eq!(read(&mut host, STAKE_HOUSE, &past), U256::ZERO);
    let until = host.time + 20 * DAY;
    assert_eq!(note_vote(&mut host, STAKE_HOUSE, 1, until), Ok(U256::from(100)));
    let withdraw = StakeHouse::withdrawCall { amount: U256::ONE }.abi_encode();
    let locked = StakeHouse::DepositLocked { account: who(1), until: U48::from(until) };
    check_refused(host.transact(STAKE_HOUSE, who(1), 0, &withdraw), &locked);
    let call = StakeHouse::lockedUntilCall { account: who(1) };
    assert_eq!(read(&mut host, STAKE_HOUSE, &call), U48::from(until));
    let call = Votes::lastVoteCall { account: who(1) };
    assert_eq!(read(&mut host, STAKE_HOUSE, &call), U48::from(host.time));
    host.time = until;
    host.transact(STAKE_HOUSE, who(1), 0, &withdraw).unwrap();
    let (now, latest) = (host.time, U48::from(host.time + 365 * DAY));
    let refused = note_vote(&mut host, STAKE_HOUSE, 1, now + 365 * DAY + 1);
    check_refused(refused, &Votes::LockTooLong { until: latest + U48::ONE, latest });
}

fn key(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&[number; 32].into()).unwrap()
}

fn signed(module: Address, name: &str, delegation: &Delegation) -> Votes::delegateBySigCall {
    let digest = delegation.eip712_signing_hash(&permit_domain(name, CHAIN_ID, module));
    let signature = key(7).sign_hash_sync(&digest).unwrap();
    let Delegation { delegatee, nonce, expiry } = *delegation;
    Votes::delegateBySigCall {
        delegatee,
        nonce,
        expiry,
        v: 27 + u8::from(signature.v()),
        r: signature.r().into(),
        s: signature.s().into(),
    }
}

#[test]
fn a_signature_chooses_a_delegate_once() {
    let mut host = host();
    let signer = key(7).address();
    host.give(signer, 50);
    host.transact(STAKE_HOUSE, signer, 50, &StakeHouse::depositCall {}.abi_encode()).unwrap();
    let (expiry, nonce) = (U256::from(START), U256::ZERO);
    let delegation = Delegation { delegatee: who(3), nonce, expiry };
    let call = signed(STAKE_HOUSE, "Gleaner Stake House", &delegation);
    let mut late = host.clone();
    late.time += 1;
    let refused = late.transact(STAKE_HOUSE, who(1), 0, &call.abi_encode());
    check_refused(refused, &Votes::VotesExpiredSignature { expiry });
    // For another house it is another account's, with another nonce at most: never the signer's.
    host.transact(WORK_HOUSE, who(1), 0, &call.abi_encode()).unwrap_err();
    let mut flawed = call.clone();
    flawed.v = 26;
    let refused = host.transact(STAKE_HOUSE, who(1), 0, &flawed.abi_encode());
    check_refused(refused, &Votes::ECDSAInvalidSignature {});
    flawed.s = U256::MAX.into();
    let refused = host.transact(STAKE_HOUSE, who(1), 0, &flawed.abi_encode());
    check_refused(refused, &Votes::ECDSAInvalidSignatureS { s: flawed.s });
    host.transact(STAKE_HOUSE, who(1), 0, &call.abi_encode()).unwrap();
    // 3 % of the house is one vote.
    assert_eq!(votes_of(&mut host, STAKE_HOUSE, 3), U256::ONE);
    assert_eq!(read(&mut host, STAKE_HOUSE, &Votes::delegatesCall { account: signer }), who(3));
    let refused = host.transact(STAKE_HOUSE, who(1), 0, &call.abi_encode());
    let used = Votes::InvalidAccountNonce { account: signer, currentNonce: U256::ONE };
    check_refused(refused, &used);
    assert_eq!(read(&mut host, STAKE_HOUSE, &Votes::noncesCall { owner: signer }), U256::ONE);
}

/// The governed cap is that of the reading.
#[test]
fn the_cap_is_a_parameter() {
    let mut host = host();
    deposit(&mut host, 1, 1_000);
    let call = Votes::delegateCall { delegatee: who(2) }.abi_encode();
    host.transact(STAKE_HOUSE, who(1), 0, &call).unwrap();
    assert_eq!(votes_of(&mut host, STAKE_HOUSE, 2), U256::from(30));
    let key = governance::RECEIVED_CAP.key().into();
    let call = abi::Parameters::setCall { key, value: U256::from(1_000) }.abi_encode();
    host.transact(abi::PARAMETERS, GOVERNOR, 0, &call).unwrap();
    assert_eq!(votes_of(&mut host, STAKE_HOUSE, 2), U256::from(100));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u64),
    Deposit(u8, u64),
    Withdraw(u8, u64),
    Delegate(u8, u8),
    Expire(u8),
    Vote(u8, u64),
    Mint(u8, u128),
    Mature(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = || 1_u8..=4;
    let wait = prop_oneof![1_u64..100, 29 * DAY..32 * DAY, 89 * DAY..91 * DAY, 1..3_000 * DAY];
    let amount = || prop_oneof![0_u64..20, 0_u64..RICHES];
    let step = prop_oneof![
        4 => wait.prop_map(Step::Wait),
        4 => (number(), amount()).prop_map(|(who, amount)| Step::Deposit(who, amount)),
        3 => (number(), amount()).prop_map(|(who, amount)| Step::Withdraw(who, amount)),
        4 => (number(), 0_u8..=5).prop_map(|(from, to)| Step::Delegate(from, to)),
        2 => number().prop_map(Step::Expire),
        3 => (number(), 0_u64..40 * DAY).prop_map(|(who, lock)| Step::Vote(who, lock)),
        4 => (number(), any::<u128>()).prop_map(|(who, work)| Step::Mint(who, work)),
        2 => number().prop_map(Step::Mature),
    ];
    vec(step, 1..40)
}

/// Takes a step by the rule alone.
fn by_rule(
    book: &mut PlainBook,
    house: &House,
    now: UnixSeconds,
    step: Step,
) -> Result<(), Refused> {
    let id = |number: u8| if number == 0 { AccountId::ZERO } else { account(who(number)) };
    let is_work = *house == House::work();
    match step {
        Step::Deposit(who, amount) => {
            votes::credit(book, house, now, id(who), U256::from(amount)).map(drop)
        }
        Step::Withdraw(who, amount) => {
            votes::debit(book, house, now, id(who), U256::from(amount)).map(drop)
        }
        Step::Delegate(from, to) if is_work => {
            voice::delegate(book, now, id(from), id(to)).map(drop)
        }
        Step::Delegate(from, to) => votes::delegate(book, house, now, id(from), id(to)).map(drop),
        Step::Expire(who) => votes::expire(book, house, now, id(who)).map(drop),
        Step::Vote(who, lock) => {
            let until = UnixSeconds::new(now.as_u64() + lock);
            votes::note_vote(book, house, now, id(who), until).map(drop)
        }
        Step::Mint(who, work) => voice::mint(book, now, id(who), work).map(drop),
        Step::Mature(who) => voice::mature(book, now, id(who)).map(drop),
        Step::Wait(_) => Ok(()),
    }
}

/// Takes a step by calldata.
fn by_call(host: &mut TestHost, module: Address, step: Step) -> Result<(), Failure> {
    let (caller, value, input) = match step {
        Step::Deposit(caller, amount) => {
            (who(caller), amount, StakeHouse::depositCall {}.abi_encode())
        }
        Step::Withdraw(caller, amount) => {
            let amount = U256::from(amount);
            (who(caller), 0, StakeHouse::withdrawCall { amount }.abi_encode())
        }
        Step::Delegate(caller, to) => {
            (who(caller), 0, Votes::delegateCall { delegatee: who(to) }.abi_encode())
        }
        Step::Expire(number) => {
            (who(9), 0, Votes::expireCall { account: who(number) }.abi_encode())
        }
        Step::Vote(number, lock) => {
            let until = U48::from(host.time + lock);
            (GOVERNOR, 0, Votes::noteVoteCall { account: who(number), until }.abi_encode())
        }
        Step::Mint(number, work) => {
            let (account, work) = (who(number), U256::from(work));
            (ISSUANCE, 0, WorkHouse::mintCall { account, work }.abi_encode())
        }
        Step::Mature(number) => {
            (who(9), 0, WorkHouse::matureCall { account: who(number) }.abi_encode())
        }
        Step::Wait(seconds) => {
            host.time += seconds;
            return Ok(());
        }
    };
    host.transact(module, caller, value, &input).map(drop)
}

/// Compares everything that a house answers with the rule's answers.
fn check_same(host: &mut TestHost, module: Address, book: &mut PlainBook, house: &House) {
    let now = UnixSeconds::new(host.time);
    let past = UnixSeconds::new(host.time - 40 * DAY);
    let timepoint = U256::from(past.as_u64());
    for number in 1..=5 {
        let (holder, id) = (who(number), account(who(number)));
        let found = votes_of(host, module, number);
        assert_eq!(Ok(found), votes::votes(book, house, now, id));
        let found = read(host, module, &Votes::getPastVotesCall { account: holder, timepoint });
        assert_eq!(Ok(found), votes::past_votes(book, house, now, id, past));
        let found = read(host, module, &Votes::balanceOfCall { account: holder });
        assert_eq!(Ok(found), votes::balance(book, house, now, id));
        let found = read(host, module, &Votes::delegatesCall { account: holder });
        assert_eq!(found, address(votes::Book::delegation(book, id).unwrap().delegate));
        let found = read(host, module, &Votes::expiresAtCall { account: holder });
        let expected = votes::expires_at(book, id).unwrap().unwrap_or_default();
        assert_eq!(found, U48::from(expected.as_u64()));
        if module == WORK_HOUSE {
            let found = read(host, module, &WorkHouse::pendingCall { account: holder });
            let (voice, at) = voice::pending(book, now, id).unwrap();
            let at = U48::from(at.unwrap_or_default().as_u64());
            assert_eq!((found.voice, found.maturesAt), (voice, at));
        } else {
            let found = read(host, module, &StakeHouse::lockedUntilCall { account: holder });
            let expected = votes::locked_until(book, id).unwrap();
            assert_eq!(found, U48::from(expected.as_u64()));
        }
    }
    let found = read(host, module, &Votes::totalSupplyCall {});
    assert_eq!(Ok(found), votes::total(book, house, now));
    let found = read(host, module, &Votes::getPastTotalSupplyCall { timepoint });
    assert_eq!(Ok(found), votes::past_total(book, house, now, past));
    let found = read(host, module, &Votes::coefficientCall { numerator: 1, denominator: 2 });
    let part = votes::Part { numerator: 1, denominator: 2 };
    let expected = votes::coefficient(book, house, now, part).unwrap();
    assert_eq!((found.least, found.most), expected.map_or((0, 0), |it| (it.least, it.most)));
}

fn check_steps(module: Address, house: &House, steps: Vec<Step>) {
    let mut host = host();
    let mut book = PlainBook::new();
    for step in steps {
        if let Step::Deposit(caller, amount) = step
            && host.balance_of(who(caller)) < U256::from(amount)
        {
            continue;
        }
        let before = host.state();
        let by_call = by_call(&mut host, module, step);
        let by_rule = by_rule(&mut book, house, UnixSeconds::new(host.time), step);
        assert_eq!(by_call, by_rule.map_err(|refused| Ended::from(refused).into()), "{step:?}");
        if by_call.is_err() {
            assert!(host.state() == before, "a refused call changes something: {step:?}");
        }
        check_same(&mut host, module, &mut book, house);
        let held = votes::total(&mut book, house, UnixSeconds::new(host.time)).unwrap();
        if module == STAKE_HOUSE {
            assert_eq!(host.balance_of(module), held, "deposits are what the house holds");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_stake_house_is_its_rule(steps in steps()) {
        let is_ours = |step: &Step| !matches!(step, Step::Mint(..) | Step::Mature(_));
        let steps = steps.into_iter().filter(is_ours).collect();
        check_steps(STAKE_HOUSE, &stake_house(), steps);
    }

    #[test]
    fn the_work_house_is_its_rule(steps in steps()) {
        let is_ours = |step: &Step| !matches!(step, Step::Deposit(..) | Step::Withdraw(..));
        let steps = steps.into_iter().filter(is_ours).collect();
        check_steps(WORK_HOUSE, &House::work(), steps);
    }
}
