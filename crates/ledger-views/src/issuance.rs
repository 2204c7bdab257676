//! Work that is claimed, and what it is rewarded with.

use abi::{ISSUANCE, Issuance as sol, Votes, WORK_HOUSE, convert};
use alloy_primitives::U256;
use units::{AccountId, DeviceId, UnixSeconds, Wei};

use crate::{Ask, Impossible, ViewError, batch};

/// What a claim waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing: rounds can be claimed.
    Idle,
    /// A block, from whose height on the checks can be drawn.
    Requested {
        /// That height.
        draws_from: u64,
    },
    /// The referees.
    Drawn,
}

/// The work of a device in a run. Amounts are pay for work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkView {
    /// Who collects it; none before the first claim.
    pub account: Option<AccountId>,
    /// What its claim waits for.
    pub stage: Stage,
    /// The claimed rounds; once they are drawn, those that are checked.
    pub rounds: Vec<u32>,
    /// Of rounds that were checked, in total.
    pub checked: Wei,
    /// Released by the run, in total.
    pub released: Wei,
    /// Collected, in total.
    pub collected: Wei,
    /// What can be collected now.
    pub collectable: Wei,
    /// What collecting it burns.
    pub burn: Wei,
    /// Whether nothing of the account counts in this run any more.
    pub is_void: bool,
}

/// What can be claimed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Number of rounds.
    pub rounds: u32,
    /// Their pay.
    pub pay: Wei,
    /// What their checks cost.
    pub bond: Wei,
}

/// Rewards of an account, of epochs that are over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewards {
    /// Earned and not vested.
    pub vesting: Wei,
    /// Vested, paid or not.
    pub vested: Wei,
    /// Vested and not paid.
    pub claimable: Wei,
    /// Units of work in the present epoch, whose rewards are known at its end.
    pub work: u128,
}

/// When the epochs began, and which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Beginning of epoch 0.
    pub start: UnixSeconds,
    /// The supply that the schedule is a share of.
    pub supply: Wei,
    /// The epoch of the block.
    pub epoch: u32,
}

/// Reads the schedule; none before the first run is registered.
///
/// # Errors
/// [`ViewError`], where the ledger's revision has no issuance too.
pub async fn begun<A: Ask>(ledger: &A) -> Result<Option<Begun>, ViewError<A::Error>> {
    batch::read(ledger, ISSUANCE, &sol::scheduleCall {}, |answer| {
        let supply = amount("supply", answer.supply)?;
        let (start, epoch) = (UnixSeconds::new(answer.start), answer.epoch);
        Ok((answer.start > 0).then_some(Begun { start, supply, epoch }))
    })
    .await
}

/// Reads whether the work of a run counts: whether it is registered.
///
/// # Errors
/// [`ViewError`].
pub async fn is_registered<A: Ask>(ledger: &A, run: u64) -> Result<bool, ViewError<A::Error>> {
    let call = sol::operationsPerTokenCall { run };
    batch::read(ledger, ISSUANCE, &call, |operations| Ok(operations > 0)).await
}

/// Reads the work of a device in a run that is registered.
///
/// # Errors
/// [`ViewError`].
pub async fn work<A: Ask>(
    ledger: &A,
    run: u64,
    device: &DeviceId,
) -> Result<WorkView, ViewError<A::Error>> {
    let call = sol::workCall { run, device: convert::device_word(*device) };
    batch::read(ledger, ISSUANCE, &call, work_view).await
}

/// Reads what a device with a seat can claim.
///
/// # Errors
/// [`ViewError`].
pub async fn quote<A: Ask>(
    ledger: &A,
    run: u64,
    device: &DeviceId,
) -> Result<Quote, ViewError<A::Error>> {
    let call = sol::quoteCall { run, device: convert::device_word(*device) };
    batch::read(ledger, ISSUANCE, &call, |quote| {
        let (pay, bond) = (Wei::new(quote.pay), Wei::new(quote.bond));
        Ok(Quote { rounds: quote.rounds, pay, bond })
    })
    .await
}

/// Reads the rewards of an account.
///
/// # Errors
/// [`ViewError`].
pub async fn rewards<A: Ask>(
    ledger: &A,
    account: &AccountId,
) -> Result<Rewards, ViewError<A::Error>> {
    let call = sol::rewardsCall { account: convert::address(*account) };
    batch::read(ledger, ISSUANCE, &call, |rewards| {
        Ok(Rewards {
            vesting: amount("vesting", rewards.vesting)?,
            vested: amount("vested", rewards.vested)?,
            claimable: amount("claimable", rewards.claimable)?,
            work: rewards.work,
        })
    })
    .await
}

/// Reads the voice that an account has in the Work House now.
///
/// # Errors
/// [`ViewError`], where the ledger's revision has no such house too.
pub async fn voice<A: Ask>(ledger: &A, account: &AccountId) -> Result<U256, ViewError<A::Error>> {
    let call = Votes::getVotesCall { account: convert::address(*account) };
    batch::ask(ledger, WORK_HOUSE, &call).await
}

fn work_view(work: sol::Work) -> Result<WorkView, Impossible> {
    let stage = match work.stage {
        sol::Stage::Idle => Stage::Idle,
        sol::Stage::Requested => Stage::Requested { draws_from: work.drawsFrom },
        sol::Stage::Drawn => Stage::Drawn,
        stage @ sol::Stage::__Invalid => {
            return Err(Impossible::new("stage", format!("{stage:?}")));
        }
    };
    Ok(WorkView {
        account: convert::account_if_any(work.account),
        stage,
        rounds: work.rounds,
        checked: Wei::new(work.checkedPay),
        released: Wei::new(work.releasedPay),
        collected: Wei::new(work.collectedPay),
        collectable: Wei::new(work.collectable),
        burn: Wei::new(work.burn),
        is_void: work.isVoid,
    })
}

fn amount(field: &'static str, value: U256) -> Result<Wei, Impossible> {
    convert::wei(value).map_err(|_| Impossible::new(field, value))
}
