//! `gleaner pool remove` and `gleaner pool collect`.

use abi::{
    NonfungiblePositionManager, UNISWAP_V2_ROUTER, UNISWAP_V3_POSITIONS, UniswapV2Router02,
    amount_text, convert,
};
use alloy_primitives::{Bytes, U256};
use alloy_sol_types::SolCall as _;
use anyhow::{anyhow, ensure};
use ledger_client::{Ledger, LedgerError, Receipt};
use ledger_views::{
    ITEMS_MAX, ViewError, Window,
    markets::{self, PoolKind, PoolView, PositionView, TokenView},
};
use serde::Serialize;
use units::AccountId;

use super::documents::{named_lines, pair_name};
use super::{KindArgs, both};
use crate::failure::{Hint as _, WrongUsage};
use crate::ledger;
use crate::market::{
    Approval, ApprovalDocument, ConfirmArgs, Limits, Part, Sender, TokenDocument,
    TransactionDocument, approvals, balance_text, moved, parse_part, sending_time,
};
use crate::options::{LedgerArgs, SignerArgs, checksummed};
use crate::output::Output;
use crate::shell;

#[derive(Debug, clap::Args)]
pub(super) struct RemoveArgs {
    /// How much: a part such as 50%, `all`, or an amount of shares of v2 or of liquidity of v3
    #[arg(value_name = "PART", value_parser = parse_part)]
    part: Part,
    /// The two tokens of a pair of v2; of v3 give --position
    #[arg(value_name = "TOKEN", num_args = 0..=2)]
    tokens: Vec<String>,
    #[command(flatten)]
    kind: KindArgs,
    /// Of v3: the number of the position, as in `gleaner pool positions`
    #[arg(long, value_name = "NUMBER")]
    position: Option<u64>,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct CollectArgs {
    /// Numbers of positions [default: all of the account that are owed something]
    #[arg(value_name = "NUMBER")]
    positions: Vec<u64>,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// The result of `pool remove`; amounts in the smallest unit of their token, `fee` in that of GRAIN.
#[derive(Serialize)]
struct RemoveDocument {
    dry_run: bool,
    version: &'static str,
    pool: String,
    position: Option<String>,
    token0: TokenDocument,
    token1: TokenDocument,
    /// Shares or liquidity that are removed, and what there is.
    liquidity: String,
    liquidity_before: String,
    /// What it pays at the pool's price, without fees.
    amount0: String,
    amount1: String,
    minimum0: String,
    minimum1: String,
    /// Of v3: what is collected beside.
    uncollected0: String,
    uncollected1: String,
    account: String,
    approvals: Vec<ApprovalDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<PaidDocument>,
}

#[derive(Serialize)]
struct PaidDocument {
    received0: String,
    received1: String,
    gas: u64,
    fee: String,
    transactions: Vec<TransactionDocument>,
}

/// The result of `pool collect`; amounts in the smallest unit of their token, `fee` in that of GRAIN.
#[derive(Serialize)]
struct CollectDocument {
    dry_run: bool,
    account: String,
    positions: Vec<OwedDocument>,
    /// What can't be collected now, because a token refuses to move.
    left_out: Vec<OwedDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<CollectedDocument>,
}

#[derive(Serialize)]
struct OwedDocument {
    position: String,
    pool: String,
    token0: TokenDocument,
    token1: TokenDocument,
    uncollected0: String,
    uncollected1: String,
}

#[derive(Serialize)]
struct CollectedDocument {
    received: Vec<ReceivedDocument>,
    gas: u64,
    fee: String,
    transactions: Vec<TransactionDocument>,
}

#[derive(Serialize)]
struct ReceivedDocument {
    token: TokenDocument,
    amount: String,
}

/// Liquidity to be removed. Arrays are in the order of the pool.
struct Plan {
    account: AccountId,
    whole: PositionView,
    /// What the account has of each token, if that says so: it is no reason to keep liquidity in a pool.
    held: [Option<U256>; 2],
    liquidity: U256,
    amounts: [U256; 2],
    minimum: [U256; 2],
    approvals: Vec<Approval>,
}

pub(super) fn remove(args: &RemoveArgs, output: &Output) -> anyhow::Result<()> {
    args.kind.check()?;
    args.limits.slippage_bps()?;
    let account = args.signer.account()?;
    let plan = shell::block_on_until_interrupted(plan(args, account))?;
    let text = plan.text(&args.limits);
    if args.confirm.send.dry_run {
        return output.print(&plan.document(true, None), &text);
    }
    args.confirm.send.confirm(&text, output)?;
    let signer = args.signer.unlock()?;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
        let mut sender = Sender::new(&ledger, output);
        let receipt = plan.send(&args.limits, &ledger, &mut sender).await?;
        let tokens = plan.tokens();
        let received = tokens.map(|token| moved(&receipt, &token.address, &plan.account).received);
        let text = named_lines(vec![
            ("received", format!("{} {}", tokens[0].amount_text(received[0]), tokens[0].symbol)),
            ("", format!("{} {}", tokens[1].amount_text(received[1]), tokens[1].symbol)),
            ("fee", sender.fees_text()),
            ("block", format!("{}, transaction {}", receipt.height, receipt.hash)),
        ]);
        let [received0, received1] = received.map(|amount| amount.to_string());
        let (gas, fee) = (sender.gas(), sender.fees().to_string());
        let transactions = sender.sent.clone();
        let done = PaidDocument { received0, received1, gas, fee, transactions };
        output.print(&plan.document(false, Some(done)), &text)
    })
}

async fn plan(args: &RemoveArgs, account: AccountId) -> anyhow::Result<Plan> {
    let ledger = ledger::connect(&args.ledger).await?;
    let whole = match (args.position, &args.tokens[..]) {
        (Some(number), []) => owned(&ledger, number, &account).await?,
        (None, [a, b]) => {
            let (a, b) = both(&ledger, a, b).await?;
            let pool = args.kind.choose(&ledger, (&a, &b)).await?;
            of_pool(&ledger, &account, &pool).await?
        }
        _ => {
            return Err(WrongUsage(
                "name what to remove from: the two tokens of a pair of v2, or --position NUMBER of v3"
                    .to_owned(),
            )
            .into());
        }
    };
    let decimals = if whole.range.is_some() { 0 } else { 18 };
    let liquidity = args.part.of(whole.liquidity, decimals)?;
    let amounts = match (whole.range, whole.pool.kind) {
        (Some(range), PoolKind::Ranged { sqrt_price, .. }) => {
            let liquidity = u128::try_from(liquidity)?;
            let amounts = markets::amounts_down(sqrt_price, (range.lower, range.upper), liquidity);
            amounts.ok_or_else(|| anyhow!("position {} has ticks that do not exist", range.id))?
        }
        _ => markets::share_of_pair(&whole.pool, liquidity).amounts,
    };
    let minimum = amounts.map(|amount| args.limits.least(amount));
    let mut needed = Vec::new();
    if whole.range.is_none() {
        // A pair refuses to burn what pays nothing of a token: then the approval would be paid for nothing.
        ensure!(
            amounts.iter().all(|amount| !amount.is_zero()),
            "so few shares pay nothing of a token, which the pair refuses: remove more, nothing was sent"
        );
        let shares = markets::token(&ledger, &whole.pool.address).await?;
        let spender = (UNISWAP_V2_ROUTER, "the router");
        let amounts = [(&shares, liquidity)];
        needed = approvals(&ledger, &account, spender, &amounts, &args.confirm).await?;
    }
    let tokens = [&whole.pool.token0, &whole.pool.token1];
    let held = markets::balances_of(&ledger, &account, &tokens.map(|token| token.address)).await?;
    let held = [0, 1].map(|index| held.get(index).copied().flatten());
    Ok(Plan { account, whole, held, liquidity, amounts, minimum, approvals: needed })
}

/// What an account has in a pool, if that is one position.
async fn of_pool(
    ledger: &Ledger,
    account: &AccountId,
    pool: &PoolView,
) -> anyhow::Result<PositionView> {
    let name = pair_name(pool);
    if pool.version() == "v2" {
        let found = markets::shares_of_pairs(ledger, account, std::slice::from_ref(pool)).await?;
        let found = found.into_iter().next();
        return found
            .ok_or_else(|| anyhow!("{} has no shares of the pair {name}", checksummed(account)))
            .hint("gleaner pool positions");
    }
    Err(anyhow!("{name} is a pool of Uniswap v3: name the position with --position NUMBER"))
        .hint("gleaner pool positions")
}

/// Reads a position of Uniswap v3.
///
/// # Errors
/// When there is none of that number.
pub(super) async fn position(ledger: &Ledger, number: u64) -> anyhow::Result<PositionView> {
    match markets::ranged_position(ledger, U256::from(number)).await {
        Err(ViewError::Refused { .. }) => {
            Err(anyhow!("there is no position {number}")).hint("gleaner pool positions")
        }
        position => Ok(position?),
    }
}

/// Reads a position of Uniswap v3 that belongs to `account`.
///
/// # Errors
/// When there is none of that number, or it belongs to somebody else.
pub(super) async fn owned(
    ledger: &Ledger,
    number: u64,
    account: &AccountId,
) -> anyhow::Result<PositionView> {
    let position = position(ledger, number).await?;
    let owner = position.range.map(|range| range.owner);
    if owner == Some(*account) {
        return Ok(position);
    }
    let owner = owner.map_or_else(String::new, |owner| checksummed(&owner));
    Err(anyhow!("position {number} belongs to {owner}, not to {}", checksummed(account)))
        .hint("gleaner pool positions")
}

impl Plan {
    fn tokens(&self) -> [&TokenView; 2] {
        [&self.whole.pool.token0, &self.whole.pool.token1]
    }

    fn text(&self, limits: &Limits) -> String {
        let pool = &self.whole.pool;
        let decimals = if self.whole.range.is_some() { 0 } else { 18 };
        let mut rows = vec![
            ("pool", format!("{} {}", pair_name(pool), pool.version())),
            ("address", checksummed(&pool.address)),
        ];
        if let Some(range) = self.whole.range {
            rows.push(("position", range.id.to_string()));
        }
        let unit = if self.whole.range.is_some() { "liquidity" } else { "shares" };
        let (part, all) = (self.liquidity, self.whole.liquidity);
        rows.push((
            "remove",
            format!("{} of {} {unit}", amount_text(part, decimals), amount_text(all, decimals)),
        ));
        let mut label = "receive";
        for (index, token) in self.tokens().into_iter().enumerate() {
            let [amount, least] =
                [self.amounts[index], self.minimum[index]].map(|it| token.amount_text(it));
            let slippage = limits.slippage_text();
            rows.push((
                label,
                format!("{amount} {}, at least {least} (slippage {slippage})", token.symbol),
            ));
            label = "";
        }
        let mut label = "and fees";
        for (index, token) in self.tokens().into_iter().enumerate() {
            let owed = self.whole.uncollected[index];
            if !owed.is_zero() {
                rows.push((label, format!("{} {}", token.amount_text(owed), token.symbol)));
                label = "";
            }
        }
        let mut label = "approve";
        for approval in &self.approvals {
            rows.push((label, approval.text()));
            label = "";
        }
        rows.push(("account", checksummed(&self.account)));
        let mut label = "balance";
        for (index, token) in self.tokens().into_iter().enumerate() {
            let Some(held) = self.held[index] else { continue };
            let got = self.amounts[index].saturating_add(self.whole.uncollected[index]);
            rows.push((label, balance_text(token, held, U256::ZERO, got)));
            label = "";
        }
        named_lines(rows)
    }

    fn document(&self, dry_run: bool, done: Option<PaidDocument>) -> RemoveDocument {
        let text = |amount: U256| amount.to_string();
        let [amount0, amount1] = self.amounts.map(text);
        let [minimum0, minimum1] = self.minimum.map(text);
        let [uncollected0, uncollected1] = self.whole.uncollected.map(text);
        let [token0, token1] = self.tokens();
        RemoveDocument {
            dry_run,
            version: self.whole.pool.version(),
            pool: checksummed(&self.whole.pool.address),
            position: self.whole.range.map(|range| range.id.to_string()),
            token0: token0.into(),
            token1: token1.into(),
            liquidity: text(self.liquidity),
            liquidity_before: text(self.whole.liquidity),
            amount0,
            amount1,
            minimum0,
            minimum1,
            uncollected0,
            uncollected1,
            account: checksummed(&self.account),
            approvals: self.approvals.iter().map(Approval::document).collect(),
            done,
        }
    }

    async fn send(
        &self,
        limits: &Limits,
        ledger: &Ledger,
        sender: &mut Sender<'_>,
    ) -> anyhow::Result<Receipt> {
        sender.approve(&self.approvals).await?;
        let deadline = limits.deadline(sending_time(ledger).await?);
        let to = convert::address(self.account);
        let [token0, token1] = self.tokens().map(|token| convert::address(token.address));
        let [minimum0, minimum1] = self.minimum;
        let what = format!("remove liquidity of {}", pair_name(&self.whole.pool));
        let Some(range) = self.whole.range else {
            let call = UniswapV2Router02::removeLiquidityCall {
                tokenA: token0,
                tokenB: token1,
                liquidity: self.liquidity,
                amountAMin: minimum0,
                amountBMin: minimum1,
                to,
                deadline,
            };
            return sender.send(what, UNISWAP_V2_ROUTER, &call).await;
        };
        let decrease = NonfungiblePositionManager::decreaseLiquidityCall {
            params: NonfungiblePositionManager::DecreaseLiquidityParams {
                tokenId: range.id,
                liquidity: u128::try_from(self.liquidity)?,
                amount0Min: minimum0,
                amount1Min: minimum1,
                deadline,
            },
        };
        let data = vec![decrease.abi_encode().into(), collect_data(range.id, &self.account)];
        let call = NonfungiblePositionManager::multicallCall { data };
        sender.send(what, UNISWAP_V3_POSITIONS, &call).await
    }
}

/// Calldata that pays out all that a position is owed.
fn collect_data(id: U256, account: &AccountId) -> Bytes {
    let params = collecting(id, account);
    NonfungiblePositionManager::collectCall { params }.abi_encode().into()
}

fn collecting(id: U256, account: &AccountId) -> NonfungiblePositionManager::CollectParams {
    NonfungiblePositionManager::CollectParams {
        tokenId: id,
        recipient: convert::address(*account),
        amount0Max: u128::MAX,
        amount1Max: u128::MAX,
    }
}

pub(super) fn collect(args: &CollectArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.signer.account()?;
    let (found, left_out) = shell::block_on_until_interrupted(collectable(args, &account))?;
    let changes = shell::block_on_until_interrupted(changes(args, &account, &found))?;
    for position in &left_out {
        output.say(&left_out_text(position));
    }
    let document = |done| CollectDocument {
        dry_run: args.confirm.send.dry_run,
        account: checksummed(&account),
        positions: found.iter().map(owed).collect(),
        left_out: left_out.iter().map(owed).collect(),
        done,
    };
    let owed_texts = found.iter().map(owed_text);
    let text = owed_texts.chain([named_lines(changes)]).collect::<Vec<_>>().join("\n");
    if args.confirm.send.dry_run {
        return output.print(&document(None), &text);
    }
    args.confirm.send.confirm(&text, output)?;
    let signer = args.signer.unlock()?;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
        let mut sender = Sender::new(&ledger, output);
        let ids = found.iter().filter_map(|position| position.range).map(|range| range.id);
        let data = ids.map(|id| collect_data(id, &account)).collect();
        let call = NonfungiblePositionManager::multicallCall { data };
        let receipt = sender.send("collect fees", UNISWAP_V3_POSITIONS, &call).await?;
        let (mut received, mut rows) = (Vec::new(), Vec::new());
        for token in tokens_of(&found) {
            let amount = moved(&receipt, &token.address, &account).received;
            if !amount.is_zero() {
                rows.push(("received", format!("{} {}", token.amount_text(amount), token.symbol)));
            }
            let amount = amount.to_string();
            received.push(ReceivedDocument { token: (&token).into(), amount });
        }
        rows.push(("fee", sender.fees_text()));
        rows.push(("block", format!("{}, transaction {}", receipt.height, receipt.hash)));
        let (gas, fee) = (sender.gas(), sender.fees().to_string());
        let transactions = sender.sent.clone();
        let done = CollectedDocument { received, gas, fee, transactions };
        output.print(&document(Some(done)), &named_lines(rows))
    })
}

/// The positions that are named, or all of the account, that are owed something: those that can be collected, and those that can't. All are collected in
/// one transaction, and anybody may give an account a position whose tokens refuse to move, so one such must not stop the others.
async fn collectable(
    args: &CollectArgs,
    account: &AccountId,
) -> anyhow::Result<(Vec<PositionView>, Vec<PositionView>)> {
    let ledger = ledger::connect(&args.ledger).await?;
    let mut found = Vec::new();
    if args.positions.is_empty() {
        let window = Window::first(ITEMS_MAX);
        found = markets::ranged_positions(&ledger, account, window).await?.items;
    }
    for number in &args.positions {
        found.push(owned(&ledger, *number, account).await?);
    }
    found.retain(|position| position.uncollected.iter().any(|owed| !owed.is_zero()));
    ensure!(!found.is_empty(), "nothing is owed to these positions now: nothing was sent");
    let (mut paying, mut left_out) = (Vec::new(), Vec::new());
    for position in found {
        let Some(range) = position.range else { continue };
        let call =
            NonfungiblePositionManager::collectCall { params: collecting(range.id, account) };
        match ledger.simulate(account, UNISWAP_V3_POSITIONS, &call).await {
            Ok(_) => paying.push(position),
            Err(LedgerError::Refused { .. } | LedgerError::Rejected { .. }) => {
                left_out.push(position);
            }
            Err(error) => return Err(error.into()),
        }
    }
    let stuck: Vec<_> = left_out.iter().map(left_out_text).collect();
    ensure!(!paying.is_empty(), "nothing can be collected: {}", stuck.join("; "));
    Ok((paying, left_out))
}

/// What the account will have of each token that says what it has now: one that does not must not stop the others.
async fn changes(
    args: &CollectArgs,
    account: &AccountId,
    positions: &[PositionView],
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let ledger = ledger::connect(&args.ledger).await?;
    let tokens = tokens_of(positions);
    let addresses: Vec<_> = tokens.iter().map(|token| token.address).collect();
    let held = markets::balances_of(&ledger, account, &addresses).await?;
    let (mut rows, mut label) = (Vec::new(), "balance");
    for (token, held) in tokens.iter().zip(held) {
        let Some(held) = held else { continue };
        let owed = positions.iter().flat_map(|position| {
            let PoolView { token0, token1, .. } = &position.pool;
            [token0, token1].into_iter().zip(position.uncollected)
        });
        let own = owed.filter(|(of, _)| of.address == token.address);
        let got = own.fold(U256::ZERO, |sum, (_, owed)| sum.saturating_add(owed));
        rows.push((label, balance_text(token, held, U256::ZERO, got)));
        label = "";
    }
    Ok(rows)
}

fn left_out_text(position: &PositionView) -> String {
    format!("{}: left out, a token refuses to move", owed_text(position))
}

/// The tokens of positions, each once.
fn tokens_of(positions: &[PositionView]) -> Vec<TokenView> {
    let mut found: Vec<TokenView> = Vec::new();
    for position in positions {
        for token in [&position.pool.token0, &position.pool.token1] {
            if !found.iter().any(|known| known.address == token.address) {
                found.push(token.clone());
            }
        }
    }
    found
}

fn owed(position: &PositionView) -> OwedDocument {
    let [uncollected0, uncollected1] = position.uncollected.map(|amount| amount.to_string());
    OwedDocument {
        position: position.range.map_or_else(String::new, |range| range.id.to_string()),
        pool: checksummed(&position.pool.address),
        token0: (&position.pool.token0).into(),
        token1: (&position.pool.token1).into(),
        uncollected0,
        uncollected1,
    }
}

fn owed_text(position: &PositionView) -> String {
    let (pool, [owed0, owed1]) = (&position.pool, position.uncollected);
    format!(
        "position {} in {} {}: {} {} and {} {}",
        position.range.map_or_else(String::new, |range| range.id.to_string()),
        pair_name(pool),
        pool.version(),
        pool.token0.amount_text(owed0),
        pool.token0.symbol,
        pool.token1.amount_text(owed1),
        pool.token1.symbol
    )
}
