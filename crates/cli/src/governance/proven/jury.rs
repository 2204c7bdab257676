//! The jury in the proof of a proposal: who was drawn, what each has shown, and what follows from it, found again by who trusts only the hash of a block.
//!
//! 1. The state of `Juries` after that block says how many seats each account has, what it committed to, and whether it has shown it. All seats must be accounted for.
//! 2. What the jurors have shown is not in the state; whoever makes the proof says it, and it must be what they committed to. It is counted again.
//! 3. The headers before the block lead back to the one in which the case began; or its hash is trusted, too. This hash draws all seats again, from the weights
//!    that the state had then.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use abi::{JURIES, Juries};
use alloy_consensus::{Header, Sealed};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall as _, SolEvent as _};
use anyhow::{Context as _, anyhow, ensure};
use execution::{
    PROVEN_SLOTS_MAX, ProofDocument, ProvenJuryCase, RedrawError, ancestor, encoded_header,
    jury_commitment, proven_jury_case, proven_jury_seats, redrawn_jury_seat,
};
use governance::jury::{Panel, Seats, Verdict};
use ledger_client::Ledger;
use ledger_views::{Ask as _, LogFilter};
use serde::{Deserialize, Serialize};

/// Blocks between the draw and the block of the proof whose headers are in the proof, at most: with more, it would be too large.
const HEADERS_MAX: u64 = 20_000;
/// Proofs of the state in which seats were drawn, at most: one for each step into the tree of weights, and some.
const DRAW_PROOFS_MAX: usize = 64;
/// Blocks whose events are asked for at a time.
const BLOCKS_AT_ONCE: u64 = 10_000;

/// A jury in a proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct JuryDocument {
    /// The state of `Juries` after the block of the proof.
    state: Vec<ProofDocument>,
    jurors: Vec<JurorDocument>,
    /// What the draw is made again from; `null` if the node does not keep that state any longer.
    draw: Option<DrawDocument>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JurorDocument {
    account: Address,
    /// `null` if it has shown nothing, or in a call that is not a transaction of its own.
    shown: Option<ShownDocument>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ShownDocument {
    is_yes: bool,
    salt: B256,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DrawDocument {
    /// Headers before the block of the proof, the newest first, back to the one in which the case began; none where that would be too many.
    headers: Vec<Bytes>,
    /// The state of `Juries` after that one.
    state: Vec<ProofDocument>,
}

/// A jury, found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) case: ProvenJuryCase,
    pub(super) verdict: Verdict,
    pub(super) jurors: usize,
    /// Seats whose shown vote was counted again, and those whose vote the state alone tells.
    pub(super) counted: u32,
    pub(super) uncounted: u32,
    /// Seats that were drawn again.
    pub(super) redrawn: u32,
}

impl Judged {
    /// Whether everything was found again.
    pub(super) fn is_whole(&self) -> bool {
        self.uncounted == 0 && self.redrawn == Panel::SIZE
    }
}

impl JuryDocument {
    /// Finds a jury again, after a block. `draw_hash` is that of the block in which the case began, if it is trusted, too.
    ///
    /// # Errors
    /// When a proof is invalid or lacks something, or the ledger's jury is not what the rules make of it.
    pub(super) fn judge(
        &self,
        id: U256,
        (block, draw_hash): (&Sealed<Header>, Option<&B256>),
    ) -> anyhow::Result<Judged> {
        let words = words_of(&self.state, &block.hash())?;
        let (case, mut seats) = known(&words, |read| {
            let case = proven_jury_case(id, read);
            let seats = self
                .jurors
                .iter()
                .map(|juror| (juror.account, proven_jury_seats(id, juror.account, &mut *read)));
            (case, seats.collect::<BTreeMap<_, _>>())
        })?;
        seats.retain(|_, seats| seats.count > 0);
        let now = block.timestamp;
        let verdict = match case.panel.drawn_at {
            0 => Verdict::Open,
            _ => case.panel.verdict(now),
        };
        let none = Judged { case, verdict, jurors: 0, counted: 0, uncounted: 0, redrawn: 0 };
        if case.panel.drawn_at == 0 {
            return Ok(none);
        }
        let all: u32 = seats.values().map(|seats| seats.count).sum();
        ensure!(
            all == Panel::SIZE,
            "the jurors of the proof have {all} of {} seats: some are left out",
            Panel::SIZE
        );
        let (counted, uncounted) = self.count_again(id, &case.panel, &seats)?;
        let redrawn = match &self.draw {
            Some(draw) => draw.draw_again(id, (&case, &seats), (block, draw_hash))?,
            None => 0,
        };
        Ok(Judged { jurors: seats.len(), counted, uncounted, redrawn, ..none })
    }

    /// Counts what was shown. Returns the seats whose vote is what they committed to, and those of whom nothing is said.
    fn count_again(
        &self,
        id: U256,
        panel: &Panel,
        seats: &BTreeMap<Address, Seats>,
    ) -> anyhow::Result<(u32, u32)> {
        let shown: BTreeMap<_, _> =
            self.jurors.iter().filter_map(|juror| Some((juror.account, juror.shown?))).collect();
        let (mut yes, mut no, mut uncounted) = (0_u32, 0_u32, 0_u32);
        for (account, seats) in seats.iter().filter(|(_, seats)| seats.is_shown) {
            let Some(ShownDocument { is_yes, salt }) = shown.get(account) else {
                uncounted += seats.count;
                continue;
            };
            let commitment = jury_commitment(id, *account, (*is_yes, *salt));
            ensure!(
                commitment == seats.commitment,
                "{account} did not commit to what is said of it"
            );
            *if *is_yes { &mut yes } else { &mut no } += seats.count;
        }
        let fits = yes <= panel.yes
            && no <= panel.no
            && yes + no + uncounted == panel.yes.saturating_add(panel.no);
        ensure!(
            fits,
            "the ledger counts {} for and {} against, and {yes} and {no} were shown, {uncounted} not said",
            panel.yes,
            panel.no
        );
        Ok((yes + no, uncounted))
    }
}

impl DrawDocument {
    /// Draws all seats again that the hash of this block has drawn, and compares. Returns how many these are: others were drawn by an older one, when a draw began anew.
    fn draw_again(
        &self,
        id: U256,
        (case, seats): (&ProvenJuryCase, &BTreeMap<Address, Seats>),
        (block, draw_hash): (&Sealed<Header>, Option<&B256>),
    ) -> anyhow::Result<u32> {
        let began = match draw_hash {
            Some(hash) => self.header(hash)?,
            None if self.headers.is_empty() => return Ok(0),
            None => ancestor(block, &self.headers).context("the blocks before it")?,
        };
        ensure!(
            began.number == case.height,
            "the case began in block {}, and the draw is that of block {}",
            case.height,
            began.number
        );
        let words = words_of(&self.state, &began.hash())?;
        let before = known(&words, |read| proven_jury_case(id, read))?.seats_drawn;
        let mut again: BTreeMap<Address, (u32, u128)> = BTreeMap::new();
        for number in before..Panel::SIZE {
            let mut read = |slot| words.get(&slot).copied();
            let seat = redrawn_jury_seat(id, (number, began.hash()), &mut read)?;
            let (count, deposit) = again.entry(seat.account).or_default();
            (*count, *deposit) = (*count + 1, seat.deposit.max(*deposit));
        }
        for (account, (count, deposit)) in &again {
            let seats = seats.get(account).copied().unwrap_or_default();
            let fits = match before {
                0 => seats.count == *count && seats.deposit == *deposit,
                _ => seats.count >= *count,
            };
            ensure!(fits, "{account} has {} seats, and is drawn for {count}", seats.count);
        }
        Ok(Panel::SIZE - before)
    }

    /// Returns the header of the block in which the case began, whose hash is trusted.
    fn header(&self, hash: &B256) -> anyhow::Result<Sealed<Header>> {
        let first = self.state.first().context("the draw has no state")?;
        Ok(first.verify(Some(hash)).context("the proof of the draw is invalid")?.header)
    }
}

/// The words that proofs of `Juries` in one state prove.
fn words_of(proofs: &[ProofDocument], hash: &B256) -> anyhow::Result<BTreeMap<U256, U256>> {
    let mut words = BTreeMap::new();
    for proof in proofs {
        let proven = proof.verify(Some(hash)).context("the proof of the jury is invalid")?;
        ensure!(proven.address == JURIES, "it is a proof of {}", proven.address);
        words.extend(proven.slots);
    }
    Ok(words)
}

/// Reads words, all of which must be known.
fn known<T>(
    words: &BTreeMap<U256, U256>,
    read: impl FnOnce(&mut dyn FnMut(U256) -> U256) -> T,
) -> anyhow::Result<T> {
    let missing = RefCell::new(None);
    let found = read(&mut |slot| {
        let word = words.get(&slot).copied();
        word.unwrap_or_else(|| {
            missing.borrow_mut().get_or_insert(slot);
            U256::ZERO
        })
    });
    super::ensure_none(&missing)?;
    Ok(found)
}

/// Asks a node for everything that is needed to find the jury of a proposal again, after a block. What the draw is made from is taken from an earlier proof where the
/// node does not keep that state any longer. Returns what is not in it, if something is missing.
///
/// # Errors
/// When the node does not answer, or answers with an invalid proof.
pub(super) async fn ask(
    ledger: &Ledger,
    id: U256,
    (first, block): (u64, &Sealed<Header>),
    earlier: Option<JuryDocument>,
) -> anyhow::Result<(JuryDocument, Option<String>)> {
    let at = block.hash();
    let (accounts, shown) = events(ledger, id, first..=block.number).await?;
    let mut slots = BTreeSet::new();
    let mut note = |slot| {
        slots.insert(slot);
        U256::ZERO
    };
    proven_jury_case(id, &mut note);
    for account in &accounts {
        proven_jury_seats(id, *account, &mut note);
    }
    let state = prove(ledger, &slots, at).await?;
    let words = words_of(&state, &at)?;
    let case = known(&words, |read| proven_jury_case(id, read))?;
    let juror = |account: Address| JurorDocument { account, shown: shown.get(&account).copied() };
    let jurors = accounts.into_iter().map(juror).collect();
    if case.panel.drawn_at == 0 {
        return Ok((JuryDocument { state, jurors, draw: None }, None));
    }
    let earlier = earlier.and_then(|jury| jury.draw).map(|draw| draw.state);
    let (draw, gap) = match draw(ledger, id, (case.height, block), earlier).await {
        Ok((draw, gap)) => (Some(draw), gap),
        Err(error) => (None, Some(format!("the draw of the jury is not in the proof: {error:#}"))),
    };
    Ok((JuryDocument { state, jurors, draw }, gap))
}

/// Who was seated, and what they have shown in transactions of their own.
async fn events(
    ledger: &Ledger,
    id: U256,
    heights: std::ops::RangeInclusive<u64>,
) -> anyhow::Result<(BTreeSet<Address>, BTreeMap<Address, ShownDocument>)> {
    let (mut seated, mut shown) = (BTreeSet::new(), BTreeMap::new());
    let (mut first, end) = (*heights.start(), *heights.end());
    while first <= end {
        let last = end.min(first.saturating_add(BLOCKS_AT_ONCE - 1));
        let topics = |signature| [Some(signature), Some(B256::from(id)), None, None];
        let filter = |signature| LogFilter {
            address: JURIES,
            topics: topics(signature),
            heights: first..=last,
        };
        for placed in ledger.logs(filter(Juries::Seated::SIGNATURE_HASH)).await? {
            seated.insert(Juries::Seated::decode_log(&placed.log)?.account);
        }
        for placed in ledger.logs(filter(Juries::Shown::SIGNATURE_HASH)).await? {
            let account = Juries::Shown::decode_log(&placed.log)?.account;
            let sent = ledger.sent(placed.transaction).await?;
            let call = sent
                .filter(|(to, _)| *to == Some(JURIES))
                .and_then(|(_, input)| Juries::showCall::abi_decode(&input).ok());
            if let Some(Juries::showCall { isYes: is_yes, salt, .. }) = call {
                shown.insert(account, ShownDocument { is_yes, salt });
            }
        }
        first = last.saturating_add(1);
    }
    Ok((seated, shown))
}

/// Proofs of slots of `Juries` after a block.
async fn prove(
    ledger: &Ledger,
    slots: &BTreeSet<U256>,
    block: B256,
) -> anyhow::Result<Vec<ProofDocument>> {
    let slots: Vec<U256> = slots.iter().copied().collect();
    let mut proofs = Vec::new();
    for slots in slots.chunks(PROVEN_SLOTS_MAX) {
        let answer = ledger.state_proof(JURIES, slots, BlockId::from(block)).await?;
        proofs.push(serde_json::from_value(answer).context("the node returned no proof")?);
    }
    Ok(proofs)
}

/// What the draw is made again from, and what is missing of it.
async fn draw(
    ledger: &Ledger,
    id: U256,
    (height, block): (u64, &Sealed<Header>),
    earlier: Option<Vec<ProofDocument>>,
) -> anyhow::Result<(DrawDocument, Option<String>)> {
    let between = block.number.saturating_sub(height);
    let (headers, hash) = match between {
        0..=HEADERS_MAX => {
            let between = headers(ledger, height..block.number).await?;
            let hash = ancestor(block, &between).context("the node's blocks")?.hash();
            (between, hash)
        }
        _ => (Vec::new(), header(ledger, height).await?.hash_slow()),
    };
    let gap = (HEADERS_MAX < between).then(|| {
        format!(
            "{between} blocks were made since the draw, more than the {HEADERS_MAX} that fit: whoever verifies it needs the hash of block {height}, too: --draw-hash {hash}"
        )
    });
    let state = or_earlier(weights(ledger, id, hash).await, earlier, &hash)?;
    Ok((DrawDocument { headers, state }, gap))
}

/// Returns what the node says, or what an earlier proof has of the same state.
fn or_earlier(
    asked: anyhow::Result<Vec<ProofDocument>>,
    earlier: Option<Vec<ProofDocument>>,
    hash: &B256,
) -> anyhow::Result<Vec<ProofDocument>> {
    asked.or_else(|error| {
        let earlier = earlier.filter(|state| words_of(state, hash).is_ok());
        earlier.ok_or(error.context("an earlier proof has it: --earlier FILE"))
    })
}

/// Headers of these heights, the newest first.
async fn headers(ledger: &Ledger, heights: Range<u64>) -> anyhow::Result<Vec<Bytes>> {
    let mut headers = Vec::new();
    for number in heights.rev() {
        headers.push(encoded_header(&header(ledger, number).await?));
    }
    Ok(headers)
}

async fn header(ledger: &Ledger, number: u64) -> anyhow::Result<Header> {
    let header = ledger.header(number).await?;
    header.ok_or_else(|| anyhow!("the node does not keep block {number}"))
}

/// Proofs of the weights by which seats were drawn. Which words that are depends on the words themselves, so they are asked for step by step into the tree of weights.
async fn weights(ledger: &Ledger, id: U256, hash: B256) -> anyhow::Result<Vec<ProofDocument>> {
    let mut slots = BTreeSet::new();
    proven_jury_case(id, &mut |slot| {
        slots.insert(slot);
        U256::ZERO
    });
    let (mut state, mut words) = (Vec::new(), BTreeMap::new());
    while !slots.is_empty() {
        ensure!(state.len() < DRAW_PROOFS_MAX, "the tree of weights has no end");
        let more = prove(ledger, &slots, hash).await?;
        words.extend(words_of(&more, &hash)?);
        state.extend(more);
        slots.clear();
        for number in 0..Panel::SIZE {
            let mut read = |slot| words.get(&slot).copied();
            match redrawn_jury_seat(id, (number, hash), &mut read) {
                Err(RedrawError::Missing(slot)) => slots.insert(slot),
                Ok(_) => false,
                Err(error @ RedrawError::Nobody) => return Err(error.into()),
            };
        }
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use execution::{PathEnd, StateProof};

    use super::*;

    /// A proof of an empty state after a block of this height.
    fn proof(number: u64) -> ProofDocument {
        let header = Header { number, state_root: B256::ZERO, ..Header::default() };
        let nothing = || StateProof { siblings: Vec::new(), end: PathEnd::Empty };
        let prove = |_: &_| Ok::<_, Infallible>(nothing());
        ProofDocument::new(&Sealed::new(header), JURIES, &[], prove).unwrap()
    }

    #[test]
    fn a_state_that_the_node_has_forgotten_is_taken_from_an_earlier_proof() {
        let forgotten = || Err(anyhow!("missing state of block 7"));
        let (seven, eight) = (vec![proof(7)], vec![proof(8)]);
        let hash = seven[0].block_hash;
        let found = or_earlier(forgotten(), Some(seven.clone()), &hash).unwrap();
        assert_eq!(found, seven);
        // What the node says counts, and a proof of another state proves nothing.
        assert_eq!(or_earlier(Ok(seven.clone()), Some(eight.clone()), &hash).unwrap(), seven);
        for earlier in [None, Some(eight)] {
            let error = format!("{:#}", or_earlier(forgotten(), earlier, &hash).unwrap_err());
            assert!(error.contains("--earlier FILE: missing state"), "{error}");
        }
    }
}
