//! What an asset's issuer may do, and what changes its supply.

use alloy_primitives::U256;
use units::AccountId;

use crate::{
    IssuedBook, Refused, Standing, Transferred,
    holders::{allowance_left, balance_left, check_receiver, check_sender, spend},
};

/// Whether balances shall move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// They shall not.
    On,
    /// They shall.
    Off,
}

/// The issuer's role was offered, or has another holder: from whom, to whom; zero for nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Issuer so far.
    pub issuer: AccountId,
    /// The account it is about.
    pub to: AccountId,
}

/// The issuer makes `amount` and gives it to `to`.
///
/// # Errors
/// [`Refused`], or the book's.
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
    // Saturated, it is above any cap but the largest, which the sum is above too.
    if increased > cap || supply.checked_add(amount).is_none() {
        return Err(Refused::ExceededCap { increased, cap }.into());
    }
    // At most the supply, which fits.
    let balance = book.balance(to)?.saturating_add(amount);
    if !amount.is_zero() {
        book.set_supply(increased)?;
        book.set_balance(to, balance)?;
    }
    Ok(Transferred { from: AccountId::ZERO, to, amount })
}

/// `holder` destroys what it holds.
///
/// # Errors
/// [`Refused`], or the book's.
pub fn burn<B: IssuedBook>(
    book: &mut B,
    holder: AccountId,
    amount: U256,
) -> Result<Transferred, B::Failure> {
    let left = check_burn(book, holder, amount)?;
    apply_burn(book, holder, amount, left)
}

/// `spender` destroys what `holder` holds and has allowed it to move.
///
/// # Errors
/// [`Refused`], or the book's.
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

/// The issuer stops balances from moving, or lets them.
///
/// # Errors
/// [`Refused`], or the book's.
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

/// The issuer offers its role, which another takes by [`accept`]; zero takes the offer back.
///
/// # Errors
/// [`Refused`], or the book's.
pub fn offer<B: IssuedBook>(
    book: &mut B,
    caller: AccountId,
    to: AccountId,
) -> Result<Offered, B::Failure> {
    let standing = issued_by(book, caller)?;
    if !standing.powers.transferable {
        return Err(Refused::Forbidden { action: "hand the issuer's role over" }.into());
    }
    book.set_offered(to)?;
    Ok(Offered { issuer: caller, to })
}

/// Takes the role over that was offered.
///
/// # Errors
/// [`Refused`], or the book's.
pub fn accept<B: IssuedBook>(book: &mut B, caller: AccountId) -> Result<Offered, B::Failure> {
    if caller == AccountId::ZERO || book.offered()? != caller {
        return Err(Refused::NotOffered { caller }.into());
    }
    issuer_changed(book, caller)
}

/// The issuer gives its role up; nobody mints any more.
///
/// # Errors
/// [`Refused`], or the book's.
pub fn renounce<B: IssuedBook>(book: &mut B, caller: AccountId) -> Result<Offered, B::Failure> {
    let standing = issued_by(book, caller)?;
    if !standing.powers.renounceable {
        return Err(Refused::Forbidden { action: "give the issuer's role up" }.into());
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

/// What is left of the balance.
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
        // At least the balance.
        let supply = book.supply()?.saturating_sub(amount);
        book.set_supply(supply)?;
        book.set_balance(holder, left)?;
    }
    Ok(Transferred { from: holder, to: AccountId::ZERO, amount })
}
