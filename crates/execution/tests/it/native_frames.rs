//! A module's calls: gas, depth, value and static context as with bytecode, and a database error ends the block.

use std::sync::LazyLock;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, bytes};
use alloy_sol_types::{SolCall, SolValue, sol};
use execution::{
    BlockError, Call, CallOutcome, GenesisAccount, ModuleTable, Parent, execute_block,
};
use native_kit::{
    Call as NativeCall, Failure, Function, Host, MODULE_CODE, Module, OnReentry, Outcome, Place,
    create2_address, instance_code,
};
use revm::{DatabaseRef, bytecode::Bytecode, state::AccountInfo};

use crate::{
    chain::{Chain, State, key, plain, sign},
    modules::{message, run},
};

sol! {
    interface Forward {
        /// Calls `to` and returns whether it succeeded, and what it returned.
        function forward(address to, uint256 value, uint64 gasLimit, bool isStatic, bytes calldata data) external payable returns (bool ok, bytes memory output);
        /// Calls itself `times` deep through `to`, and returns how often that was possible.
        function nest(address to) external returns (uint256 depth);
        /// Writes in a function that the table wrongly declares as a view.
        function badView() external view;
        /// Creates an instance at the address that CREATE2's formula gives, and returns the address.
        function make(bytes32 salt) external returns (address);
    }

    interface Instance {
        function number() external view returns (uint256);
    }
}

const FORWARD: Address = Address::repeat_byte(0xf0);
/// Returns `GAS` at its start, `CALLVALUE` and `CALLER`.
const PROBE: Bytes = bytes!("5a5f5234602052336040526060 5ff3");

const FUNCTIONS: &[Function] = &[
    Function::payable(Forward::forwardCall::SELECTOR).unlocked(),
    Function::nonpayable(Forward::nestCall::SELECTOR).unlocked(),
    Function::view(Forward::badViewCall::SELECTOR),
    Function::nonpayable(Forward::makeCall::SELECTOR),
];

/// The code of the instances that `Forward` creates.
const INSTANCE: [u8; 9] = instance_code("instance");
const INSTANCE_FUNCTIONS: &[Function] = &[Function::view(Instance::numberCall::SELECTOR)];
const INIT_CODE_HASH: B256 = B256::repeat_byte(0x96);

static TABLE: LazyLock<ModuleTable> = LazyLock::new(|| {
    let mut rows = vec![Module {
        name: "Forward",
        place: Place::At(FORWARD),
        since: 1,
        functions: &[FUNCTIONS],
        entrance: call,
        on_reentry: OnReentry::Error,
    }];
    rows.push(Module {
        name: "Instance",
        place: Place::Instances(&INSTANCE),
        since: 1,
        functions: &[INSTANCE_FUNCTIONS],
        entrance: |host, _| Ok(host.load(U256::ZERO)?.to_be_bytes_vec()),
        on_reentry: OnReentry::Error,
    });
    ModuleTable::new(Box::leak(rows.into_boxed_slice()))
});

fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    if Forward::badViewCall::abi_decode(input).is_ok() {
        host.store(U256::ZERO, U256::ONE)?;
        return Ok(Vec::new());
    }
    if let Ok(asked) = Forward::nestCall::abi_decode(input) {
        let inner = Forward::nestCall { to: asked.to }.abi_encode();
        let deeper = match host.call(&NativeCall::new(asked.to, inner))? {
            Outcome::Returned(output) => U256::abi_decode(&output)
                .map_err(|_| Failure::bad_call())?
                .saturating_add(U256::ONE),
            Outcome::Reverted(_) | Outcome::Halted => U256::ZERO,
        };
        return Ok(Forward::nestCall::abi_encode_returns(&deeper));
    }
    if let Ok(asked) = Forward::makeCall::abi_decode(input) {
        let address = create2_address(host, FORWARD, asked.salt, INIT_CODE_HASH)?;
        host.create(address, &INSTANCE)?;
        host.store_of(address, U256::ZERO, U256::from(42))?;
        return Ok(Forward::makeCall::abi_encode_returns(&address));
    }
    let asked = Forward::forwardCall::abi_decode(input).map_err(|_| Failure::bad_call())?;
    let outcome = host.call(&NativeCall {
        to: asked.to,
        value: asked.value,
        input: asked.data,
        gas_limit: Some(asked.gasLimit),
        is_static: asked.isStatic,
    })?;
    let answer = match outcome {
        Outcome::Returned(output) => Forward::forwardReturn { ok: true, output },
        Outcome::Reverted(output) => Forward::forwardReturn { ok: false, output },
        Outcome::Halted => Forward::forwardReturn { ok: false, output: Bytes::new() },
    };
    Ok(Forward::forwardCall::abi_encode_returns(&answer))
}

fn chain() -> Chain {
    let mut genesis = crate::chain::genesis();
    let code = Bytes::from_static(&MODULE_CODE);
    let balance = U256::from(50);
    genesis.accounts.insert(FORWARD, GenesisAccount { code, balance, ..GenesisAccount::default() });
    let mut chain = Chain::from_genesis(&genesis);
    chain.rules.modules = *TABLE;
    chain
}

fn forward(chain: &Chain, asked: &Forward::forwardCall, gas: Option<u64>) -> Option<(bool, Bytes)> {
    let call = Call { gas_limit: gas, ..message(FORWARD, asked.abi_encode()) };
    match run(chain, &call) {
        CallOutcome::Returned { output, .. } => {
            let answer = Forward::forwardCall::abi_decode_returns(&output).unwrap();
            Some((answer.ok, answer.output))
        }
        CallOutcome::Reverted { .. } | CallOutcome::Halted { .. } => None,
    }
}

fn asked(to: Address) -> Forward::forwardCall {
    let (value, data) = (U256::ZERO, Bytes::new());
    Forward::forwardCall { to, value, gasLimit: 100_000, isStatic: false, data }
}

#[test]
fn a_callee_gets_the_gas_asked_for_the_stipend_the_value_and_the_caller() {
    let mut chain = chain();
    let probe = chain.deploy(1, &PROBE);
    for value in [0_u64, 7] {
        let asked = Forward::forwardCall { value: U256::from(value), ..asked(probe) };
        let (ok, output) = forward(&chain, &asked, None).unwrap();
        let (gas, given, caller) = <(U256, U256, Address)>::abi_decode(&output).unwrap();
        // GAS takes 2 itself; value brings the stipend of 2,300.
        let stipend = if value > 0 { 2_300 } else { 0 };
        assert!(ok);
        assert_eq!((gas, given), (U256::from(100_000 - 2 + stipend), U256::from(value)));
        assert_eq!(caller, FORWARD);
    }
}

#[test]
fn all_but_a_64th_is_passed_on() {
    let mut chain = chain();
    let probe = chain.deploy(1, &PROBE);
    let seen = |limit: u64| {
        let asked = Forward::forwardCall { gasLimit: u64::MAX, ..asked(probe) };
        let (_, output) = forward(&chain, &asked, Some(limit)).unwrap();
        <(U256, U256, Address)>::abi_decode(&output).unwrap().0.to::<u64>()
    };
    // 64,000 more gas for the module are 63,000 more for the callee.
    assert_eq!(seen(1_064_000) - seen(1_000_000), 63_000);
}

#[test]
fn missing_value_fails_the_call_only_and_value_in_a_static_call_the_module() {
    let mut chain = chain();
    let probe = chain.deploy(1, &PROBE);
    let poor = Forward::forwardCall { value: U256::from(51), ..asked(probe) };
    assert_eq!(forward(&chain, &poor, None), Some((false, Bytes::new())));
    let rich = Forward::forwardCall { value: U256::from(50), ..asked(Address::repeat_byte(0xee)) };
    assert_eq!(forward(&chain, &rich, None), Some((true, Bytes::new())));
    // A contract calls the module statically: the kit refuses the function, because it may change state.
    let mut code = vec![0x5f; 4];
    code.push(0x73);
    code.extend_from_slice(FORWARD.as_slice());
    code.extend_from_slice(&[0x5a, 0xfa, 0x50, 0x3d, 0x5f, 0x5f, 0x3e, 0x3d, 0x5f, 0xf3]);
    let asking = chain.deploy(1, &code.into());
    let CallOutcome::Returned { output, .. } = run(&chain, &message(asking, Bytes::new())) else {
        panic!()
    };
    assert_eq!(output[..], *native_error(&Failure::bad_call()), "no calldata is no call");
}

fn native_error(failure: &Failure) -> Bytes {
    let Failure::Revert(data) = failure else { panic!("{failure:?}") };
    data.clone()
}

#[test]
fn a_static_call_changes_nothing_below_it() {
    let mut chain = chain();
    let counter = chain.deploy(1, &crate::chain::COUNTER);
    let asked = |is_static| Forward::forwardCall { isStatic: is_static, ..asked(counter) };
    assert_eq!(forward(&chain, &asked(true), None), Some((false, Bytes::new())), "it writes");
    assert!(forward(&chain, &asked(false), None).unwrap().0);
}

#[test]
fn a_writing_view_fails_in_a_static_call_whatever_its_table_declares() {
    let mut chain = chain();
    // STATICCALLs FORWARD.badView() and returns its success flag.
    let selector = Forward::badViewCall::SELECTOR;
    let mut code = vec![0x63];
    code.extend_from_slice(&selector);
    code.extend_from_slice(&[0x5f, 0x52, 0x5f, 0x5f, 0x60, 0x04, 0x60, 0x1c, 0x73]);
    code.extend_from_slice(FORWARD.as_slice());
    code.extend_from_slice(&[0x5a, 0xfa, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]);
    let asking = chain.deploy(1, &code.into());
    let CallOutcome::Returned { output, .. } = run(&chain, &message(asking, Bytes::new())) else {
        panic!()
    };
    assert_eq!(U256::abi_decode(&output).unwrap(), U256::ZERO);
}

#[test]
fn nesting_ends_at_ethereums_depth_and_takes_no_stack_from_the_thread() {
    let mut chain = chain();
    chain.rules.gas_limit = u64::MAX / 4;
    chain.head.gas_limit = u64::MAX / 4;
    // A contract that passes its calldata on to the module, and returns what comes back.
    let mut code = vec![0x36, 0x5f, 0x5f, 0x37, 0x5f, 0x5f, 0x36, 0x5f, 0x5f, 0x73];
    code.extend_from_slice(FORWARD.as_slice());
    code.extend_from_slice(&[0x5a, 0xf1, 0x50, 0x3d, 0x5f, 0x5f, 0x3e, 0x3d, 0x5f, 0xf3]);
    let relay = chain.deploy(1, &code.into());
    for (to, depth) in [(FORWARD, 1_024), (relay, 512)] {
        let input = Forward::nestCall { to }.abi_encode();
        // A small stack: the nested calls must allocate their own.
        let (chain, input) = (chain.clone(), input);
        let outcome = std::thread::Builder::new()
            .stack_size(1 << 20)
            .spawn(move || {
                let call = Call { gas_limit: Some(u64::MAX / 8), ..message(FORWARD, input) };
                run(&chain, &call)
            })
            .unwrap()
            .join()
            .unwrap();
        let CallOutcome::Returned { output, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(U256::abi_decode(&output).unwrap(), U256::from(depth), "calls below the first");
    }
}

/// A state whose disk fails when one account's storage is read.
struct Failing<'a> {
    state: &'a State,
    account: Address,
}

#[derive(Debug, thiserror::Error)]
#[error("the disk does not answer")]
struct DiskError;

impl revm::database_interface::DBErrorMarker for DiskError {}

impl DatabaseRef for Failing<'_> {
    type Error = DiskError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, DiskError> {
        Ok(self.state.basic_ref(address).unwrap())
    }

    fn code_by_hash_ref(&self, hash: alloy_primitives::B256) -> Result<Bytecode, DiskError> {
        Ok(self.state.code_by_hash_ref(hash).unwrap())
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, DiskError> {
        if address == self.account {
            return Err(DiskError);
        }
        Ok(self.state.storage_ref(address, slot).unwrap())
    }

    fn block_hash_ref(&self, number: u64) -> Result<alloy_primitives::B256, DiskError> {
        Ok(self.state.block_hash_ref(number).unwrap())
    }
}

impl execution::State for Failing<'_> {
    fn bucket(&self, id: u64) -> Result<Option<Vec<u8>>, DiskError> {
        Ok(execution::State::bucket(self.state, id).unwrap())
    }
}

#[test]
fn a_disk_error_inside_a_module_or_below_it_ends_the_block_as_from_bytecode() {
    let mut chain = chain();
    let counter = chain.deploy(1, &crate::chain::COUNTER);
    let mut with_modules = Chain::new();
    let count = abi::Assets::countCall {}.abi_encode();
    for (chain, to, input, account) in [
        // The module's own storage.
        (&mut with_modules, abi::ASSETS, count, abi::ASSETS),
        // The storage of a contract that a module calls.
        (&mut chain, FORWARD, asked(counter).abi_encode(), counter),
    ] {
        let nonce = chain.state.nonce(&key(1).address());
        let transaction = TxEip1559 { to: TxKind::Call(to), input: input.into(), ..plain(nonce) };
        let state = Failing { state: &chain.state, account };
        let parent = Parent {
            header: &chain.head,
            commitment: &chain.commitment,
            state: &state,
            may_be_amended: false,
        };
        let result =
            execute_block(&parent, &chain.rules, &chain.input(), &[sign(1, transaction.clone())]);
        assert!(matches!(result, Err(BlockError::State(DiskError))), "{result:?}");
        assert!(chain.build(&[sign(1, transaction)]).block.receipts[0].status());
    }
}

#[test]
fn an_instance_answers_where_its_module_made_it_and_nobody_can_forge_one() {
    let mut chain = chain();
    let salt = B256::repeat_byte(5);
    let instance = FORWARD.create2(salt, INIT_CODE_HASH);
    let ask = |chain: &Chain| run(chain, &message(instance, Instance::numberCall {}.abi_encode()));
    let nothing = ask(&chain);
    assert!(matches!(&nothing, CallOutcome::Returned { output, .. } if output.is_empty()));
    let nonce = chain.state.nonce(&key(1).address());
    let input = Forward::makeCall { salt }.abi_encode().into();
    let make = TxEip1559 { to: TxKind::Call(FORWARD), input, ..plain(nonce) };
    assert!(chain.build(&[sign(1, make)]).block.receipts[0].status());
    let CallOutcome::Returned { output, .. } = ask(&chain) else { panic!("it answers") };
    assert_eq!(U256::abi_decode(&output).unwrap(), U256::from(42));

    // The same code from creation code, which could have written any storage first.
    let input = crate::chain::creation(&Bytes::from_static(&INSTANCE));
    let forge = TxEip1559 { to: TxKind::Create, input, ..plain(nonce + 1) };
    assert!(!chain.build(&[sign(1, forge)]).block.receipts[0].status());
}
