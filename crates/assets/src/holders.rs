//! What holders of an asset may do.

use alloy_primitives::U256;
use units::{AccountId, UnixSeconds};

use crate::{Book, Refused, refused::is_past};

/// An allowance that spending does not reduce, as in OpenZeppelin's ERC-20.
pub const UNLIMITED: U256 = U256::MAX;

/// A balance has moved. `from` is zero for a mint, `to` is zero for a burn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transferred {
    /// The account that paid.
    pub from: AccountId,
    /// The account that received.
    pub to: AccountId,
    /// Amount in the smallest unit.
    pub amount: U256,
}

/// An allowance was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approved {
    /// The account whose balance may be moved.
    pub owner: AccountId,
    /// The account that may move it.
    pub spender: AccountId,
    /// Amount in the smallest unit.
    pub amount: U256,
}

/// An allowance that its owner has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    /// The allowance.
    pub allows: Approved,
    /// Last second in which the permit can be used; may be above the range of [`UnixSeconds`].
    pub deadline: U256,
}

/// Moves `amount` from the caller's balance.
///
/// # Errors
/// [`Refused`], or an error of the book.
pub fn transfer<B: Book>(
    book: &mut B,
    from: AccountId,
    to: AccountId,
    amount: U256,
) -> Result<Transferred, B::Failure> {
    let transferred = Transferred { from, to, amount };
    let left = check_transfer(book, &transferred)?;
    apply(book, transferred, left)
}

/// Moves `amount` from the balance of `from` and reduces the allowance of `spender`.
///
/// # Errors
/// [`Refused`], or an error of the book.
pub fn transfer_from<B: Book>(
    book: &mut B,
    spender: AccountId,
    from: AccountId,
    to: AccountId,
    amount: U256,
) -> Result<Transferred, B::Failure> {
    let transferred = Transferred { from, to, amount };
    let allowed = allowance_left(book, spender, from, amount)?;
    let left = check_transfer(book, &transferred)?;
    spend(book, spender, from, allowed)?;
    apply(book, transferred, left)
}

/// Sets the allowance of `spender` over the balance of `owner`, replacing the earlier one.
///
/// # Errors
/// [`Refused`], or an error of the book.
pub fn approve<B: Book>(
    book: &mut B,
    owner: AccountId,
    spender: AccountId,
    amount: U256,
) -> Result<Approved, B::Failure> {
    check_parties(owner, spender)?;
    book.set_allowance(owner, spender, amount)?;
    Ok(Approved { owner, spender, amount })
}

/// Sets an allowance that `owner` has signed; anyone may submit it. `signer_of` returns the account that signed it
/// with the given nonce, or an error if the signature is malformed.
///
/// # Errors
/// [`Refused`], or an error of the book or of `signer_of`.
pub fn permit<B: Book>(
    book: &mut B,
    now: UnixSeconds,
    permit: &Permit,
    signer_of: impl FnOnce(&mut B, U256) -> Result<AccountId, B::Failure>,
) -> Result<Approved, B::Failure> {
    let Permit { allows: Approved { owner, spender, amount }, deadline } = *permit;
    if is_past(deadline, now) {
        return Err(Refused::ExpiredSignature { deadline }.into());
    }
    let nonce = book.nonce(owner)?;
    let signer = signer_of(book, nonce)?;
    if signer != owner || owner == AccountId::ZERO {
        return Err(Refused::InvalidSigner { signer, owner }.into());
    }
    check_parties(owner, spender)?;
    // The nonce grows by one per permit, so it never reaches 2^256.
    book.set_nonce(owner, nonce.saturating_add(U256::ONE))?;
    book.set_allowance(owner, spender, amount)?;
    Ok(Approved { owner, spender, amount })
}

/// Returns what remains of an allowance after `amount`; `None` for an unlimited allowance.
pub(crate) fn allowance_left<B: Book>(
    book: &mut B,
    spender: AccountId,
    owner: AccountId,
    amount: U256,
) -> Result<Option<U256>, B::Failure> {
    let allowance = book.allowance(owner, spender)?;
    if allowance == UNLIMITED {
        return Ok(None);
    }
    let refused = Refused::InsufficientAllowance { spender, allowance, needed: amount };
    let left = allowance.checked_sub(amount).ok_or(refused)?;
    // The remaining allowance is written by an approval, whose parties must be valid.
    check_parties(owner, spender)?;
    Ok(Some(left))
}

pub(crate) fn spend<B: Book>(
    book: &mut B,
    spender: AccountId,
    owner: AccountId,
    left: Option<U256>,
) -> Result<(), B::Failure> {
    left.map_or(Ok(()), |left| book.set_allowance(owner, spender, left))
}

pub(crate) fn check_sender(sender: AccountId) -> Result<(), Refused> {
    if sender == AccountId::ZERO { Err(Refused::InvalidSender { sender }) } else { Ok(()) }
}

pub(crate) fn check_receiver(asset: AccountId, receiver: AccountId) -> Result<(), Refused> {
    if receiver == AccountId::ZERO || receiver == asset {
        return Err(Refused::InvalidReceiver { receiver });
    }
    Ok(())
}

/// Returns what remains of a balance after `needed`.
pub(crate) fn balance_left<B: Book>(
    book: &mut B,
    sender: AccountId,
    needed: U256,
) -> Result<U256, B::Failure> {
    let balance = book.balance(sender)?;
    let refused = Refused::InsufficientBalance { sender, balance, needed };
    balance.checked_sub(needed).ok_or_else(|| refused.into())
}

fn check_parties(owner: AccountId, spender: AccountId) -> Result<(), Refused> {
    if owner == AccountId::ZERO {
        return Err(Refused::InvalidApprover { approver: owner });
    }
    if spender == AccountId::ZERO {
        return Err(Refused::InvalidSpender { spender });
    }
    Ok(())
}

/// Returns what remains of the balance of `from`.
fn check_transfer<B: Book>(book: &mut B, transferred: &Transferred) -> Result<U256, B::Failure> {
    check_sender(transferred.from)?;
    check_receiver(book.asset(), transferred.to)?;
    if book.is_paused()? {
        return Err(Refused::Paused.into());
    }
    balance_left(book, transferred.from, transferred.amount)
}

fn apply<B: Book>(
    book: &mut B,
    transferred: Transferred,
    left: U256,
) -> Result<Transferred, B::Failure> {
    let Transferred { from, to, amount } = transferred;
    if from != to && !amount.is_zero() {
        book.move_balance(&transferred, left)?;
    }
    Ok(transferred)
}
