//! Measures how fast calls of Uniswap v2 and v3 are, as native modules and as the contracts' bytecode, in one process, in turn, on one core.
//!
//! Two ledgers differ only in what answers at the addresses of Uniswap: same state, same assets, same calldata. Before anything is timed, each operation is
//! executed on both, and return data and events must be equal. Three things are timed:
//!
//! - `one transaction`: a contract makes many calls in one transaction; a call is that transaction's time divided by their number, so it includes the
//!   contract's loop and `CALL`, which the operation `nothing` shows alone;
//! - `whole transactions`: an account sends one transaction for each call: validation, execution, and commit to a state in memory. Signatures are not
//!   recovered, and nothing is written to a disk: both sides would pay the same for it.
//!
//! Everything is warm in memory. The bytecode is not ours and not in the repository: `scripts/bench-vs uniswap` installs it and makes the tables.
//!
//! ```text
//! cargo run --release -p execution --example uniswap_speed -- FOLDER [ROUNDS [OPERATION]]
//! cargo run --release -p execution --example uniswap_speed -- FOLDER profile OPERATION ROUNDS     # native alone, with issued assets
//! ```

#![expect(clippy::print_stdout, reason = "the measurements are printed as JSON")]

#[path = "../twins/reference.rs"]
mod reference;
#[expect(dead_code, reason = "the comparison of results uses more of it")]
#[path = "../../tests/it/twin.rs"]
mod twin;
#[path = "../../tests/it/uniswap_v3/world.rs"]
mod world;

mod operations;
mod scene;

use std::{path::Path, time::Instant};

use alloy_primitives::{Address, Bytes, U256};
use revm::{ExecuteCommitEvm as _, ExecuteEvm as _, context::TxEnv};
use serde_json::{Value, json};

use operations::{Level, Operation, operations};
use scene::{ACCOUNT, Assets, Codes, Scene, repeat};
use twin::Step;
use world::native as native_ledger;

/// A call: whom, and with what.
type Sent = (Address, Bytes);

/// Operations in one transaction, and transactions in a row, between two looks at the clock.
const CALLS: u64 = 100;
/// Rounds that are not counted: memory and caches become warm.
const WARMING: u64 = 2;
const ROUNDS: u64 = 15;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, rounds, only) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
    {
        [folder] => (folder, ROUNDS, ""),
        [folder, "profile", operation, rounds] => {
            return profile(Path::new(folder), operation, number(rounds));
        }
        [folder, rounds] => (folder, number(rounds), ""),
        [folder, rounds, only] => (folder, number(rounds), only),
        _ => {
            eprintln!("usage: uniswap_speed FOLDER [ROUNDS [OPERATION]]");
            std::process::exit(2);
        }
    };
    let codes = Codes::new(Path::new(folder));
    let mut rows = Vec::new();
    for assets in [Assets::Deployed, Assets::Issued] {
        let mut native = Scene::new(native_ledger(execution::MODULES.newest()), &codes, assets);
        let mut bytecode = Scene::new(scene::reference(&codes), &codes, assets);
        assert_eq!(native.tokens, bytecode.tokens, "the ledgers differ in nothing else");
        for operation in operations(&mut native, &mut bytecode) {
            if operation.name.contains(only) {
                rows.push(in_one_transaction(&mut native, &mut bytecode, &operation, rounds));
                if operation.level == Level::Periphery {
                    rows.push(in_transactions(&mut native, &mut bytecode, &operation, rounds));
                }
            }
        }
    }
    let document = json!({ "calls": CALLS, "rounds": rounds, "rows": rows });
    println!("{}", serde_json::to_string_pretty(&document).expect("it is JSON"));
}

/// Executes native calls in one transaction, for a profiler.
fn profile(folder: &Path, name: &str, rounds: u64) {
    let codes = Codes::new(folder);
    let mut native = Scene::new(native_ledger(execution::MODULES.newest()), &codes, Assets::Issued);
    let mut bytecode = Scene::new(scene::reference(&codes), &codes, Assets::Issued);
    let operations = operations(&mut native, &mut bytecode);
    let operation = operations.iter().find(|operation| operation.name == name);
    let operation = operation.unwrap_or_else(|| panic!("{name} is no operation"));
    let data = repeat(&operation.by_contract, CALLS).into();
    let transaction = sent(&native, native.caller, &data);
    for _ in 0..rounds {
        let result = native.ledger.machine.transact(transaction.clone());
        assert!(result.expect("the call is valid").result.is_success());
    }
}

/// Returns a call by an account as a transaction.
fn sent(scene: &Scene, to: Address, data: &Bytes) -> TxEnv {
    let data = data.clone();
    scene.ledger.transaction(&Step { time: 0, from: ACCOUNT, to, value: U256::ZERO, data })
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

/// Times many calls in one transaction, which is not kept, so that each round begins with the same state.
fn in_one_transaction(
    native: &mut Scene,
    bytecode: &mut Scene,
    operation: &Operation,
    rounds: u64,
) -> Value {
    let times = CALLS.div_ceil(operation.count());
    let data = repeat(&operation.by_contract, times);
    let expected = bytecode.ledger.read(bytecode.caller, &data);
    let found = native.ledger.read(native.caller, &data);
    assert!(expected.is_done, "{}: {}", operation.name, expected.output);
    assert_eq!(found, expected, "{}: the results differ", operation.name);
    let gas = [native.ledger.gas_used, bytecode.ledger.gas_used];
    let transaction = sent(native, native.caller, &data.into());
    let once = |scene: &mut Scene| {
        let (result, nanoseconds) = timed(|| scene.ledger.machine.transact(transaction.clone()));
        assert!(result.expect("the call is valid").result.is_success());
        nanoseconds
    };
    let nanoseconds = in_turn((native, bytecode), rounds, once);
    let (mode, calls) = ("one transaction", times * operation.count());
    row(native, operation, Measured { mode, calls, gas, nanoseconds })
}

/// Times transactions, each of which is kept.
fn in_transactions(
    native: &mut Scene,
    bytecode: &mut Scene,
    operation: &Operation,
    rounds: u64,
) -> Value {
    let times = CALLS.div_ceil(operation.count());
    let transactions: Vec<TxEnv> = (0..times)
        .flat_map(|_| operation.by_account.iter())
        .map(|(to, data)| sent(native, *to, data))
        .collect();
    let mut gas = [0, 0];
    for (scene, gas) in [&mut *native, &mut *bytecode].into_iter().zip(&mut gas) {
        for (to, data) in &operation.by_account {
            let outcome = scene.execute(ACCOUNT, *to, data);
            assert!(outcome.is_done, "{}: {}", operation.name, outcome.output);
            *gas += scene.ledger.gas_used * times;
        }
    }
    let once = |scene: &mut Scene| {
        let machine = &mut scene.ledger.machine;
        let (results, nanoseconds) = timed(|| {
            let execute = |transaction: &TxEnv| machine.transact_commit(transaction.clone());
            transactions.iter().map(execute).collect::<Vec<_>>()
        });
        for result in results {
            assert!(result.expect("the transaction is valid").is_success(), "{}", operation.name);
        }
        nanoseconds
    };
    let nanoseconds = in_turn((native, bytecode), rounds, once);
    let (mode, calls) = ("whole transactions", times * operation.count());
    row(native, operation, Measured { mode, calls, gas, nanoseconds })
}

/// Measures both in turn, so that what else the machine does falls on both.
fn in_turn(
    (native, bytecode): (&mut Scene, &mut Scene),
    rounds: u64,
    once: impl Fn(&mut Scene) -> u64,
) -> [Vec<u64>; 2] {
    let mut measured = [Vec::new(), Vec::new()];
    for round in 0..WARMING + rounds {
        let nanoseconds = [once(native), once(bytecode)];
        if round >= WARMING {
            measured[0].push(nanoseconds[0]);
            measured[1].push(nanoseconds[1]);
        }
    }
    measured
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn timed<T>(act: impl FnOnce() -> T) -> (T, u64) {
    let begun = Instant::now();
    let result = act();
    (result, u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX))
}

/// What was measured of native and bytecode, in all.
struct Measured {
    mode: &'static str,
    calls: u64,
    gas: [u64; 2],
    /// Of each round.
    nanoseconds: [Vec<u64>; 2],
}

/// Returns the measurements of one operation: nanoseconds and gas for each call.
fn row(scene: &Scene, operation: &Operation, measured: Measured) -> Value {
    let Measured { mode, calls, gas, nanoseconds } = measured;
    let [native, bytecode] =
        nanoseconds.map(|list| list.into_iter().map(|sum| sum / calls).collect::<Vec<_>>());
    json!({
        "assets": scene.assets.name(),
        "operation": operation.name,
        "level": operation.level.name(),
        "mode": mode,
        "gas": { "native": gas[0] / calls, "bytecode": gas[1] / calls },
        "nanoseconds": { "native": native, "bytecode": bytecode },
    })
}
