//! `kill -9` at random moments while accounts send as fast as they can: every restart is at a whole block with a
//! correct root, no acknowledged transaction is lost, and value is conserved.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, U256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use serde_json::{Value, json};
use store::Store;

use crate::support::Machine;

/// Number of kills in a normal test run; `GLEANER_TEST_KILLS` sets another.
const KILLS: u64 = 12;
const SENDERS: u8 = 4;
const FUNDS: u128 = 1_000_000 * 10_u128.pow(18);
const RECEIVER: Address = Address::repeat_byte(0xaa);
/// A sender requests the receipt of what it sent this many transfers ago.
const LOOK_BACK: usize = 40;

fn key(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(index + 1)).unwrap()
}

/// What the node had acknowledged to a sender when it was killed.
#[derive(Default)]
struct Told {
    /// Hashes returned by the node.
    taken: Vec<B256>,
    /// Heights of the blocks in receipts.
    included: BTreeMap<B256, u64>,
}

#[test]
fn a_killed_node_loses_no_acknowledged_transaction() {
    #[expect(clippy::disallowed_methods, reason = "the number of kills can be set")]
    let kills = std::env::var("GLEANER_TEST_KILLS").ok().and_then(|text| text.parse().ok());
    let machine = Machine::new();
    let funds: Vec<String> =
        (0..SENDERS).map(|index| format!("{}=1000000", key(index).address())).collect();
    let mut args: Vec<&str> = funds.iter().flat_map(|fund| ["--fund", fund]).collect();
    let mut told = Told::default();
    let mut random = 7_u64;
    for _ in 0..kills.unwrap_or(KILLS) {
        let mut node = machine.node(&args);
        args.clear();
        let address = &node.address().to_owned();
        let found = thread::scope(|scope| {
            let senders: Vec<_> =
                (0..SENDERS).map(|index| scope.spawn(move || send(address, index))).collect();
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            thread::sleep(Duration::from_millis(20 + (random >> 33) % 400));
            node.kill_now();
            senders.into_iter().map(|sender| sender.join().unwrap()).collect::<Vec<_>>()
        });
        for Told { taken, included } in found {
            told.taken.extend(taken);
            told.included.extend(included);
        }
        check_store(&machine, &told);
    }
    assert!(told.taken.len() > 100 && told.included.len() > 10, "there was some load");
    // All acknowledged transactions get into a block.
    let node = machine.node(&[]);
    let mut client = Client::connect(node.address()).unwrap();
    for hash in &told.taken {
        while client.ask("eth_getTransactionReceipt", &json!([hash])).unwrap().is_null() {
            let waiting = client.ask("eth_getTransactionByHash", &json!([hash])).unwrap();
            assert!(!waiting.is_null(), "{hash} was taken and is lost");
            thread::sleep(Duration::from_millis(5));
        }
    }
    node.kill();
    check_store(&machine, &told);
}

/// Sends transfers until the node is killed.
fn send(address: &str, index: u8) -> Told {
    let mut told = Told::default();
    let _gone = try_send(address, index, &mut told);
    told
}

fn try_send(address: &str, index: u8, told: &mut Told) -> Option<()> {
    let key = key(index);
    let mut client = Client::connect(address)?;
    let number = |value: Value| u64::from_str_radix(&value.as_str()?[2..], 16).ok();
    let chain_id = number(client.ask("eth_chainId", &json!([]))?)?;
    let first = number(client.ask("eth_getTransactionCount", &json!([key.address(), "pending"]))?)?;
    for nonce in first.. {
        let transfer = TxEip1559 {
            chain_id,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 100_000_000_000,
            max_priority_fee_per_gas: 1,
            to: RECEIVER.into(),
            value: U256::ONE,
            ..TxEip1559::default()
        };
        let signature = key.sign_hash_sync(&transfer.signature_hash()).unwrap();
        let signed = TxEnvelope::from(transfer.into_signed(signature)).encoded_2718();
        let signed = alloy_primitives::hex::encode_prefixed(signed);
        let answer = client.ask("eth_sendRawTransaction", &json!([signed]))?;
        match answer.as_str() {
            Some(hash) => told.taken.push(hash.parse().unwrap()),
            // Too many wait, or the base fee is too high: wait for the producer.
            None => thread::sleep(Duration::from_millis(2)),
        }
        if answer.is_null() {
            return try_send(address, index, told);
        }
        if let Some(earlier) = told.taken.len().checked_sub(LOOK_BACK) {
            let hash = told.taken[earlier];
            let receipt = client.ask("eth_getTransactionReceipt", &json!([hash]))?;
            if let Some(height) = number(receipt["blockNumber"].clone()) {
                told.included.insert(hash, height);
            }
        }
    }
    Some(())
}

/// Opens the store as the next start will.
fn check_store(machine: &Machine, told: &Told) {
    let store = Store::open(&machine.path("node")).unwrap();
    store.verify().unwrap();
    let reader = store.reader().unwrap();
    for (hash, height) in &told.included {
        let location = reader.locate(hash).unwrap();
        assert_eq!(location.map(|location| location.block_number), Some(*height), "{hash}");
    }
    // Only base fees are burnt, and these accounts hold all value.
    let mut burnt = U256::ZERO;
    for number in 1..=reader.head().number {
        let header = reader.header(number).unwrap().unwrap();
        burnt += U256::from(header.gas_used) * U256::from(header.base_fee_per_gas.unwrap());
    }
    let holders = (0..SENDERS).map(|index| key(index).address()).chain([RECEIVER, Address::ZERO]);
    let held: U256 = holders
        .filter_map(|holder| reader.account(&holder).unwrap())
        .map(|account| account.balance)
        .sum();
    assert_eq!(held + burnt, U256::from(FUNDS) * U256::from(SENDERS));
}

/// A JSON-RPC client over one connection; it returns `None` once the connection is lost.
struct Client {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Client {
    fn connect(host: &str) -> Option<Self> {
        let stream = BufReader::new(TcpStream::connect(host).ok()?);
        Some(Self { stream, host: host.to_owned() })
    }

    /// Returns the result; null if the node refuses.
    fn ask(&mut self, method: &str, params: &Value) -> Option<Value> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let (host, body) = (&self.host, body.to_string());
        let request = format!(
            "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).ok()?;
        let (mut size, mut line) = (0, String::new());
        while line != "\r\n" {
            line.clear();
            self.stream.read_line(&mut line).ok().filter(|count| *count > 0)?;
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                size = text.trim().parse().unwrap();
            }
        }
        let mut answer = vec![0; size];
        self.stream.read_exact(&mut answer).ok()?;
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        Some(answer["result"].take())
    }
}
