//! What the position manager tells of a position to those who show it.

use abi::{Erc20, NonfungiblePositionManager as Manager};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use amm::concentrated::{Book as _, sqrt_price_at_tick};
use native_kit::{Call, Failure, Host, Outcome};

use super::{
    picture::{Asset, Drawn, symbol, uri},
    position, tokens,
};
use crate::{
    table::LEAN_MARKETS,
    uniswap_v3::{
        empty,
        path::Hop,
        pool::{PoolRecords, refusal},
    },
};

/// Gas that an asset gets to tell its symbol, or its decimals: what it returns can't be large for that.
const ASKING_GAS: u64 = 50_000;
/// Gas for drawing and encoding some kilobytes.
const DRAWING_GAS: u64 = 20_000;

/// Describes a position, as a `data:` address of JSON (ERC-721).
pub(super) fn described(host: &mut dyn Host, token: U256) -> Result<String, Failure> {
    if !tokens::exists(host, token)? {
        return Err(empty());
    }
    let of = position(host, token)?;
    if host.revision() < LEAN_MARKETS {
        return Ok(in_words(token, &of));
    }
    host.charge(DRAWING_GAS)?;
    let key = Hop { first: of.token0, second: of.token1, fee: of.fee };
    let pool = key.pool(host)?;
    let slot0 = PoolRecords::of(host, pool).slot0()?;
    let ticks = (of.tickLower.as_i32(), of.tickUpper.as_i32());
    let drawn = Drawn {
        token,
        pool,
        assets: [asset(host, of.token0)?, asset(host, of.token1)?],
        fee: of.fee.to(),
        ticks,
        roots: (
            sqrt_price_at_tick(ticks.0).map_err(refusal)?,
            sqrt_price_at_tick(ticks.1).map_err(refusal)?,
        ),
        tick: slot0.tick,
        root: slot0.sqrt_price,
        liquidity: of.liquidity,
    };
    Ok(uri(&drawn))
}

/// Asks an asset what it is called and how it is counted. One that does not answer has neither.
pub(super) fn asset(host: &mut dyn Host, address: Address) -> Result<Asset, Failure> {
    let named = ask(host, address, Erc20::symbolCall {}.abi_encode())?;
    let counted = ask(host, address, Erc20::decimalsCall {}.abi_encode())?;
    let decimals = counted.filter(|output| output.len() == 32);
    let decimals = decimals.and_then(|output| u8::try_from(U256::from_be_slice(&output)).ok());
    Ok(Asset { address, symbol: named.and_then(|output| symbol(&output)), decimals })
}

fn ask(host: &mut dyn Host, of: Address, input: Vec<u8>) -> Result<Option<Vec<u8>>, Failure> {
    let call = Call { gas_limit: Some(ASKING_GAS), ..Call::reading(of, input) };
    Ok(match host.call(&call)? {
        Outcome::Returned(output) => Some(output.to_vec()),
        Outcome::Reverted(_) | Outcome::Halted => None,
    })
}

/// Describes a position as revision 2 did.
fn in_words(token: U256, of: &Manager::positionsReturn) -> String {
    let (name, percent) = (format!("Position {token}"), of.fee);
    let words = format!(
        "{} and {}, fee {percent} millionths, ticks {} to {}",
        of.token0, of.token1, of.tickLower, of.tickUpper
    );
    let json = format!(r#"{{"name":"{name}","description":"{words}"}}"#);
    let escaped: String = json
        .chars()
        .map(|letter| match letter {
            '{' => "%7B".to_owned(),
            '}' => "%7D".to_owned(),
            '"' => "%22".to_owned(),
            ' ' => "%20".to_owned(),
            other => other.to_string(),
        })
        .collect();
    format!("data:application/json,{escaped}")
}
