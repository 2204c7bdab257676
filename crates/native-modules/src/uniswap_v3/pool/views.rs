//! What a pool answers without changing anything.

use abi::{
    UNISWAP_V3_FACTORY,
    UniswapV3Pool::{self, UniswapV3PoolCalls as Calls},
};
use alloy_primitives::aliases::I56;
use alloy_sol_types::SolCall as _;
use amm::concentrated::{Asset, Book as _, Pool, liquidity_per_tick_max};
use native_kit::{Failure, Host};

use super::{
    narrow, now,
    records::{OBSERVATIONS, Records, Stored},
};

/// Executes a call that only reads; returns `None` for others.
pub(super) fn view(host: &mut dyn Host, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    let stored = Stored::here();
    Ok(Some(match call {
        Calls::factory(_) => UniswapV3Pool::factoryCall::abi_encode_returns(&UNISWAP_V3_FACTORY),
        Calls::token0(_) => {
            UniswapV3Pool::token0Call::abi_encode_returns(&stored.token0.get(host)?)
        }
        Calls::token1(_) => {
            UniswapV3Pool::token1Call::abi_encode_returns(&stored.token1.get(host)?)
        }
        Calls::fee(_) => UniswapV3Pool::feeCall::abi_encode_returns(&stored.fee.get(host)?),
        Calls::tickSpacing(_) => {
            UniswapV3Pool::tickSpacingCall::abi_encode_returns(&stored.tick_spacing.get(host)?)
        }
        Calls::maxLiquidityPerTick(_) => {
            let most = liquidity_per_tick_max(Records::new(host).terms()?.tick_spacing);
            UniswapV3Pool::maxLiquidityPerTickCall::abi_encode_returns(&most)
        }
        Calls::slot0(_)
        | Calls::feeGrowthGlobal0X128(_)
        | Calls::feeGrowthGlobal1X128(_)
        | Calls::protocolFees(_)
        | Calls::liquidity(_) => of_pool(host, call)?,
        Calls::ticks(_) | Calls::tickBitmap(_) | Calls::positions(_) | Calls::observations(_) => {
            record(host, call)?
        }
        Calls::observe(call) => observe(host, call)?,
        Calls::snapshotCumulativesInside(call) => snapshot(host, call)?,
        Calls::initialize(_)
        | Calls::mint(_)
        | Calls::collect(_)
        | Calls::burn(_)
        | Calls::swap(_)
        | Calls::flash(_)
        | Calls::increaseObservationCardinalityNext(_)
        | Calls::setFeeProtocol(_)
        | Calls::collectProtocol(_) => return Ok(None),
    }))
}

/// Answers what there is once in a pool.
fn of_pool(host: &mut dyn Host, call: &Calls) -> Result<Vec<u8>, Failure> {
    let mut records = Records::new(host);
    Ok(match call {
        Calls::slot0(_) => {
            let slot0 = records.slot0()?;
            UniswapV3Pool::slot0Call::abi_encode_returns(&UniswapV3Pool::slot0Return {
                sqrtPriceX96: slot0.sqrt_price,
                tick: narrow(slot0.tick),
                observationIndex: slot0.observation_index,
                observationCardinality: slot0.observation_cardinality,
                observationCardinalityNext: slot0.observation_cardinality_next,
                feeProtocol: slot0.protocol_fee,
                unlocked: slot0.is_unlocked,
            })
        }
        Calls::feeGrowthGlobal0X128(_) => {
            let growth = records.fee_growth(Asset::Zero)?;
            UniswapV3Pool::feeGrowthGlobal0X128Call::abi_encode_returns(&growth)
        }
        Calls::feeGrowthGlobal1X128(_) => {
            let growth = records.fee_growth(Asset::One)?;
            UniswapV3Pool::feeGrowthGlobal1X128Call::abi_encode_returns(&growth)
        }
        Calls::protocolFees(_) => {
            let owed = records.protocol_fees()?;
            UniswapV3Pool::protocolFeesCall::abi_encode_returns(
                &UniswapV3Pool::protocolFeesReturn { token0: owed.of0, token1: owed.of1 },
            )
        }
        Calls::liquidity(_) => {
            UniswapV3Pool::liquidityCall::abi_encode_returns(&records.liquidity()?)
        }
        _ => unreachable!("not asked for here"),
    })
}

/// Answers a tick, a word, a position or an observation.
fn record(host: &mut dyn Host, call: &Calls) -> Result<Vec<u8>, Failure> {
    let mut records = Records::new(host);
    Ok(match call {
        Calls::ticks(call) => {
            let tick = call.tick.as_i32();
            let liquidity = records.tick_liquidity(tick)?;
            let growth = records.tick_fee_growth(tick)?;
            let accumulators = records.tick_accumulators(tick)?;
            UniswapV3Pool::ticksCall::abi_encode_returns(&UniswapV3Pool::ticksReturn {
                liquidityGross: liquidity.gross,
                liquidityNet: liquidity.net,
                feeGrowthOutside0X128: growth.of0,
                feeGrowthOutside1X128: growth.of1,
                tickCumulativeOutside: cut(accumulators.outside.tick_cumulative),
                secondsPerLiquidityOutsideX128: accumulators.outside.seconds_per_liquidity,
                secondsOutside: accumulators.seconds_outside,
                initialized: accumulators.is_initialized,
            })
        }
        Calls::tickBitmap(call) => {
            let word = records.word(call.wordPosition)?;
            UniswapV3Pool::tickBitmapCall::abi_encode_returns(&word)
        }
        Calls::positions(call) => {
            let (position, owed) = records.position_by_hash(call.key)?;
            UniswapV3Pool::positionsCall::abi_encode_returns(&UniswapV3Pool::positionsReturn {
                liquidity: position.liquidity,
                feeGrowthInside0LastX128: position.fee_growth_inside.of0,
                feeGrowthInside1LastX128: position.fee_growth_inside.of1,
                tokensOwed0: owed.of0,
                tokensOwed1: owed.of1,
            })
        }
        Calls::observations(call) => {
            // The original runs into an invalid instruction, which takes all gas.
            let index = u16::try_from(call.index).ok().filter(|it| usize::from(*it) < OBSERVATIONS);
            let observation = records.observation(index.ok_or(Failure::OutOfGas)?)?;
            let answer = UniswapV3Pool::observationsReturn {
                blockTimestamp: observation.time,
                tickCumulative: cut(observation.at.tick_cumulative),
                secondsPerLiquidityCumulativeX128: observation.at.seconds_per_liquidity,
                initialized: observation.is_initialized,
            };
            UniswapV3Pool::observationsCall::abi_encode_returns(&answer)
        }
        _ => unreachable!("not asked for here"),
    })
}

fn observe(host: &mut dyn Host, call: &UniswapV3Pool::observeCall) -> Result<Vec<u8>, Failure> {
    let now = now(host);
    let found = Pool::new(&mut Records::new(host), now).observe(&call.secondsAgos)?;
    let answer = UniswapV3Pool::observeReturn {
        tickCumulatives: found.iter().map(|at| cut(at.tick_cumulative)).collect(),
        secondsPerLiquidityCumulativeX128s: found
            .iter()
            .map(|at| at.seconds_per_liquidity)
            .collect(),
    };
    Ok(UniswapV3Pool::observeCall::abi_encode_returns(&answer))
}

fn snapshot(
    host: &mut dyn Host,
    call: &UniswapV3Pool::snapshotCumulativesInsideCall,
) -> Result<Vec<u8>, Failure> {
    let now = now(host);
    let (lower, upper) = (call.tickLower.as_i32(), call.tickUpper.as_i32());
    let inside = Pool::new(&mut Records::new(host), now).snapshot_inside(lower, upper)?;
    let answer = UniswapV3Pool::snapshotCumulativesInsideReturn {
        tickCumulativeInside: cut(inside.tick_cumulative),
        secondsPerLiquidityInsideX128: inside.seconds_per_liquidity,
        secondsInside: inside.seconds,
    };
    Ok(UniswapV3Pool::snapshotCumulativesInsideCall::abi_encode_returns(&answer))
}

/// Returns a cumulative tick of the rules, which are cut to 56 bits.
fn cut(tick_cumulative: i64) -> I56 {
    I56::try_from(tick_cumulative).unwrap_or_default()
}
