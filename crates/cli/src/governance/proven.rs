//! `gleaner proposals prove` and `verify`: the votes of a proposal, counted again by who trusts no node.
//!
//! The proof is of the Governor's slots that say everything about a proposal. Whoever has the hash of a block reads them from it, and applies the rules of
//! `governance` to them: the same functions as the ledger.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use abi::GOVERNOR;
use alloy_eips::BlockId;
use alloy_primitives::{B256, U256};
use anyhow::{Context as _, anyhow, ensure};
use execution::{ProofDocument, Proven, proven_proposal, proven_proposal_id};
use governance::proposal::{
    Tally,
    two_houses::{Decision, House, Proposal},
};
use serde_json::{Value, json};

use super::action::aligned;
use super::{class_text, connect, find, share_text, state_text, votes_text};
use crate::options::LedgerArgs;
use crate::output::Output;
use crate::shell;
use crate::verify_proof;

/// Flags of `gleaner proposals prove`.
#[derive(Debug, clap::Args)]
pub(super) struct ProveArgs {
    /// The proposal's number or id
    proposal: String,
    /// Block after which the state is proven: a number, a hash or latest
    #[arg(long, value_name = "BLOCK", default_value = "latest")]
    block: BlockId,
    /// Where to write the proof [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Flags of `gleaner proposals verify`.
#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// The proposal's number
    number: u64,
    /// Proof file, as `gleaner proposals prove` writes it; `-` is stdin
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Hash of the block to which it must belong, from a source that you trust
    #[arg(long, value_name = "HASH")]
    block_hash: B256,
}

/// Fetches the proof of a proposal, checks it, and writes it.
///
/// # Errors
/// When there is no such proposal, the node returns no valid proof, or the file can't be written.
pub(super) fn prove(args: &ProveArgs, output: &Output) -> anyhow::Result<()> {
    let (number, answer) = shell::block_on_until_interrupted(async {
        let ledger = connect(&args.ledger).await?;
        let proposal = find(&ledger, &args.proposal).await?;
        let slots: Vec<U256> = slots(proposal.number, proposal.id).into_iter().collect();
        Ok((proposal.number, ledger.state_proof(GOVERNOR, &slots, args.block).await?))
    })?;
    let url = &args.ledger.rpc;
    let document: ProofDocument =
        serde_json::from_value(answer).with_context(|| format!("{url} did not return a proof"))?;
    let proven =
        document.verify(None).with_context(|| format!("{url} returned an invalid proof"))?;
    let counted = Counted::of(number, &proven)?;
    let text = serde_json::to_string_pretty(&document).context("the proof can't be written")?;
    let Some(path) = &args.out else { return output.print(&document, &text) };
    let shown = path.display();
    fs::write(path, text + "\n").with_context(|| format!("{shown}: can't be written"))?;
    output.print(&counted.document(), &format!("{}\n\nwritten to {shown}", counted.text()))
}

/// Counts a proposal again from its proof.
///
/// # Errors
/// When the file can't be read, the proof is invalid or of another block, or does not prove this proposal.
pub(super) fn verify(args: &VerifyArgs, output: &Output) -> anyhow::Result<()> {
    let proven = verify_proof::proven(&args.file, Some(&args.block_hash))?;
    let counted = Counted::of(args.number, &proven)
        .with_context(|| format!("{}: proves something else", args.file.display()))?;
    output.print(&counted.document(), &counted.text())
}

/// Returns the slots that say everything about a proposal: those that are read when nothing is in them.
fn slots(number: u64, id: U256) -> BTreeSet<U256> {
    let mut slots = BTreeSet::new();
    let mut note = |slot| {
        slots.insert(slot);
        U256::ZERO
    };
    proven_proposal_id(number, &mut note);
    proven_proposal(id, &mut note);
    slots
}

/// A proposal as it is proven, and what the rules make of it.
struct Counted {
    number: u64,
    id: U256,
    block: (u64, B256),
    proposal: Proposal,
    state: &'static str,
    decision: Decision,
}

impl Counted {
    fn of(number: u64, proven: &Proven) -> anyhow::Result<Self> {
        ensure!(proven.address == GOVERNOR, "it is a proof of {}", proven.address);
        let words: BTreeMap<U256, U256> = proven.slots.iter().copied().collect();
        let missing = RefCell::new(None);
        let mut read = |slot| {
            let word = words.get(&slot).copied();
            word.unwrap_or_else(|| {
                missing.borrow_mut().get_or_insert(slot);
                U256::ZERO
            })
        };
        let id = proven_proposal_id(number, &mut read);
        ensure_none(&missing)?;
        ensure!(!id.is_zero(), "the ledger had no proposal {number} then");
        let proposal = proven_proposal(id, &mut read);
        ensure_none(&missing)?;
        let proposal = proposal.ok_or_else(|| anyhow!("proposal {number} is malformed"))?;
        let now = proven.header.timestamp;
        let state = proposal.state(now)?.ok_or_else(|| anyhow!("there is no such proposal"))?;
        let decision = proposal.decision_at(now)?;
        let block = (proven.header.number, proven.header.hash());
        Ok(Self { number, id, block, proposal, state: state_text(state), decision })
    }

    fn houses(&self) -> [(House, Tally, U256); 2] {
        let Proposal { votes, electorate, .. } = &self.proposal;
        [
            (House::Stake, votes.stake, electorate.stake_total),
            (House::Work, votes.work, electorate.work_total),
        ]
    }

    fn document(&self) -> Value {
        let [stake, work] = self.houses().map(|(_, cast, total)| {
            json!({
                "yes": cast.approving.to_string(),
                "no": cast.against.to_string(),
                "abstain": cast.abstaining.to_string(),
                "total": total.to_string(),
            })
        });
        let sealing = self.proposal.sealing;
        json!({
            "number": self.number,
            "id": self.id.to_string(),
            "block_number": self.block.0,
            "block_hash": self.block.1,
            "class": class_text(self.proposal.class),
            "state": self.state,
            "stake": stake,
            "work": work,
            "stake_quorum": self.proposal.electorate.stake_quorum.to_string(),
            "sealed": self.proposal.is_sealed(),
            "ballots": sealing.ballots,
            "opened": sealing.opened,
            "decision": {
                "passes": self.decision.is_passed(),
                "number": self.decision.number(),
                "reason": self.decision.reason(),
            },
            "jury_is_proven": !matches!(self.decision, Decision::JuryNeeded(_)),
        })
    }

    fn text(&self) -> String {
        let mut rows = vec![
            ("proposal", format!("{} {}", self.number, self.id)),
            ("block", format!("{} {}", self.block.0, self.block.1)),
            ("class", class_text(self.proposal.class).to_owned()),
            ("state", self.state.to_owned()),
        ];
        for (house, cast, total) in self.houses() {
            let part = |votes: U256| format!("{} ({votes})", share_text(votes, total));
            let (yes, no, abstain) =
                (part(cast.approving), part(cast.against), part(cast.abstaining));
            let name = if house == House::Stake { "stake house" } else { "work house" };
            let whole = votes_text(house, total);
            rows.push((name, format!("yes {yes}, no {no}, abstain {abstain} of {whole}")));
        }
        if self.proposal.is_sealed() {
            let (ballots, opened) = (self.proposal.sealing.ballots, self.proposal.sealing.opened);
            rows.push(("ballots", format!("sealed: {ballots} cast, {opened} open")));
        }
        let passes = if self.decision.is_passed() { "passes" } else { "fails" };
        rows.push(("decision", format!("{passes}: {}", self.decision.reason())));
        if matches!(self.decision, Decision::JuryNeeded(_)) {
            rows.push(("jury", "what it says is not part of this proof".to_owned()));
        }
        aligned(rows)
    }
}

fn ensure_none(missing: &RefCell<Option<U256>>) -> anyhow::Result<()> {
    match *missing.borrow() {
        None => Ok(()),
        Some(slot) => Err(anyhow!("the proof has no slot {slot:#x}")),
    }
}
