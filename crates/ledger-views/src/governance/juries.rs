//! Juries: who can be drawn, and what a jury has done so far.

use abi::{JURIES, Juries, convert};
use alloy_primitives::U256;
use governance::jury::{Stratum, Verdict};
use units::{AccountId, UnixSeconds};

use crate::{
    Ask, Impossible, ViewError,
    batch::{self, Batch},
};

/// A jury.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PanelView {
    /// Height of the block whose hash draws the seats.
    pub height: u64,
    /// Seats that are drawn, of [`governance::jury::Panel::SIZE`].
    pub seats_drawn: u32,
    /// Until when jurors commit; none before all seats are drawn.
    pub commits_until: Option<UnixSeconds>,
    /// Until when they show; none before all seats are drawn.
    pub shows_until: Option<UnixSeconds>,
    /// Seats that say yes.
    pub yes: u32,
    /// Seats that say no.
    pub no: u32,
    /// What it has found.
    pub verdict: Verdict,
}

/// The seats of an account on a jury.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatsView {
    /// How many.
    pub count: u32,
    /// What must still be deposited for them to count, in wei.
    pub deposit: u128,
    /// Whether the account has committed to a vote.
    pub has_committed: bool,
    /// Whether it has shown it.
    pub has_shown: bool,
}

/// An account that has registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JurorView {
    /// Its weight: in wei, or units of voice.
    pub weight: u128,
    /// When it can be admitted.
    pub admitted_from: UnixSeconds,
    /// Whether it can be drawn.
    pub is_admitted: bool,
}

/// Reads the jury of a proposal; `None` if none was summoned.
///
/// # Errors
/// [`ViewError`].
pub async fn panel<A: Ask>(ledger: &A, id: U256) -> Result<Option<PanelView>, ViewError<A::Error>> {
    batch::read(ledger, JURIES, &Juries::panelOfCall { id }, |panel| {
        let verdict = match panel.verdict {
            Juries::Verdict::Open => Verdict::Open,
            Juries::Verdict::Yes => Verdict::Yes,
            Juries::Verdict::No => Verdict::No,
            Juries::Verdict::Absent => Verdict::Absent,
            other => return Err(Impossible::new("verdict", other as u8)),
        };
        let time = |time: u64| Some(time).filter(|time| *time > 0).map(UnixSeconds::new);
        Ok((panel.height > 0).then(|| PanelView {
            height: panel.height,
            seats_drawn: panel.seatsDrawn,
            commits_until: time(panel.commitsUntil),
            shows_until: time(panel.showsUntil),
            yes: panel.yes,
            no: panel.no,
            verdict,
        }))
    })
    .await
}

/// Reads the seats of an account on the jury of a proposal.
///
/// # Errors
/// [`ViewError`].
pub async fn seats<A: Ask>(
    ledger: &A,
    id: U256,
    account: &AccountId,
) -> Result<SeatsView, ViewError<A::Error>> {
    let call = Juries::seatsOfCall { id, account: convert::address(*account) };
    let seats = batch::ask(ledger, JURIES, &call).await?;
    Ok(SeatsView {
        count: seats.count,
        deposit: seats.deposit,
        has_committed: seats.hasCommitted,
        has_shown: seats.hasShown,
    })
}

/// Reads the sum of the weights that can be drawn: of those who work, in units of voice, and of those who hold GRAIN, in wei.
///
/// # Errors
/// [`ViewError`].
pub async fn jury_weights<A: Ask>(ledger: &A) -> Result<[u128; 2], ViewError<A::Error>> {
    let mut batch = Batch::default();
    let asked =
        Stratum::ALL.map(|of| batch.add(JURIES, &Juries::weightOfCall { stratum: stratum(of) }));
    let answers = batch.ask(ledger).await?;
    let [work, stake] = &asked;
    Ok([answers.take(work)?, answers.take(stake)?])
}

/// Reads an account in a stratum; `None` if it has not registered.
///
/// # Errors
/// [`ViewError`].
pub async fn juror<A: Ask>(
    ledger: &A,
    of: Stratum,
    account: &AccountId,
) -> Result<Option<JurorView>, ViewError<A::Error>> {
    let call = Juries::jurorOfCall { stratum: stratum(of), account: convert::address(*account) };
    let juror = batch::ask(ledger, JURIES, &call).await?;
    Ok((juror.admittedFrom > 0).then(|| JurorView {
        weight: juror.weight,
        admitted_from: UnixSeconds::new(juror.admittedFrom),
        is_admitted: juror.isAdmitted,
    }))
}

/// Returns a stratum as the interface names it.
#[must_use]
pub const fn stratum(of: Stratum) -> Juries::Stratum {
    match of {
        Stratum::Work => Juries::Stratum::Work,
        Stratum::Stake => Juries::Stratum::Stake,
    }
}
