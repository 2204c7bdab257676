//! Devices: whom they work for.

use abi::{DEVICES, Devices, convert};
use units::{AccountId, DeviceId};

use crate::{Ask, ViewError, batch};

/// Whom a device works for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Who is paid; none before the first link.
    pub account: Option<AccountId>,
    /// Nonce of the last link; the next one is one more.
    pub nonce: u64,
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
