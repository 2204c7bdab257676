//! The vote with sealed ballots of `gleaner demo --govern`.
//!
//! 1. An open vote names trainer and two workers as holders of ballot keys; two of them together can read ballots.
//! 2. A worker proposes that more of the pay for claimed work is burnt. Each holder posts a key before the vote.
//! 3. Everybody seals its vote. Until the vote is over no vote is counted, none can be read, and no holder's key is taken.
//! 4. Then two holders publish their keys. Whoever likes reads all ballots with them and opens them; here the trainer does.
//! 5. The third key makes the opening complete, so nobody waits for its end, and the ledger does what was decided.

use abi::{GOVERNOR, Governor, PARAMETERS, Parameters, convert};
use alloy_primitives::{B256, U256};
use alloy_signer_local::PrivateKeySigner;
use anyhow::{Context as _, anyhow, ensure};
use ledger_client::{Ledger, LedgerError};
use ledger_views::governance::{self as views, ProposalView};
use sealed_ballots::public_key;
use serde::Serialize;
use units::Wei;

use super::{Assembly, DAY, Proposed, Tally, cast, own};
use crate::governance::{Sealing, derived, opening_of_ballots, readable_ballots};
use crate::output::lines;

/// What part of the pay is to be burnt, in basis points.
const PROPOSED_SHARE: u16 = 2_500;
/// Holders at most.
const HOLDERS: usize = 3;
/// Keys that read a ballot.
const THRESHOLD: u8 = 2;

/// Key `govern.sealed` of `gleaner demo --govern --json`.
#[derive(Serialize)]
pub(super) struct Sealed {
    proposal: String,
    description: String,
    holders: usize,
    threshold: u8,
    /// Ballots that were sealed, how many of them could be read before the vote was over, and what was counted then.
    ballots: usize,
    readable_before: usize,
    stake_before: Tally,
    work_before: Tally,
    /// What the ledger said to a holder that published its key before the vote was over.
    too_early: String,
    /// Keys with which all ballots were opened, and how many were.
    keys_used: usize,
    opened: u32,
    pub(super) stake: Tally,
    pub(super) work: Tally,
    decision: String,
    parameter_before: String,
    parameter_after: String,
}

impl Sealed {
    pub(super) fn text(&self) -> String {
        let Self { ballots, holders, threshold, keys_used, opened, .. } = self;
        let row = |name: &str, value: String| vec![name.to_owned(), value];
        lines(&[
            row("sealed vote", self.description.clone()),
            row("keys", format!("{holders} holders; {threshold} of them read a ballot")),
            row(
                "before the end",
                format!("{} of {ballots} can be read; {}", self.readable_before, self.too_early),
            ),
            row("opened", format!("{opened} of {ballots} with {keys_used} keys, after the end")),
            row("decision", self.decision.clone()),
            row(
                "burnt",
                format!(
                    "{} before, {} after, basis points",
                    self.parameter_before, self.parameter_after
                ),
            ),
        ])
    }
}

/// One who votes, or holds a ballot key.
struct Person<'a> {
    key: &'a PrivateKeySigner,
    ledger: &'a Ledger,
}

/// Plays the story from the naming of holders to the parameter that has changed.
///
/// # Errors
/// When the ledger refuses a step that must succeed, or allows one that must not.
pub(super) async fn play(assembly: &Assembly<'_>) -> anyhow::Result<Sealed> {
    let trainer = Person { key: &assembly.trainer_key, ledger: &assembly.trainer };
    let workers = assembly.members.iter();
    let workers = workers.map(|member| Person { key: &member.key, ledger: &member.ledger });
    let people: Vec<_> = std::iter::once(trainer).chain(workers).collect();
    let holders = people.get(..HOLDERS.min(people.len())).unwrap_or_default();
    name(assembly, holders).await?;
    let key = B256::from(governance::BURN_SHARE.key());
    let parameter_before = assembly.parameter(key).await?;
    let proposer = &people.last().context("nobody worked")?.ledger;
    let call = Parameters::setCall { key, value: U256::from(PROPOSED_SHARE) };
    let description = "Burn a quarter of the pay for claimed work";
    let proposal = assembly.post(proposer, PARAMETERS, &call, description).await?;
    for holder in holders {
        let call = Governor::postBallotKeyCall {
            proposalId: proposal.id,
            publicKey: public_key(&secret(holder, &proposal)),
        };
        holder.ledger.write(GOVERNOR, &call, Wei::ZERO).await.context("no ballot key")?;
    }
    assembly.jump_to_vote().await?;
    seal(assembly, &people).await?;
    assembly.jump(DAY).await?;
    let (sealed, readable_before) = read(assembly).await?;
    ensure!(readable_before.is_empty(), "ballots can be read while the vote goes on");
    let (stake_before, work_before, _) = assembly.result(proposal.id).await?;
    for Tally { yes, no, .. } in [&stake_before, &work_before] {
        ensure!(yes == "0" && no == "0", "sealed ballots are counted while the vote goes on");
    }
    let too_early = published_early(holders, &proposal).await?;
    assembly.jump_past_vote(proposal.id).await?;
    let (keys_used, opened) = open(assembly, holders, &proposal).await?;
    let (stake, work, decision) = assembly.result(proposal.id).await?;
    assembly.output.say(&format!("govern: {decision}"));
    carry_out(assembly, &proposal).await?;
    let parameter_after = assembly.parameter(key).await?;
    ensure!(
        parameter_after == U256::from(PROPOSED_SHARE),
        "the parameter is {parameter_after} after the execution"
    );
    Ok(Sealed {
        proposal: proposal.id.to_string(),
        description: proposal.description,
        holders: holders.len(),
        threshold: THRESHOLD,
        ballots: sealed,
        readable_before: readable_before.len(),
        stake_before,
        work_before,
        too_early,
        keys_used,
        opened,
        stake,
        work,
        decision,
        parameter_before: parameter_before.to_string(),
        parameter_after: parameter_after.to_string(),
    })
}

/// Names the holders of ballot keys, by a vote with open ballots in which everybody agrees.
async fn name(assembly: &Assembly<'_>, holders: &[Person<'_>]) -> anyhow::Result<()> {
    let proposer = &assembly.members.first().context("nobody worked")?.ledger;
    let accounts = holders.iter().map(|holder| own(holder.ledger).map(convert::address));
    let call = Governor::setBallotKeyHoldersCall {
        holders: accounts.collect::<anyhow::Result<_>>()?,
        threshold: THRESHOLD,
    };
    let description = "Seal the ballots of later votes";
    let proposal = assembly.post(proposer, GOVERNOR, &call, description).await?;
    assembly.jump_to_vote().await?;
    cast(&assembly.trainer, proposal.id, 1).await.context("the trainer can't vote")?;
    for member in &assembly.members {
        cast(&member.ledger, proposal.id, 1).await.context("a worker can't vote")?;
    }
    assembly.jump_past_vote(proposal.id).await?;
    carry_out(assembly, &proposal).await
}

/// Queues and executes what was decided.
async fn carry_out(assembly: &Assembly<'_>, proposal: &Proposed) -> anyhow::Result<()> {
    let trainer = &assembly.trainer;
    let queue = proposal.queue_call();
    trainer.write(GOVERNOR, &queue, Wei::ZERO).await.context("it can't be queued")?;
    assembly.jump_past_eta(proposal.id).await?;
    let execute = proposal.execute_call();
    trainer.write(GOVERNOR, &execute, Wei::ZERO).await.context("it can't be executed")?;
    Ok(())
}

/// Returns the secret ballot key of a holder, as `gleaner ballots` derives it.
fn secret(holder: &Person<'_>, proposal: &Proposed) -> B256 {
    derived(holder.key).ballot_key(holder.ledger.chain_id(), GOVERNOR, proposal.id)
}

/// Returns the proposal that was posted last.
async fn newest(ledger: &Ledger) -> anyhow::Result<ProposalView> {
    let ledger = ledger.next();
    let number = views::count(&ledger).await?;
    Ok(views::proposal(&ledger, number).await?)
}

/// The trainer objects, everybody else agrees, and nobody can see it.
async fn seal(assembly: &Assembly<'_>, people: &[Person<'_>]) -> anyhow::Result<()> {
    for (index, person) in people.iter().enumerate() {
        let view = newest(person.ledger).await?;
        let sealing = Sealing::of(person.ledger, &view, own(person.ledger)?).await?;
        let sealing = sealing.ok_or_else(|| anyhow!("the ballots are not sealed"))?;
        let call = sealing.call(person.key, u8::from(index > 0))?;
        person.ledger.write(GOVERNOR, &call, Wei::ZERO).await.context("no sealed ballot")?;
    }
    assembly.output.say(&format!("govern: {} ballots are sealed", people.len()));
    Ok(())
}

/// Returns how many ballots are sealed, and those that anybody can read with what is published.
async fn read(
    assembly: &Assembly<'_>,
) -> anyhow::Result<(usize, Vec<(units::AccountId, sealed_ballots::Ballot)>)> {
    let ledger = &assembly.trainer;
    let (next, view) = (ledger.next(), newest(ledger).await?);
    let holders = views::key_holders(&next, view.id).await?;
    let sealed = views::sealed_votes(&next, &view).await?;
    let sealed = sealed.ok_or_else(|| anyhow!("the node does not keep the blocks of the vote"))?;
    Ok((sealed.len(), readable_ballots(ledger, &view, &holders, &sealed)))
}

/// Returns what the ledger says to a holder that publishes its key while the vote goes on.
async fn published_early(holders: &[Person<'_>], proposal: &Proposed) -> anyhow::Result<String> {
    let holder = holders.first().context("nobody holds a key")?;
    match publish(holder, proposal).await {
        Err(error @ LedgerError::Refused { .. }) => Ok(error.to_string()),
        Err(error) => Err(error.into()),
        Ok(()) => Err(anyhow!("a key was published before the vote was over")),
    }
}

async fn publish(holder: &Person<'_>, proposal: &Proposed) -> Result<(), LedgerError> {
    let call = Governor::publishBallotKeyCall {
        proposalId: proposal.id,
        holder: holder.key.address(),
        secretKey: secret(holder, proposal),
    };
    holder.ledger.write(GOVERNOR, &call, Wei::ZERO).await.map(|_| ())
}

/// Opens all ballots with as many keys as are needed. Returns how many keys and ballots these were.
async fn open(
    assembly: &Assembly<'_>,
    holders: &[Person<'_>],
    proposal: &Proposed,
) -> anyhow::Result<(usize, u32)> {
    let (first, others) = holders.split_at(holders.len().min(usize::from(THRESHOLD)));
    let [alone, rest @ ..] = first else { return Err(anyhow!("nobody holds a key")) };
    publish(alone, proposal).await.context("a key can't be published")?;
    ensure!(read(assembly).await?.1.is_empty(), "one holder reads ballots alone");
    for holder in rest {
        publish(holder, proposal).await.context("a key can't be published")?;
    }
    let (sealed, ballots) = read(assembly).await?;
    ensure!(ballots.len() == sealed, "{} of {sealed} ballots can be read", ballots.len());
    let call = opening_of_ballots(proposal.id, &ballots);
    assembly.trainer.write(GOVERNOR, &call, Wei::ZERO).await.context("ballots stay closed")?;
    for holder in others {
        publish(holder, proposal).await.context("a key can't be published")?;
    }
    let call = Governor::sealedBallotsCall { proposalId: proposal.id };
    let opened = assembly.trainer.read(GOVERNOR, &call).await?.opened;
    assembly.output.say(&format!("govern: {opened} ballots are open"));
    Ok((first.len(), opened))
}
