//! What votes may spend, and what is being paid.

use abi::{TREASURY, Treasury, convert};
use alloy_primitives::{Address, U256};
use units::{AccountId, UnixSeconds};

use crate::{
    Ask, Page, ViewError, Window,
    batch::{self, Batch},
};

/// What the treasury has of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreasuryView {
    /// Begin of the window in which spending is counted.
    pub start: UnixSeconds,
    /// Its end.
    pub stop: UnixSeconds,
    /// What ordinary proposals may spend in the window, in the smallest unit, as all amounts here.
    pub budget: U256,
    /// What they have spent.
    pub spent: U256,
    /// What streams still owe.
    pub reserved: U256,
    /// The balance without that.
    pub free: U256,
}

/// A payment over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamView {
    /// Its number.
    pub number: u64,
    /// The token that is paid.
    pub token: AccountId,
    /// Who is paid.
    pub to: AccountId,
    /// In all; of a cancelled stream what it had earned.
    pub total: U256,
    /// What was paid.
    pub paid: U256,
    /// What could be paid now.
    pub due: U256,
    /// When it begins.
    pub start: UnixSeconds,
    /// When it ends.
    pub stop: UnixSeconds,
    /// Whether a vote has ended it.
    pub is_cancelled: bool,
}

/// Reads what the treasury has of a token.
///
/// # Errors
/// [`ViewError`]; in particular [`ViewError::Refused`] when the token does not answer.
pub async fn treasury<A: Ask>(
    ledger: &A,
    token: Address,
) -> Result<TreasuryView, ViewError<A::Error>> {
    let said = batch::ask(ledger, TREASURY, &Treasury::spendingOfCall { token }).await?;
    Ok(TreasuryView {
        start: UnixSeconds::new(said.start),
        stop: UnixSeconds::new(said.stop),
        budget: said.budget,
        spent: said.spent,
        reserved: said.reserved,
        free: said.free,
    })
}

/// Reads a page of streams, newest first.
///
/// # Errors
/// [`ViewError`].
pub async fn streams<A: Ask>(
    ledger: &A,
    window: Window,
) -> Result<Page<StreamView>, ViewError<A::Error>> {
    let count = batch::ask(ledger, TREASURY, &Treasury::streamCountCall {}).await?;
    let mut batch = Batch::default();
    let numbers: Vec<_> = window.numbers(count).collect();
    let asked: Vec<_> =
        numbers.iter().map(|id| batch.add(TREASURY, &Treasury::streamOfCall { id: *id })).collect();
    let answers = batch.ask(ledger).await?;
    let mut items = Vec::with_capacity(numbers.len());
    for (number, asked) in numbers.into_iter().zip(&asked) {
        let stream = answers.take(asked)?;
        items.push(StreamView {
            number,
            token: convert::account(stream.token),
            to: convert::account(stream.to),
            total: stream.total,
            paid: stream.paid,
            due: stream.due,
            start: UnixSeconds::new(stream.start),
            stop: UnixSeconds::new(stream.stop),
            is_cancelled: stream.isCancelled,
        });
    }
    Ok(Page::new(window, count, items))
}
