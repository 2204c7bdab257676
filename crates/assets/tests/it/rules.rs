//! Each refusal once, and the results of accepted calls.

use alloy_primitives::U256;
use assets::{
    Approved, Book, IssuedBook, Pause, Permit, PlainBook, Powers, Refused, Transferred, accept,
    approve, burn, burn_from, mint, offer, permit, renounce, set_pause, transfer, transfer_from,
};
use units::{AccountId, UnixSeconds};

use crate::properties::{ASSET, account, terms};

const ALL: Powers =
    Powers { pausable: true, burnable: true, transferable: true, renounceable: true };
const NONE: Powers =
    Powers { pausable: false, burnable: false, transferable: false, renounceable: false };

fn units(amount: u64) -> U256 {
    U256::from(amount)
}

/// Returns an asset with a cap of 150 whose issuer, account 1, holds 100.
fn book(powers: Powers) -> PlainBook {
    let mut book = PlainBook::new(account(ASSET), &terms(units(150), powers));
    mint(&mut book, account(1), account(1), units(100)).unwrap();
    book
}

#[test]
fn holders_send_what_they_hold() {
    let mut book = book(ALL);
    let (one, two) = (account(1), account(2));
    let sent = Transferred { from: one, to: two, amount: units(40) };
    assert_eq!(transfer(&mut book, one, two, units(40)), Ok(sent));
    assert_eq!((book.balance(one), book.balance(two)), (Ok(units(60)), Ok(units(40))));
    transfer(&mut book, one, one, units(60)).unwrap();
    assert_eq!(book.balance(one), Ok(units(60)), "to itself");
    transfer(&mut book, account(3), two, U256::ZERO).unwrap();
    let short = Refused::InsufficientBalance { sender: one, balance: units(60), needed: units(61) };
    assert_eq!(transfer(&mut book, one, one, units(61)), Err(short));
    for receiver in [AccountId::ZERO, account(ASSET)] {
        let refused = Err(Refused::InvalidReceiver { receiver });
        assert_eq!(transfer(&mut book, one, receiver, units(1)), refused);
        assert_eq!(mint(&mut book, one, receiver, units(1)), refused);
    }
    let refused = Refused::InvalidSender { sender: AccountId::ZERO };
    assert_eq!(transfer(&mut book, AccountId::ZERO, one, U256::ZERO), Err(refused));
    assert_eq!(burn(&mut book, AccountId::ZERO, U256::ZERO), Err(refused));
}

#[test]
fn spending_reduces_allowances_except_unlimited_ones() {
    let mut book = book(ALL);
    let (one, two, three) = (account(1), account(2), account(3));
    approve(&mut book, one, two, units(30)).unwrap();
    transfer_from(&mut book, two, one, three, units(10)).unwrap();
    burn_from(&mut book, two, one, units(5)).unwrap();
    assert_eq!((book.allowance(one, two), book.supply()), (Ok(units(15)), Ok(units(95))));
    let refused =
        Refused::InsufficientAllowance { spender: two, allowance: units(15), needed: units(16) };
    assert_eq!(transfer_from(&mut book, two, one, three, units(16)), Err(refused));
    assert_eq!(burn_from(&mut book, two, one, units(16)), Err(refused));
    approve(&mut book, one, two, U256::MAX).unwrap();
    transfer_from(&mut book, two, one, three, units(85)).unwrap();
    assert_eq!(book.allowance(one, two), Ok(U256::MAX));
    let refused = Refused::InvalidSpender { spender: AccountId::ZERO };
    assert_eq!(approve(&mut book, one, AccountId::ZERO, U256::ZERO), Err(refused));
    let refused = Refused::InvalidApprover { approver: AccountId::ZERO };
    assert_eq!(approve(&mut book, AccountId::ZERO, one, U256::ZERO), Err(refused));
}

#[test]
fn a_permit_is_used_once_and_in_time() {
    let mut book = book(ALL);
    let (one, two) = (account(1), account(2));
    let allows = Approved { owner: one, spender: two, amount: units(7) };
    let request = Permit { allows, deadline: units(50) };
    let signed_with = |nonce: u64| {
        // Another nonce gives another digest, for which recovery finds another signer.
        move |_: &mut PlainBook, asked: U256| Ok(account(if asked == units(nonce) { 1 } else { 7 }))
    };
    let at = UnixSeconds::new;
    let late = Refused::ExpiredSignature { deadline: units(50) };
    assert_eq!(permit(&mut book, at(51), &request, signed_with(0)), Err(late));
    assert_eq!(permit(&mut book, at(50), &request, signed_with(0)), Ok(allows));
    let replayed = Refused::InvalidSigner { signer: account(7), owner: one };
    assert_eq!(permit(&mut book, at(50), &request, signed_with(0)), Err(replayed));
    assert_eq!(permit(&mut book, at(50), &request, signed_with(1)), Ok(allows));
    assert_eq!((book.allowance(one, two), book.nonce(one)), (Ok(units(7)), Ok(units(2))));
    let forever = Permit { deadline: U256::MAX, ..request };
    assert_eq!(permit(&mut book, at(u64::MAX), &forever, signed_with(2)), Ok(allows));
    let forged = Refused::InvalidSigner { signer: two, owner: one };
    assert_eq!(permit(&mut book, at(0), &request, |_, _| Ok(two)), Err(forged));
    let none = permit(&mut book, at(0), &request, |_, _| Err(Refused::InvalidSignature));
    assert_eq!((none, book.nonce(one)), (Err(Refused::InvalidSignature), Ok(units(3))));
    // The owner is the zero account, which no signature belongs to: a failed recovery must not pass for its signature.
    let nobody = Permit { allows: Approved { owner: AccountId::ZERO, ..allows }, ..request };
    let refused = Refused::InvalidSigner { signer: AccountId::ZERO, owner: AccountId::ZERO };
    assert_eq!(permit(&mut book, at(0), &nobody, |_, _| Ok(AccountId::ZERO)), Err(refused));
}

#[test]
fn the_issuer_mints_up_to_the_cap_and_pauses() {
    let mut book = book(ALL);
    let (one, two) = (account(1), account(2));
    assert_eq!(mint(&mut book, two, two, units(1)), Err(Refused::NotIssuer { caller: two }));
    let refused = Refused::ExceededCap { increased: units(151), cap: units(150) };
    assert_eq!(mint(&mut book, one, two, units(51)), Err(refused));
    mint(&mut book, one, two, units(50)).unwrap();
    burn(&mut book, two, units(20)).unwrap();
    mint(&mut book, one, two, units(20)).unwrap();
    assert_eq!(set_pause(&mut book, one, Pause::Off), Err(Refused::NotPaused));
    set_pause(&mut book, one, Pause::On).unwrap();
    for refused in [
        transfer(&mut book, two, one, U256::ZERO),
        mint(&mut book, one, two, U256::ZERO),
        burn(&mut book, two, U256::ZERO),
    ] {
        assert_eq!(refused, Err(Refused::Paused));
    }
    assert_eq!(set_pause(&mut book, one, Pause::On), Err(Refused::Paused));
    assert_eq!(
        renounce(&mut book, one),
        Err(Refused::Paused),
        "a paused asset without an issuer could never be resumed"
    );
    approve(&mut book, two, one, units(1)).unwrap();
    set_pause(&mut book, one, Pause::Off).unwrap();
    transfer_from(&mut book, one, two, one, units(1)).unwrap();
}

#[test]
fn only_the_offered_account_accepts_the_issuers_role() {
    let mut book = book(ALL);
    let (one, two, three) = (account(1), account(2), account(3));
    let nobody = Refused::NotOffered { caller: AccountId::ZERO };
    assert_eq!(accept(&mut book, AccountId::ZERO), Err(nobody), "nobody is offered it at first");
    assert_eq!(offer(&mut book, two, two), Err(Refused::NotIssuer { caller: two }));
    offer(&mut book, one, three).unwrap();
    offer(&mut book, one, two).unwrap();
    assert_eq!(accept(&mut book, three), Err(Refused::NotOffered { caller: three }));
    accept(&mut book, two).unwrap();
    assert_eq!(accept(&mut book, two), Err(Refused::NotOffered { caller: two }), "only once");
    assert_eq!(mint(&mut book, one, one, units(1)), Err(Refused::NotIssuer { caller: one }));
    mint(&mut book, two, two, units(1)).unwrap();
    offer(&mut book, two, three).unwrap();
    renounce(&mut book, two).unwrap();
    assert_eq!(accept(&mut book, three), Err(Refused::NotOffered { caller: three }));
    for caller in [two, AccountId::ZERO] {
        assert_eq!(mint(&mut book, caller, two, units(1)), Err(Refused::NotIssuer { caller }));
    }
}

#[test]
fn nobody_may_do_what_the_terms_forbid() {
    let mut book = book(NONE);
    let one = account(1);
    let before = book.clone();
    let forbidden = |action| Refused::Forbidden { action };
    assert_eq!(set_pause(&mut book, one, Pause::On), Err(forbidden("pause")));
    assert_eq!(burn(&mut book, one, units(1)), Err(forbidden("burn")));
    let hand_over = forbidden("transfer the issuer's role");
    assert_eq!(offer(&mut book, one, account(2)), Err(hand_over));
    assert_eq!(renounce(&mut book, one), Err(forbidden("renounce the issuer's role")));
    assert_eq!(book, before);
}
