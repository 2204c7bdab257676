//! `gleaner claim`: rewards for work that was checked.
//!
//! One call does what is due now for each device of an account: requests checks of its verified rounds, draws them, concludes them,
//! collects what was checked and released, and takes what has vested. What waits for a block or for the referees is told.

use abi::{ISSUANCE, Issuance, convert};
use anyhow::Context as _;
use ledger_client::Ledger;
use ledger_views::issuance::{self, Stage};
use ledger_views::{Ask as _, ViewError, runs};
use serde::Serialize;
use tokio::sync::watch;
use units::{AccountId, DeviceId, Wei};

use crate::earnings::projects;
use crate::ledger;
use crate::market::{SendArgs, Sender, Step, TransactionDocument};
use crate::options::{LedgerArgs, SignerArgs, checksummed};
use crate::output::{Output, lines};
use crate::screen::short;
use crate::shell;

/// Flags of `gleaner claim`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this project [default: all in which the account has a seat]
    #[arg(value_name = "PROJECT")]
    project: Option<u64>,
    #[command(flatten)]
    confirm: SendArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// What is to be done, and what has to be waited for.
struct Plan {
    account: AccountId,
    steps: Vec<Step>,
    waiting: Vec<String>,
    /// What the steps cost, without the network's fees.
    cost: Wei,
    /// What has vested and is taken.
    claimable: Wei,
}

/// Keys of `gleaner claim --json`. Amounts are in the smallest unit of GRAIN.
#[derive(Serialize)]
struct Document {
    dry_run: bool,
    account: String,
    steps: Vec<String>,
    waiting: Vec<String>,
    cost: String,
    claimable: String,
    fee: String,
    transactions: Vec<TransactionDocument>,
}

/// Plans, shows, asks, sends.
///
/// # Errors
/// When the ledger does not answer or refuses, or nobody confirms.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let account = args.signer.account()?;
    let plan = shell::block_on_until_interrupted(plan(&args, account))?;
    if args.confirm.dry_run || plan.steps.is_empty() {
        return output.print(&plan.document(Vec::new(), Wei::ZERO), &plan.text());
    }
    args.confirm.confirm(&plan.text(), output)?;
    let signer = args.signer.unlock()?;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
        let mut sender = Sender::new(&ledger, output);
        for step in plan.steps.clone() {
            sender.take(step).await?;
        }
        let text = format!("done: {}", sender.fees_text());
        let fee = sender.fees();
        output.print(&plan.document(sender.sent, fee), &text)
    })
}

impl Plan {
    fn text(&self) -> String {
        let mut rows = vec![("account", checksummed(&self.account))];
        let labels = |label: &'static str| std::iter::once(label).chain(std::iter::repeat(""));
        rows.extend(labels("steps").zip(self.steps.iter().map(|step| step.what().to_owned())));
        rows.extend(labels("waiting").zip(self.waiting.iter().cloned()));
        if self.steps.is_empty() {
            rows.push(("steps", "nothing is due".to_owned()));
        }
        rows.push(("cost", format!("{} GRAIN in bonds and burns", self.cost.to_grain())));
        rows.push(("pays", format!("{} GRAIN that have vested", self.claimable.to_grain())));
        let rows: Vec<_> =
            rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
        lines(&rows)
    }

    fn document(&self, transactions: Vec<TransactionDocument>, fee: Wei) -> Document {
        Document {
            dry_run: transactions.is_empty(),
            account: checksummed(&self.account),
            steps: self.steps.iter().map(|step| step.what().to_owned()).collect(),
            waiting: self.waiting.clone(),
            cost: self.cost.to_string(),
            claimable: self.claimable.to_string(),
            fee: fee.to_string(),
            transactions,
        }
    }

    fn pay<C: alloy_sol_types::SolCall>(&mut self, what: String, value: Wei, call: &C) {
        self.cost = self.cost.checked_add(value).unwrap_or(self.cost);
        self.steps.push(Step::new(what, ISSUANCE, call).with_value(value));
    }
}

async fn plan(args: &Args, account: AccountId) -> anyhow::Result<Plan> {
    let ledger = ledger::connect(&args.ledger).await?;
    let rewards = match issuance::rewards(&ledger.next(), &account).await {
        Err(ViewError::Unanswered(error)) => return Err(error.into()),
        rewards => {
            rewards.context("this ledger's rules have no rewards (they begin with revision 3)")?
        }
    };
    let (steps, waiting) = (Vec::new(), Vec::new());
    let claimable = rewards.claimable;
    let mut plan = Plan { account, steps, waiting, cost: Wei::ZERO, claimable };
    let projects = match args.project {
        Some(project) => vec![project],
        None => projects(&ledger, &[account]).await?.into_iter().collect(),
    };
    for run in projects {
        if !issuance::is_registered(&ledger, run).await? {
            let owner = "its owner's `gleaner train` does that";
            plan.waiting.push(format!("project {run} is not registered for rewards: {owner}"));
            continue;
        }
        for seat in runs::seats(&ledger, run).await? {
            if seat.account == account {
                device(&ledger, &mut plan, (run, &seat.device)).await?;
            }
        }
    }
    if claimable > Wei::ZERO {
        let what = format!("take {} GRAIN that have vested", claimable.to_grain());
        plan.pay(what, Wei::ZERO, &Issuance::claimCall {});
    }
    Ok(plan)
}

/// Registers a project as soon as it is known, so that work for it can be rewarded, where the ledger's rules reward work. A project trains as well
/// without.
pub(crate) async fn register(
    ledger: Ledger,
    mut run: watch::Receiver<Option<u64>>,
    specification: Vec<u8>,
    output: Output,
) {
    let Ok(known) = run.wait_for(Option::is_some).await.map(|run| *run) else { return };
    let run = known.unwrap_or_default();
    if !matches!(issuance::is_registered(&ledger, run).await, Ok(false)) {
        return;
    }
    let call = Issuance::registerRunCall { run, specification: specification.into() };
    if let Err(error) = ledger.write(ISSUANCE, &call, Wei::ZERO).await {
        output.say(&format!("work for this project earns no rewards: {error}"));
    }
}

/// Adds what is due for a device in a project.
async fn device(
    ledger: &Ledger,
    plan: &mut Plan,
    (run, key): (u64, &DeviceId),
) -> anyhow::Result<()> {
    let next = ledger.next();
    let work = issuance::work(&next, run, key).await?;
    let (device, name) = (convert::device_word(*key), format!("{} in project {run}", short(key)));
    if work.is_void {
        plan.waiting.push(format!("{name}: a check has failed, nothing of it counts"));
        return Ok(());
    }
    match work.stage {
        Stage::Requested { draws_from }
            if ledger.head().await?.height < draws_from.saturating_sub(1) =>
        {
            plan.waiting.push(format!("{name}: the checks can be drawn in block {draws_from}"));
        }
        Stage::Requested { .. } => {
            plan.pay(
                format!("draw the checks of {name}"),
                Wei::ZERO,
                &Issuance::drawCall { run, device },
            );
        }
        Stage::Drawn => {
            let call = Issuance::concludeCall { run, device };
            match ledger.simulate(&plan.account, ISSUANCE, &call).await {
                Ok(_) => plan.pay(format!("conclude the checks of {name}"), Wei::ZERO, &call),
                Err(error) => plan.waiting.push(format!("{name}: {error}")),
            }
        }
        Stage::Idle => {
            // A seat that is gone has nothing to claim.
            let quote =
                issuance::quote(&next, run, key).await.ok().filter(|quote| quote.rounds > 0);
            let is_open = runs::run(ledger, run).await?.phase.is_open();
            if let Some(quote) = quote.filter(|_| is_open) {
                let (rounds, bond) = (quote.rounds, quote.bond.to_grain());
                let what = format!("have {rounds} rounds of {name} checked, for {bond} GRAIN");
                plan.pay(what, quote.bond, &Issuance::requestCall { run, device });
            }
        }
    }
    if work.collectable > Wei::ZERO {
        let (pay, burn) = (work.collectable.to_grain(), work.burn.to_grain());
        let what = format!("collect work of {name} that was paid {pay} GRAIN, and burn {burn}");
        plan.pay(what, work.burn, &Issuance::collectCall { run, device });
    }
    Ok(())
}
