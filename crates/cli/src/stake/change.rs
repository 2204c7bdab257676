//! `gleaner stake add`, `remove`, `claim` and `fund`.

use abi::{Erc20, MasterChef, RewardReserve, Shares, StakingRewards, Vault, convert};
use alloy_primitives::U256;
use anyhow::{anyhow, ensure};
use ledger_client::Ledger;
use ledger_views::{
    markets::{self, TokenView},
    stakes::{self, YieldView},
};
use units::AccountId;

use super::action::{Action, ActionArgs};
use super::guard::{Exchange, Guard, SlippageArgs, donation_risk};
use super::{Place, farm_risk, farm_rows, place};
use crate::failure::Hint as _;
use crate::ledger;
use crate::market::{Part, Step, amount, approvals, parse_part, seconds_text};
use crate::options::{checksummed, parse_account};
use crate::output::Output;
use crate::shell;

#[derive(Debug, clap::Args)]
pub(super) struct PlaceArgs {
    /// Address of the staking rewards, the farm or the vault
    #[arg(value_parser = parse_account)]
    address: AccountId,
    /// Of a farm: the number of the pool, from 0 on [default: the only one]
    #[arg(long, value_name = "NUMBER")]
    pool: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Amount in whole units, such as 1.5
    amount: String,
    #[command(flatten)]
    slippage: SlippageArgs,
    /// Deposit into a vault in which somebody's donation can take the deposit away at little cost
    #[arg(long)]
    force: bool,
    /// With --yes: stake in a farm although somebody else can take all of its stakes
    #[arg(long)]
    trust_owner: bool,
    #[command(flatten)]
    action: ActionArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct RemoveArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// How much: a part such as 50%, `all`, or an amount
    #[arg(value_name = "PART", value_parser = parse_part)]
    part: Part,
    #[command(flatten)]
    slippage: SlippageArgs,
    #[command(flatten)]
    action: ActionArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct ClaimArgs {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    action: ActionArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct FundArgs {
    /// Address of the staking rewards or the farm
    #[arg(value_parser = parse_account)]
    address: AccountId,
    /// Amount in whole units, such as 1.5
    amount: String,
    #[command(flatten)]
    action: ActionArgs,
}

pub(super) fn add(args: &AddArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let action = shell::block_on_until_interrupted(plan_add(args, account))?;
    action.finish(&args.action, output)
}

async fn plan_add(args: &AddArgs, account: AccountId) -> anyhow::Result<Action> {
    let ledger = ledger::connect(&args.action.ledger).await?;
    let place = place(&ledger, &args.place.address, args.place.pool).await?;
    let at = convert::address(args.place.address);
    let token = match &place {
        Place::Rewards(rewards) => rewards.staking.clone(),
        Place::Farm { pool, .. } => pool.staking.clone(),
        Place::Vault(vault) => vault.asset.clone(),
    };
    check_risk(args, &place, &account)?;
    let amount = amount(&args.amount, &token)?;
    let held = check_held(&ledger, &account, &token, amount).await?;
    let shown = format!("{} {}", token.amount_text(amount), token.symbol);
    let mut guard = None;
    let mut rows = vec![("stake", shown.clone()), ("into", checksummed(&args.place.address))];
    let mut tokens = vec![token.clone()];
    let step = match &place {
        Place::Rewards(rewards) => {
            ensure!(!rewards.is_paused, "nobody can stake here now: its owner has paused it");
            Step::new(format!("stake {shown}"), at, &StakingRewards::stakeCall { amount })
        }
        Place::Farm { farm, number, .. } => {
            tokens.push(farm.reserve.clone());
            let call = MasterChef::depositCall { pid: U256::from(*number), amount };
            rows.push(("pool", number.to_string()));
            rows.extend(farm_rows(farm, Some(&account)));
            Step::new(format!("stake {shown}"), at, &call)
        }
        Place::Vault(vault) => {
            let exchange = Exchange::Deposit { assets: amount };
            let limit = Guard::new(&ledger, vault, exchange, args.slippage.slippage).await?;
            rows.extend(limit.rows());
            let risk = donation_risk(vault);
            rows.extend(risk.map(|why| ("warning", format!("a donation can take it away: {why}"))));
            guard = Some(limit);
            tokens.push(vault.shares.clone());
            let call = Vault::depositCall { assets: amount, receiver: convert::address(account) };
            Step::new(format!("deposit {shown}"), at, &call)
        }
    };
    rows.push(balance_row(&token, held, held.saturating_sub(amount)));
    let spender = (at, "the contract");
    let approvals =
        approvals(&ledger, &account, spender, &[(&token, amount)], &args.action.confirm).await?;
    Ok(Action { account, rows, approvals, steps: vec![step], guard, tokens })
}

/// Refuses what others can take away, unless the user has said that he knows.
fn check_risk(args: &AddArgs, place: &Place, account: &AccountId) -> anyhow::Result<()> {
    match place {
        Place::Farm { farm, .. } if args.action.confirm.send.yes && !args.trust_owner => {
            let Some(risk) = farm_risk(farm, Some(account)) else { return Ok(()) };
            Err(anyhow!("{risk}: nothing was sent"))
                .hint("add --trust-owner to stake here all the same, or leave out --yes and decide")
        }
        Place::Vault(vault) if !args.force => {
            let Some(why) = donation_risk(vault) else { return Ok(()) };
            Err(anyhow!(
                "whoever sends tokens to this vault before you can take your deposit away at little cost, because {why}: nothing was sent"
            ))
            .hint("add --force to deposit all the same")
        }
        Place::Rewards(_) | Place::Farm { .. } | Place::Vault(_) => Ok(()),
    }
}

fn balance_row(token: &TokenView, before: U256, after: U256) -> (&'static str, String) {
    let [before, after] = [before, after].map(|amount| token.amount_text(amount));
    ("balance", format!("{before} -> {after} {}", token.symbol))
}

/// Returns what an account has of a token, which must be enough.
async fn check_held(
    ledger: &Ledger,
    account: &AccountId,
    token: &TokenView,
    needed: U256,
) -> anyhow::Result<U256> {
    let held = markets::balances_of(ledger, account, &[token.address]).await?;
    let held = held.first().copied().flatten();
    let held = held.ok_or_else(|| anyhow!("{} does not answer `balanceOf`", token.symbol))?;
    ensure!(
        needed <= held,
        "{} has {} {symbol}, and {} {symbol} is needed: nothing was sent",
        checksummed(account),
        token.amount_text(held),
        token.amount_text(needed),
        symbol = token.symbol
    );
    Ok(held)
}

pub(super) fn remove(args: &RemoveArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let action = shell::block_on_until_interrupted(plan_remove(args, account))?;
    action.finish(&args.action, output)
}

async fn plan_remove(args: &RemoveArgs, account: AccountId) -> anyhow::Result<Action> {
    let ledger = ledger::connect(&args.action.ledger).await?;
    let place = place(&ledger, &args.place.address, args.place.pool).await?;
    let (address, at) = (args.place.address, convert::address(args.place.address));
    let mut guard = None;
    let (rows, step, tokens) = match &place {
        Place::Rewards(rewards) => {
            let stake = stakes::stake_in_rewards(&ledger.next(), &address, &account).await?;
            let amount = args.part.of(stake.staked, rewards.staking.decimals)?;
            let shown = of_stake(&rewards.staking, amount, stake.staked);
            let call = StakingRewards::withdrawCall { amount };
            let step = Step::new(format!("withdraw {shown}"), at, &call);
            (vec![("withdraw", shown)], step, vec![rewards.staking.clone()])
        }
        Place::Farm { farm, number, pool } => {
            let stake = stakes::stake_in_farm(&ledger.next(), &address, *number, &account).await?;
            let amount = args.part.of(stake.staked, pool.staking.decimals)?;
            let shown = of_stake(&pool.staking, amount, stake.staked);
            let call = MasterChef::withdrawCall { pid: U256::from(*number), amount };
            let step = Step::new(format!("withdraw {shown}"), at, &call);
            let earned = farm.reserve.amount_text(stake.earned);
            let claims = format!("{earned} {} as claims", farm.reserve.symbol);
            let tokens = vec![pool.staking.clone(), farm.reserve.clone()];
            (vec![("withdraw", shown), ("and", claims)], step, tokens)
        }
        Place::Vault(vault) => {
            let (limit, rows, step) = from_vault(&ledger, vault, args, &account).await?;
            guard = Some(limit);
            (rows, step, vec![vault.asset.clone(), vault.shares.clone()])
        }
    };
    let mut rows = rows;
    rows.push(("from", checksummed(&address)));
    Ok(Action { account, rows, approvals: Vec::new(), steps: vec![step], guard, tokens })
}

fn of_stake(token: &TokenView, amount: U256, staked: U256) -> String {
    let [amount, staked] = [amount, staked].map(|amount| token.amount_text(amount));
    format!("{amount} of {staked} {}", token.symbol)
}

/// A part of a vault's shares is redeemed; an amount of assets is withdrawn exactly.
async fn from_vault(
    ledger: &Ledger,
    vault: &stakes::VaultView,
    RemoveArgs { part, slippage, .. }: &RemoveArgs,
    account: &AccountId,
) -> anyhow::Result<(Guard, Vec<(&'static str, String)>, Step)> {
    let (at, slippage) = (convert::address(vault.shares.address), slippage.slippage);
    let own = convert::address(*account);
    let stake = stakes::stake_in_vault(&ledger.next(), &vault.shares.address, account).await?;
    let (asset, shares) = (&vault.asset, &vault.shares);
    if let Part::Share(_) = part {
        let burnt = part.of(stake.shares, shares.decimals)?;
        let limit = Guard::new(ledger, vault, Exchange::Redeem { shares: burnt }, slippage).await?;
        let call = Vault::redeemCall { shares: burnt, receiver: own, owner: own };
        let shown = of_stake(shares, burnt, stake.shares);
        let mut rows = vec![("redeem", shown.clone())];
        rows.extend(limit.rows());
        return Ok((limit, rows, Step::new(format!("redeem {shown}"), at, &call)));
    }
    let assets = part.of(stake.staked, asset.decimals)?;
    let limit = Guard::new(ledger, vault, Exchange::Withdraw { assets }, slippage).await?;
    let shown = of_stake(asset, assets, stake.staked);
    let call = Vault::withdrawCall { assets, receiver: own, owner: own };
    let mut rows = vec![("withdraw", shown.clone())];
    rows.extend(limit.rows());
    Ok((limit, rows, Step::new(format!("withdraw {shown}"), at, &call)))
}

pub(super) fn claim(args: &ClaimArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let action = shell::block_on_until_interrupted(plan_claim(args, account))?;
    action.finish(&args.action, output)
}

async fn plan_claim(args: &ClaimArgs, account: AccountId) -> anyhow::Result<Action> {
    let ledger = ledger::connect(&args.action.ledger).await?;
    let place = place(&ledger, &args.place.address, args.place.pool).await?;
    let (address, at) = (args.place.address, convert::address(args.place.address));
    let approvals = Vec::new();
    match place {
        Place::Rewards(rewards) => {
            let stake = stakes::stake_in_rewards(&ledger.next(), &address, &account).await?;
            ensure!(!stake.earned.is_zero(), "nothing is earned yet: nothing was sent");
            let token = rewards.reward;
            let shown = format!("{} {}", token.amount_text(stake.earned), token.symbol);
            let rows =
                vec![("claim", format!("{shown}, as of now")), ("from", checksummed(&address))];
            let step = Step::new("take the rewards", at, &StakingRewards::getRewardCall {});
            let (steps, tokens) = (vec![step], vec![token]);
            Ok(Action { account, rows, approvals, steps, guard: None, tokens })
        }
        Place::Farm { farm, number, .. } => {
            let stake = stakes::stake_in_farm(&ledger.next(), &address, number, &account).await?;
            let reserve = convert::address(farm.reserve.address);
            let call = Shares::balanceOfCall { account: convert::address(account) };
            let claims: U256 = ledger.read(reserve, &call).await?;
            let all = claims.saturating_add(stake.earned);
            ensure!(!all.is_zero(), "nothing is earned yet: nothing was sent");
            farm_claim(&farm, number, account, all)
        }
        Place::Vault(_) => Err(anyhow!("a vault pays nothing out: its shares become worth more"))
            .hint(format!("gleaner stake remove {} PART", checksummed(&address))),
    }
}

/// A deposit of 0 pays what is pending as claims; then they are redeemed.
fn farm_claim(
    farm: &stakes::FarmView,
    number: u64,
    account: AccountId,
    claims: U256,
) -> anyhow::Result<Action> {
    let (at, reserve) = (convert::address(farm.address), convert::address(farm.reserve.address));
    let call = MasterChef::depositCall { pid: U256::from(number), amount: U256::ZERO };
    let take = Step::new("take the claims", at, &call);
    // Claims grow by each block, so what is there now is redeemed, and the rest is left for the next time.
    let redeem =
        RewardReserve::withdrawToCall { account: convert::address(account), amount: claims };
    let redeem = Step::new("redeem the claims", reserve, &redeem);
    let token = &farm.underlying;
    let shown = format!("{} {}", token.amount_text(claims), token.symbol);
    let rows = vec![("claim", format!("{shown}, as of now")), ("from", checksummed(&farm.address))];
    let tokens = vec![token.clone(), farm.reserve.clone()];
    let steps = vec![take, redeem];
    Ok(Action { account, rows, approvals: Vec::new(), steps, guard: None, tokens })
}

/// What a period pays, rounded as `StakingRewards.notifyRewardAmount` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Payment {
    /// In a second, in the smallest unit.
    rate: U256,
    /// What the rate's rounding leaves over.
    kept: U256,
}

impl Payment {
    /// Of `reward`, with what a running period pays for `left` seconds at `rate`; none when the contract would refuse it.
    fn of(reward: U256, rate: U256, left: u64, duration: U256) -> Option<Self> {
        let total = reward.checked_add(rate.checked_mul(U256::from(left))?)?;
        let rate = total.checked_div(duration)?;
        Some(Self { rate, kept: total.checked_sub(rate.checked_mul(duration)?)? })
    }
}

fn duration_text(duration: U256) -> String {
    seconds_text(u64::try_from(duration).unwrap_or(u64::MAX))
}

pub(super) fn fund(args: &FundArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let action = shell::block_on_until_interrupted(plan_fund(args, account))?;
    action.finish(&args.action, output)
}

async fn plan_fund(args: &FundArgs, account: AccountId) -> anyhow::Result<Action> {
    let ledger = ledger::connect(&args.action.ledger).await?;
    let found = stakes::yield_at(&ledger, &args.address).await?;
    match found {
        Some(YieldView::Rewards(rewards)) => fund_rewards(&ledger, args, account, rewards).await,
        Some(YieldView::Farm(farm)) => {
            let (token, reserve) = (farm.underlying, convert::address(farm.reserve.address));
            let amount = amount(&args.amount, &token)?;
            let held = check_held(&ledger, &account, &token, amount).await?;
            let shown = format!("{} {}", token.amount_text(amount), token.symbol);
            let rows = vec![
                ("fund", shown.clone()),
                ("into", checksummed(&farm.reserve.address)),
                balance_row(&token, held, held.saturating_sub(amount)),
            ];
            let amounts = [(&token, amount)];
            let spender = (reserve, "the farm's reserve");
            let confirm = &args.action.confirm;
            let approvals = approvals(&ledger, &account, spender, &amounts, confirm).await?;
            let call = RewardReserve::fundCall { amount };
            let steps = vec![Step::new(format!("fund {shown}"), reserve, &call)];
            let tokens = vec![token];
            Ok(Action { account, rows, approvals, steps, guard: None, tokens })
        }
        Some(YieldView::Vault(vault)) => Err(anyhow!(
            "a vault has no rewards to fund: whatever is sent to it belongs to its shares"
        ))
        .hint(format!(
            "gleaner stake add {} AMOUNT deposits for yourself",
            checksummed(&vault.shares.address)
        )),
        None => {
            Err(anyhow!("{} is neither staking rewards nor a farm", checksummed(&args.address)))
                .hint("gleaner stake list")
        }
    }
}

async fn fund_rewards(
    ledger: &Ledger,
    args: &FundArgs,
    account: AccountId,
    rewards: stakes::RewardsView,
) -> anyhow::Result<Action> {
    let at = convert::address(args.address);
    ensure!(
        rewards.distributor == account,
        "only {} can announce rewards here, you are {}",
        checksummed(&rewards.distributor),
        checksummed(&account)
    );
    let token = rewards.reward;
    let amount = amount(&args.amount, &token)?;
    let held = check_held(ledger, &account, &token, amount).await?;
    let shown = format!("{} {}", token.amount_text(amount), token.symbol);
    let now = ledger.next_time().await?.as_u64();
    let left = rewards.period_end.as_u64().saturating_sub(now);
    let payment = Payment::of(amount, rewards.rate, left, rewards.duration);
    let payment = payment.ok_or_else(|| {
        anyhow!(
            "these rewards can't be paid: the duration of the period or the sum is out of range"
        )
    })?;
    ensure!(
        !payment.rate.is_zero(),
        "{shown} is less than one smallest unit for each second of the period of {}, so nothing of it would ever be paid out: give at least {} {}, nothing was sent",
        duration_text(rewards.duration),
        token.amount_text(rewards.duration),
        token.symbol
    );
    let text = |amount| format!("{} {}", token.amount_text(amount), token.symbol);
    let mut rows = vec![
        ("fund", shown.clone()),
        ("into", checksummed(&args.address)),
        ("paid over", duration_text(rewards.duration)),
        ("rate", format!("{} a second for all stakes together", text(payment.rate))),
    ];
    if !payment.kept.is_zero() {
        let kept = text(payment.kept);
        rows.push(("rounding", format!("keeps {kept} back, which nobody gets")));
    }
    rows.push(balance_row(&token, held, held.saturating_sub(amount)));
    let send = Erc20::transferCall { to: at, value: amount };
    let send = Step::new(format!("send {shown}"), convert::address(token.address), &send);
    let call = StakingRewards::notifyRewardAmountCall { reward: amount };
    let announce = Step::new(format!("announce {shown}"), at, &call);
    let steps = vec![send, announce];
    let (approvals, tokens) = (Vec::new(), vec![token]);
    Ok(Action { account, rows, approvals, steps, guard: None, tokens })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_pays_whole_units_a_second() {
        let check = |reward: u64, rate: u64, left: u64, duration: u64| {
            let [reward, rate, duration] = [reward, rate, duration].map(U256::from);
            let payment = Payment::of(reward, rate, left, duration)?;
            Some((payment.rate.to::<u64>(), payment.kept.to::<u64>()))
        };
        assert_eq!(check(604_799, 0, 0, 604_800), Some((0, 604_799)));
        assert_eq!(check(604_800, 0, 0, 604_800), Some((1, 0)));
        // What a running period still has to pay counts.
        assert_eq!(check(100, 2, 10, 50), Some((2, 20)));
        assert_eq!(check(1, 0, 0, 0), None);
        assert_eq!(Payment::of(U256::MAX, U256::ONE, 1, U256::ONE), None);
    }
}
