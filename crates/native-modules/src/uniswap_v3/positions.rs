//! `NonfungiblePositionManager`: positions in pools as tokens.
//!
//! Storage is the original's, without what its constructor writes: name, symbol and interfaces are constants, and counters begin with 1 where they
//! are zero. Differences: `tokenURI` has a picture of ours; calls inside `multicall` may be nested 8 deep at most.

mod described;
mod liquidity;
mod permit;
mod picture;
mod tokens;

use abi::{
    NonfungiblePositionManager::{self as Manager, NonfungiblePositionManagerCalls as Calls},
    SwapRouter::SwapRouterCalls,
    UNISWAP_V3_FACTORY, UniswapV3Factory, UniswapV3Pool, WRAPPED_GRAIN,
};
use alloy_primitives::{
    Address, Bytes, U160, U256,
    aliases::{I24, U24, U80, U96, U176},
    uint,
};
use alloy_sol_types::SolCall;
use native_kit::{
    Call, Failure, Function, Host,
    slots::{Mapping, Value},
    storage,
};

use super::{
    empty,
    multicall::{check_plain_send, multicall},
    path::Hop,
    router::money,
};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Manager::factoryCall::SELECTOR),
    Function::view(Manager::WETH9Call::SELECTOR),
    Function::view(Manager::positionsCall::SELECTOR),
    Function::payable(Manager::mintCall::SELECTOR).unlocked(),
    Function::payable(Manager::increaseLiquidityCall::SELECTOR).unlocked(),
    Function::payable(Manager::decreaseLiquidityCall::SELECTOR).unlocked(),
    Function::payable(Manager::collectCall::SELECTOR).unlocked(),
    Function::payable(Manager::burnCall::SELECTOR).unlocked(),
    Function::payable(Manager::createAndInitializePoolIfNecessaryCall::SELECTOR).unlocked(),
    Function::nonpayable(Manager::uniswapV3MintCallbackCall::SELECTOR).unlocked(),
    Function::payable(Manager::multicallCall::SELECTOR).unlocked(),
    Function::payable(Manager::refundETHCall::SELECTOR).unlocked(),
    Function::payable(Manager::unwrapWETH9Call::SELECTOR).unlocked(),
    Function::payable(Manager::sweepTokenCall::SELECTOR).unlocked(),
    Function::payable(Manager::selfPermitCall::SELECTOR).unlocked(),
    Function::payable(Manager::selfPermitIfNecessaryCall::SELECTOR).unlocked(),
    Function::payable(Manager::selfPermitAllowedCall::SELECTOR).unlocked(),
    Function::payable(Manager::selfPermitAllowedIfNecessaryCall::SELECTOR).unlocked(),
    Function::view(Manager::nameCall::SELECTOR),
    Function::view(Manager::symbolCall::SELECTOR),
    Function::view(Manager::baseURICall::SELECTOR),
    Function::view(Manager::tokenURICall::SELECTOR),
    Function::view(Manager::supportsInterfaceCall::SELECTOR),
    Function::view(Manager::balanceOfCall::SELECTOR),
    Function::view(Manager::ownerOfCall::SELECTOR),
    Function::view(Manager::totalSupplyCall::SELECTOR),
    Function::view(Manager::tokenByIndexCall::SELECTOR),
    Function::view(Manager::tokenOfOwnerByIndexCall::SELECTOR),
    Function::view(Manager::getApprovedCall::SELECTOR),
    Function::view(Manager::isApprovedForAllCall::SELECTOR),
    Function::nonpayable(Manager::approveCall::SELECTOR).unlocked(),
    Function::nonpayable(Manager::setApprovalForAllCall::SELECTOR).unlocked(),
    Function::nonpayable(Manager::transferFromCall::SELECTOR).unlocked(),
    Function::nonpayable(Manager::safeTransferFrom_0Call::SELECTOR).unlocked(),
    Function::nonpayable(Manager::safeTransferFrom_1Call::SELECTOR).unlocked(),
    Function::view(Manager::PERMIT_TYPEHASHCall::SELECTOR),
    Function::view(Manager::DOMAIN_SEPARATORCall::SELECTOR),
    Function::payable(Manager::permitCall::SELECTOR).unlocked(),
    Function::receive(),
];

storage! {
    /// `Position`
    struct StoredPosition {
        nonce: Value<U96>,
        operator: Value<Address>,
        pool: Value<U80>,
        lower: Value<I24>,
        upper: Value<I24>,
        liquidity: Value<u128>,
        fee_growth0: Value<U256>,
        fee_growth1: Value<U256>,
        owed0: Value<u128>,
        owed1: Value<u128>,
    }
}

storage! {
    /// `PoolAddress.PoolKey`
    struct StoredPool {
        token0: Value<Address>,
        token1: Value<Address>,
        fee: Value<U24>,
    }
}

/// `mapping(address => uint80) _poolIds`.
const POOL_IDS: Mapping<Address, Value<U80>> = Mapping::new(uint!(10_U256));
/// `mapping(uint80 => PoolAddress.PoolKey) _poolIdToPoolKey`.
const POOLS: Mapping<U80, StoredPool> = Mapping::new(uint!(11_U256));
/// `mapping(uint256 => Position) _positions`.
const POSITIONS: Mapping<U256, StoredPosition> = Mapping::new(uint!(12_U256));
/// `uint176 _nextId`, from 1 on.
const NEXT_ID: Value<U176> = Value::new(uint!(13_U256), 0);
/// `uint80 _nextPoolId`, from 1 on.
const NEXT_POOL_ID: Value<U80> = Value::new(uint!(13_U256), 22);

const NAME: &str = "Uniswap V3 Positions NFT-V1";
const SYMBOL: &str = "UNI-V3-POS";
/// ERC-165 itself, ERC-721, its metadata, its lists.
const INTERFACES: [[u8; 4]; 4] = [
    [0x01, 0xff, 0xc9, 0xa7],
    [0x80, 0xac, 0x58, 0xcd],
    [0x5b, 0x5e, 0x13, 0x9f],
    [0x78, 0x0e, 0x9d, 0x63],
];

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    dispatch(host, input, 0)
}

fn dispatch(host: &mut dyn Host, input: &[u8], nested: u8) -> Result<Vec<u8>, Failure> {
    if input.is_empty() {
        check_plain_send(host.caller())?;
        return Ok(Vec::new());
    }
    let call = native_kit::decode::<Calls>(input).map_err(|_| empty())?;
    if let Some(output) = view(host, &call)? {
        return Ok(output);
    }
    Ok(match call {
        Calls::mint(call) => {
            Manager::mintCall::abi_encode_returns(&liquidity::mint(host, &call.params)?)
        }
        Calls::increaseLiquidity(call) => {
            let added = liquidity::increase(host, &call.params)?;
            Manager::increaseLiquidityCall::abi_encode_returns(&added)
        }
        Calls::decreaseLiquidity(call) => {
            let taken = liquidity::decrease(host, &call.params)?;
            Manager::decreaseLiquidityCall::abi_encode_returns(&taken)
        }
        Calls::collect(call) => {
            Manager::collectCall::abi_encode_returns(&liquidity::collect(host, &call.params)?)
        }
        Calls::createAndInitializePoolIfNecessary(call) => {
            let pool = create_pool(host, &call)?;
            Manager::createAndInitializePoolIfNecessaryCall::abi_encode_returns(&pool)
        }
        Calls::multicall(call) => {
            let results = multicall(host, &call.data, nested, (FUNCTIONS, dispatch))?;
            Manager::multicallCall::abi_encode_returns(&results)
        }
        Calls::refundETH(_)
        | Calls::unwrapWETH9(_)
        | Calls::sweepToken(_)
        | Calls::selfPermit(_)
        | Calls::selfPermitIfNecessary(_)
        | Calls::selfPermitAllowed(_)
        | Calls::selfPermitAllowedIfNecessary(_) => {
            // The router has the same functions.
            let same = native_kit::decode::<SwapRouterCalls>(input).map_err(|_| empty())?;
            money::call(host, &same)?;
            Vec::new()
        }
        other => {
            change_token(host, other)?;
            Vec::new()
        }
    })
}

/// Executes a call without an answer that concerns a token, or a pool's callback.
fn change_token(host: &mut dyn Host, call: Calls) -> Result<(), Failure> {
    match call {
        Calls::burn(call) => liquidity::burn(host, call.tokenId),
        Calls::uniswapV3MintCallback(call) => liquidity::called_back(host, &call),
        Calls::approve(call) => tokens::approve(host, call.to, call.tokenId),
        Calls::setApprovalForAll(call) => {
            tokens::set_approval_for_all(host, call.operator, call.approved)
        }
        Calls::transferFrom(call) => {
            tokens::transfer_from(host, (call.from, call.to), call.tokenId)
        }
        Calls::safeTransferFrom_0(call) => {
            tokens::safe_transfer_from(host, (call.from, call.to), call.tokenId, Bytes::new())
        }
        Calls::safeTransferFrom_1(call) => {
            tokens::safe_transfer_from(host, (call.from, call.to), call.tokenId, call._data)
        }
        Calls::permit(call) => permit::permit(host, &call),
        _ => unreachable!("answered before"),
    }
}

/// Executes a call that only reads; returns `None` for others.
fn view(host: &mut dyn Host, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    Ok(Some(match call {
        Calls::factory(_) => Manager::factoryCall::abi_encode_returns(&UNISWAP_V3_FACTORY),
        Calls::WETH9(_) => Manager::WETH9Call::abi_encode_returns(&WRAPPED_GRAIN),
        Calls::positions(call) => {
            Manager::positionsCall::abi_encode_returns(&position(host, call.tokenId)?)
        }
        Calls::name(_) => Manager::nameCall::abi_encode_returns(&NAME.to_owned()),
        Calls::symbol(_) => Manager::symbolCall::abi_encode_returns(&SYMBOL.to_owned()),
        Calls::baseURI(_) => Manager::baseURICall::abi_encode_returns(&String::new()),
        Calls::tokenURI(call) => {
            let described = described::described(host, call.tokenId)?;
            Manager::tokenURICall::abi_encode_returns(&described)
        }
        Calls::supportsInterface(call) => {
            let is_known = INTERFACES.contains(&call.interfaceId.0);
            Manager::supportsInterfaceCall::abi_encode_returns(&is_known)
        }
        Calls::balanceOf(call) => {
            Manager::balanceOfCall::abi_encode_returns(&tokens::balance(host, call.owner)?)
        }
        Calls::ownerOf(call) => {
            Manager::ownerOfCall::abi_encode_returns(&tokens::owner_of(host, call.tokenId)?)
        }
        Calls::totalSupply(_) => {
            Manager::totalSupplyCall::abi_encode_returns(&tokens::supply(host)?)
        }
        Calls::tokenByIndex(call) => {
            Manager::tokenByIndexCall::abi_encode_returns(&tokens::at(host, call.index)?)
        }
        Calls::tokenOfOwnerByIndex(call) => {
            let token = tokens::of_holder(host, call.owner, call.index)?;
            Manager::tokenOfOwnerByIndexCall::abi_encode_returns(&token)
        }
        Calls::getApproved(call) => {
            Manager::getApprovedCall::abi_encode_returns(&tokens::approved(host, call.tokenId)?)
        }
        Calls::isApprovedForAll(call) => {
            let is_operator = tokens::is_operator(host, call.owner, call.operator)?;
            Manager::isApprovedForAllCall::abi_encode_returns(&is_operator)
        }
        Calls::PERMIT_TYPEHASH(_) => {
            Manager::PERMIT_TYPEHASHCall::abi_encode_returns(&permit::type_hash(host)?)
        }
        Calls::DOMAIN_SEPARATOR(_) => {
            Manager::DOMAIN_SEPARATORCall::abi_encode_returns(&permit::domain(host)?)
        }
        _ => return Ok(None),
    }))
}

fn position(host: &mut dyn Host, token: U256) -> Result<Manager::positionsReturn, Failure> {
    let stored = POSITIONS.of(host, token)?;
    let words = (host.load(stored.nonce.slot())?, host.load(stored.pool.slot())?);
    let pool = stored.pool.of_word(words.1);
    if pool.is_zero() {
        return Err(Failure::message("Invalid token ID"));
    }
    let key = load_pool(host, pool)?;
    let owed = host.load(stored.owed0.slot())?;
    Ok(Manager::positionsReturn {
        nonce: stored.nonce.of_word(words.0),
        operator: stored.operator.of_word(words.0),
        token0: key.first,
        token1: key.second,
        fee: key.fee,
        tickLower: stored.lower.of_word(words.1),
        tickUpper: stored.upper.of_word(words.1),
        liquidity: stored.liquidity.of_word(words.1),
        feeGrowthInside0LastX128: stored.fee_growth0.get(host)?,
        feeGrowthInside1LastX128: stored.fee_growth1.get(host)?,
        tokensOwed0: stored.owed0.of_word(owed),
        tokensOwed1: stored.owed1.of_word(owed),
    })
}

/// Returns the assets and the fee of a pool that positions are in; zeros for 0.
fn load_pool(host: &mut dyn Host, id: U80) -> Result<Hop, Failure> {
    let stored = POOLS.of(host, id)?;
    let word = host.load(stored.token1.slot())?;
    Ok(Hop {
        first: stored.token0.get(host)?,
        second: stored.token1.of_word(word),
        fee: stored.fee.of_word(word),
    })
}

/// Returns the number of a pool, after it was noted.
fn pool_id(host: &mut dyn Host, pool: Address, key: &Hop) -> Result<U80, Failure> {
    let noted = POOL_IDS.of(host, pool)?;
    let known = noted.get(host)?;
    if !known.is_zero() {
        return Ok(known);
    }
    let id = NEXT_POOL_ID.get(host)?.max(U80::ONE);
    NEXT_POOL_ID.set(host, id.wrapping_add(U80::ONE))?;
    noted.set(host, id)?;
    let stored = POOLS.of(host, id)?;
    stored.token0.set(host, key.first)?;
    let word = stored.fee.into_word(stored.token1.into_word(U256::ZERO, key.second), key.fee);
    host.store(stored.token1.slot(), word)?;
    Ok(id)
}

/// Returns whom the owner of a token has approved for it.
fn operator_of(host: &mut dyn Host, token: U256) -> Result<Address, Failure> {
    POSITIONS.of(host, token)?.operator.get(host)
}

fn set_operator(host: &mut dyn Host, token: U256, operator: Address) -> Result<(), Failure> {
    POSITIONS.of(host, token)?.operator.set(host, operator)
}

fn create_pool(
    host: &mut dyn Host,
    call: &Manager::createAndInitializePoolIfNecessaryCall,
) -> Result<Address, Failure> {
    let Manager::createAndInitializePoolIfNecessaryCall { token0, token1, fee, sqrtPriceX96 } =
        *call;
    if token0 >= token1 {
        return Err(empty());
    }
    let get = UniswapV3Factory::getPoolCall { tokenA: token0, tokenB: token1, fee };
    let output = host.call(&Call::reading(UNISWAP_V3_FACTORY, get.abi_encode()))?.returned()?;
    let mut pool =
        UniswapV3Factory::getPoolCall::abi_decode_returns(&output).map_err(|_| empty())?;
    let has_price = if pool.is_zero() {
        let create = UniswapV3Factory::createPoolCall { tokenA: token0, tokenB: token1, fee };
        let output = host.call_contract(&Call::new(UNISWAP_V3_FACTORY, create.abi_encode()))?;
        pool =
            UniswapV3Factory::createPoolCall::abi_decode_returns(&output).map_err(|_| empty())?;
        false
    } else {
        !sqrt_price(host, pool)?.is_zero()
    };
    if !has_price {
        let initialize = UniswapV3Pool::initializeCall { sqrtPriceX96 }.abi_encode();
        host.call_contract(&Call::new(pool, initialize))?;
    }
    Ok(pool)
}

/// Returns the square root of a pool's price.
fn sqrt_price(host: &mut dyn Host, pool: Address) -> Result<U160, Failure> {
    let input = UniswapV3Pool::slot0Call {}.abi_encode();
    let output = host.call_contract(&Call::reading(pool, input))?;
    let slot0 = UniswapV3Pool::slot0Call::abi_decode_returns(&output).map_err(|_| empty())?;
    Ok(slot0.sqrtPriceX96)
}
