//! `MasterChef`: divides a reward for each block among pools, and in a pool among those who stake.
//!
//! Storage is that of Sushi `MasterChef` 1.4.2, slot by slot.
//!
//! Deviations. The reward token is always a [`reserve`]: its `mint` draws from what was deposited, and a pool is promised no more than that
//! (`staking::farm::draw`). All functions that change something share a lock, and `emergencyWithdraw` settles before it pays: the original has no lock, so that a staked
//! token that calls back takes a stake, or what is pending, twice.

use abi::MasterChef::{self, MasterChefCalls as Calls};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, sol};
use native_kit::{
    Call, Failure, Function, Host, emit, instance_code,
    slots::{Array, Layout as _, Mapping, Value},
    storage,
};
use staking::farm::{self, BONUS_MULTIPLIER, Emission, Pool, UserInfo};

use crate::{
    openzeppelin::{self, Version, answer, only_owner, safe_math, word},
    tokens,
};

pub(crate) mod factory;
pub(crate) mod reserve;

pub(crate) const CODE: [u8; 12] = instance_code(abi::MASTER_CHEF);

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(MasterChef::ownerCall::SELECTOR),
    Function::view(MasterChef::sushiCall::SELECTOR),
    Function::view(MasterChef::devaddrCall::SELECTOR),
    Function::view(MasterChef::bonusEndBlockCall::SELECTOR),
    Function::view(MasterChef::sushiPerBlockCall::SELECTOR),
    Function::view(MasterChef::BONUS_MULTIPLIERCall::SELECTOR),
    Function::view(MasterChef::migratorCall::SELECTOR),
    Function::view(MasterChef::poolInfoCall::SELECTOR),
    Function::view(MasterChef::userInfoCall::SELECTOR),
    Function::view(MasterChef::totalAllocPointCall::SELECTOR),
    Function::view(MasterChef::startBlockCall::SELECTOR),
    Function::view(MasterChef::poolLengthCall::SELECTOR),
    Function::view(MasterChef::getMultiplierCall::SELECTOR),
    Function::view(MasterChef::pendingSushiCall::SELECTOR),
    Function::nonpayable(MasterChef::addCall::SELECTOR),
    Function::nonpayable(MasterChef::setCall::SELECTOR),
    Function::nonpayable(MasterChef::setMigratorCall::SELECTOR),
    Function::nonpayable(MasterChef::migrateCall::SELECTOR),
    Function::nonpayable(MasterChef::massUpdatePoolsCall::SELECTOR),
    Function::nonpayable(MasterChef::updatePoolCall::SELECTOR),
    Function::nonpayable(MasterChef::depositCall::SELECTOR),
    Function::nonpayable(MasterChef::withdrawCall::SELECTOR),
    Function::nonpayable(MasterChef::emergencyWithdrawCall::SELECTOR),
    Function::nonpayable(MasterChef::devCall::SELECTOR),
    Function::nonpayable(MasterChef::renounceOwnershipCall::SELECTOR),
    Function::nonpayable(MasterChef::transferOwnershipCall::SELECTOR),
];

storage! {
    pub(crate) struct Storage {
        owner: Value<Address>,
        sushi: Value<Address>,
        devaddr: Value<Address>,
        bonus_end_block: Value<U256>,
        sushi_per_block: Value<U256>,
        migrator: Value<Address>,
        pool_info: Array<PoolSlots>,
        user_info: Mapping<U256, Mapping<Address, UserSlots>>,
        total_alloc_point: Value<U256>,
        start_block: Value<U256>,
    }
}

storage! {
    struct PoolSlots {
        lp_token: Value<Address>,
        alloc_point: Value<U256>,
        last_reward_block: Value<U256>,
        acc_sushi_per_share: Value<U256>,
    }
}

storage! {
    struct UserSlots {
        amount: Value<U256>,
        reward_debt: Value<U256>,
    }
}

sol! {
    interface Migrator {
        function migrate(address token) external returns (address);
    }
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let stored = Storage::at(U256::ZERO, 0);
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    if let Some(output) = view(host, stored, &call)? {
        return Ok(output);
    }
    match call {
        Calls::add(call) => add(host, stored, &call),
        Calls::set(call) => set(host, stored, &call),
        Calls::setMigrator(call) => {
            only_owner(host, stored.owner)?;
            stored.migrator.set(host, call.newMigrator)
        }
        Calls::migrate(call) => migrate(host, stored, call.pid),
        Calls::massUpdatePools(_) => mass_update_pools(host, stored),
        Calls::updatePool(call) => update_pool(host, stored, call.pid),
        Calls::deposit(call) => deposit(host, stored, call.pid, call.amount),
        Calls::withdraw(call) => withdraw(host, stored, call.pid, call.amount),
        Calls::emergencyWithdraw(call) => emergency_withdraw(host, stored, call.pid),
        Calls::dev(call) => {
            if stored.devaddr.get(host)? != host.caller() {
                return Err(Failure::message("dev: wut?"));
            }
            stored.devaddr.set(host, call.newDeveloper)
        }
        Calls::renounceOwnership(_) => {
            only_owner(host, stored.owner)?;
            hand_over(host, stored, Address::ZERO)
        }
        Calls::transferOwnership(call) => {
            only_owner(host, stored.owner)?;
            if call.newOwner.is_zero() {
                return Err(Failure::message("Ownable: new owner is the zero address"));
            }
            hand_over(host, stored, call.newOwner)
        }
        _ => unreachable!("answered by `view`"),
    }?;
    Ok(Vec::new())
}

/// Answers a view; `None` for other calls.
fn view(host: &mut dyn Host, stored: Storage, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    Ok(Some(match call {
        Calls::owner(_) => answer(stored.owner.get(host)?),
        Calls::sushi(_) => answer(stored.sushi.get(host)?),
        Calls::devaddr(_) => answer(stored.devaddr.get(host)?),
        Calls::bonusEndBlock(_) => answer(stored.bonus_end_block.get(host)?),
        Calls::sushiPerBlock(_) => answer(stored.sushi_per_block.get(host)?),
        Calls::BONUS_MULTIPLIER(_) => answer(BONUS_MULTIPLIER),
        Calls::migrator(_) => answer(stored.migrator.get(host)?),
        Calls::totalAllocPoint(_) => answer(stored.total_alloc_point.get(host)?),
        Calls::startBlock(_) => answer(stored.start_block.get(host)?),
        Calls::poolLength(_) => answer(U256::from(stored.pool_info.len(host)?)),
        Calls::poolInfo(call) => {
            let slots = stored.pool(host, call.pid)?;
            let pool = slots.load(host)?;
            MasterChef::poolInfoCall::abi_encode_returns(&MasterChef::poolInfoReturn {
                lpToken: slots.lp_token.get(host)?,
                allocPoint: pool.allocation,
                lastRewardBlock: pool.last_reward_block,
                accSushiPerShare: pool.reward_per_share,
            })
        }
        Calls::userInfo(call) => {
            let UserInfo { amount, reward_debt } =
                stored.user(host, call.pid, call.user)?.load(host)?;
            let answer = MasterChef::userInfoReturn { amount, rewardDebt: reward_debt };
            MasterChef::userInfoCall::abi_encode_returns(&answer)
        }
        Calls::getMultiplier(call) => {
            let bonus_end = stored.bonus_end_block.get(host)?;
            answer(farm::multiplier(call.from, call.to, bonus_end).map_err(safe_math)?)
        }
        Calls::pendingSushi(call) => answer(pending(host, stored, call.pid, call.user)?),
        _ => return Ok(None),
    }))
}

fn pending(
    host: &mut dyn Host,
    stored: Storage,
    pid: U256,
    user: Address,
) -> Result<U256, Failure> {
    let slots = stored.pool(host, pid)?;
    let user = stored.user(host, pid, user)?.load(host)?;
    let mut pool = slots.load(host)?;
    let supply = slots.supply(host)?;
    let block = U256::from(host.height());
    if block > pool.last_reward_block && !supply.is_zero() {
        let reward = stored.emission(host)?.reward_down(&pool, block).map_err(safe_math)?;
        let sushi = stored.sushi.get(host)?;
        let drawn = farm::draw(reward, reserve::undrawn_of(host, sushi)?);
        pool.reward_per_share = pool.accumulated_down(drawn.pool, supply).map_err(safe_math)?;
    }
    user.pending_down(pool.reward_per_share).map_err(safe_math)
}

fn add(host: &mut dyn Host, stored: Storage, call: &MasterChef::addCall) -> Result<(), Failure> {
    only_owner(host, stored.owner)?;
    if call.withUpdate {
        mass_update_pools(host, stored)?;
    }
    let last_reward_block = U256::from(host.height()).max(stored.start_block.get(host)?);
    let total = stored.total_alloc_point.get(host)?;
    let total = farm::total_allocation(total, U256::ZERO, call.allocPoint).map_err(safe_math)?;
    stored.total_alloc_point.set(host, total)?;
    let pool = stored.pool_info.push(host)?;
    pool.lp_token.set(host, call.lpToken)?;
    pool.alloc_point.set(host, call.allocPoint)?;
    pool.last_reward_block.set(host, last_reward_block)
}

fn set(host: &mut dyn Host, stored: Storage, call: &MasterChef::setCall) -> Result<(), Failure> {
    only_owner(host, stored.owner)?;
    if call.withUpdate {
        mass_update_pools(host, stored)?;
    }
    let pool = stored.pool(host, call.pid)?;
    let (total, before) = (stored.total_alloc_point.get(host)?, pool.alloc_point.get(host)?);
    let total = farm::total_allocation(total, before, call.allocPoint).map_err(safe_math)?;
    stored.total_alloc_point.set(host, total)?;
    pool.alloc_point.set(host, call.allocPoint)
}

fn migrate(host: &mut dyn Host, stored: Storage, pid: U256) -> Result<(), Failure> {
    let migrator = stored.migrator.get(host)?;
    if migrator.is_zero() {
        return Err(Failure::message("migrate: no migrator"));
    }
    let pool = stored.pool(host, pid)?;
    let (chef, before) = (host.module(), pool.lp_token.get(host)?);
    let balance = tokens::balance_of(host, before, chef)?;
    openzeppelin::approve(host, before, migrator, balance)?;
    let asked = Call::new(migrator, Migrator::migrateCall { token: before }.abi_encode());
    let after = Address::from_word(word(host.call(&asked)?.returned()?)?.into());
    if tokens::balance_of(host, after, chef)? != balance {
        return Err(Failure::message("migrate: bad"));
    }
    pool.lp_token.set(host, after)
}

fn mass_update_pools(host: &mut dyn Host, stored: Storage) -> Result<(), Failure> {
    for pid in 0..stored.pool_info.len(host)? {
        update_pool(host, stored, U256::from(pid))?;
    }
    Ok(())
}

fn update_pool(host: &mut dyn Host, stored: Storage, pid: U256) -> Result<(), Failure> {
    let slots = stored.pool(host, pid)?;
    let block = U256::from(host.height());
    if block <= slots.last_reward_block.get(host)? {
        return Ok(());
    }
    let supply = slots.supply(host)?;
    if supply.is_zero() {
        return slots.last_reward_block.set(host, block);
    }
    let mut pool = slots.load(host)?;
    let reward = stored.emission(host)?.reward_down(&pool, block).map_err(safe_math)?;
    let (sushi, chef) = (stored.sushi.get(host)?, host.module());
    let drawn = farm::draw(reward, reserve::undrawn_of(host, sushi)?);
    let developer = stored.devaddr.get(host)?;
    draw(host, sushi, developer, drawn.developer)?;
    draw(host, sushi, chef, drawn.pool)?;
    pool.accumulate(drawn.pool, supply, block).map_err(safe_math)?;
    slots.acc_sushi_per_share.set(host, pool.reward_per_share)?;
    slots.last_reward_block.set(host, pool.last_reward_block)
}

/// Calls `mint` of the reward token, which draws from its deposits.
fn draw(host: &mut dyn Host, sushi: Address, to: Address, amount: U256) -> Result<(), Failure> {
    let mint = abi::RewardReserve::mintCall { to, amount };
    host.call_contract(&Call::new(sushi, mint.abi_encode())).map(drop)
}

fn deposit(host: &mut dyn Host, stored: Storage, pid: U256, amount: U256) -> Result<(), Failure> {
    let caller = host.caller();
    let pool = stored.pool(host, pid)?;
    let slots = stored.user(host, pid, caller)?;
    update_pool(host, stored, pid)?;
    let per_share = pool.acc_sushi_per_share.get(host)?;
    let mut user = slots.load(host)?;
    if !user.amount.is_zero() {
        let pending = user.pending_down(per_share).map_err(safe_math)?;
        safe_sushi_transfer(host, stored, caller, pending)?;
    }
    let token = pool.lp_token.get(host)?;
    openzeppelin::receive(host, Version::Three, token, caller, amount)?;
    user.deposit(amount, per_share).map_err(safe_math)?;
    slots.store(host, &user)?;
    emit(host, &MasterChef::Deposit { user: caller, pid, amount })
}

fn withdraw(host: &mut dyn Host, stored: Storage, pid: U256, amount: U256) -> Result<(), Failure> {
    let caller = host.caller();
    let pool = stored.pool(host, pid)?;
    let slots = stored.user(host, pid, caller)?;
    let mut user = slots.load(host)?;
    if user.amount < amount {
        return Err(Failure::message("withdraw: not good"));
    }
    update_pool(host, stored, pid)?;
    let per_share = pool.acc_sushi_per_share.get(host)?;
    let pending = user.pending_down(per_share).map_err(safe_math)?;
    safe_sushi_transfer(host, stored, caller, pending)?;
    user.withdraw(amount, per_share).map_err(safe_math)?;
    slots.store(host, &user)?;
    let token = pool.lp_token.get(host)?;
    openzeppelin::transfer(host, Version::Three, token, caller, amount)?;
    emit(host, &MasterChef::Withdraw { user: caller, pid, amount })
}

fn emergency_withdraw(host: &mut dyn Host, stored: Storage, pid: U256) -> Result<(), Failure> {
    let user = host.caller();
    let pool = stored.pool(host, pid)?;
    let slots = stored.user(host, pid, user)?;
    let amount = slots.amount.get(host)?;
    slots.store(host, &UserInfo::default())?;
    let token = pool.lp_token.get(host)?;
    openzeppelin::transfer(host, Version::Three, token, user, amount)?;
    emit(host, &MasterChef::EmergencyWithdraw { user, pid, amount })
}

/// Pays a reward, or what there is.
fn safe_sushi_transfer(
    host: &mut dyn Host,
    stored: Storage,
    to: Address,
    amount: U256,
) -> Result<(), Failure> {
    let (sushi, chef) = (stored.sushi.get(host)?, host.module());
    let value = amount.min(tokens::balance_of(host, sushi, chef)?);
    let transfer = abi::Erc20::transferCall { to, value };
    let output = host.call(&Call::new(sushi, transfer.abi_encode()))?.returned()?;
    word(output).map(drop)
}

fn hand_over(host: &mut dyn Host, stored: Storage, new_owner: Address) -> Result<(), Failure> {
    let previous_owner = stored.owner.get(host)?;
    emit(
        host,
        &MasterChef::OwnershipTransferred { previousOwner: previous_owner, newOwner: new_owner },
    )?;
    stored.owner.set(host, new_owner)
}

impl Storage {
    /// Returns the slots of a pool; an empty revert from the end on.
    fn pool(&self, host: &mut dyn Host, pid: U256) -> Result<PoolSlots, Failure> {
        let none = || Failure::Revert(Bytes::new());
        let index = u64::try_from(pid).map_err(|_| none())?;
        self.pool_info.element(host, index)?.ok_or_else(none)
    }

    fn user(&self, host: &mut dyn Host, pid: U256, user: Address) -> Result<UserSlots, Failure> {
        self.user_info.of(host, pid)?.of(host, user)
    }

    fn emission(&self, host: &mut dyn Host) -> Result<Emission, Failure> {
        Ok(Emission {
            reward_per_block: self.sushi_per_block.get(host)?,
            bonus_end_block: self.bonus_end_block.get(host)?,
            total_allocation: self.total_alloc_point.get(host)?,
        })
    }
}

impl PoolSlots {
    fn load(&self, host: &mut dyn Host) -> Result<Pool, Failure> {
        Ok(Pool {
            allocation: self.alloc_point.get(host)?,
            last_reward_block: self.last_reward_block.get(host)?,
            reward_per_share: self.acc_sushi_per_share.get(host)?,
        })
    }

    /// Returns the farm's balance of the staked token.
    fn supply(&self, host: &mut dyn Host) -> Result<U256, Failure> {
        let (token, chef) = (self.lp_token.get(host)?, host.module());
        tokens::balance_of(host, token, chef)
    }
}

impl UserSlots {
    fn load(&self, host: &mut dyn Host) -> Result<UserInfo, Failure> {
        Ok(UserInfo { amount: self.amount.get(host)?, reward_debt: self.reward_debt.get(host)? })
    }

    fn store(&self, host: &mut dyn Host, user: &UserInfo) -> Result<(), Failure> {
        self.amount.set(host, user.amount)?;
        self.reward_debt.set(host, user.reward_debt)
    }
}
