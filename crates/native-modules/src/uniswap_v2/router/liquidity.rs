//! Liquidity: added at the pair's price, removed within limits.

use abi::{
    UNISWAP_V2_FACTORY, UniswapV2Factory as Factory, UniswapV2Pair as Pair,
    UniswapV2Router02 as Router, WRAPPED_GRAIN,
};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use native_kit::{Failure, Host};

use super::{
    call_known, check_in_time, check_limit,
    library::{Hop, quote},
    refund, take, unwrap_to, wrap_into,
};
use crate::uniswap_v2::{
    empty, factory,
    transfers::{self, balance_of},
};

const TOO_LITTLE_A: &str = "UniswapV2Router: INSUFFICIENT_A_AMOUNT";
const TOO_LITTLE_B: &str = "UniswapV2Router: INSUFFICIENT_B_AMOUNT";

pub(super) fn add(
    host: &mut dyn Host,
    call: &Router::addLiquidityCall,
) -> Result<Vec<u8>, Failure> {
    check_in_time(host, call.deadline)?;
    let (token_a, token_b) = (call.tokenA, call.tokenB);
    let desired = (call.amountADesired, call.amountBDesired);
    let minimum = (call.amountAMin, call.amountBMin);
    let (hop, (amount_a, amount_b)) = fitting(host, (token_a, token_b), desired, minimum)?;
    let pair = hop.again(host)?.pair;
    take(host, token_a, (pair, amount_a))?;
    take(host, token_b, (pair, amount_b))?;
    let liquidity = mint(host, pair, call.to)?;
    Ok(Router::addLiquidityCall::abi_encode_returns(&Router::addLiquidityReturn {
        amountA: amount_a,
        amountB: amount_b,
        liquidity,
    }))
}

pub(super) fn add_grain(
    host: &mut dyn Host,
    call: &Router::addLiquidityETHCall,
) -> Result<Vec<u8>, Failure> {
    check_in_time(host, call.deadline)?;
    let desired = (call.amountTokenDesired, host.value());
    let minimum = (call.amountTokenMin, call.amountETHMin);
    let (hop, (tokens, grain)) = fitting(host, (call.token, WRAPPED_GRAIN), desired, minimum)?;
    let pair = hop.again(host)?.pair;
    take(host, call.token, (pair, tokens))?;
    wrap_into(host, pair, grain)?;
    let liquidity = mint(host, pair, call.to)?;
    refund(host, grain)?;
    Ok(Router::addLiquidityETHCall::abi_encode_returns(&Router::addLiquidityETHReturn {
        amountToken: tokens,
        amountETH: grain,
        liquidity,
    }))
}

pub(super) fn remove(
    host: &mut dyn Host,
    call: &Router::removeLiquidityCall,
) -> Result<Vec<u8>, Failure> {
    let tokens = (call.tokenA, call.tokenB);
    let order = Removal {
        liquidity: call.liquidity,
        minimum: (call.amountAMin, call.amountBMin),
        to: call.to,
        deadline: call.deadline,
    };
    let (amount_a, amount_b) = order.execute(host, tokens)?;
    Ok(Router::removeLiquidityCall::abi_encode_returns(&Router::removeLiquidityReturn {
        amountA: amount_a,
        amountB: amount_b,
    }))
}

pub(super) fn remove_with_permit(
    host: &mut dyn Host,
    call: &Router::removeLiquidityWithPermitCall,
) -> Result<Vec<u8>, Failure> {
    let pair = Hop::of(host, call.tokenA, call.tokenB)?.pair;
    let order = Removal {
        liquidity: call.liquidity,
        minimum: (call.amountAMin, call.amountBMin),
        to: call.to,
        deadline: call.deadline,
    };
    let approval = if call.approveMax { Approval::Unlimited } else { Approval::Exact };
    order.permit(host, pair, approval, (call.v, call.r, call.s))?;
    let (amount_a, amount_b) = order.execute(host, (call.tokenA, call.tokenB))?;
    let amounts = Router::removeLiquidityWithPermitReturn { amountA: amount_a, amountB: amount_b };
    Ok(Router::removeLiquidityWithPermitCall::abi_encode_returns(&amounts))
}

pub(super) fn remove_grain(
    host: &mut dyn Host,
    call: &Router::removeLiquidityETHCall,
) -> Result<Vec<u8>, Failure> {
    let order = Removal {
        liquidity: call.liquidity,
        minimum: (call.amountTokenMin, call.amountETHMin),
        to: call.to,
        deadline: call.deadline,
    };
    let (tokens, grain) = order.execute_for_grain(host, call.token)?;
    let amounts = Router::removeLiquidityETHReturn { amountToken: tokens, amountETH: grain };
    Ok(Router::removeLiquidityETHCall::abi_encode_returns(&amounts))
}

pub(super) fn remove_grain_with_permit(
    host: &mut dyn Host,
    call: &Router::removeLiquidityETHWithPermitCall,
) -> Result<Vec<u8>, Failure> {
    let pair = Hop::of(host, call.token, WRAPPED_GRAIN)?.pair;
    let order = Removal {
        liquidity: call.liquidity,
        minimum: (call.amountTokenMin, call.amountETHMin),
        to: call.to,
        deadline: call.deadline,
    };
    let approval = if call.approveMax { Approval::Unlimited } else { Approval::Exact };
    order.permit(host, pair, approval, (call.v, call.r, call.s))?;
    let (tokens, grain) = order.execute_for_grain(host, call.token)?;
    let amounts =
        Router::removeLiquidityETHWithPermitReturn { amountToken: tokens, amountETH: grain };
    Ok(Router::removeLiquidityETHWithPermitCall::abi_encode_returns(&amounts))
}

pub(super) fn remove_grain_by_balance(
    host: &mut dyn Host,
    call: &Router::removeLiquidityETHSupportingFeeOnTransferTokensCall,
) -> Result<Vec<u8>, Failure> {
    type Of = Router::removeLiquidityETHSupportingFeeOnTransferTokensCall;
    let order = Removal {
        liquidity: call.liquidity,
        minimum: (call.amountTokenMin, call.amountETHMin),
        to: call.to,
        deadline: call.deadline,
    };
    let grain = order.execute_by_balance(host, call.token)?;
    Ok(Of::abi_encode_returns(&grain))
}

pub(super) fn remove_grain_with_permit_by_balance(
    host: &mut dyn Host,
    call: &Router::removeLiquidityETHWithPermitSupportingFeeOnTransferTokensCall,
) -> Result<Vec<u8>, Failure> {
    type Of = Router::removeLiquidityETHWithPermitSupportingFeeOnTransferTokensCall;
    let pair = Hop::of(host, call.token, WRAPPED_GRAIN)?.pair;
    let order = Removal {
        liquidity: call.liquidity,
        minimum: (call.amountTokenMin, call.amountETHMin),
        to: call.to,
        deadline: call.deadline,
    };
    let approval = if call.approveMax { Approval::Unlimited } else { Approval::Exact };
    order.permit(host, pair, approval, (call.v, call.r, call.s))?;
    let grain = order.execute_by_balance(host, call.token)?;
    Ok(Of::abi_encode_returns(&grain))
}

/// An order to remove liquidity.
struct Removal {
    liquidity: U256,
    minimum: (U256, U256),
    to: Address,
    deadline: U256,
}

/// How much a permit allows.
enum Approval {
    /// The liquidity of the order.
    Exact,
    /// 2^256 - 1.
    Unlimited,
}

impl Removal {
    /// Uses the caller's permit for the pair's shares.
    fn permit(
        &self,
        host: &mut dyn Host,
        pair: Address,
        approval: Approval,
        (v, r, s): (u8, B256, B256),
    ) -> Result<(), Failure> {
        let value = match approval {
            Approval::Exact => self.liquidity,
            Approval::Unlimited => U256::MAX,
        };
        let (owner, spender, deadline) = (host.caller(), host.module(), self.deadline);
        call_known(host, pair, &Pair::permitCall { owner, spender, value, deadline, v, r, s })?;
        Ok(())
    }

    /// Removes the liquidity of a pair, and returns the amounts in the order of the assets.
    fn execute(
        &self,
        host: &mut dyn Host,
        tokens: (Address, Address),
    ) -> Result<(U256, U256), Failure> {
        self.execute_to(host, tokens, self.to)
    }

    fn execute_to(
        &self,
        host: &mut dyn Host,
        (token_a, token_b): (Address, Address),
        to: Address,
    ) -> Result<(U256, U256), Failure> {
        check_in_time(host, self.deadline)?;
        let hop = Hop::of(host, token_a, token_b)?;
        let (from, value) = (host.caller(), self.liquidity);
        call_known(host, hop.pair, &Pair::transferFromCall { from, to: hop.pair, value })?;
        let output = call_known(host, hop.pair, &Pair::burnCall { to })?;
        let Pair::burnReturn { amount0, amount1 } =
            Pair::burnCall::abi_decode_returns(&output).map_err(|_| empty())?;
        let (amount_a, amount_b) =
            if hop.gives_token0 { (amount0, amount1) } else { (amount1, amount0) };
        check_limit(amount_a >= self.minimum.0, TOO_LITTLE_A)?;
        check_limit(amount_b >= self.minimum.1, TOO_LITTLE_B)?;
        Ok((amount_a, amount_b))
    }

    /// Removes liquidity of an asset and wrapped GRAIN, and unwraps the latter.
    fn execute_for_grain(
        &self,
        host: &mut dyn Host,
        token: Address,
    ) -> Result<(U256, U256), Failure> {
        let router = host.module();
        let (tokens, grain) = self.execute_to(host, (token, WRAPPED_GRAIN), router)?;
        send(host, token, (self.to, tokens))?;
        unwrap_to(host, self.to, grain)?;
        Ok((tokens, grain))
    }

    /// The same for an asset that delivers less than was sent: what the router then holds of it is sent on.
    fn execute_by_balance(&self, host: &mut dyn Host, token: Address) -> Result<U256, Failure> {
        let router = host.module();
        let (_, grain) = self.execute_to(host, (token, WRAPPED_GRAIN), router)?;
        let held = balance_of(host, token, router)?;
        send(host, token, (self.to, held))?;
        unwrap_to(host, self.to, grain)?;
        Ok(grain)
    }
}

/// Returns the pair of two assets, and the amounts at its price that fit into what is desired, at least `minimum`. Creates the pair if there is none.
fn fitting(
    host: &mut dyn Host,
    (token_a, token_b): (Address, Address),
    desired: (U256, U256),
    minimum: (U256, U256),
) -> Result<(Hop, (U256, U256)), Failure> {
    if factory::existing_pair(host, token_a, token_b)?.is_zero() {
        let create = Factory::createPairCall { tokenA: token_a, tokenB: token_b };
        call_known(host, UNISWAP_V2_FACTORY, &create)?;
    }
    let hop = Hop::of(host, token_a, token_b)?;
    let (reserve_a, reserve_b) = hop.reserves(host)?;
    if reserve_a.is_zero() && reserve_b.is_zero() {
        return Ok((hop, desired));
    }
    let fitting_b = quote(desired.0, (reserve_a, reserve_b))?;
    if fitting_b <= desired.1 {
        check_limit(fitting_b >= minimum.1, TOO_LITTLE_B)?;
        return Ok((hop, (desired.0, fitting_b)));
    }
    let fitting_a = quote(desired.1, (reserve_b, reserve_a))?;
    // The contract asserts it: both quotes round down, so one of them fits.
    if fitting_a > desired.0 {
        return Err(empty());
    }
    check_limit(fitting_a >= minimum.0, TOO_LITTLE_A)?;
    Ok((hop, (fitting_a, desired.1)))
}

/// Mints shares of a pair for what was just sent to it.
fn mint(host: &mut dyn Host, pair: Address, to: Address) -> Result<U256, Failure> {
    let output = call_known(host, pair, &Pair::mintCall { to })?;
    Pair::mintCall::abi_decode_returns(&output).map_err(|_| empty())
}

fn send(host: &mut dyn Host, token: Address, to: (Address, U256)) -> Result<(), Failure> {
    transfers::send(host, token, to, "TransferHelper: TRANSFER_FAILED")
}
