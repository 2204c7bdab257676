//! Every method that can work for long ends when nobody waits for it.

use super::*;
use crate::{
    calls,
    connections::Peer,
    context::Context,
    criteria::Criteria,
    filters, logs,
    method_table::Methods,
    parameters::{BlockNumbers, Params},
    server::Options,
    simulate, traces,
};
use alloy_primitives::{Address, U256};
use alloy_rpc_types_eth::Filter;
use execution::{BaseFeeRule, Genesis, GenesisAccount};
use node::{Node, NodeConfig};
use serde_json::value::RawValue;
use std::{path::Path, sync::mpsc, time::Duration};

/// Calls itself until its gas is used: `ADDRESS` as the callee, all gas, no data.
const ENDLESS: [u8; 13] =
    [0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x30, 0x5a, 0xf1, 0x5f, 0x54, 0x50, 0x5f, 0x56];
const CALLED: Address = Address::repeat_byte(0xcc);

fn context(directory: &Path) -> Context {
    let code = ENDLESS.to_vec().into();
    let endless = GenesisAccount { code, ..GenesisAccount::default() };
    let rich = GenesisAccount { balance: U256::from(u128::MAX), ..GenesisAccount::default() };
    let genesis = Genesis {
        chain_id: 4_242,
        timestamp: 1_000,
        gas_limit: 30_000_000,
        base_fee: BaseFeeRule { initial: 1_000, minimum: 7, change_denominator: 8, elasticity: 2 },
        fee_recipient: Address::repeat_byte(0xbe),
        commitment: 2,
        revisions: execution::Schedule::FIRST,
        referees: None,
        price_reporters: None,
        accounts: [(CALLED, endless), (Address::ZERO, rich)].into(),
    };
    let node = Node::open(NodeConfig::new(directory, Some(genesis))).unwrap();
    Context::new(node, &Options::STANDARD)
}

/// Does `work` on this thread; nobody waits for it from its first instruction on.
fn abandon<T>(work: impl FnOnce() -> Answer<T>) -> Option<&'static str> {
    let (interest, running) = channel();
    let result = running.run(|| {
        drop(interest);
        work()
    });
    match result {
        Ok(_) => Some("it finished"),
        Err(error) if error.message() == abandoned().message() => None,
        Err(_) => Some("it failed otherwise"),
    }
}

fn params(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

#[test]
fn abandoned_work_ends() {
    let directory = tempfile::tempdir().unwrap();
    let context = context(directory.path());
    let node = &context.node;
    let call = params(&format!(r#"[{{"to":"{CALLED}"}}]"#));
    let call = Params::new(Some(&call), BlockNumbers::Quoted);
    let asked = calls::parameters(&call).unwrap();
    let criteria = Criteria::new(Filter::new().from_block(0_u64)).unwrap();
    let filter = filters::new_logs(&context, Filter::new()).unwrap();
    assert_eq!(abandon(|| calls::call(node, &asked)), None, "eth_call");
    assert_eq!(abandon(|| calls::estimate_gas(node, &asked)), None, "eth_estimateGas");
    assert_eq!(abandon(|| calls::access_list(node, &asked)), None, "eth_createAccessList");
    let traced = traces::call_parameters(&call).unwrap();
    assert_eq!(abandon(|| traces::call(node, &traced)), None, "debug_traceCall");
    let blocks = params(&format!(r#"[{{"blockStateCalls":[{{"calls":[{{"to":"{CALLED}"}}]}}]}}]"#));
    let blocks = Params::new(Some(&blocks), BlockNumbers::Quoted);
    let simulation = simulate::parameters(&blocks).unwrap();
    assert_eq!(abandon(|| simulate::simulate(node, &simulation)), None, "eth_simulateV1");
    assert_eq!(abandon(|| logs::find(node, &criteria)), None, "eth_getLogs");
    // A poll reads the blocks since the filter was made; there are none, so nothing is searched.
    assert!(filters::changes(&context, &filter).is_ok());
    let (_interest, waited) = channel();
    assert!(waited.run(|| logs::find(node, &criteria)).is_ok(), "somebody waits for this");
    let (_interest, waited) = channel();
    let outcome = waited.run(|| calls::call(node, &asked)).unwrap_err();
    assert_ne!(outcome.message(), abandoned().message());
}

#[test]
fn a_request_whose_client_goes_is_abandoned() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let context = Arc::new(context(directory.path()));
    let mut methods = Methods::default();
    let (said, heard) = mpsc::channel();
    let said = std::sync::Mutex::new(said);
    methods.add("endless", move |_, _| -> Answer<u64> {
        let said = said.lock().unwrap().clone();
        said.send("begun").unwrap();
        loop {
            if let Err(error) = check() {
                said.send("abandoned").unwrap();
                return Err(error);
            }
            std::thread::yield_now();
        }
    });
    runtime.block_on(async {
        let answer = methods.find("endless").unwrap().answer(
            &context,
            None,
            Peer(std::net::Ipv4Addr::LOCALHOST.into()),
        );
        let late = tokio::time::timeout(Duration::from_millis(50), answer).await;
        assert!(late.is_err(), "it has no end of its own");
    });
    let wait = Duration::from_secs(30);
    assert_eq!(heard.recv_timeout(wait), Ok("begun"));
    assert_eq!(heard.recv_timeout(wait), Ok("abandoned"));
}

#[test]
fn work_that_has_not_begun_does_not_begin() {
    let (interest, work) = channel();
    drop(interest);
    let result = work.run(|| -> Answer<()> { panic!("nobody waits for this") });
    assert!(result.is_err());
    assert!(check().is_ok(), "the thread's next work is not abandoned");
}

#[test]
fn a_poll_of_one_filter_does_not_hold_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let context = context(directory.path());
    let [slow, other] = [(); 2].map(|()| filters::new_logs(&context, Filter::new()).unwrap());
    let slow = context.filters().asked(&slow).unwrap();
    // As while its blocks are searched.
    let _searching = slow.lock().unwrap();
    assert!(filters::changes(&context, &other).is_ok());
    assert!(filters::new_blocks(&context).is_ok());
    assert!(filters::uninstall(&context, &other).unwrap());
}
