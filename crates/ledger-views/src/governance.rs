//! Governance: houses, proposals and their votes, parameters, the schedule of rules, the treasury, the brake.
//!
//! A proposal's calls and description are in no storage: they are in the logs of the block in which it was posted, which a view finds by its time.

mod brake;
mod breakers;
mod houses;
mod juries;
mod parameters;
mod posting;
mod proposals;
mod revisions;
mod sealed;
mod treasury;

pub use brake::{BrakeView, LockView, brake, lock};
pub use breakers::{BreakerView, breakers};
pub use houses::{HouseView, MemberView, house, member, past_total, past_votes};
pub use juries::{JurorView, PanelView, SeatsView, juror, jury_weights, panel, seats, stratum};
pub use parameters::{ParameterView, parameters};
pub use posting::{Posting, ProposedCall};
pub use proposals::{
    GovernorView, HouseVotes, ProposalView, class_of, count, governor, numbered, proposal,
    proposals, with_id,
};
pub use revisions::{ActivationView, RevisionsView, revisions};
pub use sealed::{KeyHolderView, SealedVoteView, SealingView, key_holders, sealed_votes};
pub use treasury::{StreamView, TreasuryView, streams, treasury};

use abi::GOVERNOR;
use alloy_primitives::U256;
use units::UnixSeconds;

use crate::{Ask, Impossible, ViewError};

/// Reads whether the ledger has these modules: they begin with a revision of its rules.
///
/// # Errors
/// [`ViewError`].
pub async fn is_there<A: Ask>(ledger: &A) -> Result<bool, ViewError<A::Error>> {
    Ok(!ledger.account(GOVERNOR).await?.code.is_empty())
}

/// A time as modules write it.
fn time(field: &'static str, value: U256) -> Result<UnixSeconds, Impossible> {
    let value = u64::try_from(value).map_err(|_| Impossible::new(field, value))?;
    Ok(UnixSeconds::new(value))
}

/// The same; 0 is none.
fn time_if_any(field: &'static str, value: U256) -> Result<Option<UnixSeconds>, Impossible> {
    time(field, value).map(|time| Some(time).filter(|time| time.as_u64() > 0))
}
