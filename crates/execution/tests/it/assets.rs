//! GRAIN as an ERC-20 and created assets in the EVM: through contracts, reverts and blocks.

use crate::chain::{BENEFICIARY, Chain, State, key, plain, sign};
use crate::modules::{message, run};
use abi::{
    ASSETS, Assets, Erc20, Erc20Errors, GRAIN, IssuedAsset, ModuleErrors, Permit, asset_address,
    permit_digest, permit_domain,
};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, TxKind, U256, bytes, keccak256};
use alloy_signer::SignerSync;
use alloy_sol_types::{SolCall, SolError, SolEvent};
use execution::{Built, CallOutcome};

fn owner(number: u8) -> Address {
    key(number).address()
}

/// Sends one transaction of `sender` in a block of its own.
fn send(chain: &mut Chain, sender: u8, to: Address, value: u64, input: impl Into<Bytes>) -> Built {
    let nonce = chain.state.nonce(&owner(sender));
    let transaction = TxEip1559 {
        to: TxKind::Call(to),
        value: U256::from(value),
        input: input.into(),
        gas_limit: 1_000_000,
        ..plain(nonce)
    };
    chain.build(&[sign(sender, transaction)])
}

fn succeeded(built: &Built) -> u64 {
    assert!(built.block.receipts[0].status(), "it is refused");
    built.block.header.gas_used
}

fn read<C: SolCall>(chain: &Chain, to: Address, call: &C) -> C::Return {
    match run(chain, &message(to, call.abi_encode())) {
        CallOutcome::Returned { output, .. } => C::abi_decode_returns(&output).unwrap(),
        outcome => panic!("{outcome:?}"),
    }
}

fn refusal(chain: &Chain, to: Address, call: &impl SolCall) -> Bytes {
    match run(chain, &message(to, call.abi_encode())) {
        CallOutcome::Reverted { output, .. } => output,
        outcome => panic!("{outcome:?}"),
    }
}

fn terms(issuer: Address) -> Assets::Terms {
    Assets::Terms {
        name: "Barley".into(),
        symbol: "BAR".into(),
        decimals: 6,
        cap: U256::from(1_000),
        uri: String::new(),
        issuer,
        pausable: true,
        burnable: true,
        transferable: false,
        renounceable: false,
    }
}

pub(crate) fn create(issuer: Address) -> Vec<u8> {
    Assets::createCall { terms: terms(issuer) }.abi_encode()
}

/// Returns a contract that calls `target` with the calldata after the first word; it reverts afterwards if that word
/// is not 0, and otherwise returns whether the call succeeded.
fn forwarder(kind: u8, target: Address) -> Bytes {
    let mut code = bytes!("602036038060205f375f5f825f").to_vec();
    if kind == CALL {
        code.push(0x5f);
    }
    code.push(0x73);
    code.extend_from_slice(target.as_slice());
    code.extend_from_slice(&[0x5a, kind]);
    let after = u8::try_from(code.len()).unwrap() + 11;
    code.extend_from_slice(&[0x5f, 0x35, 0x60, after, 0x57, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]);
    code.extend_from_slice(&bytes!("5b5f5ffd"));
    code.into()
}

const CALL: u8 = 0xf1;
const DELEGATECALL: u8 = 0xf4;
const STATICCALL: u8 = 0xfa;

fn forwarded(then: Then, call: &[u8]) -> Vec<u8> {
    let first = U256::from(u8::from(then == Then::Revert));
    [&first.to_be_bytes::<32>()[..], call].concat()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Return,
    Revert,
}

#[test]
fn grain_moves_by_transfer_and_a_revert_undoes_it() {
    let mut chain = Chain::new();
    let contract = chain.deploy(1, &forwarder(CALL, GRAIN));
    succeeded(&send(&mut chain, 1, contract, 0, forwarded(Then::Return, &[])));
    let to = Address::repeat_byte(0x77);
    let transfer = Erc20::transferCall { to: contract, value: U256::from(500) };
    let built = send(&mut chain, 1, GRAIN, 0, transfer.abi_encode());
    succeeded(&built);
    assert_eq!(chain.state.balance(&contract), U256::from(500), "its code must not run");
    let log = Erc20::Transfer::decode_log(&built.block.receipts[0].logs()[0]).unwrap();
    assert_eq!((log.address, log.from, log.to), (GRAIN, owner(1), contract));

    // The contract transfers its own GRAIN.
    let onwards = Erc20::transferCall { to, value: U256::from(300) }.abi_encode();
    let before = chain.state.clone();
    let undone = send(&mut chain, 2, contract, 0, forwarded(Then::Revert, &onwards));
    assert!(!undone.block.receipts[0].status() && undone.block.receipts[0].logs().is_empty());
    assert_eq!(chain.state.balance(&contract), before.balance(&contract));
    assert_eq!(chain.state.balance(&to), U256::ZERO);
    assert!(!chain.state.accounts.contains_key(&to));
    succeeded(&send(&mut chain, 2, contract, 0, forwarded(Then::Return, &onwards)));
    assert_eq!(chain.state.balance(&to), U256::from(300));
    assert_eq!(read(&chain, GRAIN, &Erc20::balanceOfCall { account: to }), U256::from(300));

    // As for a call with value: 25,000 more for a new account.
    let gas = |chain: &mut Chain, to| {
        let call = Erc20::transferCall { to, value: U256::from(1) }.abi_encode();
        succeeded(&send(chain, 3, GRAIN, 0, call))
    };
    let (created, known) = (gas(&mut chain, Address::repeat_byte(0x78)), gas(&mut chain, to));
    assert_eq!(created - known, 25_000);
    assert!(known > 21_000 + 9_000 + 2_600, "{known}");

    let short = Erc20::transferCall { to, value: U256::MAX };
    let expected = Erc20Errors::ERC20InsufficientBalance {
        sender: owner(1),
        balance: chain.state.balance(&owner(1)),
        needed: U256::MAX,
    };
    assert_eq!(refusal(&chain, GRAIN, &short)[..], expected.abi_encode());
}

/// `totalSupply` is the sum of all balances: `Chain::build` checks it after each block, here it is read as clients do.
#[test]
fn the_supply_of_grain_falls_by_what_is_burnt() {
    let mut chain = Chain::new();
    let supply = |chain: &Chain| read(chain, GRAIN, &Erc20::totalSupplyCall {});
    let before = supply(&chain);
    assert_eq!(before, chain.state.supply());
    let block = send(&mut chain, 1, BENEFICIARY, 9, Bytes::new()).block;
    let burnt = u128::from(block.header.gas_used) * 875;
    assert_eq!(block.header.base_fee_per_gas, Some(875), "an eighth less than at first");
    assert_eq!(supply(&chain), before - U256::from(burnt));
    // Created and destroyed with itself as the receiver in one transaction: its value is burnt, and leaves the supply.
    let vanish = Bytes::from_static(b"\x30\xff");
    let nonce = chain.state.nonce(&owner(1));
    let transaction =
        TxEip1559 { to: TxKind::Create, value: U256::from(1_000), input: vanish, ..plain(nonce) };
    let built = chain.execute(&[sign(1, transaction)]);
    let supply = built.block.changes.slots[&(GRAIN, U256::from(2))];
    let burnt = u128::from(built.block.header.gas_used)
        * u128::from(built.block.header.base_fee_per_gas.unwrap());
    assert_eq!(supply.before - supply.after, U256::from(burnt + 1_000));
}

/// As on a ledger that began before these modules existed.
#[test]
fn an_older_ledger_continues_unchanged() {
    let mut chain = Chain::new();
    chain.state.slots.remove(&(GRAIN, U256::from(2))).unwrap();
    for module in [GRAIN, ASSETS] {
        chain.state.accounts.remove(&module).unwrap();
    }
    chain.commitment = chain.state.recommit();
    chain.head.state_root = chain.commitment.root();
    let nonce = chain.state.nonce(&owner(1));
    let input = create(owner(1)).into();
    let transaction = TxEip1559 { to: TxKind::Call(ASSETS), input, ..plain(nonce) };
    let block = chain.execute(&[sign(1, transaction)]).block;
    assert!(block.receipts[0].status() && block.receipts[0].logs().is_empty());
    assert!(block.changes.slots.is_empty(), "no module, no supply");
    assert!(!block.changes.accounts.contains_key(&ASSETS));
}

#[test]
fn an_asset_lives_from_creation_to_permit() {
    let mut chain = Chain::new();
    let asset = asset_address(1);
    // Before its creation it is an ordinary account.
    succeeded(&send(&mut chain, 1, asset, 5, Bytes::new()));
    succeeded(&send(&mut chain, 1, asset, 2, bytes!("a9059cbb")));
    let built = send(&mut chain, 1, ASSETS, 0, create(owner(1)));
    let creation_gas = succeeded(&built);
    let account = chain.state.accounts[&asset];
    assert_eq!(
        (account.nonce, account.balance),
        (1, U256::from(7)),
        "the earlier balance must stay"
    );
    assert_eq!(account.code_hash, keccak256([0xfe]));
    assert_eq!(built.block.changes.codes[&account.code_hash], bytes!("fe"));
    assert_eq!(read(&chain, ASSETS, &Assets::assetAtCall { number: 1 }), asset);

    let mint = IssuedAsset::mintCall { to: owner(1), value: U256::from(100) };
    let mint_gas = succeeded(&send(&mut chain, 1, asset, 0, mint.abi_encode()));
    let transfer = Erc20::transferCall { to: owner(2), value: U256::from(30) };
    let transfer_gas = succeeded(&send(&mut chain, 1, asset, 0, transfer.abi_encode()));
    let balance = |chain: &Chain, account| read(chain, asset, &Erc20::balanceOfCall { account });
    assert_eq!(balance(&chain, owner(2)), U256::from(30));

    let (owner_two, spender, value) = (owner(2), owner(3), U256::from(20));
    let (nonce, deadline) = (U256::ZERO, U256::from(chain.head.timestamp + 1));
    let permit = Permit { owner: owner_two, spender, value, nonce, deadline };
    let digest = permit_digest(&permit, &permit_domain("Barley", chain.rules.chain_id, asset));
    let signature = key(2).sign_hash_sync(&digest).unwrap();
    let call = Erc20::permitCall {
        owner: owner_two,
        spender,
        value,
        deadline,
        v: 27 + u8::from(signature.v()),
        r: signature.r().into(),
        s: signature.s().into(),
    };
    let permit_gas = succeeded(&send(&mut chain, 4, asset, 0, call.abi_encode()));
    let again = send(&mut chain, 4, asset, 0, call.abi_encode());
    assert!(!again.block.receipts[0].status(), "a permit is used once, and is late by now");
    let from = Erc20::transferFromCall { from: owner_two, to: spender, value };
    succeeded(&send(&mut chain, 3, asset, 0, from.abi_encode()));
    assert_eq!(balance(&chain, spender), value);
    assert_eq!(read(&chain, asset, &Erc20::totalSupplyCall {}), U256::from(100));

    // At least the cost of opcodes that do the same: 21,000 for a transaction, 22,100 for a new slot, 32,000 for a
    // creation.
    assert!(creation_gas > 21_000 + 32_000 + 5 * 22_100, "{creation_gas}");
    assert!(mint_gas > 21_000 + 2 * 22_100, "{mint_gas}");
    assert!((47_000..60_000).contains(&transfer_gas), "{transfer_gas}");
    assert!((21_000 + 3_000 + 2 * 22_100..85_000).contains(&permit_gas), "{permit_gas}");
}

#[test]
fn a_creation_that_is_undone_leaves_nothing() {
    let mut chain = Chain::new();
    let contract = chain.deploy(1, &forwarder(CALL, ASSETS));
    let before = chain.state.clone();
    let call = create(owner(1));
    let undone = send(&mut chain, 1, contract, 0, forwarded(Then::Revert, &call));
    assert!(!undone.block.receipts[0].status());
    let others = |state: &State| {
        let mut accounts = state.accounts.clone();
        accounts.retain(|account, _| ![owner(1), BENEFICIARY].contains(account));
        (accounts, state.slots_of_others())
    };
    assert_eq!(others(&chain.state), others(&before));
    assert_eq!(read(&chain, ASSETS, &Assets::countCall {}), 0);
    // The number was not used up, and the address is still available.
    succeeded(&send(&mut chain, 1, contract, 0, forwarded(Then::Return, &call)));
    assert_eq!(read(&chain, asset_address(1), &Erc20::symbolCall {}), "BAR");
    // With too little gas, at every point of the creation, everything is reverted.
    for gas_limit in (60_000..220_000).step_by(10_000) {
        let nonce = chain.state.nonce(&owner(1));
        let transaction = TxEip1559 {
            to: TxKind::Call(ASSETS),
            input: call.clone().into(),
            gas_limit,
            ..plain(nonce)
        };
        let built = chain.execute(&[sign(1, transaction)]);
        let is_there = built.block.changes.accounts.contains_key(&asset_address(2));
        assert_eq!(built.block.receipts[0].status(), is_there, "with {gas_limit} gas");
    }
}

#[test]
fn assets_are_called_and_not_borrowed() {
    let mut chain = Chain::new();
    succeeded(&send(&mut chain, 1, ASSETS, 0, create(owner(1))));
    let asset = asset_address(1);
    let call = Erc20::approveCall { spender: owner(2), value: U256::from(1) }.abi_encode();
    for (kind, works) in [(CALL, true), (DELEGATECALL, false), (STATICCALL, false)] {
        let contract = chain.deploy(1, &forwarder(kind, asset));
        let input = forwarded(Then::Return, &call);
        let outcome = run(&chain, &message(contract, input.clone()));
        let CallOutcome::Returned { output, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(U256::from_be_slice(&output), U256::from(u8::from(works)), "{kind:#x}");
        send(&mut chain, 1, contract, 0, input);
        let allowance = Erc20::allowanceCall { owner: contract, spender: owner(2) };
        assert_eq!(read(&chain, asset, &allowance), U256::from(u8::from(works)));
    }
    let built = send(&mut chain, 1, asset, 1, call);
    assert!(!built.block.receipts[0].status());
    assert_eq!(chain.state.balance(&asset), U256::ZERO, "value came back");
    let pause = IssuedAsset::pauseCall {};
    let bad = ModuleErrors::BadCall {}.abi_encode();
    assert_eq!(refusal(&chain, GRAIN, &pause)[..], bad, "GRAIN has no issuer");
}
