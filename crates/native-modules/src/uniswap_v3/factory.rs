//! `UniswapV3Factory`: which pools there are.

use abi::{
    UNISWAP_V3_FACTORY, UNISWAP_V3_POOL_INIT_CODE_HASH,
    UniswapV3Factory::{self, UniswapV3FactoryCalls as Calls},
};
use alloy_primitives::{
    Address,
    aliases::{I24, U24},
    uint,
};
use alloy_sol_types::{SolCall as _, SolInterface as _, SolValue as _};
use native_kit::{
    Failure, Function, Host, create2_address, emit,
    slots::{Mapping, Value},
};

use super::{POOL_CODE, empty, pool};
use crate::parameters;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(UniswapV3Factory::ownerCall::SELECTOR),
    Function::view(UniswapV3Factory::feeAmountTickSpacingCall::SELECTOR),
    Function::view(UniswapV3Factory::getPoolCall::SELECTOR),
    Function::view(UniswapV3Factory::parametersCall::SELECTOR),
    Function::nonpayable(UniswapV3Factory::createPoolCall::SELECTOR),
    Function::nonpayable(UniswapV3Factory::setOwnerCall::SELECTOR),
    Function::nonpayable(UniswapV3Factory::enableFeeAmountCall::SELECTOR),
];

// Slots 0 to 2 are `parameters`, which are zero between calls.
/// `address owner`. While it is zero, the Governor may do what an owner may.
const OWNER: Value<Address> = Value::new(uint!(3_U256), 0);
/// `mapping(uint24 => int24) feeAmountTickSpacing`.
const SPACINGS: Mapping<U24, Value<I24>> = Mapping::new(uint!(4_U256));
/// `mapping(address => mapping(address => mapping(uint24 => address))) getPool`.
const POOLS: Mapping<Address, Mapping<Address, Mapping<U24, Value<Address>>>> =
    Mapping::new(uint!(5_U256));

/// A fee must be below the whole, in millionths.
const FEE_END: U24 = uint!(1_000_000_U24);
/// Spacings must be below this, so that the ends of a word of the bitmap fit 24 bits.
const SPACING_END: I24 = I24::from_raw(uint!(16_384_U24));

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = Calls::abi_decode(input).map_err(|_| empty())?;
    Ok(match call {
        Calls::owner(_) => UniswapV3Factory::ownerCall::abi_encode_returns(&owner(host)?),
        Calls::feeAmountTickSpacing(call) => {
            let spacing = spacing_of(host, call.fee)?;
            UniswapV3Factory::feeAmountTickSpacingCall::abi_encode_returns(&spacing)
        }
        Calls::getPool(call) => {
            let pool = pool_of(host, call.tokenA, call.tokenB, call.fee)?.get(host)?;
            UniswapV3Factory::getPoolCall::abi_encode_returns(&pool)
        }
        Calls::parameters(_) => {
            let none = UniswapV3Factory::parametersReturn {
                factory: Address::ZERO,
                token0: Address::ZERO,
                token1: Address::ZERO,
                fee: U24::ZERO,
                tickSpacing: I24::ZERO,
            };
            UniswapV3Factory::parametersCall::abi_encode_returns(&none)
        }
        Calls::createPool(call) => {
            let pool = create_pool(host, &call)?;
            UniswapV3Factory::createPoolCall::abi_encode_returns(&pool)
        }
        Calls::setOwner(call) => {
            set_owner(host, call._owner)?;
            Vec::new()
        }
        Calls::enableFeeAmount(call) => {
            enable_fee(host, call.fee, call.tickSpacing)?;
            Vec::new()
        }
    })
}

/// Returns who may set the protocol's part of the fees; for pools too.
pub(super) fn owner(host: &mut dyn Host) -> Result<Address, Failure> {
    OWNER.get_of(host, UNISWAP_V3_FACTORY)
}

/// Refuses everybody but the owner; while nobody is, the Governor may. Returns the owner.
pub(super) fn only_owner(host: &mut dyn Host) -> Result<Address, Failure> {
    let owner = owner(host)?;
    require(host.caller() == owner || parameters::governs(host, owner))?;
    Ok(owner)
}

fn create_pool(
    host: &mut dyn Host,
    call: &UniswapV3Factory::createPoolCall,
) -> Result<Address, Failure> {
    let UniswapV3Factory::createPoolCall { tokenA: one, tokenB: other, fee } = *call;
    let (token0, token1) = if one < other { (one, other) } else { (other, one) };
    require(token0 != token1 && !token0.is_zero())?;
    let spacing = spacing_of(host, fee)?;
    require(!spacing.is_zero())?;
    let listed = pool_of(host, token0, token1, fee)?;
    require(listed.get(host)?.is_zero())?;
    let salt = host.keccak256(&(token0, token1, fee).abi_encode())?;
    let pool = create2_address(host, UNISWAP_V3_FACTORY, salt, UNISWAP_V3_POOL_INIT_CODE_HASH)?;
    host.create(pool, &POOL_CODE)?;
    pool::write_terms(host, pool, (token0, token1), (fee, spacing))?;
    listed.set(host, pool)?;
    pool_of(host, token1, token0, fee)?.set(host, pool)?;
    let created = UniswapV3Factory::PoolCreated { token0, token1, fee, tickSpacing: spacing, pool };
    emit(host, &created)?;
    Ok(pool)
}

fn set_owner(host: &mut dyn Host, new: Address) -> Result<(), Failure> {
    let old = only_owner(host)?;
    emit(host, &UniswapV3Factory::OwnerChanged { oldOwner: old, newOwner: new })?;
    OWNER.set(host, new)
}

fn enable_fee(host: &mut dyn Host, fee: U24, spacing: I24) -> Result<(), Failure> {
    only_owner(host)?;
    require(fee < FEE_END)?;
    require(spacing.is_positive() && spacing < SPACING_END)?;
    require(spacing_of(host, fee)?.is_zero())?;
    SPACINGS.of(host, fee)?.set(host, spacing)?;
    emit(host, &UniswapV3Factory::FeeAmountEnabled { fee, tickSpacing: spacing })
}

/// Returns the spacing for a fee. Those that the original enables when it is deployed are part of the rules, as a module is not deployed.
fn spacing_of(host: &mut dyn Host, fee: U24) -> Result<I24, Failure> {
    Ok(match fee.to::<u32>() {
        500 => I24::from_raw(uint!(10_U24)),
        3_000 => I24::from_raw(uint!(60_U24)),
        10_000 => I24::from_raw(uint!(200_U24)),
        _ => SPACINGS.of(host, fee)?.get(host)?,
    })
}

/// Reads the pool of two assets, in any order. The zero address if there is none.
pub(crate) fn existing_pool(
    host: &mut dyn Host,
    (one, other): (Address, Address),
    fee: U24,
) -> Result<Address, Failure> {
    pool_of(host, one, other, fee)?.get_of(host, UNISWAP_V3_FACTORY)
}

fn pool_of(
    host: &mut dyn Host,
    one: Address,
    other: Address,
    fee: U24,
) -> Result<Value<Address>, Failure> {
    let of_one = POOLS.of(host, one)?;
    let of_both = of_one.of(host, other)?;
    of_both.of(host, fee)
}

/// Refuses without a message, as the original does.
fn require(condition: bool) -> Result<(), Failure> {
    if condition { Ok(()) } else { Err(empty()) }
}
