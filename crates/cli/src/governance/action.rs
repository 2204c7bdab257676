//! Something to be done: shown, confirmed, sent, and told.

use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolEvent;
use ledger_client::Ledger;
use serde::Serialize;
use serde_json::{Value, json};
use units::AccountId;

use crate::ledger;
use crate::market::{SendArgs, Sender, Step};
use crate::options::{LedgerArgs, SignerArgs, checksummed};
use crate::output::{Output, lines};
use crate::shell;

/// Flags of commands that change something.
#[derive(Debug, clap::Args)]
pub(super) struct ActionArgs {
    /// Do it without asking
    #[arg(long)]
    yes: bool,
    /// Only show what would be done: needs no key and sends nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    #[command(flatten)]
    pub(super) signer: SignerArgs,
    #[command(flatten)]
    pub(super) ledger: LedgerArgs,
}

/// What is to be done.
pub(super) struct Plan {
    pub(super) account: AccountId,
    /// What is shown: names and values.
    pub(super) rows: Vec<(&'static str, String)>,
    /// The same for programs: an object.
    pub(super) document: Value,
    pub(super) step: Step,
}

/// What is told after it is done: lines, and members of the document.
pub(super) type Told = (Vec<(&'static str, String)>, Value);

/// What is to be done, where the transactions depend on the account's key.
pub(super) struct Shown {
    pub(super) account: AccountId,
    /// What is shown: names and values.
    pub(super) rows: Vec<(&'static str, String)>,
    /// The same for programs: an object.
    pub(super) document: Value,
}

impl Plan {
    /// Shows it, asks, does it, and prints what came of it.
    ///
    /// # Errors
    /// When nobody confirms, or the ledger refuses.
    pub(super) fn finish(
        self,
        args: &ActionArgs,
        output: &Output,
        tell: impl AsyncFnOnce(&Ledger, &Sender<'_>) -> anyhow::Result<Told>,
    ) -> anyhow::Result<()> {
        let Self { account, rows, document, step } = self;
        Shown { account, rows, document }.finish(args, output, |_| Ok(vec![step]), tell)
    }
}

impl Shown {
    fn text(&self) -> String {
        let mut rows = self.rows.clone();
        rows.push(("account", checksummed(&self.account)));
        aligned(rows)
    }

    /// Shows it, asks, sends the transactions that the key gives, and prints what came of it.
    ///
    /// # Errors
    /// When nobody confirms, or the ledger refuses.
    pub(super) fn finish(
        self,
        args: &ActionArgs,
        output: &Output,
        steps: impl FnOnce(&PrivateKeySigner) -> anyhow::Result<Vec<Step>>,
        tell: impl AsyncFnOnce(&Ledger, &Sender<'_>) -> anyhow::Result<Told>,
    ) -> anyhow::Result<()> {
        let account = json!({ "account": checksummed(&self.account), "dry_run": args.dry_run });
        let document = merged(self.document.clone(), account);
        if args.dry_run {
            return output.print(&document, &self.text());
        }
        let confirm = SendArgs { yes: args.yes, dry_run: false };
        confirm.confirm(&self.text(), output)?;
        let signer = args.signer.unlock()?;
        let steps = steps(&signer)?;
        shell::block_on_until_interrupted(async {
            let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
            let mut sender = Sender::new(&ledger, output);
            for step in steps {
                sender.take(step).await?;
            }
            let (mut rows, told) = tell(&ledger, &sender).await?;
            rows.push(("fee", sender.fees_text()));
            let done = json!({
                "gas": sender.gas(),
                "fee": sender.fees().to_string(),
                "transactions": sender.sent,
            });
            output.print(&merged(merged(document, told), json!({ "done": done })), &aligned(rows))
        })
    }
}

/// Nothing more to tell than that it is done.
pub(super) async fn done(_: &Ledger, _: &Sender<'_>) -> anyhow::Result<Told> {
    Ok((Vec::new(), json!({})))
}

/// Returns the first event of a kind among the logs.
pub(super) fn event<E: SolEvent>(sender: &Sender<'_>) -> Option<E> {
    sender.logs().find_map(|log| E::decode_log(log).ok().map(|event| event.data))
}

/// The members of both objects.
pub(super) fn merged(mut document: Value, more: Value) -> Value {
    if let (Value::Object(document), Value::Object(more)) = (&mut document, more) {
        document.extend(more);
    }
    document
}

/// A document as a value.
///
/// # Errors
/// Never for documents of plain fields.
pub(super) fn value(document: &impl Serialize) -> anyhow::Result<Value> {
    Ok(serde_json::to_value(document)?)
}

/// Aligns named values. A value of several lines goes on below itself.
pub(super) fn aligned(rows: Vec<(&str, String)>) -> String {
    let mut all = Vec::new();
    for (name, value) in rows {
        let mut name = name;
        for line in value.split('\n') {
            all.push(vec![name.to_owned(), line.to_owned()]);
            name = "";
        }
    }
    lines(&all)
}
