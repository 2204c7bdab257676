//! `gleaner pool create` and `gleaner pool add`.

use alloy_primitives::{U256, U512};
use anyhow::{anyhow, ensure};
use ledger_client::Ledger;
use ledger_views::markets::{self, Addition, PoolKind, PoolView, PositionView};
use units::AccountId;

use super::plan::{Place, Plan};
use super::range::{Order, RangeArgs};
use super::remove::{owned, position};
use super::{KindArgs, Version, both};
use crate::failure::{Hint as _, WrongUsage};
use crate::ledger;
use crate::market::{ConfirmArgs, Limits, Named, Sender, amount, fee_text, two};
use crate::options::{LedgerArgs, SignerArgs, checksummed};
use crate::output::Output;
use crate::shell;

const CREATE_USAGE: &str =
    "write both amounts before their tokens, as in `gleaner pool create 100 GRAIN 50 BAR`";
const ADD_USAGE: &str = "write one or both amounts before their tokens, as in `gleaner pool add 100 GRAIN 50 BAR` or `gleaner pool add 100 GRAIN BAR`";

/// Fee of a new pool of v3 that names none, in millionths.
const FEE_DEFAULT: u32 = 3_000;

/// Of the first shares of a pair, how many stay locked in it, in the smallest unit (`MINIMUM_LIQUIDITY`).
const SHARES_LOCKED: U256 = U256::from_limbs([1_000, 0, 0, 0]);

/// Printed below the flags of `pool create`.
const CREATE_HELP: &str = "\
  gleaner pool create 100 GRAIN 200 BAR                                 a pair of Uniswap v2
  gleaner pool create 100 GRAIN 200 BAR --fee 0.3% --range 1.5..2.5     a pool of v3
  gleaner pool create 100 GRAIN 200 BAR --version v3 --full-range

The ratio of the amounts is the first price, here 2 BAR for 1 GRAIN. Ranges are in the same order.";
/// Printed below the flags of `pool add`.
const ADD_HELP: &str = "\
  gleaner pool add 10 GRAIN BAR              the pool's price says how much BAR
  gleaner pool add 10 GRAIN 20 BAR           at most these, in the pool's ratio
  gleaner pool add 10 GRAIN BAR --fee 0.3% --range 1.5..2.5     a new position of Uniswap v3
  gleaner pool add 10 GRAIN BAR --position 1                    more for a position";

/// Flags of `gleaner pool create`.
#[derive(Debug, clap::Args)]
#[command(after_help = CREATE_HELP)]
pub(super) struct CreateArgs {
    /// AMOUNT TOKEN AMOUNT TOKEN
    #[arg(num_args = 4, required = true, value_names = ["AMOUNT", "TOKEN", "AMOUNT", "TOKEN"])]
    words: Vec<String>,
    #[command(flatten)]
    kind: KindArgs,
    #[command(flatten)]
    range: RangeArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Flags of `gleaner pool add`.
#[derive(Debug, clap::Args)]
#[command(after_help = ADD_HELP)]
pub(super) struct AddArgs {
    /// AMOUNT TOKEN AMOUNT TOKEN; one of the amounts may be left out
    #[arg(num_args = 3..=4, required = true, value_names = ["AMOUNT", "TOKEN", "AMOUNT", "TOKEN"])]
    words: Vec<String>,
    #[command(flatten)]
    kind: KindArgs,
    #[command(flatten)]
    range: RangeArgs,
    /// Of v3: add to this position instead of opening a new one
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["range", "full_range"])]
    position: Option<u64>,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, clap::Args)]
struct CommonArgs {
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl CommonArgs {
    /// The account that signs; with `--dry-run` there may be none.
    fn account(&self) -> anyhow::Result<Option<AccountId>> {
        match self.signer.account() {
            Err(_) if self.confirm.send.dry_run => Ok(None),
            account => account.map(Some),
        }
    }
}

pub(super) fn create(args: &CreateArgs, output: &Output) -> anyhow::Result<()> {
    args.kind.check()?;
    let named = two(&args.words, CREATE_USAGE)?;
    args.common.limits.slippage_bps()?;
    let account = args.common.account()?;
    let plan = shell::block_on_until_interrupted(plan_create(args, named, account))?;
    finish(&plan, &args.common, output)
}

pub(super) fn add(args: &AddArgs, output: &Output) -> anyhow::Result<()> {
    args.kind.check()?;
    let named = two(&args.words, ADD_USAGE)?;
    args.common.limits.slippage_bps()?;
    let account = args.common.account()?;
    let plan = shell::block_on_until_interrupted(plan_add(args, named, account))?;
    finish(&plan, &args.common, output)
}

/// Shows the plan, asks, and does it.
fn finish(plan: &Plan, args: &CommonArgs, output: &Output) -> anyhow::Result<()> {
    let text = plan.text(&args.limits);
    if args.confirm.send.dry_run {
        return output.print(&plan.document(true, None), &text);
    }
    plan.check_balance()?;
    args.confirm.send.confirm(&text, output)?;
    let signer = args.signer.unlock()?;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
        let mut sender = Sender::new(&ledger, output);
        let receipt = plan.send(&args.limits, &ledger, &mut sender).await?;
        let (done, text) = plan.done(&ledger, &receipt, &sender).await?;
        output.print(&plan.document(false, Some(done)), &text)
    })
}

async fn plan_create(
    args: &CreateArgs,
    [one, other]: [Named<'_>; 2],
    account: Option<AccountId>,
) -> anyhow::Result<Plan> {
    let ledger = ledger::connect(&args.common.ledger).await?;
    let (first, second) = both(&ledger, one.token, other.token).await?;
    let (Some(of_first), Some(of_second)) = (one.amount, other.amount) else {
        return Err(WrongUsage(CREATE_USAGE.to_owned()).into());
    };
    let amounts = [amount(of_first, &first)?, amount(of_second, &second)?];
    let order = Order { first: &first, second: &second };
    let [amount0, amount1] = order.turn(amounts);
    let is_ranged = match args.kind.version {
        Some(version) => version == Version::V3,
        None => args.kind.fee.is_some() || args.range.is_given(),
    };
    let fee = is_ranged.then_some(args.kind.fee.unwrap_or(FEE_DEFAULT));
    let pool = markets::pool(&ledger, (&first.address, &second.address), fee).await?;
    refuse_existing(pool.as_ref(), order)?;
    refuse_one_sided(pool.as_ref())?;
    let (place, addition) = match fee {
        None => {
            ensure!(
                !args.range.is_given(),
                WrongUsage(
                    "a pair of Uniswap v2 has no range: leave it out, or give --version v3"
                        .to_owned()
                )
            );
            refuse_without_shares(pool.as_ref(), [amount0, amount1])?;
            (Place::Pair, Addition { amounts: [amount0, amount1], liquidity: 0 })
        }
        Some(fee) => {
            let ticks = args.range.ticks(order, spacing(&ledger, fee).await?)?;
            let price = markets::sqrt_price(amount1, amount0).ok_or_else(|| {
                anyhow!("the ratio of these amounts is no price of Uniswap v3: give amounts nearer to each other")
            })?;
            let given = [Some(amount0), Some(amount1)];
            let addition = markets::addition_to_range(price, ticks, given);
            let addition = addition.filter(|addition| addition.liquidity > 0);
            let addition = addition.ok_or_else(|| too_little(order, ticks))?;
            (Place::Range { fee, ticks, price, position: None }, addition)
        }
    };
    let given = [Some(amount0), Some(amount1)];
    let minimum = addition.amounts.map(|amount| args.common.limits.least(amount));
    let (held, approvals) = (None, Vec::new());
    let mut plan =
        Plan { first, second, pool, place, given, addition, minimum, account, held, approvals };
    plan.look(&ledger, &args.common.confirm).await?;
    Ok(plan)
}

fn refuse_existing(pool: Option<&PoolView>, order: Order<'_>) -> anyhow::Result<()> {
    let Some(pool) = pool.filter(|pool| pool.price.is_some()) else { return Ok(()) };
    let (first, second) = (&order.first.symbol, &order.second.symbol);
    let version = pool.version();
    Err(anyhow!(
        "this pool of {first} and {second} exists at {} and has a price of {} {second} for 1 {first}: add to it, or choose another fee",
        checksummed(&pool.address),
        pool.price.map_or_else(String::new, |price| order.price(price)),
    ))
    .hint(format!("gleaner pool add AMOUNT {first} AMOUNT {second} --version {version}"))
}

/// Refuses a pair that has something of one token only, which somebody has sent to it: the router of v2 can neither open nor fill it.
fn refuse_one_sided(pool: Option<&PoolView>) -> anyhow::Result<()> {
    let Some(pool) = pool.filter(|pool| matches!(pool.kind, PoolKind::Pair { .. })) else {
        return Ok(());
    };
    let is_empty = pool.amounts.map(|amount| amount == Some(U256::ZERO));
    let (full, missing) = match is_empty {
        [false, true] => (&pool.token0, &pool.token1),
        [true, false] => (&pool.token1, &pool.token0),
        _ => return Ok(()),
    };
    Err(anyhow!(
        "the pair {} has {} and no {}, so it has no price, and the router of v2 adds nothing to it: somebody has sent it one token only",
        checksummed(&pool.address),
        full.symbol,
        missing.symbol
    ))
    .hint(format!("use a pool of Uniswap v3, with --version v3; or send some {} to the pair and call its sync()", missing.symbol))
}

/// Refuses amounts of which a pair makes no shares: the ledger would refuse them when the approvals are paid.
fn refuse_without_shares(pool: Option<&PoolView>, amounts: [U256; 2]) -> anyhow::Result<()> {
    let product = |a: U256, b: U256| U512::from(a) * U512::from(b);
    let gives_shares = match pool.map(|pool| (pool.kind, pool.amounts)) {
        Some((PoolKind::Pair { supply }, [Some(reserve0), Some(reserve1)]))
            if !supply.is_zero() =>
        {
            let gives = |amount, reserve| product(amount, supply) >= U512::from(reserve);
            gives(amounts[0], reserve0) && gives(amounts[1], reserve1)
        }
        _ => {
            product(amounts[0], amounts[1])
                > product(SHARES_LOCKED, SHARES_LOCKED.saturating_add(U256::from(2)))
        }
    };
    ensure!(
        gives_shares,
        "these amounts are too small to give shares of a pair: give more, nothing was sent"
    );
    Ok(())
}

async fn spacing(ledger: &Ledger, fee: u32) -> anyhow::Result<i32> {
    let spacing = markets::spacing(ledger, fee).await?;
    spacing.ok_or_else(|| {
        let enabled = markets::FEES.map(fee_text).join(", ");
        anyhow!("a fee of {} is not enabled: give one of {enabled}", fee_text(fee))
    })
}

fn too_little(order: Order<'_>, ticks: (i32, i32)) -> anyhow::Error {
    anyhow!(
        "these amounts give no liquidity in the range {}: give more, of the token that the range needs at this price",
        order.range_text(ticks)
    )
}

async fn plan_add(
    args: &AddArgs,
    [one, other]: [Named<'_>; 2],
    account: Option<AccountId>,
) -> anyhow::Result<Plan> {
    let ledger = ledger::connect(&args.common.ledger).await?;
    let (first, second) = both(&ledger, one.token, other.token).await?;
    let of_first = one.amount.map(|text| amount(text, &first)).transpose()?;
    let of_second = other.amount.map(|text| amount(text, &second)).transpose()?;
    let order = Order { first: &first, second: &second };
    let given = order.turn([of_first, of_second]);
    let position = match args.position {
        Some(number) => Some(position_of(&ledger, number, order, account).await?),
        None => None,
    };
    let pool = match &position {
        Some(position) => position.pool.clone(),
        None => args.kind.choose(&ledger, (&first, &second)).await?,
    };
    refuse_one_sided(Some(&pool))?;
    ensure!(
        pool.price.is_some(),
        "the pool {} has no price yet: open it with `gleaner pool create`",
        checksummed(&pool.address)
    );
    let (place, addition) = match pool.kind {
        PoolKind::Pair { .. } => {
            ensure!(
                !args.range.is_given(),
                WrongUsage(
                    "a pair of Uniswap v2 has no range: leave it out, or give --version v3"
                        .to_owned()
                )
            );
            let addition = markets::addition_to_pair(&ledger, &pool, given).await?;
            refuse_without_shares(Some(&pool), addition.amounts)?;
            (Place::Pair, addition)
        }
        PoolKind::Ranged { fee, spacing, sqrt_price, .. } => {
            let range = position.as_ref().and_then(|position| position.range);
            let ticks = match range {
                Some(range) => (range.lower, range.upper),
                None => args.range.ticks(order, spacing)?,
            };
            let addition = markets::addition_to_range(sqrt_price, ticks, given);
            let addition = addition.filter(|addition| addition.liquidity > 0);
            let addition = addition.ok_or_else(|| too_little(order, ticks))?;
            let position = range.map(|range| range.id);
            (Place::Range { fee, ticks, price: sqrt_price, position }, addition)
        }
    };
    let is_used = addition.amounts.iter().any(|amount| !amount.is_zero());
    ensure!(is_used, "at the pool's price these amounts are too small to add: give more");
    let minimum = addition.amounts.map(|amount| args.common.limits.least(amount));
    let (pool, held, approvals) = (Some(pool), None, Vec::new());
    let mut plan =
        Plan { first, second, pool, place, given, addition, minimum, account, held, approvals };
    plan.look(&ledger, &args.common.confirm).await?;
    Ok(plan)
}

/// Reads a position of these two tokens. Anybody may add to a position, and what is added belongs to its owner, so it must be the account's own.
async fn position_of(
    ledger: &Ledger,
    number: u64,
    order: Order<'_>,
    account: Option<AccountId>,
) -> anyhow::Result<PositionView> {
    let position = match account {
        Some(account) => owned(ledger, number, &account).await?,
        None => position(ledger, number).await?,
    };
    let tokens = order.turn([order.first, order.second]).map(|token| token.address);
    let own = [&position.pool.token0, &position.pool.token1].map(|token| token.address);
    ensure!(
        tokens == own,
        "position {number} is of {} and {}, not of {} and {}",
        position.pool.token0.symbol,
        position.pool.token1.symbol,
        order.first.symbol,
        order.second.symbol
    );
    Ok(position)
}

#[cfg(test)]
mod tests {
    use ledger_views::markets::TokenView;

    use super::*;

    fn pair(amounts: [u64; 2]) -> PoolView {
        let token = |symbol: &str, byte| TokenView {
            address: AccountId::from_bytes([byte; 20]),
            name: String::new(),
            symbol: symbol.to_owned(),
            decimals: 18,
            is_readable: true,
        };
        PoolView {
            address: AccountId::from_bytes([3; 20]),
            token0: token("BAR", 1),
            token1: token("OAT", 2),
            amounts: amounts.map(|amount| Some(U256::from(amount))),
            price: None,
            kind: PoolKind::Pair { supply: U256::ZERO },
        }
    }

    #[test]
    fn amounts_that_give_no_shares_are_refused_before_anything_is_sent() {
        let gives = |pool: Option<&PoolView>, amounts: [u64; 2]| {
            refuse_without_shares(pool, amounts.map(U256::from)).is_ok()
        };
        // The first thousand stay locked: the root of the product must be above it.
        assert!(
            !gives(None, [1, 1]) && !gives(None, [1_000, 1_002]) && !gives(None, [1, 1_002_000])
        );
        assert!(gives(None, [1_001, 1_001]) && gives(None, [1, 1_002_001]));
        assert!(!gives(Some(&pair([0, 0])), [1_000, 1_000]), "an empty pair is a new one");
        let filled =
            PoolView { kind: PoolKind::Pair { supply: U256::from(10) }, ..pair([100, 20]) };
        assert!(!gives(Some(&filled), [9, 2]) && !gives(Some(&filled), [10, 1]));
        assert!(gives(Some(&filled), [10, 2]));
        let most = refuse_without_shares(Some(&filled), [U256::MAX; 2]);
        assert!(most.is_ok() && refuse_without_shares(None, [U256::MAX; 2]).is_ok());
    }

    #[test]
    fn a_pair_of_one_token_only_is_refused_with_the_reason() {
        let check = |amounts, part: Option<&str>| {
            let said = refuse_one_sided(Some(&pair(amounts)));
            let said = said.err().map(|error| format!("{error:#}"));
            match part {
                None => assert_eq!(said, None, "{amounts:?}"),
                Some(part) => assert!(said.unwrap().contains(part), "{amounts:?}"),
            }
        };
        check([0, 0], None);
        check([5, 5], None);
        check([5, 0], Some("has BAR and no OAT"));
        check([0, 5], Some("has OAT and no BAR"));
        assert!(refuse_one_sided(None).is_ok());
    }
}
