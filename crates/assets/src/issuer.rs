//! What the issuer of an asset may do, and what changes the supply.

use alloy_primitives::U256;
use units::AccountId;

use crate::{
    IssuedBook, Refused, Standing, Transferred,
    holders::{allowance_left, balance_left, check_receiver, check_sender, spend},
};

/// Whether transfers are to be paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Pause them.
    On,
    /// Resume them.
    Off,
}

/// The issuer's role was offered, or it changed hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The present issuer, or the previous one if the role changed hands; zero for none.
    pub issuer: AccountId,
    /// The account to which the role was offered or given; zero for none.
    pub to: AccountId,
}

/// Creates `amount` for `to`; only the issuer may call it.
///
/// # Errors
/// [`Refused`], or an error of the book.
pub fn mint<B: IssuedBook>(
    book: &mut B,
    caller: AccountId,
    to: AccountId,
    amount: U256,
) -> Result<Transferred, B::Failure> {
    let standing = issued_by(book, caller)?;
    check_receiver(book.asset(), to)?;
    check_moves(&standing)?;
    let (supply, cap) = (book.supply()?, book.cap()?);
    let increased = supply.saturating_add(amount);
    // A saturated sum is above every cap except U256::MAX; `checked_add` covers that one.
    if increased > cap || supply.checked_add(amount).is_none() {
        return Err(Refused::ExceededCap { increased, cap }.into());
    }
    // A balance is at most the supply, and the new supply fits.
    let balance = book.balance(to)?.saturating_add(amount);
    if !amount.is_zero() {
        book.set_supply(increased)?;
        book.set_balance(to, balance)?;
    }
    Ok(Transferred { from: AccountId::ZERO, to, amount })
}

/// Destroys `amount` of the balance of `holder`.
///
/// # Errors
/// [`Refused`], or an error of the book.
pub fn burn<B: IssuedBook>(
    book: &mut B,
    holder: AccountId,
    amount: U256,
) -> Result<Transferred, B::Failure> {
    let left = check_burn(book, holder, amount)?;
    apply_burn(book, holder, amount, left)
}

/// Destroys `amount` of the balance of `holder` and reduces the allowance of `spender`.
///
/// # Errors
/// [`Refused`], or an error of the book.
pub fn burn_from<B: IssuedBook>(
    book: &mut B,
    spender: AccountId,
    holder: AccountId,
    amount: U256,
) -> Result<Transferred, B::Failure> {
    let allowance = allowance_left(book, spender, holder, amount)?;
    let left = check_burn(book, holder, amount)?;
    spend(book, spender, holder, allowance)?;
    apply_burn(book, holder, amount, left)
}

/// Pauses or resumes transfers; only the issuer may call it.
///
/// # Errors
/// [`Refused`], or an error of the book.
pub fn set_pause<B: IssuedBook>(
    book: &mut B,
    caller: AccountId,
    pause: Pause,
) -> Result<(), B::Failure> {
    let standing = issued_by(book, caller)?;
    if !standing.powers.pausable {
        return Err(Refused::Forbidden { action: "pause" }.into());
    }
    let is_paused = match (pause, standing.is_paused) {
        (Pause::On, true) => return Err(Refused::Paused.into()),
        (Pause::Off, false) => return Err(Refused::NotPaused.into()),
        (Pause::On, false) => true,
        (Pause::Off, true) => false,
    };
    book.set_standing(&Standing { is_paused, ..standing })
}

/// Offers the issuer's role to `to`, which takes it with [`accept`]; zero withdraws the offer.
///
/// # Errors
/// [`Refused`], or an error of the book.
pub fn offer<B: IssuedBook>(
    book: &mut B,
    caller: AccountId,
    to: AccountId,
) -> Result<Offered, B::Failure> {
    let standing = issued_by(book, caller)?;
    if !standing.powers.transferable {
        return Err(Refused::Forbidden { action: "transfer the issuer's role" }.into());
    }
    book.set_offered(to)?;
    Ok(Offered { issuer: caller, to })
}

/// Gives the issuer's role to the caller, if it was offered to it.
///
/// # Errors
/// [`Refused`], or an error of the book.
pub fn accept<B: IssuedBook>(book: &mut B, caller: AccountId) -> Result<Offered, B::Failure> {
    if caller == AccountId::ZERO || book.offered()? != caller {
        return Err(Refused::NotOffered { caller }.into());
    }
    issuer_changed(book, caller)
}

/// Gives the issuer's role up for good: nobody can mint afterwards.
///
/// # Errors
/// [`Refused`], or an error of the book.
pub fn renounce<B: IssuedBook>(book: &mut B, caller: AccountId) -> Result<Offered, B::Failure> {
    let standing = issued_by(book, caller)?;
    if !standing.powers.renounceable {
        return Err(Refused::Forbidden { action: "renounce the issuer's role" }.into());
    }
    check_moves(&standing)?;
    issuer_changed(book, AccountId::ZERO)
}

fn issuer_changed<B: IssuedBook>(book: &mut B, to: AccountId) -> Result<Offered, B::Failure> {
    let standing = book.standing()?;
    let issuer = standing.issuer;
    book.set_standing(&Standing { issuer: to, ..standing })?;
    book.set_offered(AccountId::ZERO)?;
    Ok(Offered { issuer, to })
}

fn issued_by<B: IssuedBook>(book: &mut B, caller: AccountId) -> Result<Standing, B::Failure> {
    let standing = book.standing()?;
    if caller == AccountId::ZERO || standing.issuer != caller {
        return Err(Refused::NotIssuer { caller }.into());
    }
    Ok(standing)
}

fn check_moves(standing: &Standing) -> Result<(), Refused> {
    if standing.is_paused { Err(Refused::Paused) } else { Ok(()) }
}

/// Checks a burn and returns what remains of the balance.
fn check_burn<B: IssuedBook>(
    book: &mut B,
    holder: AccountId,
    amount: U256,
) -> Result<U256, B::Failure> {
    check_sender(holder)?;
    let standing = book.standing()?;
    if !standing.powers.burnable {
        return Err(Refused::Forbidden { action: "burn" }.into());
    }
    check_moves(&standing)?;
    balance_left(book, holder, amount)
}

fn apply_burn<B: IssuedBook>(
    book: &mut B,
    holder: AccountId,
    amount: U256,
    left: U256,
) -> Result<Transferred, B::Failure> {
    if !amount.is_zero() {
        // The supply is at least the balance.
        let supply = book.supply()?.saturating_sub(amount);
        book.set_supply(supply)?;
        book.set_balance(holder, left)?;
    }
    Ok(Transferred { from: holder, to: AccountId::ZERO, amount })
}
