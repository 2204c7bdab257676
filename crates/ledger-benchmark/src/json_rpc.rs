//! The JSON-RPC requests of the benchmark.

use alloy_primitives::{Address, B256};
use serde_json::{Value, json};

use crate::{http::Connection, load::LoadError};

/// A client of a node, over one connection.
pub(crate) struct Client(Connection);

/// The result of a transaction in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) hash: B256,
    pub(crate) has_succeeded: bool,
}

impl Client {
    pub(crate) async fn connect(host: &str) -> Result<Self, LoadError> {
        let connection = Connection::open(host).await;
        connection.map(Self).map_err(|source| LoadError::Connect { host: host.to_owned(), source })
    }

    pub(crate) async fn chain_id(&mut self) -> Result<u64, LoadError> {
        number(&self.call("eth_chainId", &json!([])).await?)
    }

    /// Returns a fee per gas with which transfers stay valid even if the base fee doubles a few times.
    pub(crate) async fn generous_fee(&mut self) -> Result<u128, LoadError> {
        let price = number(&self.call("eth_gasPrice", &json!([])).await?)?;
        Ok(u128::from(price) * 16)
    }

    pub(crate) async fn nonce(&mut self, account: &Address) -> Result<u64, LoadError> {
        number(&self.call("eth_getTransactionCount", &json!([account, "pending"])).await?)
    }

    pub(crate) async fn height(&mut self) -> Result<u64, LoadError> {
        number(&self.call("eth_blockNumber", &json!([])).await?)
    }

    /// Sends signed transactions, each as a request of [`send_request`]; more than one as a batch.
    pub(crate) async fn send<'a>(
        &mut self,
        requests: impl Iterator<Item = &'a str>,
    ) -> Result<(), LoadError> {
        let requests: Vec<&str> = requests.collect();
        if let [request] = *requests {
            let answer = self.0.post(request).await?;
            return result(&answer).map(|_| ());
        }
        let answer = self.0.post(&format!("[{}]", requests.join(","))).await?;
        let answers: Vec<Value> =
            serde_json::from_slice(&answer).map_err(|_| malformed(&answer))?;
        match answers.iter().find(|answer| answer.get("result").is_none()) {
            Some(answer) => Err(refused(answer)),
            None => Ok(()),
        }
    }

    /// Returns the receipts of the blocks from `first` to `last`, by block.
    pub(crate) async fn receipts(
        &mut self,
        first: u64,
        last: u64,
    ) -> Result<Vec<Receipt>, LoadError> {
        let request =
            |height: u64| request(height, "eth_getBlockReceipts", &json!([format!("{height:#x}")]));
        let all: Vec<Value> = (first..=last).map(request).collect();
        let answer = self.0.post(&Value::Array(all).to_string()).await?;
        let answers: Vec<Value> =
            serde_json::from_slice(&answer).map_err(|_| malformed(&answer))?;
        let mut receipts = Vec::new();
        for answer in &answers {
            let block = answer["result"].as_array().ok_or_else(|| refused(answer))?;
            for receipt in block {
                let hash = receipt["transactionHash"].as_str().and_then(|text| text.parse().ok());
                let hash =
                    hash.ok_or_else(|| LoadError::Malformed { answer: receipt.to_string() })?;
                receipts.push(Receipt { hash, has_succeeded: receipt["status"] == "0x1" });
            }
        }
        Ok(receipts)
    }

    async fn call(&mut self, method: &str, parameters: &Value) -> Result<Value, LoadError> {
        let answer = self.0.post(&request(1, method, parameters).to_string()).await?;
        result(&answer)
    }
}

/// Returns the request that sends a signed transaction.
pub(crate) fn send_request(transaction: &[u8]) -> String {
    let transaction = alloy_primitives::hex::encode_prefixed(transaction);
    request(1, "eth_sendRawTransaction", &json!([transaction])).to_string()
}

fn request(id: u64, method: &str, parameters: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": parameters })
}

fn result(answer: &[u8]) -> Result<Value, LoadError> {
    let mut parsed: Value = serde_json::from_slice(answer).map_err(|_| malformed(answer))?;
    match parsed.get_mut("result") {
        Some(result) => Ok(result.take()),
        None => Err(refused(&parsed)),
    }
}

fn number(value: &Value) -> Result<u64, LoadError> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.ok_or_else(|| LoadError::Malformed { answer: value.to_string() })
}

fn refused(answer: &Value) -> LoadError {
    let reason =
        answer["error"]["message"].as_str().map_or_else(|| answer.to_string(), str::to_owned);
    LoadError::Refused { reason }
}

fn malformed(answer: &[u8]) -> LoadError {
    LoadError::Malformed {
        answer: String::from_utf8_lossy(&answer[..answer.len().min(200)]).into_owned(),
    }
}
