//! Approvals, the question before a change, and transactions one after the other.

use std::io::IsTerminal as _;

use abi::{Erc20, convert};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, SolEvent as _};
use anyhow::{Context as _, anyhow, ensure};
use ledger_client::{Ledger, Receipt};
use ledger_views::markets::TokenView;
use serde::Serialize;
use units::{AccountId, Wei};

use crate::failure::Hint as _;
use crate::options::checksummed;
use crate::output::Output;
use crate::password;

/// Flags of commands that show what they are about to do, and ask.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct SendArgs {
    /// Do it without asking
    #[arg(long)]
    pub(crate) yes: bool,
    /// Only show what would be done: needs no key and sends nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
}

/// The same of commands for which a contract may have to be allowed to take a token.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ConfirmArgs {
    #[command(flatten)]
    pub(crate) send: SendArgs,
    /// Approve without limit, so that later changes need no approval; whoever controls the contract could take everything [default: exactly what is needed]
    #[arg(long)]
    pub(crate) approve_unlimited: bool,
}

impl SendArgs {
    /// Shows `preview` on stderr and asks, unless `--yes` is given.
    ///
    /// # Errors
    /// When the answer is not yes, or nobody can answer.
    pub(crate) fn confirm(&self, preview: &str, output: &Output) -> anyhow::Result<()> {
        output.say(preview);
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(anyhow!("there is no terminal to confirm this on: nothing was sent"))
                .hint("add --yes to do it without asking, or --dry-run to only look");
        }
        let answer = password::ask_openly("Send it? [y/N] ")?;
        let is_yes = ["y", "yes"].contains(&answer.trim().to_lowercase().as_str());
        ensure!(is_yes, "not confirmed: nothing was sent");
        Ok(())
    }
}

/// An allowance that must be given before a contract can take a token.
#[derive(Clone, Debug)]
pub(crate) struct Approval {
    token: TokenView,
    spender: Address,
    spender_name: &'static str,
    /// The allowance to give.
    amount: U256,
    /// What is allowed already.
    allowed: U256,
}

/// An approval in documents. Amounts are in the smallest unit.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ApprovalDocument {
    token: String,
    spender: String,
    amount: String,
}

/// Returns the approvals that `owner` must give so that a contract can take these amounts.
///
/// # Errors
/// When the ledger does not answer.
pub(crate) async fn approvals(
    ledger: &Ledger,
    owner: &AccountId,
    (spender, spender_name): (Address, &'static str),
    amounts: &[(&TokenView, U256)],
    confirm: &ConfirmArgs,
) -> anyhow::Result<Vec<Approval>> {
    let mut needed = Vec::new();
    for (token, amount) in amounts {
        let call = Erc20::allowanceCall { owner: convert::address(*owner), spender };
        let allowed = ledger.read(convert::address(token.address), &call).await?;
        if allowed < *amount {
            let amount = if confirm.approve_unlimited { U256::MAX } else { *amount };
            needed.push(Approval {
                token: (*token).clone(),
                spender,
                spender_name,
                amount,
                allowed,
            });
        }
    }
    Ok(needed)
}

impl Approval {
    /// Describes the approval.
    pub(crate) fn text(&self) -> String {
        let amount = match self.amount {
            U256::MAX => "everything".to_owned(),
            amount => self.token.amount_text(amount),
        };
        format!("{amount} {} for {} {}", self.token.symbol, self.spender_name, self.spender)
    }

    pub(crate) fn document(&self) -> ApprovalDocument {
        ApprovalDocument {
            token: checksummed(&self.token.address),
            spender: self.spender.to_checksum(None),
            amount: self.amount.to_string(),
        }
    }
}

/// A transaction to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    what: String,
    to: Address,
    input: Bytes,
    value: Wei,
}

impl Step {
    pub(crate) fn new<C: SolCall>(what: impl Into<String>, to: Address, call: &C) -> Self {
        Self { what: what.into(), to, input: call.abi_encode().into(), value: Wei::ZERO }
    }

    /// Returns the step with GRAIN that comes with it.
    pub(crate) fn with_value(self, value: Wei) -> Self {
        Self { value, ..self }
    }

    /// Describes it.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }
}

/// A transaction in documents.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TransactionDocument {
    what: String,
    hash: String,
    height: u64,
    gas: u64,
    /// In the smallest unit of GRAIN.
    fee: String,
}

/// Sends the transactions of one command, and says after a failure which of them are done.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    ledger: &'a Ledger,
    output: &'a Output,
    pub(crate) sent: Vec<TransactionDocument>,
    receipts: Vec<Receipt>,
}

impl<'a> Sender<'a> {
    pub(crate) fn new(ledger: &'a Ledger, output: &'a Output) -> Self {
        Self { ledger, output, sent: Vec::new(), receipts: Vec::new() }
    }

    /// Sends a call and waits for its block.
    ///
    /// # Errors
    /// When it is refused or not confirmed; the message says what was done before.
    pub(crate) async fn send<C: SolCall>(
        &mut self,
        what: impl Into<String>,
        to: Address,
        call: &C,
    ) -> anyhow::Result<Receipt> {
        self.take(Step::new(what, to, call)).await
    }

    /// Sends a step and waits for its block.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(crate) async fn take(&mut self, step: Step) -> anyhow::Result<Receipt> {
        let Step { what, to, input, value } = step;
        let receipt = self.ledger.write_encoded(to, input, value).await;
        let receipt = receipt.with_context(|| self.failed(&what))?;
        self.output.say(&format!("{what}: block {}, transaction {}", receipt.height, receipt.hash));
        self.sent.push(TransactionDocument {
            what,
            hash: receipt.hash.to_string(),
            height: receipt.height,
            gas: receipt.gas,
            fee: receipt.fee.to_string(),
        });
        self.receipts.push(receipt.clone());
        Ok(receipt)
    }

    /// Gives the approvals. A deployed token with an old allowance gets 0 first, because some accept no other change.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(crate) async fn approve(&mut self, approvals: &[Approval]) -> anyhow::Result<()> {
        for approval in approvals {
            let token = convert::address(approval.token.address);
            let spender = approval.spender;
            if !approval.allowed.is_zero() && abi::Module::at(&token).is_none() {
                let what = format!("approve 0 {} first", approval.token.symbol);
                let call = Erc20::approveCall { spender, value: U256::ZERO };
                self.send(what, token, &call).await?;
            }
            let call = Erc20::approveCall { spender, value: approval.amount };
            self.send(format!("approve {}", approval.text()), token, &call).await?;
        }
        Ok(())
    }

    fn failed(&self, what: &str) -> String {
        if self.sent.is_empty() {
            return what.to_owned();
        }
        let done: Vec<_> = self.sent.iter().map(|sent| sent.what.as_str()).collect();
        format!("{what} (already done and still valid: {})", done.join("; "))
    }

    /// Returns what an account received and sent of a token in all transactions.
    pub(crate) fn moved(&self, token: &AccountId, account: &AccountId) -> Moved {
        let none = Moved { received: U256::ZERO, sent: U256::ZERO };
        self.receipts.iter().map(|receipt| moved(receipt, token, account)).fold(
            none,
            |sum, more| Moved {
                received: sum.received.saturating_add(more.received),
                sent: sum.sent.saturating_add(more.sent),
            },
        )
    }

    /// Returns the logs of all transactions.
    pub(crate) fn logs(&self) -> impl Iterator<Item = &alloy_primitives::Log> {
        self.receipts.iter().flat_map(|receipt| &receipt.logs).map(|log| &log.inner)
    }

    /// Returns the network fees of all transactions together.
    pub(crate) fn fees(&self) -> Wei {
        let fees = self.receipts.iter().map(|receipt| receipt.fee.as_u128());
        Wei::new(fees.fold(0, u128::saturating_add))
    }

    /// Returns the gas of all transactions together.
    pub(crate) fn gas(&self) -> u64 {
        self.receipts.iter().fold(0, |sum, receipt| sum.saturating_add(receipt.gas))
    }

    /// Returns one line about gas and fees.
    pub(crate) fn fees_text(&self) -> String {
        let count = self.sent.len();
        let plural = if count == 1 { "" } else { "s" };
        format!(
            "{} GRAIN for {} gas in {count} transaction{plural}",
            self.fees().to_grain(),
            self.gas()
        )
    }
}

/// Returns what an account received and sent of a token in a transaction, by the token's own `Transfer` events; none if there is no event.
pub(crate) fn moved(receipt: &Receipt, token: &AccountId, account: &AccountId) -> Moved {
    let (token, account) = (convert::address(*token), convert::address(*account));
    let mut moved = Moved { received: U256::ZERO, sent: U256::ZERO };
    for log in receipt.logs.iter().filter(|log| log.address() == token) {
        let Ok(event) = Erc20::Transfer::decode_log(&log.inner) else { continue };
        if event.to == account {
            moved.received = moved.received.saturating_add(event.value);
        }
        if event.from == account {
            moved.sent = moved.sent.saturating_add(event.value);
        }
    }
    moved
}

/// What moved in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) received: U256,
    pub(crate) sent: U256,
}
