//! Moving tokens: GRAIN, issued assets and deployed tokens of every kind, with the same functions.

use abi::{ASSETS, Assets, Erc20, Erc20Errors, GRAIN, ModuleErrors, asset_address};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, SolError};
use native_kit::{Failure, Host, Outcome, test_host::TestHost};

use crate::{TABLE, tokens};

const MODULE: Address = Address::repeat_byte(0x77);
const PAYER: Address = Address::repeat_byte(0x0a);
const PAYEE: Address = Address::repeat_byte(0x0b);
const DEPLOYED: Address = Address::repeat_byte(0xde);

/// The return value of a deployed token.
#[derive(Clone, Copy)]
enum Habit {
    /// `true`, as the standard says.
    Standard,
    /// Nothing, as USDT.
    Silent,
    /// `true`, but a hundredth less arrives.
    Fee,
    /// `false`, without a transfer.
    Refusing,
    /// A word that is not a `bool`.
    Nonsense,
    /// A revert of its own.
    Reverting,
}

/// Deploys a minimal token: balances are at the slot of the holder's address; allowances are not checked.
fn deploy(host: &mut TestHost, habit: Habit) {
    host.deploy(DEPLOYED, move |host, caller, call| {
        if let Ok(asked) = Erc20::balanceOfCall::abi_decode(&call.input) {
            let balance = host.slot(DEPLOYED, slot(asked.account));
            return Outcome::Returned(Erc20::balanceOfCall::abi_encode_returns(&balance).into());
        }
        let (from, to, value) = match Erc20::transferFromCall::abi_decode(&call.input) {
            Ok(asked) => (asked.from, asked.to, asked.value),
            Err(_) => {
                let asked = Erc20::transferCall::abi_decode(&call.input).unwrap();
                (caller, asked.to, asked.value)
            }
        };
        let word = |word: u64| Outcome::Returned(U256::from(word).to_be_bytes_vec().into());
        match habit {
            Habit::Refusing => return word(0),
            Habit::Nonsense => return word(2),
            Habit::Reverting => {
                return Outcome::Reverted(Bytes::from_static(b"mine"));
            }
            Habit::Standard | Habit::Silent | Habit::Fee => {}
        }
        let arrives =
            if matches!(habit, Habit::Fee) { value - value / U256::from(100) } else { value };
        let (paid, got) = (host.slot(DEPLOYED, slot(from)), host.slot(DEPLOYED, slot(to)));
        host.store_of(DEPLOYED, slot(from), paid - value).unwrap();
        host.store_of(DEPLOYED, slot(to), got + arrives).unwrap();
        if matches!(habit, Habit::Silent) { Outcome::Returned(Bytes::new()) } else { word(1) }
    });
    host.store_of(DEPLOYED, slot(PAYER), U256::from(1_000)).unwrap();
}

fn slot(holder: Address) -> U256 {
    holder.into_word().into()
}

fn amount(value: u64) -> U256 {
    U256::from(value)
}

/// Returns a host on which the payer has 1,000 of every token and has allowed the module all of it.
fn host() -> (TestHost, Address) {
    let mut host = TestHost::new(TABLE);
    host.give(PAYER, 1_000);
    let terms = Assets::Terms {
        name: "Barley".into(),
        symbol: "BAR".into(),
        decimals: 0,
        cap: U256::MAX,
        uri: String::new(),
        issuer: PAYER,
        pausable: false,
        burnable: false,
        transferable: false,
        renounceable: false,
    };
    host.transact(ASSETS, PAYER, 0, &Assets::createCall { terms }.abi_encode()).unwrap();
    let asset = asset_address(1);
    let mint = abi::IssuedAsset::mintCall { to: PAYER, value: amount(1_000) };
    host.transact(asset, PAYER, 0, &mint.abi_encode()).unwrap();
    for token in [GRAIN, asset] {
        let approve = Erc20::approveCall { spender: MODULE, value: U256::MAX };
        host.transact(token, PAYER, 0, &approve.abi_encode()).unwrap();
    }
    (host, asset)
}

#[test]
fn every_token_moves_in_and_out_the_same_way() {
    let (host, asset) = host();
    for (token, habit) in [
        (GRAIN, Habit::Standard),
        (asset, Habit::Standard),
        (DEPLOYED, Habit::Standard),
        (DEPLOYED, Habit::Silent),
    ] {
        let mut host = host.clone();
        deploy(&mut host, habit);
        host.within(MODULE, |host| {
            assert_eq!(tokens::receive(host, token, PAYER, amount(300)), Ok(amount(300)));
            tokens::transfer(host, token, PAYEE, amount(100)).unwrap();
            let left = [PAYER, MODULE, PAYEE].map(|each| tokens::balance_of(host, token, each));
            assert_eq!(left, [Ok(amount(700)), Ok(amount(200)), Ok(amount(100))]);
        });
    }
}

#[test]
fn moving_without_a_frame_leaves_the_events_and_words_of_a_call() {
    let (host, asset) = host();
    let transfer = Erc20::transferFromCall { from: PAYER, to: PAYEE, value: amount(5) };
    for token in [GRAIN, asset] {
        let (mut called, mut moved) = (host.clone(), host.clone());
        called.transact(token, MODULE, 0, &transfer.abi_encode()).unwrap();
        moved
            .within(MODULE, |host| tokens::transfer_from(host, token, (PAYER, PAYEE), amount(5)))
            .unwrap();
        assert_eq!(called.state(), moved.state());
    }
}

#[test]
fn a_transfer_fee_does_not_count_as_received() {
    let (mut host, _) = host();
    deploy(&mut host, Habit::Fee);
    let received = host.within(MODULE, |host| tokens::receive(host, DEPLOYED, PAYER, amount(300)));
    assert_eq!(received, Ok(amount(297)));
}

#[test]
fn refusals_of_every_kind_are_failures() {
    let (host, _) = host();
    let failed = Failure::revert(&ModuleErrors::SafeERC20FailedOperation { token: DEPLOYED });
    let own = Failure::Revert(Bytes::from_static(b"mine"));
    for (habit, expected) in
        [(Habit::Refusing, &failed), (Habit::Nonsense, &failed), (Habit::Reverting, &own)]
    {
        let mut host = host.clone();
        deploy(&mut host, habit);
        let result = host.within(MODULE, |host| tokens::transfer(host, DEPLOYED, PAYEE, U256::ONE));
        assert_eq!(result.as_ref(), Err(expected));
    }
}

#[test]
fn an_account_without_code_is_no_token() {
    let (mut host, _) = host();
    for token in [PAYEE, asset_address(2)] {
        let failed = Failure::revert(&ModuleErrors::SafeERC20FailedOperation { token });
        let result = host.within(MODULE, |host| tokens::transfer(host, token, PAYEE, U256::ONE));
        assert_eq!(result, Err(failed));
    }
}

#[test]
fn the_rules_of_an_asset_hold_without_a_frame() {
    let (mut host, asset) = host();
    let error = Erc20Errors::ERC20InsufficientBalance {
        sender: MODULE,
        balance: U256::ZERO,
        needed: U256::ONE,
    };
    let result = host.within(MODULE, |host| tokens::transfer(host, asset, PAYEE, U256::ONE));
    assert_eq!(result, Err(Failure::Revert(error.abi_encode().into())));
    let stranger = Address::repeat_byte(0x78);
    let result = host.within(stranger, |host| tokens::receive(host, GRAIN, PAYER, U256::ONE));
    assert!(result.is_err(), "nobody has allowed the stranger anything");
}
