//! `gleaner verify-proof`: checks a proof of the state, without a node.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};
use anyhow::{Context as _, ensure};
use execution::{AccountDocument, ProofDocument, Proven};
use serde::Serialize;
use units::Wei;

use crate::output::{Output, lines, table};

/// Largest proof in bytes: the largest number of slots, with the longest paths.
const PROOF_SIZE_MAX: u64 = 32 << 20;

/// Flags of `gleaner verify-proof`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Proof file, as `gleaner proof` writes it; `-` is stdin
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Hash of the block to which it must belong, from a source that you trust
    #[arg(long, value_name = "HASH")]
    block_hash: Option<B256>,
}

/// The proven values; amounts in the smallest unit.
#[derive(Serialize)]
pub(crate) struct Summary {
    block_number: u64,
    block_hash: B256,
    /// Whether the caller trusts the hash.
    block_is_trusted: bool,
    timestamp: u64,
    address: Address,
    /// `null` if the account does not exist.
    account: Option<AccountDocument>,
    slots: Vec<SlotValue>,
}

#[derive(Serialize)]
struct SlotValue {
    slot: U256,
    value: U256,
}

impl Summary {
    pub(crate) fn new(proven: &Proven, trusted: Option<&B256>) -> Self {
        let slots = proven.slots.iter().map(|&(slot, value)| SlotValue { slot, value });
        Self {
            block_number: proven.header.number,
            block_hash: proven.header.hash(),
            block_is_trusted: trusted.is_some(),
            timestamp: proven.header.timestamp,
            address: proven.address,
            account: proven.account.map(AccountDocument::from),
            slots: slots.collect(),
        }
    }

    /// Formats the summary as text.
    pub(crate) fn text(&self) -> String {
        let row = |name: &str, value: String| vec![name.to_owned(), value];
        let mut rows = vec![
            row("block", format!("{} {}", self.block_number, self.block_hash)),
            row("account", self.address.to_string()),
        ];
        match &self.account {
            None => rows.push(row("", "does not exist".to_owned())),
            Some(AccountDocument { nonce, balance, code_hash }) => {
                rows.push(row("nonce", nonce.to::<u64>().to_string()));
                rows.push(row("balance", grain(*balance)));
                let code = if *code_hash == KECCAK256_EMPTY {
                    "none".into()
                } else {
                    code_hash.to_string()
                };
                rows.push(row("code", code));
            }
        }
        let text = lines(&rows);
        if self.slots.is_empty() {
            return text;
        }
        let slots: Vec<_> = self
            .slots
            .iter()
            .map(|SlotValue { slot, value }| vec![format!("{slot:#x}"), format!("{value:#x}")])
            .collect();
        format!("{text}\n\n{}", table(&["slot", "value"], &slots))
    }
}

fn grain(balance: U256) -> String {
    match u128::try_from(balance) {
        Ok(balance) => format!("{} GRAIN", Wei::new(balance).to_grain()),
        Err(_) => format!("{balance} in the smallest unit"),
    }
}

/// Checks a proof and prints what it proves.
///
/// # Errors
/// When the file can't be read, or the proof is invalid.
pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<()> {
    let trusted = args.block_hash.as_ref();
    let proven = proven(&args.file, trusted)?;
    let summary = Summary::new(&proven, trusted);
    output.print(&summary, &summary.text())?;
    if trusted.is_none() {
        let (number, hash) = (summary.block_number, summary.block_hash);
        output.say(&format!(
            "NOT YET PROVEN: this holds if {hash} is the hash of block {number}; ask a source that you trust, or give its hash with --block-hash"
        ));
    }
    Ok(())
}

/// Reads a proof, and returns what it proves.
///
/// # Errors
/// When the file can't be read, or the proof is invalid or of another block.
pub(crate) fn proven(path: &Path, trusted: Option<&B256>) -> anyhow::Result<Proven> {
    let shown = path.display();
    let text = read(path).with_context(|| format!("{shown}: can't be read"))?;
    let document: ProofDocument =
        serde_json::from_str(&text).with_context(|| format!("{shown}: is not a proof"))?;
    document.verify(trusted).with_context(|| format!("{shown}: the proof is invalid"))
}

/// Reads a proof file, `-` from stdin.
///
/// # Errors
/// When it can't be read, or is too large.
pub(crate) fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let limit = PROOF_SIZE_MAX + 1;
    if path == Path::new("-") {
        std::io::stdin().take(limit).read_to_string(&mut text)?;
    } else {
        File::open(path)?.take(limit).read_to_string(&mut text)?;
    }
    let is_small = u64::try_from(text.len()).is_ok_and(|size| size < limit);
    ensure!(is_small, "larger than {} MiB, the maximum of a proof", PROOF_SIZE_MAX >> 20);
    Ok(text)
}
