use crate::chain::{COUNTER, Chain, genesis};
use alloy_primitives::{Address, B256, U256, keccak256};
use execution::{
    BaseFeeRule, Genesis, GenesisAccount, GenesisError, GenesisPriceReporters, GenesisReferees,
    MODULES, Revision, Schedule,
};

#[test]
fn a_file_comes_back_and_its_hash_covers_every_field() {
    let genesis = genesis();
    assert_eq!(Genesis::from_json(&genesis.to_json()).unwrap(), genesis);
    let hash = genesis.block().unwrap().hash;
    let fee = genesis.base_fee;
    let others = [
        Genesis { chain_id: 1, ..genesis.clone() },
        Genesis { timestamp: 1, ..genesis.clone() },
        Genesis { gas_limit: 2_000_000, ..genesis.clone() },
        Genesis { fee_recipient: Address::ZERO, ..genesis.clone() },
        Genesis { base_fee: BaseFeeRule { minimum: 8, ..fee }, ..genesis.clone() },
        Genesis { base_fee: BaseFeeRule { elasticity: 3, ..fee }, ..genesis.clone() },
        Genesis { accounts: Default::default(), ..genesis.clone() },
        Genesis { referees: Some(referees(2, 1)), ..genesis.clone() },
        Genesis { referees: Some(referees(2, 2)), ..genesis.clone() },
    ];
    for other in others {
        assert_ne!(other.block().unwrap().hash, hash, "{other:?}");
    }
}

fn referees(count: u8, threshold: u16) -> GenesisReferees {
    GenesisReferees { members: (1..=count).map(B256::repeat_byte).collect(), threshold }
}

#[test]
fn referees_are_in_the_state_as_solidity_would_store_them() {
    let named = Genesis { referees: Some(referees(2, 1)), ..genesis() };
    assert_eq!(Genesis::from_json(&named.to_json()).unwrap(), named);
    let block = named.block().unwrap();
    let slot = |slot: U256| block.changes.slots.get(&(abi::REFEREES, slot)).map(|it| it.after);
    let first = U256::from_be_bytes(keccak256(U256::ONE.to_be_bytes::<32>()).0);
    assert_eq!(slot(U256::ZERO), Some(U256::ONE), "the threshold");
    assert_eq!(slot(U256::ONE), Some(U256::from(2)), "the number of members");
    assert_eq!(slot(first), Some(B256::repeat_byte(1).into()));
    assert_eq!(slot(first + U256::ONE), Some(B256::repeat_byte(2).into()));
    let without = genesis().block().unwrap();
    assert!(without.changes.accounts.contains_key(&abi::REFEREES));
    assert!(!without.changes.slots.keys().any(|(address, _)| *address == abi::REFEREES));
}

#[test]
fn referees_that_could_not_decide_are_refused() {
    let check = |referees: GenesisReferees, expected: &str| {
        let error = Genesis { referees: Some(referees), ..genesis() }.block().unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(referees(0, 1), "the genesis file names 0 referees: give 1 to 64");
    check(referees(65, 1), "the genesis file names 65 referees: give 1 to 64");
    check(referees(3, 0), "genesis field `referees.threshold` is 0: give 1 to 3");
    check(referees(3, 4), "genesis field `referees.threshold` is 4: give 1 to 3");
    let mut twice = referees(2, 1);
    twice.members.push(twice.members[0]);
    let text = format!("genesis referee {} is named twice: remove one", twice.members[0]);
    check(twice, &text);
    let json = Genesis { referees: Some(referees(1, 1)), ..genesis() }.to_json();
    assert!(Genesis::from_json(&json.replace("\"threshold\": 1", "\"treshold\": 1")).is_err());
    assert!(Genesis::from_json(&json.replace("0x0101", "0x01")).is_err());
}

fn reporters(count: u8, quorum: u16) -> GenesisPriceReporters {
    GenesisPriceReporters { members: (1..=count).map(Address::repeat_byte).collect(), quorum }
}

/// A ledger that begins with the newest revision, and price reporters.
fn priced(reporters: GenesisPriceReporters) -> Genesis {
    let revisions = Schedule::starting_with(Revision::new(MODULES.newest()));
    Genesis { revisions, price_reporters: Some(reporters), ..genesis() }
}

#[test]
fn price_reporters_are_in_the_state_as_solidity_would_store_them() {
    let named = priced(reporters(3, 2));
    assert_eq!(Genesis::from_json(&named.to_json()).unwrap(), named);
    let block = named.block().unwrap();
    let slot = |slot: U256| block.changes.slots.get(&(abi::PRICE_FEEDS, slot)).map(|it| it.after);
    // `uint64 count; uint16 quorum`
    assert_eq!(slot(U256::ZERO), Some(U256::from(2) << 64));
    assert_eq!(slot(U256::ONE), Some(U256::from(3)), "the number of reporters");
    let first = U256::from_be_bytes(keccak256(U256::ONE.to_be_bytes::<32>()).0);
    let second = Address::repeat_byte(2).into_word();
    assert_eq!(slot(first + U256::ONE), Some(second.into()));
    let place = keccak256([second.0, U256::from(2).to_be_bytes::<32>()].concat());
    assert_eq!(slot(place.into()), Some(U256::from(2)), "the second reporter's number");
    let without = Genesis { price_reporters: None, ..named }.block().unwrap();
    assert!(!without.changes.slots.keys().any(|(address, _)| *address == abi::PRICE_FEEDS));
}

#[test]
fn price_reporters_that_could_not_report_are_refused() {
    let check = |genesis: Genesis, expected: &str| {
        assert_eq!(genesis.block().unwrap_err().to_string(), expected);
    };
    check(priced(reporters(0, 1)), "the genesis file names 0 price reporters: give 1 to 31");
    check(priced(reporters(32, 17)), "the genesis file names 32 price reporters: give 1 to 31");
    for (quorum, count) in [(2, 4), (0, 1), (4, 3)] {
        let field = format!("genesis field `price_reporters.quorum` is {quorum}");
        let text = format!("{field}: give more than half of {count}, at most all");
        check(priced(reporters(count, quorum)), &text);
    }
    let mut twice = reporters(2, 2);
    twice.members[1] = twice.members[0];
    let text = format!(
        "genesis price reporter {} is named twice, or is the zero account: remove it",
        twice.members[0]
    );
    check(priced(twice), &text);
    let early = Genesis { revisions: Schedule::FIRST, ..priced(reporters(1, 1)) };
    check(
        early,
        "the genesis file names price reporters, but the ledger begins with revision 1: add `{\"revision\": 2, \"height\": 0}` to `revisions`",
    );
}

#[test]
fn balances_may_be_decimal_or_hexadecimal() {
    let json = genesis().to_json().replace("0xde0b6b3a7640000", "1000000000000000000");
    assert!(json.contains("\"1000000000000000000\""));
    assert_eq!(Genesis::from_json(&json).unwrap(), genesis());
}

#[test]
fn an_invalid_chain_is_refused() {
    let check = |change: fn(&mut Genesis), expected: &str| {
        let mut genesis = genesis();
        change(&mut genesis);
        let error = genesis.block().unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(|genesis| genesis.chain_id = 0, "`chain_id` is 0");
    check(|genesis| genesis.gas_limit = 999_999, "`gas_limit` is 999999");
    check(|genesis| genesis.base_fee.minimum = 1_001, "`base_fee.initial` is 1000");
    check(|genesis| genesis.base_fee.change_denominator = 0, "change_denominator");
    check(|genesis| genesis.base_fee.elasticity = 0, "elasticity");
    check(|genesis| genesis.commitment = 1, "`commitment` is 1");
    check(
        |genesis| {
            let account = GenesisAccount { balance: U256::MAX, ..GenesisAccount::default() };
            genesis.accounts.insert(Address::ZERO, account);
        },
        "exceeds 2^128 - 1",
    );
    check(
        |genesis| {
            let storage = [(U256::ZERO, U256::from(1))].into();
            let account = GenesisAccount { storage, ..GenesisAccount::default() };
            genesis.accounts.insert(Address::ZERO, account);
        },
        "storage but no code",
    );
    check(
        |genesis| {
            genesis.accounts.insert(abi::DEVICES, GenesisAccount::default());
        },
        "native module",
    );
    check(
        |genesis| {
            let account = GenesisAccount { code: COUNTER, ..GenesisAccount::default() };
            genesis.accounts.insert(Address::with_last_byte(2), account);
        },
        "precompile",
    );
    check(
        |genesis| {
            genesis.accounts.insert(abi::asset_address(3), GenesisAccount::default());
        },
        "native module",
    );
    assert!(matches!(Genesis::from_json("{}"), Err(GenesisError::Json(_))));
    let surplus = genesis().to_json().replacen('{', "{\"colour\": 1,", 1);
    assert!(matches!(Genesis::from_json(&surplus), Err(GenesisError::Json(_))));
}

#[test]
fn repeated_keys_are_refused() {
    let with = |accounts: &str| {
        let genesis = Genesis { accounts: Default::default(), ..genesis() };
        let json = genesis.to_json().replace("{}", accounts);
        Genesis::from_json(&json)
    };
    let address = "0x00000000000000000000000000000000000000aB";
    let other = address.to_lowercase();
    let account = |balance: u8| format!(r#"{{"balance": "{balance}"}}"#);
    let one = with(&format!(r#"{{"{address}": {}}}"#, account(1))).unwrap();
    assert_eq!(one.accounts.len(), 1);
    for (first, second) in [(address, other.as_str()), (address, address)] {
        let json = format!(r#"{{"{first}": {}, "{second}": {}}}"#, account(1), account(2));
        let error = with(&json).unwrap_err();
        let GenesisError::Json(source) = error else { panic!("{error}") };
        let text = source.to_string();
        assert!(text.contains(second) && text.contains("twice"), "{text}");
    }
    let storage = r#"{"code": "0x00", "storage": {"0x1": "0x5", "0x01": "0x6"}}"#;
    let error = with(&format!(r#"{{"{address}": {storage}}}"#)).unwrap_err();
    assert!(matches!(error, GenesisError::Json(source) if source.to_string().contains("twice")));
}

#[test]
fn code_and_storage_are_there_from_the_start() {
    let address = Address::repeat_byte(0xc0);
    let mut genesis = genesis();
    let account = GenesisAccount {
        code: COUNTER,
        storage: [(U256::ZERO, U256::from(41)), (U256::from(1), U256::ZERO)].into(),
        ..GenesisAccount::default()
    };
    genesis.accounts.insert(address, account);
    let mut chain = Chain::from_genesis(&genesis);
    let call = alloy_consensus::TxEip1559 { to: address.into(), ..crate::chain::plain(0) };
    chain.build(&[crate::chain::sign(1, call)]);
    assert_eq!(chain.state.slots[&(address, U256::ZERO)], U256::from(42));
}

#[test]
fn the_documented_file_begins_a_ledger() {
    let document = include_str!("../../../../docs/genesis.md");
    let json = document.split("```json").nth(1).unwrap().split("```").next().unwrap();
    let genesis = Genesis::from_json(json).unwrap();
    assert_eq!((genesis.chain_id, genesis.accounts.len()), (4_242, 2));
    genesis.block().unwrap();
}
