//! `gleaner proposals prove` and `verify`: the votes of a proposal, counted again by who trusts no node.
//!
//! The proof is of the Governor's slots that say everything about a proposal. Whoever has the hash of a block reads them from it, and applies the rules of
//! `governance` to them: the same functions as the ledger. Where a jury decides in place of a house, the proof has it too ([`jury`]).

mod jury;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use abi::GOVERNOR;
use alloy_eips::BlockId;
use alloy_primitives::{B256, U256};
use anyhow::{Context as _, anyhow, ensure};
use execution::{ProofDocument, Proven, proven_proposal, proven_proposal_id};
use governance::{
    jury::{Panel, Verdict},
    proposal::{
        Tally,
        two_houses::{Decision, House, Jury, Proposal},
    },
};
use jury::{Judged, JuryDocument};
use serde_json::{Value, json};

use super::action::{self, aligned};
use super::{class_text, connect_to_show, find, share_text, state_text, votes_text};
use crate::options::LedgerArgs;
use crate::output::Output;
use crate::shell;
use crate::verify_proof;

/// The key of a proof under which its jury is.
const JURY: &str = "jury";

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
    /// An earlier proof of the same proposal: what its jury was drawn from is taken from it where the node keeps that state no longer
    #[arg(long, value_name = "FILE")]
    earlier: Option<PathBuf>,
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
    /// Hash of the block that drew the jury, from a source that you trust: for a proof without the headers that lead back to it
    #[arg(long, value_name = "HASH")]
    draw_hash: Option<B256>,
}

/// Fetches the proof of a proposal, checks it, and writes it.
///
/// # Errors
/// When there is no such proposal, the node returns no valid proof, or the file can't be written.
pub(super) fn prove(args: &ProveArgs, output: &Output) -> anyhow::Result<()> {
    let url = &args.ledger.rpc;
    let earlier = args.earlier.as_deref().map(parse_file).transpose()?;
    let (number, document, gap) = shell::block_on_until_interrupted(async {
        let ledger = connect_to_show(&args.ledger, output).await?;
        let proposal = find(&ledger, &args.proposal).await?;
        let number = proposal.number;
        let slots: Vec<U256> = slots(number, proposal.id).into_iter().collect();
        let answer = ledger.state_proof(GOVERNOR, &slots, args.block).await?;
        let votes: ProofDocument = serde_json::from_value(answer)
            .with_context(|| format!("{url} did not return a proof"))?;
        let proven =
            votes.verify(None).with_context(|| format!("{url} returned an invalid proof"))?;
        let (mut jury, mut gap) = (None, None);
        if matches!(Counted::of((number, None), &proven, None)?.decision, Decision::JuryNeeded(_)) {
            let first = proposal.posting.as_ref().map_or(0, |posting| posting.height);
            let block = (first, &proven.header);
            let earlier = earlier.and_then(|document| document.jury);
            let asked = jury::ask(&ledger, proposal.id, block, earlier).await?;
            (jury, gap) = (Some(asked.0), asked.1);
        }
        Ok((number, VotesDocument { votes, jury }, gap))
    })?;
    let counted = document.counted((number, None), None);
    let counted = counted.with_context(|| format!("{url}: the proof"))?;
    if let Some(gap) = gap {
        output.say(&format!("note: {gap}"));
    }
    let document = document.into_value()?;
    let text = serde_json::to_string_pretty(&document).context("the proof can't be written")?;
    let Some(path) = &args.out else { return output.print(&document, &text) };
    let shown = path.display();
    fs::write(path, text + "\n").with_context(|| format!("{shown}: can't be written"))?;
    output.print(&counted.document(), &format!("{}\n\nwritten to {shown}", counted.text()))
}

/// A proof of a proposal: of its slots, as a proof of any account; with the key `jury` where one is needed.
struct VotesDocument {
    votes: ProofDocument,
    jury: Option<JuryDocument>,
}

impl VotesDocument {
    fn into_value(self) -> anyhow::Result<Value> {
        let mut value = action::value(&self.votes)?;
        if let (Some(jury), Some(fields)) = (&self.jury, value.as_object_mut()) {
            fields.insert(JURY.to_owned(), action::value(jury)?);
        }
        Ok(value)
    }

    fn parse(text: &str) -> serde_json::Result<Self> {
        let mut value: Value = serde_json::from_str(text)?;
        let jury = value.as_object_mut().and_then(|fields| fields.remove(JURY));
        let jury = jury.map(serde_json::from_value).transpose()?;
        Ok(Self { votes: serde_json::from_value(value)?, jury })
    }

    /// Counts a proposal again, by its number and the trusted hash of the block that drew its jury, if there is one.
    fn counted(&self, of: (u64, Option<&B256>), trusted: Option<&B256>) -> anyhow::Result<Counted> {
        let proven = self.votes.verify(trusted).context("the proof is invalid")?;
        Counted::of(of, &proven, self.jury.as_ref()).context("proves something else")
    }
}

/// Counts a proposal again from its proof.
///
/// # Errors
/// When the file can't be read, the proof is invalid or of another block, or does not prove this proposal.
pub(super) fn verify(args: &VerifyArgs, output: &Output) -> anyhow::Result<()> {
    let document = parse_file(&args.file)?;
    let of = (args.number, args.draw_hash.as_ref());
    let counted = document.counted(of, Some(&args.block_hash));
    let counted = counted.with_context(|| args.file.display().to_string())?;
    output.print(&counted.document(), &counted.text())
}

fn parse_file(path: &Path) -> anyhow::Result<VotesDocument> {
    let shown = path.display();
    let text = verify_proof::read(path).with_context(|| format!("{shown}: can't be read"))?;
    VotesDocument::parse(&text).with_context(|| format!("{shown}: is not a proof"))
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
    jury: Option<Judged>,
}

impl Counted {
    fn of(
        (number, draw_hash): (u64, Option<&B256>),
        proven: &Proven,
        jury: Option<&JuryDocument>,
    ) -> anyhow::Result<Self> {
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
        let mut proposal = proposal.ok_or_else(|| anyhow!("proposal {number} is malformed"))?;
        let jury = match (proposal.decision(), jury) {
            (Decision::JuryNeeded(_), Some(jury)) => {
                Some(jury.judge(id, (&proven.header, draw_hash))?)
            }
            _ => None,
        };
        if let Some(judged) = &jury {
            proposal.jury = match judged.verdict {
                _ if judged.case.height == 0 => Jury::None,
                Verdict::Open => Jury::Sits,
                Verdict::Yes => Jury::Yes,
                Verdict::No | Verdict::Absent => Jury::No,
            };
        }
        let now = proven.header.timestamp;
        let state = proposal.state(now)?.ok_or_else(|| anyhow!("there is no such proposal"))?;
        let decision = proposal.decision_at(now)?;
        let block = (proven.header.number, proven.header.hash());
        Ok(Self { number, id, block, proposal, state: state_text(state), decision, jury })
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
            "jury": self.jury.as_ref().map(jury_document),
            "jury_is_proven": self.is_jury_proven(),
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
        match &self.jury {
            Some(judged) => rows.push(("jury", jury_text(judged))),
            None if matches!(self.decision, Decision::JuryNeeded(_)) => {
                rows.push(("jury", "what it says is not part of this proof".to_owned()));
            }
            None => {}
        }
        aligned(rows)
    }

    /// Whether no jury is needed, or everything about it was found again.
    fn is_jury_proven(&self) -> bool {
        let is_open = matches!(self.decision, Decision::JuryNeeded(_));
        self.jury
            .as_ref()
            .map_or(!is_open, |judged| judged.case.panel.drawn_at == 0 || judged.is_whole())
    }
}

fn verdict_text(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Open => "open",
        Verdict::Yes => "yes",
        Verdict::No => "no",
        Verdict::Absent => "absent",
    }
}

fn jury_document(judged: &Judged) -> Value {
    json!({
        "verdict": verdict_text(judged.verdict),
        "yes": judged.case.panel.yes,
        "no": judged.case.panel.no,
        "seats": judged.case.seats_drawn,
        "jurors": judged.jurors,
        "drawn_by_block": judged.case.height,
        "votes_counted_again": judged.counted,
        "votes_not_counted_again": judged.uncounted,
        "seats_drawn_again": judged.redrawn,
    })
}

fn jury_text(judged: &Judged) -> String {
    let Judged { case, counted, uncounted, redrawn, .. } = judged;
    if case.height == 0 {
        return "is not summoned".to_owned();
    }
    if case.panel.drawn_at == 0 {
        return format!("{} of {} seats are drawn", case.seats_drawn, Panel::SIZE);
    }
    let draw = match redrawn {
        0 => "its draw is not part of this proof".to_owned(),
        redrawn => {
            format!("{redrawn} of {} seats drawn again by block {}", Panel::SIZE, case.height)
        }
    };
    let votes = match uncounted {
        0 => format!("{counted} counted again from what was committed to"),
        uncounted => format!("{counted} counted again, {uncounted} as the ledger says"),
    };
    let (yes, no) = (case.panel.yes, case.panel.no);
    format!("{}: {yes} yes, {no} no; {votes}; {draw}", verdict_text(judged.verdict))
}

fn ensure_none(missing: &RefCell<Option<U256>>) -> anyhow::Result<()> {
    match *missing.borrow() {
        None => Ok(()),
        Some(slot) => Err(anyhow!("the proof has no slot {slot:#x}")),
    }
}
