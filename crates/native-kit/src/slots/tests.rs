//! Compares slots with solc's `storageLayout` of the same declarations.

use alloy_primitives::{
    Address, B256, FixedBytes, U256, address,
    aliases::{I24, I56, U112, U160},
    b256,
};

use super::{Array, FixedArray, Layout, Mapping, Text, Value, Word};
use crate::{Failure, Host, test_host::TestHost};

storage! {
    /// `struct Observation { uint32 time; int56 tick; uint160 liquidity; bool initialized; }`, of Uniswap v3's
    /// `Oracle.sol`: one slot.
    struct Observation {
        time: Value<u32>,
        tick: Value<I56>,
        liquidity: Value<U160>,
        initialized: Value<bool>,
    }
}

storage! {
    /// `contract Sample { uint8 a; uint112 b; uint112 c; uint32 d; mapping(int24 => uint256) e; bytes4 f; address[]
    /// g; Observation[3] h; uint8[40] i; string j; uint64[] k; bool l; }`
    struct Sample {
        a: Value<u8>,
        b: Value<U112>,
        c: Value<U112>,
        d: Value<u32>,
        e: Mapping<I24, Value<U256>>,
        f: Value<FixedBytes<4>>,
        g: Array<Value<Address>>,
        h: FixedArray<Observation, 3>,
        i: FixedArray<Value<u8>, 40>,
        j: Text,
        k: Array<Value<u64>>,
        l: Value<bool>,
    }
}

fn sample() -> Sample {
    Sample::at(U256::ZERO, 0)
}

fn host() -> TestHost {
    TestHost::new(&[])
}

#[test]
fn variables_have_the_slots_of_solc() {
    let at = |slot: u64, offset: usize| (U256::from(slot), offset);
    let it = sample();
    // a, b and c take 29 bytes, so d begins a slot.
    assert_eq!((it.a.slot(), it.a.offset()), at(0, 0));
    assert_eq!((it.b.slot(), it.b.offset()), at(0, 1));
    assert_eq!((it.c.slot(), it.c.offset()), at(0, 15));
    assert_eq!((it.d.slot(), it.d.offset()), at(1, 0));
    assert_eq!(it.e.slot(), U256::from(2));
    assert_eq!((it.f.slot(), it.f.offset()), at(3, 0));
    assert_eq!(it.g.slot(), U256::from(4));
    let last = it.h.element(2).unwrap();
    assert_eq!((last.liquidity.slot(), last.liquidity.offset()), at(7, 11));
    assert!(it.h.element(3).is_none());
    let byte = it.i.element(39).unwrap();
    assert_eq!((byte.slot(), byte.offset()), at(9, 7));
    assert_eq!(it.k.slot(), U256::from(11));
    assert_eq!((it.l.slot(), it.l.offset()), at(12, 0));
    let first = it.h.element(0).unwrap();
    assert_eq!((first.time.offset(), first.initialized.offset()), (0, 31));
    assert_eq!(Observation::SIZE, 32);
    assert_eq!(Sample::SIZE, 13 * 32);
}

#[test]
fn values_of_one_slot_do_not_touch_each_other() {
    let (mut host, it) = (host(), sample());
    it.b.set(&mut host, U112::MAX).unwrap();
    it.a.set(&mut host, 0xab).unwrap();
    it.c.set(&mut host, U112::from(5)).unwrap();
    it.b.set(&mut host, U112::from(1)).unwrap();
    let word = host.slot(Address::ZERO, U256::ZERO);
    assert_eq!(word, U256::from(0xab) | (U256::ONE << 8) | (U256::from(5) << 120));
    assert_eq!(it.a.get(&mut host).unwrap(), 0xab);
    it.a.update(&mut host, |value| Ok(value + 1)).unwrap();
    assert_eq!(it.a.get(&mut host).unwrap(), 0xac);
    let refused = it.a.update(&mut host, |_| Err(Failure::message("no")));
    assert_eq!((refused, it.a.get(&mut host).unwrap()), (Err(Failure::message("no")), 0xac));
    assert_eq!(it.c.get(&mut host).unwrap(), U112::from(5));
}

#[test]
fn negative_numbers_are_packed_short_and_hashed_long() {
    let (mut host, it) = (host(), sample());
    let observation = it.h.element(0).unwrap();
    observation.tick.set(&mut host, I56::MINUS_ONE).unwrap();
    assert_eq!(host.slot(Address::ZERO, U256::from(5)), U256::from((1_u128 << 56) - 1) << 32);
    assert_eq!(observation.tick.get(&mut host).unwrap(), I56::MINUS_ONE);
    // keccak256(abi.encode(int24(-1), uint256(2)))
    assert_eq!(I24::MINUS_ONE.key(), B256::repeat_byte(0xff));
    let slot = it.e.of(&mut host, I24::MINUS_ONE).unwrap().slot();
    let words = [[0xff; 32], U256::from(2).to_be_bytes::<32>()].concat();
    assert_eq!(B256::from(slot), alloy_primitives::keccak256(words));
}

#[test]
fn hashes_are_those_of_the_ethereum_documentation() {
    let mut host = host();
    // Balance of an account in `mapping(address => uint256)` at slot 0: keccak256(leftpad(key) ‖ slot).
    let holder = address!("391694e7e0b0cce554cb130d723a9d27458f9298");
    let balances = Mapping::<Address, Value<B256>>::new(U256::from(1));
    let slot = balances.of(&mut host, holder).unwrap().slot();
    let expected = b256!("6661e9d6d8b923d5bbaab1b96e1dd51ff6ea2a93520fdc9eb75d059238b8c5e9");
    assert_eq!(B256::from(slot), expected);
    assert_eq!(host.gas_used, 42, "a hash of two words");
}

#[test]
fn arrays_grow_pack_and_end() {
    let (mut host, it) = (host(), sample());
    for value in 1..=5_u64 {
        it.k.push(&mut host).unwrap().set(&mut host, value).unwrap();
    }
    let start =
        U256::from_be_bytes(alloy_primitives::keccak256(U256::from(11).to_be_bytes::<32>()).0);
    let packed = (1..=4_u64).rev().fold(U256::ZERO, |word, value| (word << 64) | U256::from(value));
    assert_eq!(host.slot(Address::ZERO, start), packed);
    assert_eq!(host.slot(Address::ZERO, start + U256::ONE), U256::from(5));
    assert!(it.k.element(&mut host, 5).unwrap().is_none());
    it.k.element(&mut host, 4).unwrap().unwrap().set(&mut host, 0).unwrap();
    it.k.pop(&mut host).unwrap();
    assert_eq!(it.k.len(&mut host).unwrap(), 4);
    assert!(it.g.pop(&mut host).is_err(), "an empty array");
}

#[test]
fn texts_of_every_length_come_back_and_leave_nothing() {
    let (mut host, it) = (host(), sample());
    let module = host.module();
    for size in [0_usize, 1, 31, 32, 33, 64, 100, 31, 95, 2, 0] {
        let text = "é".repeat(size / 2) + if size % 2 == 1 { "x" } else { "" };
        assert_eq!(text.len(), size);
        it.j.set_of(&mut host, module, &text).unwrap();
        assert_eq!(it.j.get(&mut host).unwrap(), text);
    }
    assert!(host.state().slots.is_empty(), "the empty text leaves nothing");
}
