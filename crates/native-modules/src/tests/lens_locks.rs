//! The lens inside of a callback: what is in the middle of a change is refused, and everything else is answered.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use abi::{
    Erc20, GRAIN, MARKET_LENS, MASTER_CHEF_FACTORY, MarketLens as Lens, MasterChef,
    MasterChefFactory, RewardReserve, STAKING_REWARDS_FACTORY, StakingRewards,
    StakingRewardsFactory, UNISWAP_V2_FACTORY, UniswapV2Factory, UniswapV2Pair, VAULT_FACTORY,
    Vault, VaultFactory,
};
use alloy_primitives::{Address, Bytes, U160, U256};
use alloy_sol_types::{SolCall, SolError as _};
use native_kit::{Call, Outcome, test_host::TestHost};

use crate::TABLE;

const USER: Address = Address::repeat_byte(0x0a);
const TOKEN: Address = Address::repeat_byte(0x71);

/// What the token asks the lens the next time that it moves, and what it was answered.
#[derive(Clone, Default)]
struct Asked {
    next: Rc<RefCell<Vec<Bytes>>>,
    answers: Rc<RefCell<Vec<Outcome>>>,
}

fn number(value: u64) -> U256 {
    U256::from(value)
}

/// Returns a host with a token of which the user has 10^12. Allowances are not checked.
fn host() -> (TestHost, Asked) {
    let mut host = TestHost::new(TABLE);
    host.give(USER, 1_000_000_000);
    let asked = Asked::default();
    let (balances, shared) = (RefCell::new(BTreeMap::<Address, U256>::new()), asked.clone());
    balances.borrow_mut().insert(USER, number(1_000_000_000_000));
    let word = |value: U256| Outcome::Returned(value.to_be_bytes_vec().into());
    host.deploy(TOKEN, move |host, caller, call| {
        if let Ok(asked) = Erc20::balanceOfCall::abi_decode(&call.input) {
            return word(balances.borrow().get(&asked.account).copied().unwrap_or_default());
        }
        let (from, to, value) = match Erc20::transferFromCall::abi_decode(&call.input) {
            Ok(asked) => (asked.from, asked.to, asked.value),
            Err(_) => match Erc20::transferCall::abi_decode(&call.input) {
                Ok(asked) => (caller, asked.to, asked.value),
                Err(_) => return word(number(1)),
            },
        };
        *balances.borrow_mut().entry(from).or_default() -= value;
        *balances.borrow_mut().entry(to).or_default() += value;
        let next = std::mem::take(&mut *shared.next.borrow_mut());
        for input in next {
            let outcome = host.call_from(TOKEN, &Call::reading(MARKET_LENS, input)).unwrap();
            shared.answers.borrow_mut().push(outcome);
        }
        word(number(1))
    });
    (host, asked)
}

fn send<C: SolCall>(host: &mut TestHost, to: Address, call: &C) -> C::Return {
    let output = host.transact(to, USER, 0, &call.abi_encode()).expect("it is allowed");
    C::abi_decode_returns(&output).expect("the function's return type")
}

/// Moves tokens, by a call of the token.
fn pay(host: &mut TestHost, to: Address, value: u64) {
    let transfer = Erc20::transferCall { to, value: number(value) };
    host.call_from(USER, &Call::new(TOKEN, transfer.abi_encode())).unwrap();
}

/// Asks the lens outside of any call, then inside of one: the first answers, the second is refused with `reason`. After it, the lens answers again.
fn check<C: SolCall>(
    (host, asked): (&mut TestHost, &Asked),
    questions: &[Bytes],
    (to, call): (Address, &C),
    reason: &[u8],
) {
    for question in questions {
        host.read(MARKET_LENS, question).expect("it answers when nothing runs");
    }
    *asked.next.borrow_mut() = questions.to_vec();
    send(host, to, call);
    let answers = std::mem::take(&mut *asked.answers.borrow_mut());
    assert_eq!(answers.len(), questions.len(), "the token was moved");
    for answer in answers {
        assert_eq!(answer, Outcome::Reverted(Bytes::copy_from_slice(reason)));
    }
    for question in questions {
        host.read(MARKET_LENS, question).expect("it answers again");
    }
}

#[test]
fn a_pair_is_not_read_in_a_flash_swap() {
    let (mut host, asked) = host();
    let create = UniswapV2Factory::createPairCall { tokenA: GRAIN, tokenB: TOKEN };
    let pair = send(&mut host, UNISWAP_V2_FACTORY, &create);
    pay(&mut host, pair, 4_000_000);
    send(&mut host, GRAIN, &Erc20::transferCall { to: pair, value: number(1_000_000) });
    send(&mut host, pair, &UniswapV2Pair::mintCall { to: USER });
    let (pools, amount) = (vec![pair], number(1_000));
    let questions: Vec<Bytes> = [
        Lens::v2PositionCall {
            pair,
            account: USER,
            entrySqrtPriceX96: U160::ZERO,
            earlierLiquidityPerShare: U256::ZERO,
        }
        .abi_encode(),
        Lens::quoteExactInputCall {
            tokenIn: GRAIN,
            pools: pools.clone(),
            amountIn: amount,
            slippageBps: 50,
        }
        .abi_encode(),
        Lens::quoteExactOutputCall { tokenIn: GRAIN, pools, amountOut: amount, slippageBps: 50 }
            .abi_encode(),
        Lens::concentrationCall { account: pair, words: 1 }.abi_encode(),
    ]
    .map(Bytes::from)
    .to_vec();
    send(&mut host, GRAIN, &Erc20::transferCall { to: pair, value: number(100_000) });
    let swap = UniswapV2Pair::swapCall {
        amount0Out: U256::ZERO,
        amount1Out: number(300_000),
        to: USER,
        data: Bytes::new(),
    };
    let reason = Lens::PoolIsLocked { pool: pair }.abi_encode();
    check((&mut host, &asked), &questions, (pair, &swap), &reason);
    // What is stored of a pair is whole at any time, and so is another pair. A comparison leaves out what can't trade.
    send(&mut host, GRAIN, &Erc20::transferCall { to: pair, value: number(100_000) });
    let direct = Lens::directQuotesCall {
        tokenIn: GRAIN,
        tokenOut: TOKEN,
        amountIn: amount,
        slippageBps: 50,
    };
    let stored = Lens::poolCall { account: pair };
    *asked.next.borrow_mut() = vec![direct.abi_encode().into(), stored.abi_encode().into()];
    send(&mut host, pair, &UniswapV2Pair::swapCall { amount1Out: number(200_000), ..swap });
    let answers = std::mem::take(&mut *asked.answers.borrow_mut());
    let [Outcome::Returned(quotes), Outcome::Returned(_)] = &answers[..] else {
        panic!("{answers:?}")
    };
    assert!(Lens::directQuotesCall::abi_decode_returns(quotes).unwrap().is_empty());
}

#[test]
fn stakes_are_not_read_while_they_change() {
    let (mut host, asked) = host();
    let create = StakingRewardsFactory::createCall {
        owner: USER,
        rewardsDistribution: USER,
        rewardsToken: GRAIN,
        stakingToken: TOKEN,
    };
    let account = send(&mut host, STAKING_REWARDS_FACTORY, &create);
    let stake = StakingRewards::stakeCall { amount: number(1_000) };
    send(&mut host, account, &stake);
    let question =
        Lens::stakingYieldCall { stakingRewards: account, rewardPrice: number(1), compoundings: 1 };
    let reason = Lens::ContractIsLocked { account }.abi_encode();
    check((&mut host, &asked), &[question.abi_encode().into()], (account, &stake), &reason);
}

#[test]
fn a_farm_and_its_reserve_are_not_read_while_they_change() {
    let (mut host, asked) = host();
    let terms = MasterChefFactory::Terms {
        owner: USER,
        developer: USER,
        underlying: TOKEN,
        rewardPerBlock: number(100),
        startBlock: U256::ZERO,
        bonusEndBlock: U256::ZERO,
        name: "Claims".into(),
        symbol: "CLAIM".into(),
    };
    let created = send(&mut host, MASTER_CHEF_FACTORY, &MasterChefFactory::createCall { terms });
    let (chef, reserve) = (created.masterChef, created.reserve);
    let add = MasterChef::addCall { allocPoint: number(1), lpToken: TOKEN, withUpdate: true };
    send(&mut host, chef, &add);
    let deposit = MasterChef::depositCall { pid: U256::ZERO, amount: number(1_000) };
    send(&mut host, chef, &deposit);
    let question: Bytes = Lens::farmYieldCall {
        masterChef: chef,
        pid: U256::ZERO,
        rewardPrice: number(1),
        blocksPerYear: 1_000,
        compoundings: 1,
    }
    .abi_encode()
    .into();
    let reason = |account| Lens::ContractIsLocked { account }.abi_encode();
    check((&mut host, &asked), std::slice::from_ref(&question), (chef, &deposit), &reason(chef));
    let fund = RewardReserve::fundCall { amount: number(10_000) };
    check((&mut host, &asked), &[question], (reserve, &fund), &reason(reserve));
}

#[test]
fn a_vault_is_not_read_while_it_changes() {
    let (mut host, asked) = host();
    let create = VaultFactory::createCall {
        asset: TOKEN,
        decimalsOffset: 0,
        name: "Vault".into(),
        symbol: "V".into(),
    };
    let vault = send(&mut host, VAULT_FACTORY, &create);
    let deposit = Vault::depositCall { assets: number(1_000), receiver: USER };
    send(&mut host, vault, &deposit);
    let question = Lens::assetsPerShareCall { vault }.abi_encode().into();
    let reason = Lens::ContractIsLocked { account: vault }.abi_encode();
    check((&mut host, &asked), &[question], (vault, &deposit), &reason);
}
