//! A pair: its calls, and the operations on its reserves.

use ::amm::constant_product::{
    Amounts, MINIMUM_LIQUIDITY, Prices, Refused, Reserves, burn_down, check_outputs, mint_down,
    product, protocol_fee_down, settle_swap, surplus, surplus_of,
};
use abi::{
    UNISWAP_V2_FACTORY,
    UniswapV2Pair::{self as Pair, UniswapV2PairCalls as Calls},
};
use alloy_primitives::{Address, B256, U256, aliases::U112};
use alloy_sol_types::{SolCall, SolInterface as _, sol};
use native_kit::{
    Call, Failure, Function, Host, emit, instance_code,
    slots::{Layout, Mapping, Value},
    storage,
};

use super::{
    ARITHMETIC_GAS, arithmetic, empty, factory, shares,
    transfers::{self, balance_of},
};
use crate::table::LEAN_MARKETS;

/// The code of every pair.
pub(crate) const CODE: [u8; 16] = instance_code(abi::UNISWAP_V2_PAIR);

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Pair::nameCall::SELECTOR),
    Function::view(Pair::symbolCall::SELECTOR),
    Function::view(Pair::decimalsCall::SELECTOR),
    Function::view(Pair::totalSupplyCall::SELECTOR),
    Function::view(Pair::balanceOfCall::SELECTOR),
    Function::view(Pair::allowanceCall::SELECTOR),
    Function::view(Pair::DOMAIN_SEPARATORCall::SELECTOR),
    Function::view(Pair::PERMIT_TYPEHASHCall::SELECTOR),
    Function::view(Pair::noncesCall::SELECTOR),
    Function::view(Pair::MINIMUM_LIQUIDITYCall::SELECTOR),
    Function::view(Pair::factoryCall::SELECTOR),
    Function::view(Pair::token0Call::SELECTOR),
    Function::view(Pair::token1Call::SELECTOR),
    Function::view(Pair::getReservesCall::SELECTOR),
    Function::view(Pair::price0CumulativeLastCall::SELECTOR),
    Function::view(Pair::price1CumulativeLastCall::SELECTOR),
    Function::view(Pair::kLastCall::SELECTOR),
    Function::nonpayable(Pair::approveCall::SELECTOR).unlocked(),
    Function::nonpayable(Pair::transferCall::SELECTOR).unlocked(),
    Function::nonpayable(Pair::transferFromCall::SELECTOR).unlocked(),
    Function::nonpayable(Pair::permitCall::SELECTOR).unlocked(),
    Function::nonpayable(Pair::mintCall::SELECTOR),
    Function::nonpayable(Pair::burnCall::SELECTOR),
    Function::nonpayable(Pair::swapCall::SELECTOR),
    Function::nonpayable(Pair::skimCall::SELECTOR),
    Function::nonpayable(Pair::syncCall::SELECTOR),
    Function::nonpayable(Pair::initializeCall::SELECTOR).unlocked(),
];

storage! {
    pub(super) struct Storage {
        pub(super) total_supply: Value<U256>,
        pub(super) balances: Mapping<Address, Value<U256>>,
        pub(super) allowances: Mapping<Address, Mapping<Address, Value<U256>>>,
        pub(super) domain_separator: Value<B256>,
        pub(super) nonces: Mapping<Address, Value<U256>>,
        factory: Value<Address>,
        token0: Value<Address>,
        token1: Value<Address>,
        reserve0: Value<U112>,
        reserve1: Value<U112>,
        updated_at: Value<u32>,
        price0_cumulative: Value<U256>,
        price1_cumulative: Value<U256>,
        k_last: Value<U256>,
    }
}

sol! {
    /// What a contract answers to be called back by a swap.
    interface UniswapV2Callee {
        function uniswapV2Call(address sender, uint256 amount0, uint256 amount1, bytes calldata data) external;
    }
}

pub(super) fn stored() -> Storage {
    Storage::at(U256::ZERO, 0)
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = Calls::abi_decode(input).map_err(|_| empty())?;
    if let Some(output) = view_shares(host, &call)? {
        return Ok(output);
    }
    if let Some(output) = view(host, &call)? {
        return Ok(output);
    }
    change(host, call)
}

/// Creates the pair of two assets, for the factory.
pub(super) fn create(
    host: &mut dyn Host,
    pair: Address,
    (token0, token1): (Address, Address),
) -> Result<(), Failure> {
    host.create(pair, &CODE)?;
    let domain = shares::domain_separator(host, pair)?;
    stored().domain_separator.set_of(host, pair, domain)?;
    stored().factory.set_of(host, pair, UNISWAP_V2_FACTORY)?;
    stored().token0.set_of(host, pair, token0)?;
    stored().token1.set_of(host, pair, token1)
}

/// Reads the assets of a pair, of which the factory says whether it is one.
pub(crate) fn assets_of(host: &mut dyn Host, pair: Address) -> Result<(Address, Address), Failure> {
    Ok((stored().token0.get_of(host, pair)?, stored().token1.get_of(host, pair)?))
}

/// Reads the accumulated prices of a pair as they are now, with what has passed since the pair has written them.
pub(crate) fn prices_of(host: &mut dyn Host, pair: Address) -> Result<Prices, Failure> {
    let now = U256::from(host.timestamp()).wrapping_to();
    let stored = stored();
    let prices = Prices {
        price0_cumulative: stored.price0_cumulative.get_of(host, pair)?,
        price1_cumulative: stored.price1_cumulative.get_of(host, pair)?,
    };
    Ok(prices.at(reserves_of(host, pair)?, now))
}

/// Reads the shares of an account, and all shares with those that the protocol is owed, as a burn finds them.
pub(crate) fn shares_of(
    host: &mut dyn Host,
    pair: Address,
    account: Address,
) -> Result<(U256, U256), Failure> {
    let shares = stored().balances.of(host, account)?.get_of(host, pair)?;
    let supply = stored().total_supply.get_of(host, pair)?;
    if factory::fee_to(host)?.is_zero() {
        return Ok((shares, supply));
    }
    let reserves = reserves_of(host, pair)?;
    let k_last = stored().k_last.get_of(host, pair)?;
    let owed = protocol_fee_down(reserves, k_last, supply).map_err(arithmetic)?;
    Ok((shares, supply.saturating_add(owed)))
}

/// Reads the reserves of a pair, for the router too.
pub(crate) fn reserves_of(host: &mut dyn Host, pair: Address) -> Result<Reserves, Failure> {
    Ok(unpacked(host.load_of(pair, stored().reserve0.slot())?))
}

fn unpacked(word: U256) -> Reserves {
    let stored = stored();
    Reserves {
        reserve0: stored.reserve0.of_word(word),
        reserve1: stored.reserve1.of_word(word),
        updated_at: stored.updated_at.of_word(word),
    }
}

/// Executes a call that reads the shares; returns `None` for others.
fn view_shares(host: &mut dyn Host, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    Ok(Some(match call {
        Calls::name(_) => Pair::nameCall::abi_encode_returns(&shares::NAME.to_owned()),
        Calls::symbol(_) => Pair::symbolCall::abi_encode_returns(&shares::SYMBOL.to_owned()),
        Calls::decimals(_) => Pair::decimalsCall::abi_encode_returns(&shares::DECIMALS),
        Calls::totalSupply(_) => {
            Pair::totalSupplyCall::abi_encode_returns(&stored().total_supply.get(host)?)
        }
        Calls::balanceOf(call) => {
            let balance = stored().balances.of(host, call.owner)?.get(host)?;
            Pair::balanceOfCall::abi_encode_returns(&balance)
        }
        Calls::allowance(call) => {
            let allowance = stored().allowances.of(host, call.owner)?.of(host, call.spender)?;
            Pair::allowanceCall::abi_encode_returns(&allowance.get(host)?)
        }
        Calls::DOMAIN_SEPARATOR(_) => {
            Pair::DOMAIN_SEPARATORCall::abi_encode_returns(&stored().domain_separator.get(host)?)
        }
        Calls::PERMIT_TYPEHASH(_) => {
            Pair::PERMIT_TYPEHASHCall::abi_encode_returns(&shares::PERMIT_TYPEHASH)
        }
        Calls::nonces(call) => {
            let nonce = stored().nonces.of(host, call.owner)?.get(host)?;
            Pair::noncesCall::abi_encode_returns(&nonce)
        }
        _ => return Ok(None),
    }))
}

/// Executes a call that reads the pair; returns `None` for others.
fn view(host: &mut dyn Host, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    Ok(Some(match call {
        Calls::MINIMUM_LIQUIDITY(_) => {
            Pair::MINIMUM_LIQUIDITYCall::abi_encode_returns(&MINIMUM_LIQUIDITY)
        }
        Calls::factory(_) => Pair::factoryCall::abi_encode_returns(&stored().factory.get(host)?),
        Calls::token0(_) => Pair::token0Call::abi_encode_returns(&stored().token0.get(host)?),
        Calls::token1(_) => Pair::token1Call::abi_encode_returns(&stored().token1.get(host)?),
        Calls::getReserves(_) => {
            let pair = host.module();
            let Reserves { reserve0, reserve1, updated_at } = reserves_of(host, pair)?;
            Pair::getReservesCall::abi_encode_returns(&Pair::getReservesReturn {
                _reserve0: reserve0,
                _reserve1: reserve1,
                _blockTimestampLast: updated_at,
            })
        }
        Calls::price0CumulativeLast(_) => {
            let sum = stored().price0_cumulative.get(host)?;
            Pair::price0CumulativeLastCall::abi_encode_returns(&sum)
        }
        Calls::price1CumulativeLast(_) => {
            let sum = stored().price1_cumulative.get(host)?;
            Pair::price1CumulativeLastCall::abi_encode_returns(&sum)
        }
        Calls::kLast(_) => Pair::kLastCall::abi_encode_returns(&stored().k_last.get(host)?),
        _ => return Ok(None),
    }))
}

fn change(host: &mut dyn Host, call: Calls) -> Result<Vec<u8>, Failure> {
    let caller = host.caller();
    match call {
        Calls::approve(call) => {
            shares::approve(host, (caller, call.spender), call.value)?;
            Ok(Pair::approveCall::abi_encode_returns(&true))
        }
        Calls::transfer(call) => {
            shares::transfer(host, (caller, call.to), call.value)?;
            Ok(Pair::transferCall::abi_encode_returns(&true))
        }
        Calls::transferFrom(call) => {
            shares::transfer_from(host, (call.from, call.to), call.value)?;
            Ok(Pair::transferFromCall::abi_encode_returns(&true))
        }
        Calls::permit(call) => shares::permit(host, &call).map(|()| Vec::new()),
        Calls::mint(call) => mint(host, call.to),
        Calls::burn(call) => burn(host, call.to),
        Calls::swap(call) => swap(host, call),
        Calls::skim(call) => skim(host, call.to),
        Calls::sync(_) => sync(host),
        Calls::initialize(_) => Err(Failure::message("UniswapV2: FORBIDDEN")),
        _ => unreachable!("answered by the views"),
    }
}

/// The pair that was called, as an operation finds it.
struct Found {
    pair: Address,
    word: U256,
    reserves: Reserves,
    token0: Address,
    token1: Address,
}

impl Found {
    fn load(host: &mut dyn Host) -> Result<Self, Failure> {
        let word = host.load(stored().reserve0.slot())?;
        Self::with_reserves(host, word)
    }

    fn with_reserves(host: &mut dyn Host, word: U256) -> Result<Self, Failure> {
        host.charge(ARITHMETIC_GAS)?;
        let (token0, token1) = (stored().token0.get(host)?, stored().token1.get(host)?);
        Ok(Self { pair: host.module(), word, reserves: unpacked(word), token0, token1 })
    }

    fn balances(&self, host: &mut dyn Host) -> Result<Amounts, Failure> {
        let amount0 = balance_of(host, self.token0, self.pair)?;
        let amount1 = balance_of(host, self.token1, self.pair)?;
        Ok(Amounts { amount0, amount1 })
    }

    /// Pays one of the assets out.
    fn send(
        &self,
        host: &mut dyn Host,
        token: Address,
        (to, amount): (Address, U256),
    ) -> Result<(), Failure> {
        transfers::send(host, token, (to, amount), "UniswapV2: TRANSFER_FAILED")
    }

    /// Takes the balances as the reserves, moves the accumulators, and returns the new reserves.
    fn update(&self, host: &mut dyn Host, balances: Amounts) -> Result<Reserves, Failure> {
        let now = U256::from(host.timestamp()).wrapping_to::<u32>();
        let stored = stored();
        let is_moved = self.reserves.moves_prices(now);
        let mut prices = Prices::default();
        if host.revision() >= LEAN_MARKETS {
            // Refused before the accumulators are read.
            self.reserves.update(prices, balances, now).map_err(refused)?;
        }
        if is_moved {
            prices.price0_cumulative = stored.price0_cumulative.get(host)?;
            prices.price1_cumulative = stored.price1_cumulative.get(host)?;
        }
        let (next, prices) = self.reserves.update(prices, balances, now).map_err(refused)?;
        if is_moved {
            stored.price0_cumulative.set(host, prices.price0_cumulative)?;
            stored.price1_cumulative.set(host, prices.price1_cumulative)?;
        }
        let word = stored.reserve0.into_word(self.word, next.reserve0);
        let word = stored.reserve1.into_word(word, next.reserve1);
        let word = stored.updated_at.into_word(word, now);
        if word != self.word {
            host.store(stored.reserve0.slot(), word)?;
        }
        emit(host, &Pair::Sync { reserve0: next.reserve0, reserve1: next.reserve1 })?;
        Ok(next)
    }
}

fn mint(host: &mut dyn Host, to: Address) -> Result<Vec<u8>, Failure> {
    let found = Found::load(host)?;
    let balances = found.balances(host)?;
    if host.revision() >= LEAN_MARKETS {
        // Refused before the protocol's fee is counted.
        surplus(found.reserves, balances).map_err(arithmetic)?;
    }
    let fee = take_fee(host, found.reserves)?;
    let mut supply = stored().total_supply.get(host)?;
    let minted = mint_down(found.reserves, balances, supply).map_err(refused)?;
    if !minted.locked.is_zero() {
        shares::mint(host, Address::ZERO, minted.locked, supply)?;
        supply = minted.locked;
    }
    shares::mint(host, to, minted.liquidity, supply)?;
    let next = found.update(host, balances)?;
    fee.remember(host, next)?;
    let (sender, Amounts { amount0, amount1 }) = (host.caller(), minted.amounts);
    emit(host, &Pair::Mint { sender, amount0, amount1 })?;
    Ok(Pair::mintCall::abi_encode_returns(&minted.liquidity))
}

fn burn(host: &mut dyn Host, to: Address) -> Result<Vec<u8>, Failure> {
    let found = Found::load(host)?;
    let balances = found.balances(host)?;
    let liquidity = stored().balances.of(host, found.pair)?.get(host)?;
    let fee = take_fee(host, found.reserves)?;
    let supply = stored().total_supply.get(host)?;
    let Amounts { amount0, amount1 } = burn_down(balances, liquidity, supply).map_err(refused)?;
    shares::burn(host, found.pair, liquidity, supply)?;
    found.send(host, found.token0, (to, amount0))?;
    found.send(host, found.token1, (to, amount1))?;
    let balances = found.balances(host)?;
    let next = found.update(host, balances)?;
    fee.remember(host, next)?;
    let sender = host.caller();
    emit(host, &Pair::Burn { sender, amount0, amount1, to })?;
    Ok(Pair::burnCall::abi_encode_returns(&Pair::burnReturn { amount0, amount1 }))
}

fn swap(host: &mut dyn Host, call: Pair::swapCall) -> Result<Vec<u8>, Failure> {
    let Pair::swapCall { amount0Out: amount0, amount1Out: amount1, to, data } = call;
    let (sender, outputs) = (host.caller(), Amounts { amount0, amount1 });
    // Checks.
    let word = host.load(stored().reserve0.slot())?;
    check_outputs(unpacked(word), outputs).map_err(refused)?;
    let found = Found::with_reserves(host, word)?;
    if to == found.token0 || to == found.token1 {
        return Err(Failure::message("UniswapV2: INVALID_TO"));
    }
    // Interactions: the lock keeps others out, and nothing counts before the balances are read.
    if !amount0.is_zero() {
        found.send(host, found.token0, (to, amount0))?;
    }
    if !amount1.is_zero() {
        found.send(host, found.token1, (to, amount1))?;
    }
    if !data.is_empty() {
        let called = UniswapV2Callee::uniswapV2CallCall { sender, amount0, amount1, data };
        host.call_contract(&Call::new(to, called.abi_encode()))?;
    }
    let balances = found.balances(host)?;
    let inputs = settle_swap(found.reserves, outputs, balances).map_err(refused)?;
    // Effects.
    found.update(host, balances)?;
    let event = Pair::Swap {
        sender,
        amount0In: inputs.amount0,
        amount1In: inputs.amount1,
        amount0Out: amount0,
        amount1Out: amount1,
        to,
    };
    emit(host, &event)?;
    Ok(Vec::new())
}

fn skim(host: &mut dyn Host, to: Address) -> Result<Vec<u8>, Failure> {
    let found = Found::load(host)?;
    let sides = [(found.token0, found.reserves.reserve0), (found.token1, found.reserves.reserve1)];
    for (token, reserve) in sides {
        // The second balance is read after the first payment, which may have changed it.
        let balance = balance_of(host, token, found.pair)?;
        let amount = surplus_of(reserve, balance).map_err(arithmetic)?;
        found.send(host, token, (to, amount))?;
    }
    Ok(Vec::new())
}

fn sync(host: &mut dyn Host) -> Result<Vec<u8>, Failure> {
    let found = Found::load(host)?;
    let balances = found.balances(host)?;
    found.update(host, balances)?;
    Ok(Vec::new())
}

/// Whether the protocol takes its fee, found before shares are minted or burnt.
enum Fee {
    Off,
    On,
}

impl Fee {
    /// Remembers the product after shares were minted or burnt: from it the next fee is counted.
    fn remember(&self, host: &mut dyn Host, reserves: Reserves) -> Result<(), Failure> {
        match self {
            Self::Off => Ok(()),
            Self::On => stored().k_last.set(host, product(reserves)),
        }
    }
}

/// Mints what the protocol is owed.
fn take_fee(host: &mut dyn Host, reserves: Reserves) -> Result<Fee, Failure> {
    let to = factory::fee_to(host)?;
    let k_last = stored().k_last.get(host)?;
    if to.is_zero() {
        stored().k_last.update_from(host, k_last, |_| Ok(U256::ZERO))?;
        return Ok(Fee::Off);
    }
    if !k_last.is_zero() {
        let supply = stored().total_supply.get(host)?;
        let owed = protocol_fee_down(reserves, k_last, supply).map_err(arithmetic)?;
        if !owed.is_zero() {
            shares::mint(host, to, owed, supply)?;
        }
    }
    Ok(Fee::On)
}

/// Returns the revert of a refused operation.
fn refused(refused: Refused) -> Failure {
    Failure::message(match refused {
        Refused::NoOutput => "UniswapV2: INSUFFICIENT_OUTPUT_AMOUNT",
        Refused::OutputAboveReserves => "UniswapV2: INSUFFICIENT_LIQUIDITY",
        Refused::NoInput => "UniswapV2: INSUFFICIENT_INPUT_AMOUNT",
        Refused::ProductFalls => "UniswapV2: K",
        Refused::NoLiquidityMinted => "UniswapV2: INSUFFICIENT_LIQUIDITY_MINTED",
        Refused::NoLiquidityBurned => "UniswapV2: INSUFFICIENT_LIQUIDITY_BURNED",
        Refused::ReserveOverflow => "UniswapV2: OVERFLOW",
        Refused::Arithmetic(error) => return arithmetic(error),
    })
}
