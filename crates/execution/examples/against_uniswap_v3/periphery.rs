//! Random steps of router, quoter and tick lens.

use abi::{
    Erc20, GRAIN, QuoterV2, SwapRouter as Router, TickLens, UNISWAP_V3_QUOTER, UNISWAP_V3_ROUTER,
    UNISWAP_V3_TICK_LENS, UniswapV3Pool as Pool, WRAPPED_GRAIN,
};
use alloy_primitives::{Address, B256, Bytes, I256, U160, U256, aliases::U24};
use alloy_sol_types::{SolCall as _, SolValue as _};

use crate::{
    steps::{ACCOUNT, ASSETS, Called, Generator},
    twin::Ledger,
    world::{ACTORS, OWNER},
};

impl Generator {
    pub(crate) fn periphery(&mut self, ledger: &mut Ledger) -> Called {
        match self.draws.below(20) {
            0..11 => {
                let (data, value) = self.swap_call();
                self.value = value;
                ("router", ACCOUNT, UNISWAP_V3_ROUTER, data)
            }
            11 | 12 => {
                let data = self.multicall(0);
                ("multicall", ACCOUNT, UNISWAP_V3_ROUTER, data)
            }
            13 => ("router money", ACCOUNT, UNISWAP_V3_ROUTER, self.money()),
            14 => self.send_to_router(),
            15..18 => ("quoter", ACCOUNT, UNISWAP_V3_QUOTER, self.quote()),
            18 => self.lens(ledger),
            _ => self.forged(),
        }
    }

    /// Returns a path along pools that exist, its assets, or now and then another.
    fn path(&mut self) -> (Bytes, Vec<Address>) {
        let (_, first) = self.pool();
        let is_forward = self.draws.one_in(2);
        let (start, mut at) =
            if is_forward { first.assets } else { (first.assets.1, first.assets.0) };
        let mut path = [start.as_slice(), &first.fee.to_be_bytes::<3>(), at.as_slice()].concat();
        let mut assets = vec![start, at];
        for _ in 0..self.draws.below(3) {
            let next: Vec<(Address, U24)> = (self.pools.iter())
                .filter_map(|pool| {
                    let (one, other) = pool.assets;
                    if one == at {
                        Some((other, pool.fee))
                    } else {
                        (other == at).then_some((one, pool.fee))
                    }
                })
                .collect();
            let (asset, fee) = self.draws.of(&next);
            path.extend_from_slice(&fee.to_be_bytes::<3>());
            path.extend_from_slice(asset.as_slice());
            assets.push(asset);
            at = asset;
        }
        match self.draws.below(30) {
            0 => {
                path.truncate(usize::try_from(self.draws.below(70)).expect("small").min(path.len()))
            }
            1 => path.extend_from_slice(&[7; 11]),
            2 => {
                let again: Vec<u8> = path[..20].to_vec();
                path[23..43].copy_from_slice(&again);
            }
            3 => path[21] ^= 1,
            _ => {}
        }
        (path.into(), assets)
    }

    fn size(&mut self) -> U256 {
        match self.draws.below(20) {
            0 => U256::ZERO,
            1 => U256::ONE,
            2 => U256::ONE << 255,
            3 => (U256::ONE << 255) - U256::ONE,
            _ => self.draws.bits(66),
        }
    }

    /// Returns the least or the most that is accepted.
    fn bound(&mut self, is_least: bool) -> U256 {
        match (self.draws.below(8), is_least) {
            (0, _) => self.draws.bits(66),
            (_, true) => U256::ZERO,
            (_, false) => U256::MAX,
        }
    }

    fn when(&mut self) -> U256 {
        match self.draws.below(20) {
            0 => U256::from(self.time - 1),
            1 => U256::from(self.time),
            _ => U256::MAX,
        }
    }

    fn to(&mut self) -> Address {
        match self.draws.below(8) {
            0 | 1 => Address::ZERO,
            2 => ACTORS[0],
            3 => self.pool().1.address,
            4 => UNISWAP_V3_ROUTER,
            _ => ACCOUNT,
        }
    }

    fn limit(&mut self) -> U160 {
        if self.draws.one_in(4) { self.price(0) } else { U160::ZERO }
    }

    /// Returns a swap along a path, and the value to send with it.
    fn swap_call(&mut self) -> (Vec<u8>, U256) {
        let (path, assets) = self.path();
        let (first, second) = (assets[0], assets[1]);
        let fee = U24::from_be_slice(path.get(20..23).unwrap_or(&[0, 0, 1]));
        let (deadline, recipient) = (self.when(), self.to());
        let amount = self.size();
        let limit = self.limit();
        let last = assets[assets.len() - 1];
        let (paid, data) = match self.draws.below(4) {
            0 => {
                let params = Router::ExactInputSingleParams {
                    tokenIn: first,
                    tokenOut: second,
                    fee,
                    recipient,
                    deadline,
                    amountIn: amount,
                    amountOutMinimum: self.bound(true),
                    sqrtPriceLimitX96: limit,
                };
                (first, Router::exactInputSingleCall { params }.abi_encode())
            }
            1 => {
                let params = Router::ExactInputParams {
                    path,
                    recipient,
                    deadline,
                    amountIn: amount,
                    amountOutMinimum: self.bound(true),
                };
                (first, Router::exactInputCall { params }.abi_encode())
            }
            2 => {
                let params = Router::ExactOutputSingleParams {
                    tokenIn: second,
                    tokenOut: first,
                    fee,
                    recipient,
                    deadline,
                    amountOut: amount,
                    amountInMaximum: self.bound(false),
                    sqrtPriceLimitX96: limit,
                };
                (second, Router::exactOutputSingleCall { params }.abi_encode())
            }
            _ => {
                let params = Router::ExactOutputParams {
                    path,
                    recipient,
                    deadline,
                    amountOut: amount,
                    amountInMaximum: self.bound(false),
                };
                (last, Router::exactOutputCall { params }.abi_encode())
            }
        };
        let value = match paid == WRAPPED_GRAIN && self.draws.one_in(2) {
            true => {
                amount.min(U256::ONE << 70) >> usize::try_from(self.draws.below(2)).expect("small")
            }
            false => U256::ZERO,
        };
        (data, value)
    }

    /// Returns a call that moves money without a swap.
    fn money(&mut self) -> Vec<u8> {
        let (recipient, minimum) = (self.to(), self.bound(true));
        let token = self.draws.of(&ASSETS);
        let bips = U256::from(self.draws.of(&[0_u64, 1, 30, 100, 101]));
        let fee_to = self.draws.of(&[ACTORS[0], OWNER, Address::ZERO]);
        let (v, r, s) = (27, B256::repeat_byte(1), B256::repeat_byte(2));
        let (value, deadline) = (self.size(), self.when());
        match self.draws.below(9) {
            0 => Router::refundETHCall {}.abi_encode(),
            1 => Router::unwrapWETH9Call { amountMinimum: minimum, recipient }.abi_encode(),
            2 => Router::unwrapWETH9WithFeeCall {
                amountMinimum: minimum,
                recipient,
                feeBips: bips,
                feeRecipient: fee_to,
            }
            .abi_encode(),
            3 => Router::sweepTokenCall { token, amountMinimum: minimum, recipient }.abi_encode(),
            4 => Router::sweepTokenWithFeeCall {
                token,
                amountMinimum: minimum,
                recipient,
                feeBips: bips,
                feeRecipient: fee_to,
            }
            .abi_encode(),
            5 => Router::selfPermitCall { token, value, deadline, v, r, s }.abi_encode(),
            6 => Router::selfPermitIfNecessaryCall { token, value, deadline, v, r, s }.abi_encode(),
            7 => Router::selfPermitAllowedCall { token, nonce: value, expiry: deadline, v, r, s }
                .abi_encode(),
            _ => Router::selfPermitAllowedIfNecessaryCall {
                token,
                nonce: value,
                expiry: deadline,
                v,
                r,
                s,
            }
            .abi_encode(),
        }
    }

    /// Returns several calls in one; the value is that of the first swap, for all of them.
    fn multicall(&mut self, nested: u8) -> Vec<u8> {
        let mut data: Vec<Bytes> = Vec::new();
        for _ in 0..1 + self.draws.below(3) {
            let (call, value) = match self.draws.below(8) {
                0 | 1 => (self.money(), U256::ZERO),
                2 if nested < 3 => (self.multicall(nested + 1), U256::ZERO),
                3 => (Router::factoryCall {}.abi_encode(), U256::ZERO),
                4 if self.draws.one_in(4) => (vec![1, 2, 3], U256::ZERO),
                4 if self.draws.one_in(4) => (Vec::new(), U256::ZERO),
                _ => self.swap_call(),
            };
            self.value = self.value.max(value);
            data.push(call.into());
        }
        if self.draws.one_in(2) {
            data.push(Router::refundETHCall {}.abi_encode().into());
        }
        Router::multicallCall { data }.abi_encode()
    }

    /// Sends the router something, so that there is something to sweep.
    fn send_to_router(&mut self) -> Called {
        let value = U256::from(self.draws.below(1_000_000));
        if self.draws.one_in(8) {
            self.value = value;
            return ("plain send", ACCOUNT, UNISWAP_V3_ROUTER, Vec::new());
        }
        let token = self.draws.of(&[ASSETS[0], GRAIN, WRAPPED_GRAIN]);
        let call = Erc20::transferCall { to: UNISWAP_V3_ROUTER, value };
        ("to router", ACCOUNT, token, call.abi_encode())
    }

    fn quote(&mut self) -> Vec<u8> {
        let (path, assets) = self.path();
        let (first, second) = (assets[0], assets[1]);
        let fee = U24::from_be_slice(path.get(20..23).unwrap_or(&[0, 0, 1]));
        let (amount, limit) = (self.size(), self.limit());
        match self.draws.below(4) {
            0 => {
                let params = QuoterV2::QuoteExactInputSingleParams {
                    tokenIn: first,
                    tokenOut: second,
                    amountIn: amount,
                    fee,
                    sqrtPriceLimitX96: limit,
                };
                QuoterV2::quoteExactInputSingleCall { params }.abi_encode()
            }
            1 => {
                let params = QuoterV2::QuoteExactOutputSingleParams {
                    tokenIn: first,
                    tokenOut: second,
                    amount,
                    fee,
                    sqrtPriceLimitX96: limit,
                };
                QuoterV2::quoteExactOutputSingleCall { params }.abi_encode()
            }
            2 => QuoterV2::quoteExactInputCall { path, amountIn: amount }.abi_encode(),
            _ => QuoterV2::quoteExactOutputCall { path, amountOut: amount }.abi_encode(),
        }
    }

    fn lens(&mut self, ledger: &mut Ledger) -> Called {
        let (_, pool) = self.pool();
        let output = ledger.read(pool.address, &Pool::slot0Call {}.abi_encode()).output;
        let tick = Pool::slot0Call::abi_decode_returns(&output).map_or(0, |it| it.tick.as_i32());
        let index = match self.draws.below(4) {
            0 => i16::try_from(self.draws.between(-4, 4)).expect("small"),
            _ => i16::try_from(tick.div_euclid(pool.spacing) >> 8).expect("16 bits"),
        };
        let of = if self.draws.one_in(10) { ACTORS[0] } else { pool.address };
        let call = TickLens::getPopulatedTicksInWordCall { pool: of, tickBitmapIndex: index };
        ("lens", ACCOUNT, UNISWAP_V3_TICK_LENS, call.abi_encode())
    }

    /// A callback by somebody who is no pool.
    fn forged(&mut self) -> Called {
        let (path, _) = self.path();
        let delta = |size: u64| I256::try_from(size).expect("small");
        let (amount0, amount1) = (delta(self.draws.below(2)), delta(self.draws.below(2)));
        if self.draws.one_in(2) {
            let call = QuoterV2::uniswapV3SwapCallbackCall {
                amount0Delta: amount0,
                amount1Delta: amount1,
                path,
            };
            return ("forged", ACCOUNT, UNISWAP_V3_QUOTER, call.abi_encode());
        }
        let data = match self.draws.one_in(3) {
            true => path,
            false => ((path, ACCOUNT),).abi_encode_params().into(),
        };
        let call = Router::uniswapV3SwapCallbackCall {
            amount0Delta: amount0,
            amount1Delta: amount1,
            _data: data,
        };
        ("forged", ACCOUNT, UNISWAP_V3_ROUTER, call.abi_encode())
    }
}
