//! A scripted node: a nonce, a pool of one transaction, and a list of faults.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy_consensus::{Transaction as _, TxEnvelope, transaction::SignerRecoverable as _};
use alloy_eips::eip2718::Decodable2718 as _;
use alloy_primitives::{B256, Bytes, hex};
use alloy_rpc_types_eth::{Block, Transaction, TransactionInfo};
use alloy_signer::Signer as _;
use alloy_signer_local::PrivateKeySigner;
use ledger_client::{Ledger, LedgerError};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use units::AccountId;

pub(crate) const CHAIN_ID: u64 = 4242;
pub(crate) const PATIENT: Duration = Duration::from_secs(30);
/// Time limit of calls that must time out.
pub(crate) const IMPATIENT: Duration = Duration::from_millis(600);

/// The script of the node. A test writes it, the node consumes it.
#[derive(Default)]
pub(crate) struct Script {
    /// Mined transactions; their number is the account's nonce.
    pub(crate) mined: Vec<TxEnvelope>,
    /// Accepted transactions that are not mined.
    pub(crate) pool: Vec<TxEnvelope>,
    /// All transactions that were sent.
    pub(crate) sent: Vec<B256>,
    /// Number of receipt requests before the pool is mined; `None` for never.
    pub(crate) looks_until_mined: Option<u32>,
    /// Number of transactions to accept and lose at once.
    pub(crate) forgets: u32,
    /// Errors of `eth_sendRawTransaction`.
    pub(crate) send_errors: VecDeque<(Bound, &'static str)>,
    /// Answer to `eth_estimateGas`, and to `eth_call` if there is no other: a revert with this data.
    pub(crate) revert: Option<Bytes>,
    /// Data of `eth_call`.
    pub(crate) returns: Bytes,
    /// If set, transactions fail in their block, and `eth_call` reverts with this data from then on.
    pub(crate) fails_in_block: Option<Bytes>,
    /// Tip of the newest blocks, in wei above 2.
    pub(crate) tip_above: u64,
    /// Raw responses: status line and body.
    pub(crate) http: VecDeque<(&'static str, &'static str)>,
    /// Logs of every receipt, and the result of `eth_getLogs`.
    pub(crate) logs: Value,
    /// The filter of the last `eth_getLogs`.
    pub(crate) filter: Value,
    /// The result of `eth_getBalance`.
    pub(crate) balance: String,
}

/// Whether a transaction is accepted despite the error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    Taken,
    Dropped,
}

pub(crate) struct Stub {
    pub(crate) url: String,
    pub(crate) script: Arc<Mutex<Script>>,
    serving: JoinHandle<()>,
}

impl Stub {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener, script)
    }

    /// Returns an address where nothing listens until [`Self::start_at`].
    pub(crate) async fn free_url() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }

    pub(crate) async fn start_at(url: &str, script: Script) -> Self {
        Self::serve(TcpListener::bind(url.strip_prefix("http://").unwrap()).await.unwrap(), script)
    }

    fn serve(listener: TcpListener, script: Script) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(script));
        let shared = Arc::clone(&script);
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream, Arc::clone(&shared)));
            }
        });
        Self { url, script, serving }
    }

    /// Stops listening and returns the script with the mempool.
    pub(crate) async fn stop(self) -> Script {
        self.serving.abort();
        let _aborted = self.serving.await;
        std::mem::take(&mut *self.script.lock().unwrap())
    }

    pub(crate) async fn ledger(&self) -> Ledger {
        self.ledger_at(&self.url).await
    }

    pub(crate) async fn ledger_at(&self, url: &str) -> Ledger {
        // A signer for another chain id is bound to this chain.
        Ledger::connect(url, Some(signer().with_chain_id(Some(1))), PATIENT).await.unwrap()
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Script) -> T) -> T {
        look(&mut self.script.lock().unwrap())
    }
}

pub(crate) fn signer() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap()
}

pub(crate) fn someone() -> AccountId {
    AccountId::from_bytes([9; 20])
}

pub(crate) fn is_unreachable(error: &LedgerError, url: &str) -> bool {
    matches!(error, LedgerError::Unreachable { url: named, .. } if named == url)
}

async fn answer(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    let Some(body) = read_body(&mut stream).await else { return };
    let request: Value = serde_json::from_slice(&body).unwrap();
    let (status, body) = {
        let mut script = script.lock().unwrap();
        match script.http.pop_front() {
            Some((status, body)) => (status, body.to_owned()),
            None => {
                let mut reply = json!({ "jsonrpc": "2.0", "id": request["id"] });
                match script.reply(request["method"].as_str().unwrap(), &request["params"]) {
                    Ok(result) => reply["result"] = result,
                    Err(error) => reply["error"] = error,
                }
                ("200 OK", reply.to_string())
            }
        }
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _gone = stream.write_all((head + &body).as_bytes()).await;
}

async fn read_body(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.ok().filter(|count| 0 < *count)?;
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let Some(end) = text.find("\r\n\r\n") else { continue };
        let length: usize =
            text.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
        if end + 4 + length <= bytes.len() {
            return Some(bytes.split_off(end + 4));
        }
    }
}

impl Script {
    fn reply(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        Ok(match method {
            "eth_chainId" => quantity(CHAIN_ID),
            "eth_getBalance" => self.balance.clone().into(),
            "eth_getTransactionCount" => quantity(self.mined.len() + self.pool.len()),
            "eth_getBlockByNumber" => {
                let mut block = serde_json::to_value(Block::<Transaction>::default()).unwrap();
                block["number"] = "0x5".into();
                block["timestamp"] = "0x64".into();
                block["baseFeePerGas"] = "0x7".into();
                block
            }
            "eth_feeHistory" => {
                json!({ "oldestBlock": "0x4", "baseFeePerGas": ["0x7", "0x7"], "gasUsedRatio": [0.1], "reward": [[quantity(2 + self.tip_above)]] })
            }
            "eth_estimateGas" => match &self.revert {
                Some(data) => return Err(reverted(data)),
                None => quantity(50_000_u64),
            },
            "eth_call" => match self.fails_in_block.as_ref().or(self.revert.as_ref()) {
                Some(data) => return Err(reverted(data)),
                None => self.returns.to_string().into(),
            },
            "eth_getLogs" => {
                self.filter = params[0].clone();
                self.logs.clone()
            }
            "eth_sendRawTransaction" => return self.send(params[0].as_str().unwrap()),
            "eth_getTransactionReceipt" => {
                self.receipt(params[0].as_str().unwrap().parse().unwrap())
            }
            "eth_getTransactionByHash" => {
                let hash: B256 = params[0].as_str().unwrap().parse().unwrap();
                match self.pool.iter().find(|transaction| *transaction.tx_hash() == hash) {
                    Some(transaction) => {
                        let recovered = transaction.clone().try_into_recovered().unwrap();
                        serde_json::to_value(Transaction::from_transaction(
                            recovered,
                            TransactionInfo::default(),
                        ))
                        .unwrap()
                    }
                    None => Value::Null,
                }
            }
            other => {
                return Err(json!({ "code": -32601, "message": format!("no method {other}") }));
            }
        })
    }

    fn send(&mut self, raw: &str) -> Result<Value, Value> {
        let transaction =
            TxEnvelope::decode_2718(&mut hex::decode(raw).unwrap().as_slice()).unwrap();
        assert_eq!(transaction.recover_signer().unwrap(), signer().address());
        assert_eq!(transaction.chain_id(), Some(CHAIN_ID));
        let hash = *transaction.tx_hash();
        self.sent.push(hash);
        if 0 < self.forgets {
            self.forgets -= 1;
            return Ok(hash.to_string().into());
        }
        let error = self.send_errors.pop_front();
        if error.is_none_or(|(bound, _)| bound == Bound::Taken) {
            let next = u64::try_from(self.mined.len() + self.pool.len()).unwrap();
            if transaction.nonce() < next {
                return Err(rejected("nonce too low"));
            }
            assert_eq!(transaction.nonce(), next, "no nonce is left out");
            self.pool.push(transaction);
        }
        match error {
            Some((_, message)) => Err(rejected(message)),
            None => Ok(hash.to_string().into()),
        }
    }

    fn receipt(&mut self, hash: B256) -> Value {
        match &mut self.looks_until_mined {
            None => {}
            Some(0) => self.mined.append(&mut self.pool),
            Some(looks) => *looks -= 1,
        }
        let Some(transaction) =
            self.mined.iter().find(|transaction| *transaction.tx_hash() == hash)
        else {
            return Value::Null;
        };
        json!({
            "type": "0x2", "status": if self.fails_in_block.is_some() { "0x0" } else { "0x1" }, "transactionHash": hash,
            "transactionIndex": "0x0", "blockHash": B256::repeat_byte(1), "blockNumber": "0x6", "from": signer().address(),
            "to": transaction.to(), "contractAddress": null, "gasUsed": "0x5208", "cumulativeGasUsed": "0x5208",
            "effectiveGasPrice": "0x9", "logs": if self.logs.is_null() { json!([]) } else { self.logs.clone() }, "logsBloom": format!("0x{}", "00".repeat(256)),
        })
    }
}

fn quantity(number: impl TryInto<u64>) -> Value {
    format!("{:#x}", number.try_into().unwrap_or_default()).into()
}

fn rejected(message: &str) -> Value {
    json!({ "code": -32000, "message": message })
}

fn reverted(data: &Bytes) -> Value {
    json!({ "code": 3, "message": "execution reverted", "data": data })
}
