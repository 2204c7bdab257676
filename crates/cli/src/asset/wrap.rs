//! `gleaner asset wrap` and `unwrap`: GRAIN into as much WGRAIN, and back.

use abi::{WRAPPED_GRAIN, WrappedGrain, amount_text, convert};
use alloy_primitives::U256;
use anyhow::{anyhow, ensure};
use ledger_client::Ledger;
use ledger_views::Ask;
use serde::Serialize;
use units::{AccountId, Wei};

use crate::failure::Hint as _;
use crate::ledger;
use crate::market::{SendArgs, Sender, Step, TransactionDocument};
use crate::options::{LedgerArgs, SignerArgs, checksummed, parse_grain};
use crate::output::{Output, lines};
use crate::shell;

/// Flags of `gleaner asset wrap` and `unwrap`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Amount in GRAIN, such as 1.5
    #[arg(value_name = "AMOUNT", value_parser = parse_grain)]
    amount: Wei,
    #[command(flatten)]
    send: SendArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Wrap,
    Unwrap,
}

/// The result of `asset wrap` and `asset unwrap`; amounts in the smallest unit.
#[derive(Serialize)]
struct Document {
    dry_run: bool,
    account: String,
    amount: String,
    /// Address of WGRAIN.
    wrapped: String,
    /// What the account will have, without network fees; afterwards what it has.
    balances: BalancesDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<DoneDocument>,
}

#[derive(Serialize)]
struct BalancesDocument {
    grain_before: String,
    wgrain_before: String,
    grain_after: String,
    wgrain_after: String,
}

#[derive(Serialize)]
struct DoneDocument {
    gas: u64,
    fee: String,
    transactions: Vec<TransactionDocument>,
}

/// What an account has, in the smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    grain: U256,
    wgrain: U256,
}

struct Plan {
    account: AccountId,
    direction: Direction,
    amount: U256,
    held: Held,
}

/// Shows what would be done, asks, does it, and tells the balances.
///
/// # Errors
/// When the account has too little, nobody confirms, or the ledger does not answer or refuses.
pub(super) fn run(args: &Args, direction: Direction, output: &Output) -> anyhow::Result<()> {
    let account = args.signer.account()?;
    let plan = shell::block_on_until_interrupted(plan(args, direction, account))?;
    plan.check()?;
    let planned = plan.after();
    if args.send.dry_run {
        return output.print(&plan.document(true, planned), &plan.text(planned));
    }
    args.send.confirm(&plan.text(planned), output)?;
    let signer = args.signer.unlock()?;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
        let mut sender = Sender::new(&ledger, output);
        sender.take(plan.step(args.amount)).await?;
        let held = held(&ledger, &account).await?;
        let done = DoneDocument {
            gas: sender.gas(),
            fee: sender.fees().to_string(),
            transactions: sender.sent.clone(),
        };
        let document = Document { done: Some(done), ..plan.document(false, held) };
        output.print(&document, &format!("{}\nfee      {}", plan.text(held), sender.fees_text()))
    })
}

async fn plan(args: &Args, direction: Direction, account: AccountId) -> anyhow::Result<Plan> {
    ensure!(args.amount > Wei::ZERO, "the amount is 0: give more");
    let ledger = ledger::connect(&args.ledger).await?;
    // What is sent to an address without code would be lost.
    if Ask::account(&ledger, WRAPPED_GRAIN).await?.code.is_empty() {
        return Err(anyhow!("this ledger has no wrapped GRAIN yet: it begins with revision 2"))
            .hint("give the address of another ledger's node with --rpc URL");
    }
    let held = held(&ledger, &account).await?;
    Ok(Plan { account, direction, amount: U256::from(args.amount.as_u128()), held })
}

async fn held(ledger: &Ledger, account: &AccountId) -> anyhow::Result<Held> {
    let owner = convert::address(*account);
    let grain = U256::from(ledger.balance(account).await?.as_u128());
    let wgrain = ledger.read(WRAPPED_GRAIN, &WrappedGrain::balanceOfCall { owner }).await?;
    Ok(Held { grain, wgrain })
}

impl Plan {
    /// # Errors
    /// When the account has too little of what it gives.
    fn check(&self) -> anyhow::Result<()> {
        let Held { grain, wgrain } = self.held;
        let (account, amount) = (checksummed(&self.account), amount_text(self.amount, 18));
        match self.direction {
            Direction::Wrap => ensure!(
                self.amount < grain,
                "{account} has {} GRAIN, too little for {amount} GRAIN and the fee: nothing was sent",
                amount_text(grain, 18)
            ),
            Direction::Unwrap => ensure!(
                self.amount <= wgrain,
                "{account} has {} WGRAIN, less than {amount}: nothing was sent",
                amount_text(wgrain, 18)
            ),
        }
        Ok(())
    }

    /// What the account will have, without network fees.
    fn after(&self) -> Held {
        let Held { grain, wgrain } = self.held;
        let (less, more) = (
            |amount: U256| amount.saturating_sub(self.amount),
            |amount: U256| amount.saturating_add(self.amount),
        );
        match self.direction {
            Direction::Wrap => Held { grain: less(grain), wgrain: more(wgrain) },
            Direction::Unwrap => Held { grain: more(grain), wgrain: less(wgrain) },
        }
    }

    fn step(&self, amount: Wei) -> Step {
        let text = amount_text(self.amount, 18);
        match self.direction {
            Direction::Wrap => {
                let call = WrappedGrain::depositCall {};
                Step::new(format!("wrap {text} GRAIN"), WRAPPED_GRAIN, &call).with_value(amount)
            }
            Direction::Unwrap => {
                let call = WrappedGrain::withdrawCall { wad: self.amount };
                Step::new(format!("unwrap {text} WGRAIN"), WRAPPED_GRAIN, &call)
            }
        }
    }

    fn text(&self, after: Held) -> String {
        let amount = amount_text(self.amount, 18);
        let (name, what) = match self.direction {
            Direction::Wrap => ("wrap", format!("{amount} GRAIN into as much WGRAIN")),
            Direction::Unwrap => ("unwrap", format!("{amount} WGRAIN into as much GRAIN")),
        };
        let change = |before: U256, after: U256, symbol: &str| {
            let [before, after] = [before, after].map(|amount| amount_text(amount, 18));
            format!("{before} -> {after} {symbol}")
        };
        let rows = [
            (name, what),
            ("token", format!("WGRAIN {}", WRAPPED_GRAIN.to_checksum(None))),
            ("account", checksummed(&self.account)),
            ("balance", change(self.held.grain, after.grain, "GRAIN")),
            ("", change(self.held.wgrain, after.wgrain, "WGRAIN")),
        ];
        let rows: Vec<_> =
            rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
        lines(&rows)
    }

    fn document(&self, dry_run: bool, after: Held) -> Document {
        Document {
            dry_run,
            account: checksummed(&self.account),
            amount: self.amount.to_string(),
            wrapped: WRAPPED_GRAIN.to_checksum(None),
            balances: BalancesDocument {
                grain_before: self.held.grain.to_string(),
                wgrain_before: self.held.wgrain.to_string(),
                grain_after: after.grain.to_string(),
                wgrain_after: after.wgrain.to_string(),
            },
            done: None,
        }
    }
}
