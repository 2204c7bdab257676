//! Which rules begin at which height, as far as votes decide it.

use abi::{REVISIONS, Revisions};

use crate::{Ask, ViewError, batch::Batch};

/// A revision of the rules and its first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivationView {
    /// Number of the revision.
    pub revision: u32,
    /// Height of its first block.
    pub height: u64,
}

/// The schedule of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionsView {
    /// The revision of the block in which it was asked.
    pub current: u32,
    /// The genesis file's last entry.
    pub founding: ActivationView,
    /// What votes have scheduled after it, in order.
    pub voted: Vec<ActivationView>,
    /// The least and the largest height that a vote may name in that block.
    pub band: (u64, u64),
}

/// Reads the schedule; `None` while the ledger's rules have no such votes.
///
/// # Errors
/// [`ViewError`].
pub async fn revisions<A: Ask>(ledger: &A) -> Result<Option<RevisionsView>, ViewError<A::Error>> {
    if ledger.account(REVISIONS).await?.code.is_empty() {
        return Ok(None);
    }
    let mut batch = Batch::default();
    let current = batch.add(REVISIONS, &Revisions::currentCall {});
    let founding = batch.add(REVISIONS, &Revisions::foundingCall {});
    let voted = batch.add(REVISIONS, &Revisions::allCall {});
    let band = batch.add(REVISIONS, &Revisions::bandCall {});
    let answers = batch.ask(ledger).await?;
    let view = |entry: Revisions::Activation| ActivationView {
        revision: entry.revision,
        height: entry.height,
    };
    let band = answers.take(&band)?;
    Ok(Some(RevisionsView {
        current: answers.take(&current)?,
        founding: view(answers.take(&founding)?),
        voted: answers.take(&voted)?.into_iter().map(view).collect(),
        band: (band.least, band.most),
    }))
}
