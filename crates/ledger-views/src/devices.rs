//! Devices: whom they work for, and what their account says to them.

use abi::{DEVICES, Devices, POLICY_BYTES_MAX, convert};
use alloy_sol_types::SolCall as _;
use units::{AccountId, DeviceId, UnixSeconds};

use crate::{
    Ask, Impossible, ViewError,
    batch::{self, Batch},
};

/// Most devices of one account that are read: a list that strangers can make longer is not read for ever.
pub const LISTED_MAX: usize = 512;

/// Devices that are asked about in one request.
const TIES_AT_ONCE: usize = 32;

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
    if POLICY_BYTES_MAX < text.len() {
        let source = Impossible::new("text", format!("{} bytes long", text.len()));
        let call = Devices::policyOfCall::SIGNATURE;
        return Err(ViewError::Impossible { call, of: DEVICES, source });
    }
    let since = UnixSeconds::new(since);
    let revoked = (at > 0).then_some(UnixSeconds::new(at));
    Ok(Some(Orders { revoked, policy: Policy { text, version, since } }))
}

/// The devices that the ledger lists for an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The first [`LISTED_MAX`] of them, the oldest first.
    pub devices: Vec<DeviceId>,
    /// How many there are.
    pub total: u64,
}

/// Reads the devices that were ever linked to an account or revoked by it since revision 4; none before.
///
/// # Errors
/// [`ViewError`].
pub async fn listed<A: Ask>(
    ledger: &A,
    account: &AccountId,
) -> Result<Listed, ViewError<A::Error>> {
    let account = convert::address(*account);
    let mut listed = Listed::default();
    while listed.devices.len() < LISTED_MAX {
        let start = u64::try_from(listed.devices.len()).unwrap_or(u64::MAX);
        let call = Devices::devicesOfCall { account, start };
        let Some(page) = known(batch::ask(ledger, DEVICES, &call).await)? else { break };
        let Devices::devicesOfReturn { devices, total } = page;
        listed.total = total;
        if devices.is_empty() {
            break;
        }
        listed.devices.extend(devices.into_iter().map(convert::device));
    }
    listed.devices.truncate(LISTED_MAX);
    Ok(listed)
}

/// What the ledger says of a device and an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tie {
    /// The account that the device is linked to now: its next seat works for it. `None` before its first one.
    pub linked_to: Option<AccountId>,
    /// When the account revoked it, if it has.
    pub revoked: Option<UnixSeconds>,
}

/// Reads how devices stand to an account, in their order.
///
/// # Errors
/// [`ViewError`].
pub async fn ties<A: Ask>(
    ledger: &A,
    account: &AccountId,
    devices: &[DeviceId],
) -> Result<Vec<Tie>, ViewError<A::Error>> {
    let owner = convert::address(*account);
    let mut ties = Vec::with_capacity(devices.len());
    for devices in devices.chunks(TIES_AT_ONCE) {
        let mut batch = Batch::default();
        let asked: Vec<_> = devices
            .iter()
            .map(|device| {
                let device = convert::device_word(*device);
                let link = batch.add(DEVICES, &Devices::accountOfCall { device });
                let revoked = Devices::revokedAtCall { account: owner, device };
                (link, batch.add(DEVICES, &revoked))
            })
            .collect();
        let answers = batch.ask(ledger).await?;
        for (link, revoked) in &asked {
            let linked_to = convert::account_if_any(answers.take(link)?.account);
            let at = known(answers.take(revoked))?.unwrap_or_default();
            ties.push(Tie { linked_to, revoked: (at > 0).then_some(UnixSeconds::new(at)) });
        }
    }
    Ok(ties)
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

#[cfg(test)]
mod tests;
