//! Devices: whom they work for, and what their account says to them.

use abi::{DEVICES, Devices, convert};
use units::{AccountId, DeviceId, UnixSeconds};

use crate::{
    Ask, ViewError,
    batch::{self, Batch},
};

/// Most devices of one account that are read: a list that strangers can make longer is not read for ever.
pub const LISTED_MAX: usize = 512;

/// Whom a device works for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Who is paid; none before the first link.
    pub account: Option<AccountId>,
    /// Nonce of the last link; the next one is one more.
    pub nonce: u64,
}

/// The policy of an account's devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The text; empty if there is none.
    pub text: String,
    /// How often it was set.
    pub version: u64,
    /// When it was set last; zero if never.
    pub since: UnixSeconds,
}

/// What an account says to one of its devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orders {
    /// When it revoked the device, if it has.
    pub revoked: Option<UnixSeconds>,
    /// Its policy.
    pub policy: Policy,
}

/// Reads whom a device is linked to.
///
/// # Errors
/// [`ViewError`].
pub async fn link<A: Ask>(ledger: &A, device: &DeviceId) -> Result<Link, ViewError<A::Error>> {
    let call = Devices::accountOfCall { device: convert::device_word(*device) };
    let answer = batch::ask(ledger, DEVICES, &call).await?;
    Ok(Link { account: convert::account_if_any(answer.account), nonce: answer.nonce })
}

/// Reads what an account says to a device. `None` where the ledger's rules know no such thing yet: before revision 4.
///
/// # Errors
/// [`ViewError`].
pub async fn orders<A: Ask>(
    ledger: &A,
    account: &AccountId,
    device: &DeviceId,
) -> Result<Option<Orders>, ViewError<A::Error>> {
    let (account, device) = (convert::address(*account), convert::device_word(*device));
    let mut batch = Batch::default();
    let revoked = batch.add(DEVICES, &Devices::revokedAtCall { account, device });
    let policy = batch.add(DEVICES, &Devices::policyOfCall { account });
    let answers = batch.ask(ledger).await?;
    let Some(at) = known(answers.take(&revoked))? else { return Ok(None) };
    let Some(policy) = known(answers.take(&policy))? else { return Ok(None) };
    let Devices::policyOfReturn { text, version, since } = policy;
    let since = UnixSeconds::new(since);
    let revoked = (at > 0).then_some(UnixSeconds::new(at));
    Ok(Some(Orders { revoked, policy: Policy { text, version, since } }))
}

/// Reads the devices that were ever linked to an account or revoked by it since revision 4, at most [`LISTED_MAX`]; none before.
///
/// # Errors
/// [`ViewError`].
pub async fn listed<A: Ask>(
    ledger: &A,
    account: &AccountId,
) -> Result<Vec<DeviceId>, ViewError<A::Error>> {
    let account = convert::address(*account);
    let mut devices: Vec<DeviceId> = Vec::new();
    while devices.len() < LISTED_MAX {
        let start = u64::try_from(devices.len()).unwrap_or(u64::MAX);
        let call = Devices::devicesOfCall { account, start };
        let Some(page) = known(batch::ask(ledger, DEVICES, &call).await)? else { break };
        if page.devices.is_empty() {
            break;
        }
        devices.extend(page.devices.into_iter().map(convert::device));
    }
    devices.truncate(LISTED_MAX);
    Ok(devices)
}

/// Returns `None` for a function that the ledger's rules do not know yet.
fn known<T, E>(answer: Result<T, ViewError<E>>) -> Result<Option<T>, ViewError<E>>
where
    E: std::error::Error + 'static,
{
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ViewError::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
