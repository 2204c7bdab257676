//! Something to be done with a stake: shown, confirmed, sent, and told.

use alloy_sol_types::SolEvent;
use anyhow::Context as _;
use ledger_views::markets::TokenView;
use serde::Serialize;
use units::AccountId;

use super::guard::Guard;
use crate::ledger;
use crate::market::{
    Approval, ApprovalDocument, ConfirmArgs, Sender, Step, TokenDocument, TransactionDocument,
};
use crate::options::{LedgerArgs, SignerArgs, checksummed};
use crate::output::{Output, lines};
use crate::shell;

/// Flags of commands that change a stake.
#[derive(Debug, clap::Args)]
pub(super) struct ActionArgs {
    #[command(flatten)]
    pub(super) confirm: ConfirmArgs,
    #[command(flatten)]
    pub(super) signer: SignerArgs,
    #[command(flatten)]
    pub(super) ledger: LedgerArgs,
}

/// What is to be done.
pub(super) struct Action {
    pub(super) account: AccountId,
    /// What is shown: names and values.
    pub(super) rows: Vec<(&'static str, String)>,
    pub(super) approvals: Vec<Approval>,
    pub(super) steps: Vec<Step>,
    /// What must still be true right before the steps.
    pub(super) guard: Option<Guard>,
    /// Tokens whose movements are told afterwards.
    pub(super) tokens: Vec<TokenView>,
}

/// The result of a change; amounts in the smallest unit of their token, `fee` in that of GRAIN.
#[derive(Serialize)]
pub(super) struct ActionDocument {
    dry_run: bool,
    account: String,
    steps: Vec<String>,
    approvals: Vec<ApprovalDocument>,
    /// Of a vault: the least to receive, or the most shares to give for exact assets.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
    /// What was created, if something was.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<DoneDocument>,
}

#[derive(Serialize)]
struct DoneDocument {
    moved: Vec<MovedDocument>,
    /// Of a vault: that the limit was missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    gas: u64,
    fee: String,
    transactions: Vec<TransactionDocument>,
}

#[derive(Serialize)]
struct MovedDocument {
    token: TokenDocument,
    received: String,
    sent: String,
}

impl Action {
    fn text(&self) -> String {
        let mut rows = self.rows.clone();
        for token in &self.tokens {
            rows.push(("token", format!("{} {}", token.symbol, checksummed(&token.address))));
        }
        let mut label = "approve";
        for approval in &self.approvals {
            rows.push((label, approval.text()));
            label = "";
        }
        let mut label = "steps";
        for step in &self.steps {
            rows.push((label, step.what().to_owned()));
            label = "";
        }
        rows.push(("account", checksummed(&self.account)));
        aligned(rows)
    }

    fn document(&self, dry_run: bool) -> ActionDocument {
        ActionDocument {
            dry_run,
            account: checksummed(&self.account),
            steps: self.steps.iter().map(|step| step.what().to_owned()).collect(),
            approvals: self.approvals.iter().map(Approval::document).collect(),
            limit: self.guard.as_ref().map(|guard| guard.limit().to_string()),
            address: None,
            done: None,
        }
    }

    /// Shows it, asks, does it, and prints what moved.
    ///
    /// # Errors
    /// When nobody confirms, or the ledger refuses.
    pub(super) fn finish(self, args: &ActionArgs, output: &Output) -> anyhow::Result<()> {
        self.finish_creating(args, output, |_| None)
    }

    /// As [`Self::finish`], for something that gets an address; `created` reads it from the logs.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub(super) fn finish_creating(
        self,
        args: &ActionArgs,
        output: &Output,
        created: impl Fn(&Sender<'_>) -> Option<AccountId>,
    ) -> anyhow::Result<()> {
        if args.confirm.send.dry_run {
            return output.print(&self.document(true), &self.text());
        }
        args.confirm.send.confirm(&self.text(), output)?;
        let signer = args.signer.unlock()?;
        shell::block_on_until_interrupted(async {
            let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
            let mut sender = Sender::new(&ledger, output);
            sender.approve(&self.approvals).await?;
            if let Some(guard) = &self.guard {
                let checked = guard.check(&ledger).await;
                let text = "checking the limit (an approval that was given stays)";
                if self.approvals.is_empty() { checked? } else { checked.context(text)? }
            }
            for step in self.steps.clone() {
                sender.take(step).await?;
            }
            self.tell(&sender, created(&sender), output)
        })
    }

    fn tell(
        &self,
        sender: &Sender<'_>,
        created: Option<AccountId>,
        output: &Output,
    ) -> anyhow::Result<()> {
        let (mut rows, mut all) = (Vec::new(), Vec::new());
        rows.extend(created.map(|address| ("address", checksummed(&address))));
        for token in &self.tokens {
            let moved = sender.moved(&token.address, &self.account);
            for (label, amount) in [("received", moved.received), ("sent", moved.sent)] {
                if !amount.is_zero() {
                    rows.push((label, format!("{} {}", token.amount_text(amount), token.symbol)));
                }
            }
            all.push(MovedDocument {
                token: token.into(),
                received: moved.received.to_string(),
                sent: moved.sent.to_string(),
            });
        }
        let warning = self.guard.as_ref().and_then(|it| it.warning(sender, &self.account));
        rows.extend(warning.clone().map(|text| ("warning", text)));
        rows.push(("fee", sender.fees_text()));
        let done = DoneDocument {
            moved: all,
            warning,
            gas: sender.gas(),
            fee: sender.fees().to_string(),
            transactions: sender.sent.clone(),
        };
        let address = created.map(|address| checksummed(&address));
        let document = ActionDocument { address, done: Some(done), ..self.document(false) };
        output.print(&document, &aligned(rows))
    }
}

/// Returns the first event of a kind among the logs.
pub(super) fn event<E: SolEvent>(sender: &Sender<'_>) -> Option<E> {
    sender.logs().find_map(|log| E::decode_log(log).ok().map(|event| event.data))
}

/// Aligns named values.
pub(super) fn aligned(rows: Vec<(&str, String)>) -> String {
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    lines(&rows)
}
