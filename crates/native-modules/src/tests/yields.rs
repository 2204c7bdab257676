//! Rewards, farms and vaults from their factories: what is funded, who pays, and what a token that calls back can do.

use std::{cell::RefCell, rc::Rc};

use abi::{
    FeeVault, GRAIN, MASTER_CHEF_FACTORY, MasterChef, MasterChefFactory, ModuleErrors,
    RewardReserve, STAKING_REWARDS_FACTORY, Shares, StakingRewards, StakingRewardsFactory,
    VAULT_FACTORY, Vault, VaultFactory,
};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, SolError, SolEvent};
use native_kit::{Call, Failure, Outcome, test_host::TestHost};

use crate::TABLE;

const OWNER: Address = Address::repeat_byte(0x0a);
const FUNDER: Address = Address::repeat_byte(0x0f);
const DEVELOPER: Address = Address::repeat_byte(0x0d);
const USERS: [Address; 2] = [Address::repeat_byte(0x11), Address::repeat_byte(0x22)];
/// A deployed token: balances are at the slot of the holder's address, allowances are not checked.
const TOKEN: Address = Address::repeat_byte(0x77);

type Hook = Rc<RefCell<Option<Call>>>;

fn amount(value: u64) -> U256 {
    U256::from(value)
}

fn slot(holder: Address) -> U256 {
    holder.into_word().into()
}

/// Calls a function, and decodes what it returns.
fn send<C: SolCall>(
    host: &mut TestHost,
    to: Address,
    from: Address,
    call: &C,
) -> Result<C::Return, Failure> {
    let output = host.transact(to, from, 0, &call.abi_encode())?;
    Ok(C::abi_decode_returns(&output).expect("the function's return type"))
}

fn ask<C: SolCall>(host: &mut TestHost, to: Address, call: &C) -> C::Return {
    let output = host.read(to, &call.abi_encode()).expect("a view answers");
    C::abi_decode_returns(&output).expect("the function's return type")
}

/// Deploys the token with balances of 1,000. Its next transfer makes the call that is put into the hook, as the first
/// user, and goes on whatever comes of it.
fn deploy(host: &mut TestHost) -> Hook {
    let hook: Hook = Rc::default();
    let next = Rc::clone(&hook);
    host.deploy(TOKEN, move |host, caller, call| {
        if let Ok(asked) = abi::Erc20::balanceOfCall::abi_decode(&call.input) {
            return word(host.slot(TOKEN, slot(asked.account)));
        }
        if abi::Erc20::decimalsCall::abi_decode(&call.input).is_ok() {
            return word(amount(6));
        }
        let (from, to, value) = match abi::Erc20::transferFromCall::abi_decode(&call.input) {
            Ok(asked) => (asked.from, asked.to, asked.value),
            Err(_) => match abi::Erc20::transferCall::abi_decode(&call.input) {
                Ok(asked) => (caller, asked.to, asked.value),
                Err(_) => return word(amount(1)),
            },
        };
        let planned = next.borrow_mut().take();
        if let Some(call) = planned {
            let outcome = host.call_from(USERS[0], &call).expect("it is called");
            let refused = ModuleErrors::ReentrancyGuardReentrantCall {}.abi_encode();
            assert_eq!(outcome, Outcome::Reverted(refused.into()), "it was called back");
        }
        let (paid, got) = (host.slot(TOKEN, slot(from)), host.slot(TOKEN, slot(to)));
        let Some(left) = paid.checked_sub(value) else { return Outcome::Reverted(Bytes::new()) };
        set(host, from, left);
        set(host, to, if from == to { paid } else { got + value });
        word(amount(1))
    });
    for holder in [OWNER, FUNDER, USERS[0], USERS[1]] {
        set(host, holder, amount(1_000));
    }
    hook
}

fn word(word: U256) -> Outcome {
    Outcome::Returned(word.to_be_bytes_vec().into())
}

fn set(host: &mut TestHost, holder: Address, balance: U256) {
    if host.slot(TOKEN, slot(holder)) != balance {
        native_kit::Host::store_of(host, TOKEN, slot(holder), balance).expect("it is stored");
    }
}

/// Returns a host with the token, and 1,000 GRAIN for everybody.
fn host() -> (TestHost, Hook) {
    let mut host = TestHost::new(TABLE);
    for holder in [OWNER, FUNDER, USERS[0], USERS[1]] {
        host.give(holder, 1_000);
    }
    let hook = deploy(&mut host);
    (host, hook)
}

fn approve_grain(host: &mut TestHost, owner: Address, spender: Address) {
    let approve = abi::Erc20::approveCall { spender, value: U256::MAX };
    send(host, GRAIN, owner, &approve).unwrap();
}

fn rewards(host: &mut TestHost, reward: Address, staking: Address) -> Address {
    let create = StakingRewardsFactory::createCall {
        owner: OWNER,
        rewardsDistribution: FUNDER,
        rewardsToken: reward,
        stakingToken: staking,
    };
    send(host, STAKING_REWARDS_FACTORY, OWNER, &create).unwrap()
}

fn farm(host: &mut TestHost, underlying: Address, per_block: u64) -> (Address, Address) {
    let terms = MasterChefFactory::Terms {
        owner: OWNER,
        developer: DEVELOPER,
        underlying,
        rewardPerBlock: amount(per_block),
        startBlock: U256::ZERO,
        bonusEndBlock: U256::ZERO,
        name: "Claims on Grain".into(),
        symbol: "cGRAIN".into(),
    };
    let create = MasterChefFactory::createCall { terms };
    let created = send(host, MASTER_CHEF_FACTORY, OWNER, &create).unwrap();
    (created.masterChef, created.reserve)
}

#[test]
fn a_factory_creates_what_the_constructor_would() {
    let (mut host, _) = host();
    let first = rewards(&mut host, GRAIN, TOKEN);
    let second = rewards(&mut host, GRAIN, GRAIN);
    assert_ne!(first, second);
    let logs = host.state().logs;
    let changed = StakingRewards::OwnerChanged { oldOwner: Address::ZERO, newOwner: OWNER };
    assert_eq!((logs[0].0, &logs[0].2), (first, &changed.encode_log_data().data));
    let factory = STAKING_REWARDS_FACTORY;
    assert_eq!(ask(&mut host, factory, &StakingRewardsFactory::countCall {}), amount(2));
    for (index, expected) in
        [(0, first), (1, second), (2, Address::ZERO), (u64::MAX, Address::ZERO)]
    {
        let at = StakingRewardsFactory::atCall { index: amount(index) };
        assert_eq!(ask(&mut host, factory, &at), expected);
    }
    for (account, is) in [(first, true), (TOKEN, false)] {
        assert_eq!(ask(&mut host, factory, &StakingRewardsFactory::isInstanceCall { account }), is);
    }
    assert_eq!(ask(&mut host, first, &StakingRewards::rewardsDurationCall {}), amount(604_800));
    let create = StakingRewardsFactory::createCall {
        owner: Address::ZERO,
        rewardsDistribution: FUNDER,
        rewardsToken: GRAIN,
        stakingToken: GRAIN,
    };
    let refused = send(&mut host, factory, OWNER, &create);
    assert_eq!(refused, Err(Failure::message("Owner address cannot be 0")));
}

#[test]
fn stakes_of_grain_are_not_paid_out_as_rewards_of_grain() {
    let (mut host, _) = host();
    let pool = rewards(&mut host, GRAIN, GRAIN);
    for user in USERS {
        approve_grain(&mut host, user, pool);
        send(&mut host, pool, user, &StakingRewards::stakeCall { amount: amount(500) }).unwrap();
    }
    let notify = |reward: u64| StakingRewards::notifyRewardAmountCall { reward: amount(reward) };
    send(&mut host, pool, OWNER, &StakingRewards::setRewardsDurationCall { duration: amount(10) })
        .unwrap();
    // The contract holds 1,000, all of it stakes.
    let too_high = Err(Failure::message("Provided reward too high"));
    assert_eq!(send(&mut host, pool, FUNDER, &notify(10)).map(drop), too_high);
    send(&mut host, GRAIN, FUNDER, &abi::Erc20::transferCall { to: pool, value: amount(100) })
        .unwrap();
    send(&mut host, pool, FUNDER, &notify(100)).unwrap();
    host.time += 10;
    // Announced again without funds: earned rewards are counted twice, as by the original. Nobody's stake pays for it.
    send(&mut host, pool, FUNDER, &notify(100)).unwrap();
    host.time += 10;
    send(&mut host, pool, USERS[0], &StakingRewards::exitCall {}).unwrap();
    assert_eq!(host.balance_of(USERS[0]), amount(1_100));
    let refused = send(&mut host, pool, USERS[1], &StakingRewards::getRewardCall {});
    let (reward, available) = (amount(100), U256::ZERO);
    let not_funded = StakingRewards::RewardNotFunded { reward, available };
    assert_eq!(refused.map(drop), Err(Failure::revert(&not_funded)));
    send(&mut host, pool, USERS[1], &StakingRewards::withdrawCall { amount: amount(500) }).unwrap();
    assert_eq!(host.balance_of(USERS[1]), amount(1_000));
}

#[test]
fn a_farm_pays_from_deposits_and_claims_are_redeemed() {
    let (mut host, _) = host();
    let (chef, reserve) = farm(&mut host, GRAIN, 100);
    assert_eq!(ask(&mut host, chef, &MasterChef::sushiCall {}), reserve);
    assert_eq!(ask(&mut host, reserve, &RewardReserve::ownerCall {}), chef);
    assert_eq!(ask(&mut host, reserve, &Shares::decimalsCall {}), 18);
    assert_eq!(ask(&mut host, reserve, &Shares::symbolCall {}), "cGRAIN");
    let add = MasterChef::addCall { allocPoint: amount(1), lpToken: TOKEN, withUpdate: true };
    send(&mut host, chef, OWNER, &add).unwrap();
    let deposit = MasterChef::depositCall { pid: U256::ZERO, amount: amount(10) };
    send(&mut host, chef, USERS[0], &deposit).unwrap();
    // Nothing is funded, so nothing is promised.
    host.height += 5;
    let pending = MasterChef::pendingSushiCall { pid: U256::ZERO, user: USERS[0] };
    assert_eq!(ask(&mut host, chef, &pending), U256::ZERO);
    send(&mut host, chef, USERS[1], &MasterChef::updatePoolCall { pid: U256::ZERO }).unwrap();
    // 550 last for five blocks: 100 for the pool and 10 for the developer each.
    approve_grain(&mut host, FUNDER, reserve);
    let funded = send(&mut host, reserve, FUNDER, &RewardReserve::fundCall { amount: amount(550) });
    assert_eq!(funded, Ok(amount(550)));
    let funder = RewardReserve::fundedByCall { account: FUNDER };
    assert_eq!(ask(&mut host, reserve, &funder), amount(550));
    host.height += 3;
    assert_eq!(ask(&mut host, chef, &pending), amount(300));
    host.height += 30;
    assert_eq!(ask(&mut host, chef, &pending), amount(500));
    let withdraw = MasterChef::withdrawCall { pid: U256::ZERO, amount: amount(10) };
    send(&mut host, chef, USERS[0], &withdraw).unwrap();
    let claims = Shares::balanceOfCall { account: USERS[0] };
    assert_eq!(ask(&mut host, reserve, &claims), amount(500));
    assert_eq!(ask(&mut host, reserve, &RewardReserve::undrawnCall {}), U256::ZERO);
    let redeem = RewardReserve::withdrawToCall { account: USERS[1], amount: amount(500) };
    assert_eq!(send(&mut host, reserve, USERS[0], &redeem), Ok(true));
    assert_eq!(host.balance_of(USERS[1]), amount(1_500));
    assert_eq!(host.balance_of(reserve), amount(50), "the developer's claims");
    let again = send(&mut host, reserve, USERS[0], &redeem);
    let error = Shares::ERC20InsufficientBalance {
        sender: USERS[0],
        balance: U256::ZERO,
        needed: amount(500),
    };
    assert_eq!(again, Err(Failure::revert(&error)));
}

#[test]
fn only_the_farm_draws_and_never_more_than_is_there() {
    let (mut host, _) = host();
    let (chef, reserve) = farm(&mut host, GRAIN, 100);
    let mint = RewardReserve::mintCall { to: OWNER, amount: amount(1) };
    let refused = send(&mut host, reserve, OWNER, &mint).map(drop);
    assert_eq!(refused, Err(Failure::message("Ownable: caller is not the owner")));
    let refused = send(&mut host, reserve, chef, &mint).map(drop);
    let error = RewardReserve::ReserveNotFunded { amount: amount(1), undrawn: U256::ZERO };
    assert_eq!(refused, Err(Failure::revert(&error)));
    let nobody = RewardReserve::mintCall { to: Address::ZERO, amount: U256::ZERO };
    let refused = send(&mut host, reserve, chef, &nobody).map(drop);
    assert_eq!(refused, Err(Failure::message("ERC20: mint to the zero address")));
}

/// imBTC, Cream / AMP, Curve: a staked token calls back while the farm moves it. Each pair of functions is tried.
#[test]
fn a_farm_is_locked_while_it_runs() {
    let (mut host, hook) = host();
    let (chef, _) = farm(&mut host, GRAIN, 100);
    let add = MasterChef::addCall { allocPoint: amount(1), lpToken: TOKEN, withUpdate: true };
    send(&mut host, chef, OWNER, &add).unwrap();
    let pid = U256::ZERO;
    let deposit = MasterChef::depositCall { pid, amount: amount(10) }.abi_encode();
    host.transact(chef, USERS[0], 0, &deposit).unwrap();
    host.transact(chef, USERS[1], 0, &deposit).unwrap();
    let withdraw = MasterChef::withdrawCall { pid, amount: amount(1) }.abi_encode();
    let leave = MasterChef::emergencyWithdrawCall { pid }.abi_encode();
    let inner = [
        deposit.clone(),
        withdraw.clone(),
        leave.clone(),
        MasterChef::updatePoolCall { pid }.abi_encode(),
        MasterChef::massUpdatePoolsCall {}.abi_encode(),
        MasterChef::migrateCall { pid }.abi_encode(),
        MasterChef::setCall { pid, allocPoint: amount(2), withUpdate: false }.abi_encode(),
        add.abi_encode(),
        MasterChef::devCall { newDeveloper: OWNER }.abi_encode(),
        MasterChef::transferOwnershipCall { newOwner: FUNDER }.abi_encode(),
    ];
    for outer in [&deposit, &withdraw, &leave] {
        for inner in &inner {
            let mut host = host.clone();
            *hook.borrow_mut() = Some(Call::new(chef, inner.clone()));
            host.transact(chef, USERS[0], 0, outer).unwrap();
            assert!(hook.borrow().is_none(), "the token has called back");
            // The other one's stake is there.
            let other = MasterChef::emergencyWithdrawCall { pid };
            send(&mut host, chef, USERS[1], &other).unwrap();
            assert_eq!(host.slot(TOKEN, slot(USERS[1])), amount(1_000));
        }
    }
}

/// Claims staked in the farm that pays them: rewards never come out of others' stakes.
#[test]
fn a_farm_for_its_own_claims_is_solvent() {
    let (mut host, _) = host();
    let (chef, reserve) = farm(&mut host, GRAIN, 100);
    for lp in [TOKEN, reserve] {
        let add = MasterChef::addCall { allocPoint: amount(1), lpToken: lp, withUpdate: true };
        send(&mut host, chef, OWNER, &add).unwrap();
    }
    approve_grain(&mut host, FUNDER, reserve);
    send(&mut host, reserve, FUNDER, &RewardReserve::fundCall { amount: amount(900) }).unwrap();
    for user in USERS {
        let deposit = MasterChef::depositCall { pid: U256::ZERO, amount: amount(10) };
        send(&mut host, chef, user, &deposit).unwrap();
        host.height += 5;
    }
    for user in USERS {
        let claim = MasterChef::withdrawCall { pid: U256::ZERO, amount: amount(10) };
        send(&mut host, chef, user, &claim).unwrap();
        let approve = Shares::approveCall { spender: chef, value: U256::MAX };
        send(&mut host, reserve, user, &approve).unwrap();
        let deposit = MasterChef::depositCall { pid: amount(1), amount: amount(50) };
        send(&mut host, chef, user, &deposit).unwrap();
    }
    // The reserve runs dry long before this.
    host.height += 1_000;
    for user in USERS {
        let before = ask(&mut host, reserve, &Shares::balanceOfCall { account: user });
        let leave = MasterChef::withdrawCall { pid: amount(1), amount: amount(50) };
        send(&mut host, chef, user, &leave).unwrap();
        let after = ask(&mut host, reserve, &Shares::balanceOfCall { account: user });
        assert!(amount(50) <= after - before);
    }
    let supply = ask(&mut host, reserve, &Shares::totalSupplyCall {});
    let undrawn = ask(&mut host, reserve, &RewardReserve::undrawnCall {});
    assert!(supply + undrawn <= host.balance_of(reserve));
}

#[test]
fn a_vault_of_grain_answers_as_one_of_any_token() {
    let (mut host, _) = host();
    for asset in [GRAIN, TOKEN] {
        let create = VaultFactory::createCall {
            asset,
            decimalsOffset: 3,
            name: "Vault".into(),
            symbol: "v".into(),
        };
        let vault = send(&mut host, VAULT_FACTORY, OWNER, &create).unwrap();
        if asset == GRAIN {
            approve_grain(&mut host, USERS[0], vault);
        }
        let decimals = ask(&mut host, vault, &Shares::decimalsCall {});
        assert_eq!(decimals, if asset == GRAIN { 21 } else { 9 });
        let deposit = Vault::depositCall { assets: amount(100), receiver: USERS[1] };
        assert_eq!(send(&mut host, vault, USERS[0], &deposit), Ok(amount(100_000)));
        assert_eq!(ask(&mut host, vault, &Vault::totalAssetsCall {}), amount(100));
        let (owner, receiver) = (USERS[1], OWNER);
        let redeem = Vault::redeemCall { shares: amount(1_000), receiver, owner };
        let error = Shares::ERC20InsufficientAllowance {
            spender: USERS[0],
            allowance: U256::ZERO,
            needed: amount(1_000),
        };
        assert_eq!(send(&mut host, vault, USERS[0], &redeem), Err(Failure::revert(&error)));
        assert_eq!(send(&mut host, vault, USERS[1], &redeem), Ok(amount(1)));
    }
}

fn fee_vault(host: &mut TestHost) -> Address {
    let create = VaultFactory::createFeeVaultCall {
        asset: GRAIN,
        decimalsOffset: 3,
        name: "Fees".into(),
        symbol: "FEE".into(),
    };
    let vault = send(host, VAULT_FACTORY, OWNER, &create).unwrap();
    for user in USERS {
        approve_grain(host, user, vault);
    }
    vault
}

#[test]
fn a_fee_vault_sells_fees_and_its_shares_get_the_proceeds_over_a_week() {
    let (mut host, _) = host();
    let vault = fee_vault(&mut host);
    let deposit = Vault::depositCall { assets: amount(100), receiver: USERS[0] };
    send(&mut host, vault, USERS[0], &deposit).unwrap();
    // Fees, such as shares of a pair.
    let fees = abi::Erc20::transferCall { to: vault, value: amount(500) };
    host.call_from(FUNDER, &Call::new(TOKEN, fees.abi_encode())).unwrap();
    let offer = FeeVault::offerCall { token: TOKEN };
    assert_eq!(send(&mut host, vault, USERS[1], &offer), Ok(amount(500)));
    let unsold = FeeVault::LotUnsold { token: TOKEN, left: amount(500) };
    assert_eq!(send(&mut host, vault, USERS[1], &offer), Err(Failure::revert(&unsold)));
    for token in [GRAIN, vault] {
        let error = Failure::revert(&FeeVault::NotForSale { token });
        assert_eq!(send(&mut host, vault, OWNER, &FeeVault::offerCall { token }), Err(error));
    }
    let buy = |amount_of: u64| FeeVault::buyCall {
        token: TOKEN,
        amount: amount(amount_of),
        paymentMax: amount(700),
        receiver: OWNER,
    };
    assert!(send(&mut host, vault, USERS[1], &buy(500)).is_err(), "it begins far above any price");
    // 2^128 / 2^68 / 10^18: a little more than one GRAIN unit for each.
    host.time += 68 * 300;
    let price = ask(&mut host, vault, &FeeVault::priceOfCall { token: TOKEN });
    assert_eq!(price, U256::from(1_u64 << 60));
    let payment = send(&mut host, vault, USERS[1], &buy(500)).unwrap();
    assert_eq!(payment, amount(577));
    assert_eq!(host.slot(TOKEN, slot(OWNER)), amount(1_500));
    let lot = ask(&mut host, vault, &FeeVault::lotCall { token: TOKEN });
    assert_eq!((lot.amount, lot.offeredAt), (U256::ZERO, 1_000));
    assert_eq!(ask(&mut host, vault, &FeeVault::priceOfCall { token: TOKEN }), U256::ZERO);
    let nothing = FeeVault::NothingToOffer { token: TOKEN };
    assert_eq!(send(&mut host, vault, OWNER, &offer), Err(Failure::revert(&nothing)));
    let too_small = FeeVault::LotTooSmall { amount: amount(1), left: U256::ZERO };
    assert_eq!(send(&mut host, vault, USERS[1], &buy(1)), Err(Failure::revert(&too_small)));

    // Who comes for the sale and leaves gets nothing of it.
    assert_eq!(ask(&mut host, vault, &Vault::totalAssetsCall {}), amount(100));
    let guest = Vault::depositCall { assets: amount(100), receiver: USERS[1] };
    let shares = send(&mut host, vault, USERS[1], &guest).unwrap();
    let leave = Vault::redeemCall { shares, receiver: USERS[1], owner: USERS[1] };
    assert_eq!(send(&mut host, vault, USERS[1], &leave), Ok(amount(100)));
    host.time += 302_400;
    assert_eq!(ask(&mut host, vault, &FeeVault::lockedAssetsCall {}), amount(289));
    assert_eq!(ask(&mut host, vault, &Vault::totalAssetsCall {}), amount(100 + 288));
    host.time += 302_400;
    let shares = Shares::balanceOfCall { account: USERS[0] };
    let shares = ask(&mut host, vault, &shares);
    let leave = Vault::redeemCall { shares, receiver: USERS[0], owner: USERS[0] };
    // A unit is the part of the virtual shares, and what rounding leaves.
    let got = send(&mut host, vault, USERS[0], &leave).unwrap();
    assert!((amount(670)..=amount(677)).contains(&got), "{got}");
}

/// The token that is sold calls back: into every function that changes something.
#[test]
fn a_fee_vault_is_locked_while_it_sells() {
    let (mut host, hook) = host();
    let vault = fee_vault(&mut host);
    let fees = abi::Erc20::transferCall { to: vault, value: amount(500) };
    host.call_from(FUNDER, &Call::new(TOKEN, fees.abi_encode())).unwrap();
    send(&mut host, vault, OWNER, &FeeVault::offerCall { token: TOKEN }).unwrap();
    host.time += 100 * 300;
    let (receiver, owner) = (USERS[0], USERS[0]);
    let buy =
        FeeVault::buyCall { token: TOKEN, amount: amount(5), paymentMax: amount(9), receiver };
    let (assets, shares) = (U256::ONE, U256::ONE);
    for inner in [
        Vault::depositCall { assets, receiver }.abi_encode(),
        Vault::mintCall { shares, receiver }.abi_encode(),
        Vault::withdrawCall { assets, receiver, owner }.abi_encode(),
        Vault::redeemCall { shares, receiver, owner }.abi_encode(),
        FeeVault::offerCall { token: TOKEN }.abi_encode(),
        buy.abi_encode(),
    ] {
        *hook.borrow_mut() = Some(Call::new(vault, inner));
        send(&mut host, vault, USERS[0], &buy).unwrap();
        assert!(hook.borrow().is_none(), "the token has called back");
    }
}

#[test]
fn factories_refuse_what_they_cannot_keep() {
    let (mut host, _) = host();
    let create = |decimals_offset: u8, size: usize| VaultFactory::createCall {
        asset: TOKEN,
        decimalsOffset: decimals_offset,
        name: "n".repeat(size),
        symbol: "v".into(),
    };
    let too_large = VaultFactory::OffsetTooLarge { offset: 78, max: 77 };
    let refused = send(&mut host, VAULT_FACTORY, OWNER, &create(78, 1));
    assert_eq!(refused, Err(Failure::revert(&too_large)));
    let (field, size, max) = ("name".to_owned(), amount(65), amount(64));
    let too_long = VaultFactory::TextTooLong { field, size, max };
    let refused = send(&mut host, VAULT_FACTORY, OWNER, &create(77, 65));
    assert_eq!(refused, Err(Failure::revert(&too_long)));
    assert!(send(&mut host, VAULT_FACTORY, OWNER, &create(77, 64)).is_ok());
}
