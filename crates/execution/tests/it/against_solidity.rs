//! Compares the sample module with the same contract in Solidity (`testdata/desk`): answers, errors, logs, state and
//! traces must be equal, step by step, on two ledgers that differ only in the code at the desk's address.

use std::sync::LazyLock;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, Log, TxKind, U256, hex};
use alloy_sol_types::{SolCall, SolError, SolEvent, sol};
use execution::{
    Call, CallContext, Environment, Frame, FrameOptions, GenesisAccount, ModuleTable, Overrides,
    Replay, Trace, Tracer,
};
use native_kit::{MODULE_CODE, Module};
use proptest::{collection::vec, prelude::*};

use crate::{
    chain::{Chain, key, plain, sign},
    desk::{DESK, Desk, MODULE},
};

sol! {
    interface Token {
        error Short(address account, uint256 has, uint256 needs);
        function mint(address to, uint256 value) external;
        function approve(address spender, uint256 value) external returns (bool);
    }

    interface Trading {
        event Caught(bytes reason);
        event Seen(uint256 sold, uint256 quoted, uint64 swaps, address lastTrader);
        error Mine(uint256 number);
        function execute(address to, bytes calldata data) external returns (bytes memory);
        function trade(address tokenIn, address tokenOut, uint256 amountIn, uint256 minimum, uint8 mode) external returns (uint256);
    }
}

const TRADER: Address = Address::repeat_byte(0x7a);
/// A standard token, one that returns nothing, one with a fee, one that refuses.
const TOKENS: [Address; 4] = [
    Address::repeat_byte(0x01),
    Address::repeat_byte(0x02),
    Address::repeat_byte(0x03),
    Address::repeat_byte(0x04),
];
const CODES: [&str; 4] = [
    include_str!("../../../../testdata/desk/standard.hex"),
    include_str!("../../../../testdata/desk/silent.hex"),
    include_str!("../../../../testdata/desk/fee.hex"),
    include_str!("../../../../testdata/desk/refusing.hex"),
];
const TRADER_CODE: &str = include_str!("../../../../testdata/desk/trader.hex");
const DESK_CODE: &str = include_str!("../../../../testdata/desk/desk.hex");

/// The ledger's modules and the sample.
static WITH_DESK: LazyLock<ModuleTable> = LazyLock::new(|| {
    let rows: Vec<Module> =
        native_modules::TABLE.iter().copied().chain(std::iter::once(MODULE)).collect();
    ModuleTable::new(Box::leak(rows.into_boxed_slice()))
});

/// What the trader does when the desk calls it back.
#[derive(Clone, Copy, Debug)]
enum Mode {
    NoCallback = 0,
    Nothing = 1,
    Reenter = 2,
    ReenterAndCatch = 3,
    Revert = 4,
    Look = 5,
    TakeAllowanceBack = 6,
    UndoInside = 7,
    Invalid = 8,
}

const MODES: [Mode; 9] = [
    Mode::NoCallback,
    Mode::Nothing,
    Mode::Reenter,
    Mode::ReenterAndCatch,
    Mode::Revert,
    Mode::Look,
    Mode::TakeAllowanceBack,
    Mode::UndoInside,
    Mode::Invalid,
];

/// Returns a trade by the trader's contract.
fn trade(token_in: Address, token_out: Address, amount: U256, minimum: U256, mode: Mode) -> Bytes {
    Trading::tradeCall {
        tokenIn: token_in,
        tokenOut: token_out,
        amountIn: amount,
        minimum,
        mode: mode as u8,
    }
    .abi_encode()
    .into()
}

struct Pair {
    native: Chain,
    solidity: Chain,
}

impl Pair {
    /// Creates both ledgers, with 1,000 of every token for the desk and for the trader, who has approved all of it
    /// for the desk.
    fn new() -> Self {
        let ledger = |desk: Bytes| {
            let mut genesis = crate::chain::genesis();
            let account = |code: Bytes| GenesisAccount { code, ..GenesisAccount::default() };
            genesis.accounts.insert(DESK, account(desk));
            genesis.accounts.insert(TRADER, account(decoded(TRADER_CODE)));
            for (token, code) in TOKENS.into_iter().zip(CODES) {
                genesis.accounts.insert(token, account(decoded(code)));
            }
            Chain::from_genesis(&genesis)
        };
        let mut native = ledger(Bytes::from_static(&MODULE_CODE));
        native.rules.modules = *WITH_DESK;
        let mut pair = Self { native, solidity: ledger(decoded(DESK_CODE)) };
        for token in TOKENS {
            for to in [DESK, TRADER] {
                let mint = Token::mintCall { to, value: U256::from(1_000) };
                assert!(pair.send(token, mint.abi_encode().into()), "minted");
            }
            let approve = Token::approveCall { spender: DESK, value: U256::MAX };
            let execute = Trading::executeCall { to: token, data: approve.abi_encode().into() };
            assert!(pair.send(TRADER, execute.abi_encode().into()), "allowed");
        }
        pair
    }

    /// Sends the same call to both, compares everything but gas, and returns whether it succeeded.
    fn send(&mut self, to: Address, input: Bytes) -> bool {
        self.compare_previews(to, &input);
        let before = (self.native.clone(), self.solidity.clone());
        let nonce = self.native.state.nonce(&key(1).address());
        let transaction = sign(
            1,
            TxEip1559 { to: TxKind::Call(to), input, gas_limit: 20_000_000, ..plain(nonce) },
        );
        let blocks = [&mut self.native, &mut self.solidity]
            .map(|chain| chain.build(std::slice::from_ref(&transaction)).block);
        let facts = blocks.each_ref().map(|block| {
            let receipt = &block.receipts[0];
            let mut slots = block.changes.slots.clone();
            slots.retain(|(account, _), _| *account != abi::GRAIN);
            let logs: Vec<Log> = receipt.logs().to_vec();
            (receipt.status(), logs, slots)
        });
        assert_eq!(facts[0], facts[1], "status, logs and state");
        let traces = [(&before.0, &blocks[0]), (&before.1, &blocks[1])].map(|(chain, block)| {
            let replay = Replay {
                state: &chain.state,
                rules: &chain.rules,
                header: &block.header,
                transactions: &block.transactions,
            };
            let all = Tracer::Calls(FrameOptions { with_logs: true, only_top: false });
            let Trace::Calls(frame) = replay.trace(0, &all).unwrap() else { panic!("a tree") };
            without_gas(frame)
        });
        assert_eq!(traces[0], traces[1], "the tree of calls");
        facts[0].0
    }

    fn compare_previews(&self, to: Address, input: &Bytes) {
        let answers = [&self.native, &self.solidity].map(|chain| answer(chain, to, input));
        assert_eq!(answers[0], answers[1], "what a preview answers");
    }
}

fn decoded(code: &str) -> Bytes {
    hex::decode(code.trim()).unwrap().into()
}

/// Returns whether the call succeeded, and what it returned.
fn answer(chain: &Chain, to: Address, input: &Bytes) -> (bool, Bytes) {
    let frame = call_tree(chain, to, input);
    (frame.error.is_none(), frame.output)
}

fn call_tree(chain: &Chain, to: Address, input: &Bytes) -> Frame {
    let call = Call { from: key(1).address(), ..Call::read_only(to, input.clone()) };
    let overrides = &Overrides::default();
    let environment = Environment::of(&chain.head, &chain.rules);
    let context = CallContext { state: &chain.state, rules: &chain.rules, environment, overrides };
    let all = Tracer::Calls(FrameOptions { with_logs: true, only_top: false });
    let Trace::Calls(frame) = context.trace(&call, &all).unwrap() else { panic!("a tree") };
    frame
}

fn without_gas(mut frame: Frame) -> Frame {
    (frame.gas, frame.gas_used) = (0, 0);
    frame.calls = frame.calls.into_iter().map(without_gas).collect();
    frame
}

fn amounts() -> impl Strategy<Value = U256> {
    prop_oneof![
        6 => (0_u64..300).prop_map(U256::from),
        2 => (300_u64..2_500).prop_map(U256::from),
        1 => (0_u64..3).prop_map(|less| U256::MAX - U256::from(less)),
    ]
}

fn token() -> impl Strategy<Value = Address> {
    // Mostly tokens; sometimes an account without code, and an asset that does not exist.
    prop_oneof![
        12 => prop::sample::select(TOKENS.to_vec()),
        1 => Just(Address::repeat_byte(0x99)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_module_behaves_as_the_same_contract_in_solidity(
        steps in vec((token(), token(), amounts(), amounts(), prop::sample::select(MODES.to_vec())), 1..8),
    ) {
        let mut pair = Pair::new();
        for (token_in, token_out, amount, minimum, mode) in steps {
            let minimum = minimum / U256::from(8);
            pair.send(TRADER, trade(token_in, token_out, amount, minimum, mode));
        }
    }
}

#[test]
fn every_kind_of_callback_ends_as_in_solidity() {
    let [standard, silent, fee, refusing] = TOKENS;
    let hundred = U256::from(100);
    for (token_in, token_out, mode, succeeds) in [
        (standard, silent, Mode::NoCallback, true),
        (silent, standard, Mode::Nothing, true),
        (standard, silent, Mode::Reenter, false),
        (standard, silent, Mode::ReenterAndCatch, true),
        (standard, silent, Mode::Revert, false),
        (standard, silent, Mode::Look, true),
        (standard, silent, Mode::TakeAllowanceBack, false),
        (standard, silent, Mode::UndoInside, true),
        (standard, silent, Mode::Invalid, false),
        (fee, standard, Mode::Nothing, false),
        (standard, fee, Mode::Nothing, true),
        (refusing, standard, Mode::Nothing, true),
    ] {
        let sent = Pair::new().send(TRADER, trade(token_in, token_out, hundred, U256::ZERO, mode));
        assert_eq!(sent, succeeds, "{mode:?}");
    }
    // More than the refusing token moves: it returns `false`.
    let much = trade(refusing, standard, U256::from(101), U256::ZERO, Mode::Nothing);
    assert!(!Pair::new().send(TRADER, much));
}

#[test]
fn reentry_is_refused_with_openzeppelins_error_and_the_rest_stands() {
    let [standard, silent, ..] = TOKENS;
    let mut pair = Pair::new();
    let call = trade(standard, silent, U256::from(10), U256::ZERO, Mode::ReenterAndCatch);
    let root = call_tree(&pair.native, TRADER, &call);
    let refused = abi::ModuleErrors::ReentrancyGuardReentrantCall {}.abi_encode();
    // Trader → desk → token, trader → desk again.
    let desk = &root.calls[0];
    let reentered = &desk.calls[1].calls[0];
    assert_eq!((desk.to, reentered.to), (Some(DESK), Some(DESK)));
    assert_eq!(reentered.output, refused);
    assert_eq!(reentered.error.as_deref(), Some("execution reverted"));
    let caught = Trading::Caught { reason: refused.into() }.encode_log_data();
    assert!(desk.calls[1].logs.iter().any(|log| log.log.data == caught));
    assert!(pair.send(TRADER, call), "the outer swap goes on");
    assert!(pair.send(TRADER, trade(standard, silent, U256::from(10), U256::ZERO, Mode::Nothing)));
}

#[test]
fn a_lock_ends_with_its_call_whether_it_returns_or_reverts() {
    let [standard, silent, ..] = TOKENS;
    let mut chain = Pair::new().native;
    let nonce = chain.state.nonce(&key(1).address());
    let modes = [Mode::Nothing, Mode::Revert, Mode::Invalid, Mode::Nothing];
    let transactions: Vec<_> = (nonce..)
        .zip(modes)
        .map(|(nonce, mode)| {
            let input = trade(standard, silent, U256::from(10), U256::ZERO, mode);
            let to = TxKind::Call(TRADER);
            sign(1, TxEip1559 { to, input, gas_limit: 2_000_000, ..plain(nonce) })
        })
        .collect();
    let block = chain.build(&transactions).block;
    let succeeded: Vec<bool> =
        block.receipts.iter().map(alloy_consensus::TxReceipt::status).collect();
    assert_eq!(succeeded, [true, false, false, true]);
}

#[test]
fn the_changes_of_a_reverted_inner_call_are_undone() {
    let [standard, silent, ..] = TOKENS;
    let mut pair = Pair::new();
    let before = pair.native.state.slots.clone();
    let call = trade(standard, silent, U256::from(10), U256::ZERO, Mode::Revert);
    let expected: Bytes = Trading::Mine { number: U256::from(5) }.abi_encode().into();
    assert_eq!(answer(&pair.native, TRADER, &call), (false, expected));
    assert!(!pair.send(TRADER, call));
    let mut after = pair.native.state.slots.clone();
    after.retain(|(account, _), _| *account != abi::GRAIN);
    assert!(after.iter().all(|(key, value)| before.get(key) == Some(value)));
}

#[test]
fn access_lists_hold_what_a_module_touches() {
    let [standard, silent, ..] = TOKENS;
    let pair = Pair::new();
    let input = trade(standard, silent, U256::from(10), U256::ZERO, Mode::Nothing);
    let lists = [&pair.native, &pair.solidity].map(|chain| {
        let call = Call { from: key(1).address(), ..Call::read_only(TRADER, input.clone()) };
        let overrides = &Overrides::default();
        let environment = Environment::of(&chain.head, &chain.rules);
        let context =
            CallContext { state: &chain.state, rules: &chain.rules, environment, overrides };
        context.access_list(&call).unwrap().list
    });
    assert_eq!(lists[0], lists[1]);
    assert!(lists[0].0.iter().any(|item| item.address == DESK && item.storage_keys.len() == 2));
}

#[test]
fn views_and_refusals_of_the_kit_are_those_of_a_contract() {
    let pair = Pair::new();
    for input in [
        Desk::quoteCall { amountIn: U256::from(9) }.abi_encode(),
        Desk::soldCall { token: TOKENS[0] }.abi_encode(),
        Desk::swapsCall {}.abi_encode(),
        Desk::lastTraderCall {}.abi_encode(),
    ] {
        pair.compare_previews(DESK, &input.into());
    }
}

#[test]
fn the_documentation_shows_the_module_as_it_is() {
    let (guide, module) =
        (include_str!("../../../../docs/native-modules.md"), include_str!("desk.rs"));
    let blocks: Vec<&str> =
        guide.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 3);
    for block in blocks {
        assert!(module.contains(block), "not in desk.rs:\n{block}");
    }
}
