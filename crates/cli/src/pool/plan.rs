//! Adding liquidity, from what was asked for to what the ledger did.

use abi::{
    NonfungiblePositionManager, UNISWAP_V2_ROUTER, UNISWAP_V3_POSITIONS, UniswapV2Router02,
    amount_text, convert,
};
use alloy_primitives::{
    Address, U160, U256,
    aliases::{I24, U24},
};
use alloy_sol_types::{SolCall as _, SolEvent as _};
use anyhow::{anyhow, ensure};
use ledger_client::{Ledger, Receipt};
use ledger_views::markets::{self, Addition, PoolKind, PoolView, PriceRatio, TokenView};
use serde::Serialize;
use units::AccountId;

use super::documents::named_lines;
use super::range::Order;
use crate::market::{
    Approval, ApprovalDocument, ConfirmArgs, Limits, Sender, TokenDocument, TransactionDocument,
    approvals, balance_text, balances, fee_text, moved, sending_time,
};
use crate::options::checksummed;

/// The place of new liquidity.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// A pair of Uniswap v2.
    Pair,
    /// A position of Uniswap v3.
    Range { fee: u32, ticks: (i32, i32), price: U160, position: Option<U256> },
}

/// Liquidity to be added. Arrays are in the order of the pool: token 0, token 1.
pub(super) struct Plan {
    pub(super) first: TokenView,
    pub(super) second: TokenView,
    /// The pool, if it exists.
    pub(super) pool: Option<PoolView>,
    pub(super) place: Place,
    pub(super) given: [Option<U256>; 2],
    pub(super) addition: Addition,
    pub(super) minimum: [U256; 2],
    pub(super) account: Option<AccountId>,
    pub(super) held: Option<[U256; 2]>,
    pub(super) approvals: Vec<Approval>,
}

/// The result of `pool create` and `pool add`; amounts in the smallest unit of their token, `fee` in that of GRAIN.
#[derive(Serialize)]
pub(super) struct AddDocument {
    dry_run: bool,
    version: &'static str,
    created: bool,
    pool: Option<String>,
    fee_millionths: u32,
    token0: TokenDocument,
    token1: TokenDocument,
    /// What was asked for; none of a token without an amount.
    given0: Option<String>,
    given1: Option<String>,
    /// What the pool's price says is used.
    amount0: String,
    amount1: String,
    minimum0: String,
    minimum1: String,
    /// Token 1 for one token 0, in whole units.
    price: String,
    lower_tick: Option<i32>,
    upper_tick: Option<i32>,
    lower_price: Option<String>,
    upper_price: Option<String>,
    account: Option<String>,
    approvals: Vec<ApprovalDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<AddedDocument>,
}

#[derive(Serialize)]
pub(super) struct AddedDocument {
    pool: String,
    amount0: String,
    amount1: String,
    /// Shares of v2 or liquidity of v3 that were added.
    liquidity: String,
    /// Of v3: its number.
    position: Option<String>,
    gas: u64,
    fee: String,
    transactions: Vec<TransactionDocument>,
}

impl Plan {
    /// Reads balances and allowances of the account.
    pub(super) async fn look(
        &mut self,
        ledger: &Ledger,
        confirm: &ConfirmArgs,
    ) -> anyhow::Result<()> {
        let Some(account) = self.account else { return Ok(()) };
        let tokens = self.tokens();
        let held = balances(ledger, &account, tokens).await?;
        let amounts = [0, 1].map(|index| (tokens[index], self.addition.amounts[index]));
        let needed = approvals(ledger, &account, self.spender(), &amounts, confirm).await?;
        (self.held, self.approvals) = (Some(held), needed);
        Ok(())
    }

    fn spender(&self) -> (Address, &'static str) {
        match self.place {
            Place::Pair => (UNISWAP_V2_ROUTER, "the router"),
            Place::Range { .. } => (UNISWAP_V3_POSITIONS, "the position manager"),
        }
    }

    pub(super) fn order(&self) -> Order<'_> {
        Order { first: &self.first, second: &self.second }
    }

    fn tokens(&self) -> [&TokenView; 2] {
        self.order().turn([&self.first, &self.second])
    }

    pub(super) fn check_balance(&self) -> anyhow::Result<()> {
        let (Some(account), Some(held)) = (self.account, self.held) else { return Ok(()) };
        for (index, token) in self.tokens().into_iter().enumerate() {
            let (held, needed) = (held[index], self.addition.amounts[index]);
            ensure!(
                needed <= held,
                "{} has {} {symbol}, and {} {symbol} is needed: nothing was sent",
                checksummed(&account),
                token.amount_text(held),
                token.amount_text(needed),
                symbol = token.symbol
            );
        }
        Ok(())
    }

    /// The price at which liquidity is added: the pool's, or that of the amounts.
    fn price(&self) -> Option<PriceRatio> {
        let of_pool = self.pool.as_ref().and_then(|pool| pool.price);
        let [amount0, amount1] = self.addition.amounts;
        of_pool.or_else(|| match self.place {
            Place::Pair => PriceRatio::of_amounts(amount1, amount0),
            Place::Range { price, .. } => PriceRatio::of_sqrt(price),
        })
    }

    pub(super) fn text(&self, limits: &Limits) -> String {
        let order = self.order();
        let (first, second) = (&self.first.symbol, &self.second.symbol);
        let mut rows = vec![("pool", self.pool_row())];
        let mut label = "tokens";
        for token in [&self.first, &self.second] {
            rows.push((label, format!("{} {}", token.symbol, checksummed(&token.address))));
            label = "";
        }
        if let Some(price) = self.price() {
            rows.push(("price", format!("1 {first} = {} {second}", order.price(price))));
        }
        if let Place::Range { ticks, position, .. } = self.place {
            rows.push(("range", order.range_text(ticks)));
            rows.extend(position.map(|id| ("position", id.to_string())));
        }
        let mut label = "uses";
        let given = order.turn(self.given);
        let (used, least) = (order.turn(self.addition.amounts), order.turn(self.minimum));
        for (index, token) in [&self.first, &self.second].into_iter().enumerate() {
            let of = match given[index] {
                Some(given) if given != used[index] => {
                    format!(" of {}", token.amount_text(given))
                }
                _ => String::new(),
            };
            rows.push((
                label,
                format!(
                    "{}{of} {symbol}, at least {} (slippage {})",
                    token.amount_text(used[index]),
                    token.amount_text(least[index]),
                    limits.slippage_text(),
                    symbol = token.symbol
                ),
            ));
            label = "";
        }
        let mut label = "approve";
        for approval in &self.approvals {
            rows.push((label, approval.text()));
            label = "";
        }
        if let Some(account) = self.account {
            rows.push(("account", checksummed(&account)));
        }
        let mut label = "balance";
        for (index, token) in self.tokens().into_iter().enumerate() {
            let Some(held) = self.held.map(|held| held[index]) else { continue };
            let used = self.addition.amounts[index];
            rows.push((label, balance_text(token, held, used, U256::ZERO)));
            label = "";
        }
        named_lines(rows)
    }

    fn pool_row(&self) -> String {
        let name = format!("{}/{}", self.first.symbol, self.second.symbol);
        let kind = match self.place {
            Place::Pair => "v2, fee 0.3%".to_owned(),
            Place::Range { fee, .. } => format!("v3, fee {}", fee_text(fee)),
        };
        match &self.pool {
            Some(pool) => format!("{name} {kind}, {}", checksummed(&pool.address)),
            None => format!("{name} {kind}, to be created"),
        }
    }

    pub(super) fn document(&self, dry_run: bool, done: Option<AddedDocument>) -> AddDocument {
        let [token0, token1] = self.tokens();
        let text = |amount: U256| amount.to_string();
        let [given0, given1] = self.given.map(|amount| amount.map(text));
        let [amount0, amount1] = self.addition.amounts.map(text);
        let [minimum0, minimum1] = self.minimum.map(text);
        let price_text = |price: PriceRatio| price.text(token0.decimals, token1.decimals);
        let ticks = match self.place {
            Place::Pair => None,
            Place::Range { ticks, .. } => Some(ticks),
        };
        let at = |tick: i32| PriceRatio::at_tick(tick).map(price_text);
        AddDocument {
            dry_run,
            version: match self.place {
                Place::Pair => "v2",
                Place::Range { .. } => "v3",
            },
            created: self.pool.as_ref().is_none_or(|pool| pool.price.is_none()),
            pool: self.pool.as_ref().map(|pool| checksummed(&pool.address)),
            fee_millionths: match self.place {
                Place::Pair => 3_000,
                Place::Range { fee, .. } => fee,
            },
            token0: token0.into(),
            token1: token1.into(),
            given0,
            given1,
            amount0,
            amount1,
            minimum0,
            minimum1,
            price: self.price().map_or_else(|| "none".to_owned(), price_text),
            lower_tick: ticks.map(|(lower, _)| lower),
            upper_tick: ticks.map(|(_, upper)| upper),
            lower_price: ticks.and_then(|(lower, _)| at(lower)),
            upper_price: ticks.and_then(|(_, upper)| at(upper)),
            account: self.account.map(|account| checksummed(&account)),
            approvals: self.approvals.iter().map(Approval::document).collect(),
            done,
        }
    }

    /// Gives the approvals, and adds the liquidity.
    pub(super) async fn send(
        &self,
        limits: &Limits,
        ledger: &Ledger,
        sender: &mut Sender<'_>,
    ) -> anyhow::Result<Receipt> {
        sender.approve(&self.approvals).await?;
        let deadline = limits.deadline(sending_time(ledger).await?);
        let account = self.account.ok_or_else(|| anyhow!("nobody adds the liquidity"))?;
        let to = convert::address(account);
        let [token0, token1] = self.tokens().map(|token| convert::address(token.address));
        let ([amount0, amount1], [minimum0, minimum1]) = (self.addition.amounts, self.minimum);
        let what = format!("add liquidity to {}/{}", self.first.symbol, self.second.symbol);
        let (fee, (lower, upper), price, position) = match self.place {
            Place::Range { fee, ticks, price, position } => (fee, ticks, price, position),
            Place::Pair => {
                let call = UniswapV2Router02::addLiquidityCall {
                    tokenA: token0,
                    tokenB: token1,
                    amountADesired: amount0,
                    amountBDesired: amount1,
                    amountAMin: minimum0,
                    amountBMin: minimum1,
                    to,
                    deadline,
                };
                return sender.send(what, UNISWAP_V2_ROUTER, &call).await;
            }
        };
        if let Some(position) = position {
            let params = NonfungiblePositionManager::IncreaseLiquidityParams {
                tokenId: position,
                amount0Desired: amount0,
                amount1Desired: amount1,
                amount0Min: minimum0,
                amount1Min: minimum1,
                deadline,
            };
            let call = NonfungiblePositionManager::increaseLiquidityCall { params };
            return sender.send(what, UNISWAP_V3_POSITIONS, &call).await;
        }
        let fee = U24::try_from(fee)?;
        let mint = NonfungiblePositionManager::mintCall {
            params: NonfungiblePositionManager::MintParams {
                token0,
                token1,
                fee,
                tickLower: I24::try_from(lower)?,
                tickUpper: I24::try_from(upper)?,
                amount0Desired: amount0,
                amount1Desired: amount1,
                amount0Min: minimum0,
                amount1Min: minimum1,
                recipient: to,
                deadline,
            },
        };
        if self.pool.as_ref().is_some_and(|pool| pool.price.is_some()) {
            return sender.send(what, UNISWAP_V3_POSITIONS, &mint).await;
        }
        let create = NonfungiblePositionManager::createAndInitializePoolIfNecessaryCall {
            token0,
            token1,
            fee,
            sqrtPriceX96: price,
        };
        let data = vec![create.abi_encode().into(), mint.abi_encode().into()];
        let call = NonfungiblePositionManager::multicallCall { data };
        sender.send(what, UNISWAP_V3_POSITIONS, &call).await
    }

    /// What was really used and given, by the events.
    pub(super) async fn done(
        &self,
        ledger: &Ledger,
        receipt: &Receipt,
        sender: &Sender<'_>,
    ) -> anyhow::Result<(AddedDocument, String)> {
        let account = self.account.ok_or_else(|| anyhow!("nobody adds the liquidity"))?;
        let fee = match self.place {
            Place::Pair => None,
            Place::Range { fee, .. } => Some(fee),
        };
        let addresses = (&self.first.address, &self.second.address);
        let pool = markets::pool(ledger, addresses, fee).await?;
        let pool = pool.ok_or_else(|| anyhow!("the pool is gone"))?;
        let [token0, token1] = self.tokens();
        let used = [token0, token1].map(|token| moved(receipt, &token.address, &account).sent);
        let (liquidity, position) = match pool.kind {
            PoolKind::Pair { .. } => (moved(receipt, &pool.address, &account).received, None),
            PoolKind::Ranged { .. } => {
                let added = increased(receipt)
                    .ok_or_else(|| anyhow!("the event IncreaseLiquidity is missing"))?;
                (U256::from(added.liquidity), Some(added.tokenId))
            }
        };
        let given = match position {
            Some(id) => format!("position {id}, liquidity {liquidity}"),
            None => format!("{} shares", amount_text(liquidity, 18)),
        };
        let text = named_lines(vec![
            ("used", format!("{} {}", token0.amount_text(used[0]), token0.symbol)),
            ("", format!("{} {}", token1.amount_text(used[1]), token1.symbol)),
            ("got", given),
            ("pool", checksummed(&pool.address)),
            ("fee", sender.fees_text()),
            ("block", format!("{}, transaction {}", receipt.height, receipt.hash)),
        ]);
        let [amount0, amount1] = used.map(|amount| amount.to_string());
        let done = AddedDocument {
            pool: checksummed(&pool.address),
            amount0,
            amount1,
            liquidity: liquidity.to_string(),
            position: position.map(|id| id.to_string()),
            gas: sender.gas(),
            fee: sender.fees().to_string(),
            transactions: sender.sent.clone(),
        };
        Ok((done, text))
    }
}

fn increased(receipt: &Receipt) -> Option<NonfungiblePositionManager::IncreaseLiquidity> {
    let mut logs = receipt.logs.iter().filter(|log| log.address() == UNISWAP_V3_POSITIONS);
    logs.find_map(|log| {
        NonfungiblePositionManager::IncreaseLiquidity::decode_log(&log.inner)
            .ok()
            .map(|event| event.data)
    })
}
