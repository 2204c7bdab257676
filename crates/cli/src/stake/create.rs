//! `gleaner stake create`.

use abi::{
    MASTER_CHEF_FACTORY, MasterChef, MasterChefFactory, STAKING_REWARDS_FACTORY, StakingRewards,
    StakingRewardsFactory, VAULT_FACTORY, VaultFactory, convert,
};
use alloy_primitives::U256;
use anyhow::{anyhow, ensure};
use ledger_client::Ledger;
use ledger_views::{
    Ask as _,
    markets::TokenView,
    stakes::{self, YieldView},
};
use units::AccountId;

use super::action::{Action, ActionArgs, event};
use crate::failure::Hint as _;
use crate::ledger;
use crate::market::{Step, amount, named, parse_seconds, seconds_text};
use crate::options::{checksummed, parse_account};
use crate::output::Output;
use crate::shell;

/// What to create.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Staking rewards: a reward over a period, divided by stake and time; you announce the rewards
    Rewards(RewardsArgs),
    /// A farm: a reward for each block, divided among pools
    Farm(FarmArgs),
    /// A pool of your farm
    FarmPool(FarmPoolArgs),
    /// A vault (ERC-4626): shares of a growing amount of one token
    Vault(VaultArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct RewardsArgs {
    /// Token that is staked
    staking: String,
    /// Token that is paid
    reward: String,
    /// Duration of the periods [default: 7 days, as the contract begins]
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    duration: Option<u64>,
    #[command(flatten)]
    action: ActionArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct FarmArgs {
    /// Token that the farm is funded with, and that claims are redeemed in
    underlying: String,
    /// Reward of a block for all pools together, in whole units
    #[arg(long, value_name = "AMOUNT")]
    per_block: String,
    /// Name of the claims
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Symbol of the claims
    #[arg(long, value_name = "SYMBOL")]
    symbol: String,
    /// First block with rewards [default: the next one]
    #[arg(long, value_name = "HEIGHT")]
    start_block: Option<u64>,
    /// Account that gets a tenth of the rewards on top [default: the account that signs]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_account)]
    developer: Option<AccountId>,
    #[command(flatten)]
    action: ActionArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct FarmPoolArgs {
    /// Address of the farm
    #[arg(value_parser = parse_account)]
    farm: AccountId,
    /// Token that is staked; each token once
    staking: String,
    /// The pool's part of the rewards, beside the parts of the other pools
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    allocation: u64,
    #[command(flatten)]
    action: ActionArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct VaultArgs {
    /// Token that is deposited
    asset: String,
    /// Name of the shares
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Symbol of the shares
    #[arg(long, value_name = "SYMBOL")]
    symbol: String,
    /// Decimals that a share has more than the asset; each makes an attack by donation ten times as expensive
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    offset: u8,
    /// Make a vault that sells the fees which it gets in other tokens
    #[arg(long)]
    sells_fees: bool,
    #[command(flatten)]
    action: ActionArgs,
}

pub(super) fn run(command: &Command, output: &Output) -> anyhow::Result<()> {
    match command {
        Command::Rewards(args) => rewards(args, output),
        Command::Farm(args) => farm(args, output),
        Command::FarmPool(args) => farm_pool(args, output),
        Command::Vault(args) => vault(args, output),
    }
}

fn creating(account: AccountId, rows: Vec<(&'static str, String)>, step: Step) -> Action {
    let (approvals, tokens) = (Vec::new(), Vec::new());
    Action { account, rows, approvals, steps: vec![step], guard: None, tokens }
}

fn token_row(token: &TokenView) -> String {
    format!("{} {}", token.symbol, checksummed(&token.address))
}

fn rewards(args: &RewardsArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let action = shell::block_on_until_interrupted(async {
        let ledger = ledger::connect(&args.action.ledger).await?;
        let staking = named(&ledger, &args.staking).await?;
        let reward = named(&ledger, &args.reward).await?;
        let own = convert::address(account);
        let call = StakingRewardsFactory::createCall {
            owner: own,
            rewardsDistribution: own,
            rewardsToken: convert::address(reward.address),
            stakingToken: convert::address(staking.address),
        };
        let step = Step::new("create staking rewards", STAKING_REWARDS_FACTORY, &call);
        let rows = vec![("stake", token_row(&staking)), ("reward", token_row(&reward))];
        let mut action = creating(account, rows, step);
        if let Some(duration) = args.duration {
            // The factory gives addresses by CREATE2 with the number as salt, so the next one can be asked for.
            let next = next_rewards(&ledger, own, &call).await?;
            let call = StakingRewards::setRewardsDurationCall { duration: U256::from(duration) };
            action.rows.push(("period", seconds_text(duration)));
            action.steps.push(Step::new(
                format!("set the period to {}", seconds_text(duration)),
                next,
                &call,
            ));
        }
        anyhow::Ok(action)
    })?;
    action.finish_creating(&args.action, output, |sender| {
        event::<StakingRewardsFactory::StakingRewardsCreated>(sender)
            .map(|created| convert::account(created.instance))
    })
}

/// The address that the next creation will give, by trying it without a transaction.
async fn next_rewards(
    ledger: &Ledger,
    own: alloy_primitives::Address,
    call: &StakingRewardsFactory::createCall,
) -> anyhow::Result<alloy_primitives::Address> {
    ensure!(call.owner == own, "the period is set by the owner");
    Ok(ledger.read(STAKING_REWARDS_FACTORY, call).await?)
}

fn farm(args: &FarmArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let action = shell::block_on_until_interrupted(async {
        let ledger = ledger::connect(&args.action.ledger).await?;
        let underlying = named(&ledger, &args.underlying).await?;
        let per_block = amount(&args.per_block, &underlying)?;
        let next = ledger.head().await?.height.saturating_add(1);
        let start = U256::from(args.start_block.unwrap_or(next));
        let terms = MasterChefFactory::Terms {
            owner: convert::address(account),
            developer: convert::address(args.developer.unwrap_or(account)),
            underlying: convert::address(underlying.address),
            rewardPerBlock: per_block,
            startBlock: start,
            bonusEndBlock: start,
            name: args.name.clone(),
            symbol: args.symbol.clone(),
        };
        let call = MasterChefFactory::createCall { terms };
        let step = Step::new("create a farm", MASTER_CHEF_FACTORY, &call);
        let reward = format!("{} {} a block", underlying.amount_text(per_block), underlying.symbol);
        let rows = vec![
            ("reward", reward),
            ("from block", start.to_string()),
            ("claims", format!("{} ({})", args.name, args.symbol)),
        ];
        anyhow::Ok(creating(account, rows, step))
    })?;
    action.finish_creating(&args.action, output, |sender| {
        event::<MasterChefFactory::MasterChefCreated>(sender)
            .map(|created| convert::account(created.masterChef))
    })
}

fn farm_pool(args: &FarmPoolArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let action = shell::block_on_until_interrupted(async {
        let ledger = ledger::connect(&args.action.ledger).await?;
        let Some(YieldView::Farm(farm)) = stakes::yield_at(&ledger, &args.farm).await? else {
            return Err(anyhow!("{} is no farm", checksummed(&args.farm)))
                .hint("gleaner stake list");
        };
        ensure!(
            farm.owner == account,
            "only the farm's owner {} can add pools, you are {}",
            checksummed(&farm.owner),
            checksummed(&account)
        );
        let staking = named(&ledger, &args.staking).await?;
        let is_known = |pool: &stakes::FarmPoolView| pool.staking.address == staking.address;
        ensure!(
            !farm.pools.iter().any(is_known),
            "the farm has a pool for {} already: two would share one balance",
            staking.symbol
        );
        let call = MasterChef::addCall {
            allocPoint: U256::from(args.allocation),
            lpToken: convert::address(staking.address),
            withUpdate: true,
        };
        let what = format!("add pool {} for {}", farm.pool_count, staking.symbol);
        let step = Step::new(what, convert::address(args.farm), &call);
        let total = farm.allocation_total.saturating_add(U256::from(args.allocation));
        let rows = vec![
            ("farm", checksummed(&args.farm)),
            ("stake", token_row(&staking)),
            ("allocation", format!("{} of {total}", args.allocation)),
        ];
        Ok(creating(account, rows, step))
    })?;
    action.finish(&args.action, output)
}

fn vault(args: &VaultArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let action = shell::block_on_until_interrupted(async {
        let ledger = ledger::connect(&args.action.ledger).await?;
        let asset = named(&ledger, &args.asset).await?;
        let (at, offset) = (convert::address(asset.address), args.offset);
        let (name, symbol) = (args.name.clone(), args.symbol.clone());
        let step = if args.sells_fees {
            let call = VaultFactory::createFeeVaultCall {
                asset: at,
                decimalsOffset: offset,
                name,
                symbol,
            };
            Step::new("create a vault that sells fees", VAULT_FACTORY, &call)
        } else {
            let call = VaultFactory::createCall { asset: at, decimalsOffset: offset, name, symbol };
            Step::new("create a vault", VAULT_FACTORY, &call)
        };
        let decimals = asset.decimals.saturating_add(offset);
        let rows = vec![
            ("deposits", token_row(&asset)),
            ("shares", format!("{} ({}), {decimals} decimals", args.name, args.symbol)),
        ];
        anyhow::Ok(creating(account, rows, step))
    })?;
    action.finish_creating(&args.action, output, |sender| {
        event::<VaultFactory::VaultCreated>(sender).map(|created| convert::account(created.vault))
    })
}
