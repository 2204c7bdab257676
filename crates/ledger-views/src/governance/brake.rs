//! What is locked against a proposal.

use abi::{BRAKE, Brake, Erc20, GRAIN, convert};
use alloy_primitives::U256;
use units::{AccountId, UnixSeconds};

use crate::{
    Ask, ViewError,
    batch::{self, Batch},
};

/// The brake of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrakeView {
    /// What all accounts have locked, in wei.
    pub total: U256,
    /// By how many seconds that delays the proposal.
    pub delay_seconds: u64,
    /// The supply of GRAIN, of which it is a share, in wei.
    pub supply: U256,
}

/// What an account has locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockView {
    /// In wei.
    pub amount: U256,
    /// When it may be released.
    pub until: UnixSeconds,
}

/// Reads the brake of a proposal, also of one that does not exist.
///
/// # Errors
/// [`ViewError`].
pub async fn brake<A: Ask>(ledger: &A, id: U256) -> Result<BrakeView, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let total = batch.add(BRAKE, &Brake::totalOfCall { proposal: id });
    let delay = batch.add(BRAKE, &Brake::delayOfCall { proposal: id });
    let supply = batch.add(GRAIN, &Erc20::totalSupplyCall {});
    let answers = batch.ask(ledger).await?;
    Ok(BrakeView {
        total: answers.take(&total)?,
        delay_seconds: answers.take(&delay)?,
        supply: answers.take(&supply)?,
    })
}

/// Reads what an account has locked against a proposal; `None` for nothing.
///
/// # Errors
/// [`ViewError`].
pub async fn lock<A: Ask>(
    ledger: &A,
    id: U256,
    account: &AccountId,
) -> Result<Option<LockView>, ViewError<A::Error>> {
    let call = Brake::lockOfCall { proposal: id, account: convert::address(*account) };
    let Brake::lockOfReturn { amount, until } = batch::ask(ledger, BRAKE, &call).await?;
    let lock = LockView { amount, until: UnixSeconds::new(until) };
    Ok(Some(lock).filter(|lock| !lock.amount.is_zero()))
}
