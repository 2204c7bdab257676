//! The two houses: who votes with how much.

use abi::{STAKE_HOUSE, StakeHouse, Votes, WORK_HOUSE, WorkHouse, convert};
use alloy_primitives::{Address, U256, aliases::U48};
use governance::proposal::two_houses::House;
use units::{AccountId, UnixSeconds};

use crate::{
    Ask, ViewError,
    batch::{self, Batch},
};

/// A house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HouseView {
    /// All votes: of stake in wei, of work in units of voice.
    pub total: U256,
    /// The least number of delegates that have more than half of all votes, between two bounds; none if there are none.
    pub half: Option<(u64, u64)>,
    /// The same with more than a third.
    pub third: Option<(u64, u64)>,
}

/// An account in a house. Votes of stake are in wei, those of work in units of voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// What it holds, whoever votes with it.
    pub held: U256,
    /// What it votes with: its own unless it has delegated, and what others have delegated to it, up to the house's cap.
    pub votes: U256,
    /// Who votes for it: itself, as a rule; none before its first votes.
    pub delegate: Option<AccountId>,
    /// When anyone may end its delegation to another account.
    pub expires_at: Option<UnixSeconds>,
    /// When it last voted.
    pub last_vote: Option<UnixSeconds>,
    /// Of the stake house: when it may withdraw.
    pub locked_until: Option<UnixSeconds>,
    /// Of the work house: voice that does not count yet, and when the first of it can.
    pub pending: Option<(U256, UnixSeconds)>,
}

impl MemberView {
    /// Votes that others have delegated to the account, as far as they count. `account` is whose view this is.
    #[must_use]
    pub fn received(&self, account: &AccountId) -> U256 {
        let own = if self.delegate == Some(*account) { self.held } else { U256::ZERO };
        self.votes.saturating_sub(own)
    }
}

fn address(house: House) -> Address {
    match house {
        House::Stake => STAKE_HOUSE,
        House::Work => WORK_HOUSE,
    }
}

/// Reads a house.
///
/// # Errors
/// [`ViewError`].
pub async fn house<A: Ask>(ledger: &A, house: House) -> Result<HouseView, ViewError<A::Error>> {
    let at = address(house);
    let mut batch = Batch::default();
    let total = batch.add(at, &Votes::totalSupplyCall {});
    let [half, third] = [2, 3]
        .map(|denominator| batch.add(at, &Votes::coefficientCall { numerator: 1, denominator }));
    let answers = batch.ask(ledger).await?;
    let between = |said: Votes::coefficientReturn| {
        Some((said.least, said.most)).filter(|(least, _)| *least > 0)
    };
    Ok(HouseView {
        total: answers.take(&total)?,
        half: between(answers.take(&half)?),
        third: between(answers.take(&third)?),
    })
}

/// Reads an account in a house.
///
/// # Errors
/// [`ViewError`].
pub async fn member<A: Ask>(
    ledger: &A,
    house: House,
    account: &AccountId,
) -> Result<MemberView, ViewError<A::Error>> {
    let (at, of) = (address(house), convert::address(*account));
    let mut batch = Batch::default();
    let held = batch.add(at, &Votes::balanceOfCall { account: of });
    let votes = batch.add(at, &Votes::getVotesCall { account: of });
    let delegate = batch.add(at, &Votes::delegatesCall { account: of });
    let expires = batch.add(at, &Votes::expiresAtCall { account: of });
    let voted = batch.add(at, &Votes::lastVoteCall { account: of });
    let (mut locked, mut pending) = (None, None);
    match house {
        House::Stake => {
            locked = Some(batch.add(at, &StakeHouse::lockedUntilCall { account: of }));
        }
        House::Work => pending = Some(batch.add(at, &WorkHouse::pendingCall { account: of })),
    }
    let answers = batch.ask(ledger).await?;
    let locked = locked.map(|asked| answers.take(&asked)).transpose()?;
    let pending = pending.map(|asked| answers.take(&asked)).transpose()?;
    Ok(MemberView {
        held: answers.take(&held)?,
        votes: answers.take(&votes)?,
        delegate: convert::account_if_any(answers.take(&delegate)?),
        expires_at: time(answers.take(&expires)?),
        last_vote: time(answers.take(&voted)?),
        locked_until: locked.and_then(time),
        pending: pending
            .and_then(|said: WorkHouse::pendingReturn| Some((said.voice, time(said.maturesAt)?))),
    })
}

/// Reads the votes of an account at an earlier second.
///
/// # Errors
/// [`ViewError`]; in particular [`ViewError::Refused`] for a time that is not past.
pub async fn past_votes<A: Ask>(
    ledger: &A,
    house: House,
    account: &AccountId,
    time: UnixSeconds,
) -> Result<U256, ViewError<A::Error>> {
    let account = convert::address(*account);
    let call = Votes::getPastVotesCall { account, timepoint: U256::from(time.as_u64()) };
    batch::ask(ledger, address(house), &call).await
}

/// Reads all votes of a house at an earlier second.
///
/// # Errors
/// [`ViewError`]; in particular [`ViewError::Refused`] for a time that is not past.
pub async fn past_total<A: Ask>(
    ledger: &A,
    house: House,
    time: UnixSeconds,
) -> Result<U256, ViewError<A::Error>> {
    let call = Votes::getPastTotalSupplyCall { timepoint: U256::from(time.as_u64()) };
    batch::ask(ledger, address(house), &call).await
}

/// 0 is none.
fn time(seconds: U48) -> Option<UnixSeconds> {
    Some(UnixSeconds::new(seconds.to())).filter(|time| time.as_u64() > 0)
}
