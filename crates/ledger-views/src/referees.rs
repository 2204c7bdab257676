//! The referees of the ledger: who replays a disputed round and decides.

use abi::{REFEREES, Referees as sol, convert};
use units::DeviceId;

use crate::{Ask, ViewError, batch};

/// The referees of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefereesView {
    /// Their keys.
    pub members: Vec<DeviceId>,
    /// Number of them that must agree.
    pub threshold: u16,
}

/// Reads the referees.
///
/// # Errors
/// [`ViewError`].
pub async fn referees<A: Ask>(ledger: &A) -> Result<RefereesView, ViewError<A::Error>> {
    let members = batch::ask(ledger, REFEREES, &sol::membersCall {}).await?;
    let members = members.into_iter().map(convert::device).collect();
    let threshold = batch::ask(ledger, REFEREES, &sol::thresholdCall {}).await?;
    Ok(RefereesView { members, threshold })
}
