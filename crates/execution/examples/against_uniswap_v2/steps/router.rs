//! Calls of the router.

use abi::{UNISWAP_V2_ROUTER, UniswapV2Router02 as Router, WRAPPED_GRAIN, uniswap_v2_pair};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolValue};

use super::{Called, GRAIN, Generator, PLAYER_GRAIN, PLAYERS, balance};
use crate::twin::Ledger;

impl Generator {
    pub(super) fn router(&mut self, ledger: &mut Ledger) -> Called {
        match self.draws.below(16) {
            0 => self.quote(),
            1..=3 => self.add(ledger),
            4..=6 => self.remove(ledger),
            7..=9 => self.swap_tokens(ledger),
            10 | 11 => self.swap_from_grain(ledger),
            12 | 13 => self.swap_to_grain(ledger),
            _ => self.swap_by_balance(ledger),
        }
    }

    fn routed(&mut self, name: &'static str, value: U256, data: Vec<u8>) -> Called {
        let from = PLAYERS[self.draws.below(3)];
        (name, from, UNISWAP_V2_ROUTER, value, data)
    }

    fn quote(&mut self) -> Called {
        let [amount, a, b] = [0; 3].map(|_: u8| match self.draws.below(8) {
            0 => U256::ZERO,
            1 => U256::MAX,
            2 => self.draws.magnitude(256),
            _ => self.draws.magnitude(120),
        });
        let path = self.path();
        let data = match self.draws.below(8) {
            0 => Router::quoteCall { amountA: amount, reserveA: a, reserveB: b }.abi_encode(),
            1 => Router::getAmountOutCall { amountIn: amount, reserveIn: a, reserveOut: b }
                .abi_encode(),
            2 => Router::getAmountInCall { amountOut: amount, reserveIn: a, reserveOut: b }
                .abi_encode(),
            3 => Router::getAmountInCall { amountOut: b, reserveIn: a, reserveOut: b }.abi_encode(),
            4 | 5 => Router::getAmountsOutCall { amountIn: amount, path }.abi_encode(),
            6 => Router::getAmountsInCall { amountOut: amount, path }.abi_encode(),
            // A plain send: refused, unless it is unwrapped GRAIN.
            _ => return self.routed("router: plain send", U256::from(7), Vec::new()),
        };
        self.routed("router: quotes", U256::ZERO, data)
    }

    /// Returns a limit: none, or around an amount.
    fn minimum(&mut self, amount: U256) -> U256 {
        match self.draws.below(5) {
            0 => amount,
            1 => amount.saturating_add(U256::ONE),
            _ => U256::ZERO,
        }
    }

    /// Returns an asset for a pair with wrapped GRAIN.
    fn beside_grain(&mut self) -> Address {
        let beside: Vec<Address> = (self.assets.iter())
            .filter_map(|(a, b)| match () {
                () if *a == WRAPPED_GRAIN => Some(*b),
                () if *b == WRAPPED_GRAIN => Some(*a),
                () => None,
            })
            .collect();
        match beside.is_empty() || self.draws.one_in(8) {
            true => self.two_assets().0,
            false => self.draws.of(&beside),
        }
    }

    fn add(&mut self, ledger: &mut Ledger) -> Called {
        let (to, deadline) = (self.receiver(), self.deadline());
        if self.draws.one_in(2) {
            let token = self.beside_grain();
            let held = super::reserves(ledger, uniswap_v2_pair(token, WRAPPED_GRAIN));
            let (of_token, of_grain) = if token < WRAPPED_GRAIN { held } else { (held.1, held.0) };
            let value = self.draws.amount(of_grain).min(PLAYER_GRAIN >> 5);
            let desired = self.draws.amount(of_token);
            let call = Router::addLiquidityETHCall {
                token,
                amountTokenDesired: desired,
                amountTokenMin: self.minimum(desired),
                amountETHMin: self.minimum(value),
                to,
                deadline,
            };
            return self.routed("addLiquidityETH", value, call.abi_encode());
        }
        let (token_a, token_b) = match self.draws.below(12) {
            0 => self.two_assets(),
            1 => (GRAIN, GRAIN),
            2 => (GRAIN, Address::ZERO),
            _ => self.pair().1,
        };
        let (reserve_a, reserve_b) = super::reserves(ledger, uniswap_v2_pair(token_a, token_b));
        let (a, b) = (self.draws.amount(reserve_a), self.draws.amount(reserve_b));
        let call = Router::addLiquidityCall {
            tokenA: token_a,
            tokenB: token_b,
            amountADesired: a,
            amountBDesired: b,
            amountAMin: self.minimum(a),
            amountBMin: self.minimum(b),
            to,
            deadline,
        };
        self.routed("addLiquidity", U256::ZERO, call.abi_encode())
    }

    fn remove(&mut self, ledger: &mut Ledger) -> Called {
        let (to, deadline) = (self.receiver(), self.deadline());
        let with_grain = self.draws.one_in(2);
        let (token_a, token_b) = match with_grain {
            true => (self.beside_grain(), WRAPPED_GRAIN),
            false => self.pair().1,
        };
        let pair = uniswap_v2_pair(token_a, token_b);
        let holds = |index: &usize| !balance(ledger, pair, PLAYERS[*index]).is_zero();
        let holders: Vec<usize> = (0..3).filter(holds).collect();
        let signer = if holders.is_empty() { 0 } else { self.draws.of(&holders) };
        let from = PLAYERS[signer];
        let liquidity = self.draws.amount(balance(ledger, pair, from));
        let (a_min, b_min) = match self.draws.below(6) {
            0 => (U256::from(self.draws.below(2_000)), U256::ZERO),
            1 => (U256::ZERO, self.draws.magnitude(112)),
            _ => (U256::ZERO, U256::ZERO),
        };
        let approve_max = self.draws.one_in(2);
        let value = if approve_max { U256::MAX } else { liquidity };
        let signature = self.signature(ledger, pair, signer, (UNISWAP_V2_ROUTER, value, deadline));
        let tokens = (token_a, token_b);
        let minimum = (a_min, b_min);
        let removal = Removal { tokens, liquidity, minimum, to, deadline, approve_max, signature };
        let with_permit = self.draws.one_in(2);
        let (name, data) = match (with_grain, self.draws.one_in(2)) {
            (false, _) => removal.of_tokens(with_permit),
            (true, false) => removal.of_grain(with_permit),
            (true, true) => removal.of_grain_by_balance(with_permit),
        };
        (name, from, UNISWAP_V2_ROUTER, U256::ZERO, data)
    }

    /// Returns the amounts along a path as the reference's router quotes them; nothing where it refuses.
    fn quoted(&mut self, ledger: &mut Ledger, data: Vec<u8>) -> Vec<U256> {
        let output = ledger.read(UNISWAP_V2_ROUTER, &data).output;
        <Vec<U256>>::abi_decode(&output).unwrap_or_default()
    }

    /// Returns an amount that matters to the first pair of a path.
    fn input(&mut self, ledger: &mut Ledger, path: &[Address]) -> U256 {
        let [a, b, ..] = *path else { return U256::from(5) };
        let (reserve0, reserve1) = super::reserves(ledger, uniswap_v2_pair(a, b));
        self.draws.amount(if a < b { reserve0 } else { reserve1 })
    }

    /// Returns an amount that matters to the last pair of a path.
    fn output(&mut self, ledger: &mut Ledger, path: &[Address]) -> U256 {
        let reversed: Vec<Address> = path.iter().rev().copied().collect();
        let amount = self.input(ledger, &reversed);
        if self.draws.one_in(3) { amount } else { amount / U256::from(2 + self.draws.below(50)) }
    }

    fn swap_tokens(&mut self, ledger: &mut Ledger) -> Called {
        let (path, to, deadline) = (self.path(), self.receiver(), self.deadline());
        if self.draws.one_in(2) {
            let amount = self.input(ledger, &path);
            let quote = Router::getAmountsOutCall { amountIn: amount, path: path.clone() };
            let quoted = self.quoted(ledger, quote.abi_encode());
            let minimum = self.minimum(quoted.last().copied().unwrap_or_default());
            let call = Router::swapExactTokensForTokensCall {
                amountIn: amount,
                amountOutMin: minimum,
                path,
                to,
                deadline,
            };
            return self.routed("swapExactTokensForTokens", U256::ZERO, call.abi_encode());
        }
        let amount = self.output(ledger, &path);
        let maximum = self.maximum(ledger, amount, &path);
        let call = Router::swapTokensForExactTokensCall {
            amountOut: amount,
            amountInMax: maximum,
            path,
            to,
            deadline,
        };
        self.routed("swapTokensForExactTokens", U256::ZERO, call.abi_encode())
    }

    /// Returns the most that may be paid: without limit, or around the quote.
    fn maximum(&mut self, ledger: &mut Ledger, amount: U256, path: &[Address]) -> U256 {
        let quote = Router::getAmountsInCall { amountOut: amount, path: path.to_vec() };
        let quoted = self.quoted(ledger, quote.abi_encode());
        let first = quoted.first().copied().unwrap_or_default();
        match self.draws.below(5) {
            0 => first,
            1 => first.saturating_sub(U256::ONE),
            _ => U256::MAX,
        }
    }

    /// Returns a path that begins with wrapped GRAIN, mostly.
    fn path_from_grain(&mut self) -> Vec<Address> {
        for _ in 0..20 {
            let path = self.path();
            if path.first() == Some(&WRAPPED_GRAIN) {
                return path;
            }
        }
        self.path()
    }

    fn swap_from_grain(&mut self, ledger: &mut Ledger) -> Called {
        let (path, to, deadline) = (self.path_from_grain(), self.receiver(), self.deadline());
        let most = PLAYER_GRAIN >> 5;
        match self.draws.below(2) {
            0 => {
                let value = self.input(ledger, &path).min(most);
                let quote = Router::getAmountsOutCall { amountIn: value, path: path.clone() };
                let quoted = self.quoted(ledger, quote.abi_encode());
                let minimum = self.minimum(quoted.last().copied().unwrap_or_default());
                let call =
                    Router::swapExactETHForTokensCall { amountOutMin: minimum, path, to, deadline };
                self.routed("swapExactETHForTokens", value, call.abi_encode())
            }
            _ => {
                let amount = self.output(ledger, &path);
                let value = self.maximum(ledger, amount, &path).min(most);
                let call =
                    Router::swapETHForExactTokensCall { amountOut: amount, path, to, deadline };
                self.routed("swapETHForExactTokens", value, call.abi_encode())
            }
        }
    }

    fn swap_to_grain(&mut self, ledger: &mut Ledger) -> Called {
        let mut path = self.path_from_grain();
        path.reverse();
        let (to, deadline) = (self.receiver(), self.deadline());
        match self.draws.below(2) {
            0 => {
                let amount = self.input(ledger, &path);
                let quote = Router::getAmountsOutCall { amountIn: amount, path: path.clone() };
                let quoted = self.quoted(ledger, quote.abi_encode());
                let minimum = self.minimum(quoted.last().copied().unwrap_or_default());
                let call = Router::swapExactTokensForETHCall {
                    amountIn: amount,
                    amountOutMin: minimum,
                    path,
                    to,
                    deadline,
                };
                self.routed("swapExactTokensForETH", U256::ZERO, call.abi_encode())
            }
            _ => {
                let amount = self.output(ledger, &path);
                let maximum = self.maximum(ledger, amount, &path);
                let call = Router::swapTokensForExactETHCall {
                    amountOut: amount,
                    amountInMax: maximum,
                    path,
                    to,
                    deadline,
                };
                self.routed("swapTokensForExactETH", U256::ZERO, call.abi_encode())
            }
        }
    }

    fn swap_by_balance(&mut self, ledger: &mut Ledger) -> Called {
        let (to, deadline) = (self.receiver(), self.deadline());
        match self.draws.below(3) {
            0 => {
                let path = self.path();
                let amount = self.input(ledger, &path);
                let minimum = U256::from(self.draws.below(3));
                let call = Router::swapExactTokensForTokensSupportingFeeOnTransferTokensCall {
                    amountIn: amount,
                    amountOutMin: minimum,
                    path,
                    to,
                    deadline,
                };
                self.routed(
                    "swapExactTokensForTokensSupportingFeeOnTransferTokens",
                    U256::ZERO,
                    call.abi_encode(),
                )
            }
            1 => {
                let path = self.path_from_grain();
                let value = self.input(ledger, &path).min(PLAYER_GRAIN >> 5);
                let minimum = U256::from(self.draws.below(3));
                let call = Router::swapExactETHForTokensSupportingFeeOnTransferTokensCall {
                    amountOutMin: minimum,
                    path,
                    to,
                    deadline,
                };
                self.routed(
                    "swapExactETHForTokensSupportingFeeOnTransferTokens",
                    value,
                    call.abi_encode(),
                )
            }
            _ => {
                let mut path = self.path_from_grain();
                path.reverse();
                let amount = self.input(ledger, &path);
                let minimum = U256::from(self.draws.below(3));
                let call = Router::swapExactTokensForETHSupportingFeeOnTransferTokensCall {
                    amountIn: amount,
                    amountOutMin: minimum,
                    path,
                    to,
                    deadline,
                };
                self.routed(
                    "swapExactTokensForETHSupportingFeeOnTransferTokens",
                    U256::ZERO,
                    call.abi_encode(),
                )
            }
        }
    }
}

/// Liquidity to be removed.
struct Removal {
    tokens: (Address, Address),
    liquidity: U256,
    minimum: (U256, U256),
    to: Address,
    deadline: U256,
    approve_max: bool,
    signature: (u8, B256, B256),
}

impl Removal {
    fn of_tokens(&self, with_permit: bool) -> (&'static str, Vec<u8>) {
        let Self { tokens: (token_a, token_b), liquidity, minimum, to, deadline, .. } = *self;
        let (v, r, s) = self.signature;
        if with_permit {
            let call = Router::removeLiquidityWithPermitCall {
                tokenA: token_a,
                tokenB: token_b,
                liquidity,
                amountAMin: minimum.0,
                amountBMin: minimum.1,
                to,
                deadline,
                approveMax: self.approve_max,
                v,
                r,
                s,
            };
            return ("removeLiquidityWithPermit", call.abi_encode());
        }
        let call = Router::removeLiquidityCall {
            tokenA: token_a,
            tokenB: token_b,
            liquidity,
            amountAMin: minimum.0,
            amountBMin: minimum.1,
            to,
            deadline,
        };
        ("removeLiquidity", call.abi_encode())
    }

    fn of_grain(&self, with_permit: bool) -> (&'static str, Vec<u8>) {
        let Self { tokens: (token, _), liquidity, minimum, to, deadline, .. } = *self;
        let (v, r, s) = self.signature;
        if with_permit {
            let call = Router::removeLiquidityETHWithPermitCall {
                token,
                liquidity,
                amountTokenMin: minimum.0,
                amountETHMin: minimum.1,
                to,
                deadline,
                approveMax: self.approve_max,
                v,
                r,
                s,
            };
            return ("removeLiquidityETHWithPermit", call.abi_encode());
        }
        let call = Router::removeLiquidityETHCall {
            token,
            liquidity,
            amountTokenMin: minimum.0,
            amountETHMin: minimum.1,
            to,
            deadline,
        };
        ("removeLiquidityETH", call.abi_encode())
    }

    fn of_grain_by_balance(&self, with_permit: bool) -> (&'static str, Vec<u8>) {
        let Self { tokens: (token, _), liquidity, minimum, to, deadline, .. } = *self;
        let (v, r, s) = self.signature;
        if with_permit {
            let call = Router::removeLiquidityETHWithPermitSupportingFeeOnTransferTokensCall {
                token,
                liquidity,
                amountTokenMin: minimum.0,
                amountETHMin: minimum.1,
                to,
                deadline,
                approveMax: self.approve_max,
                v,
                r,
                s,
            };
            let name = "removeLiquidityETHWithPermitSupportingFeeOnTransferTokens";
            return (name, call.abi_encode());
        }
        let call = Router::removeLiquidityETHSupportingFeeOnTransferTokensCall {
            token,
            liquidity,
            amountTokenMin: minimum.0,
            amountETHMin: minimum.1,
            to,
            deadline,
        };
        ("removeLiquidityETHSupportingFeeOnTransferTokens", call.abi_encode())
    }
}
