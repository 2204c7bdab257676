//! Juries: who decides in place of a house that does not vote, drawn by the ledger's randomness.
//!
//! 1. An account *registers* in a stratum with a weight: its voice among those who work, its deposit among those who hold GRAIN. It is *admitted* when
//!    it has had that weight for [`WAITING_SECONDS`], so nobody registers for a case that is known.
//! 2. A case draws [`Panel::SIZE`] seats, half from each stratum, by weight and with replacement ([`draw`]). Two accounts with half the weight each are
//!    drawn as often as one with all of it, so identities bring nothing.
//! 3. A juror commits to a vote without showing it, and shows it once nobody can commit any more. Whoever has less deposited than it was drawn for
//!    has no vote, so a seat can't be sold with its deposit. Voice can't be sold, and becomes less by itself: it is not asked for again.
//! 4. The case is decided by more than half of the shown seats, if at least half of all seats were shown ([`Panel::verdict`]).
//!
//! The source draws uniformly over attested machines. There is no attestation, and a uniform draw over free identities belongs to whoever makes most of them; so
//! the draw is by weight, and the chance that a part `p` of the weight is a majority of the panel is that of the source's table (201 seats: 5.5e-7 at a third).
//!
//! Source: the design's "one jury" (section 2.2 and rule 5 of section 2.3 of its reference on concentration); the tree is Fenwick, "A New Data Structure for Cumulative
//! Frequency Tables", 1994.

use thiserror::Error;

const DAY: u64 = 24 * 60 * 60;

/// How long an account must have had its weight before it is drawn.
pub const WAITING_SECONDS: u64 = 30 * DAY;
/// How long jurors may commit.
pub const COMMIT_SECONDS: u64 = 3 * DAY;
/// How long they may show what they committed to.
pub const REVEAL_SECONDS: u64 = 2 * DAY;
/// Most accounts of a stratum: bounds the depth of its tree.
pub const JURORS_MAX: u32 = 1 << 20;

/// A group that seats are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stratum {
    /// Those who work, by voice.
    Work,
    /// Those who hold GRAIN, by deposit.
    Stake,
}

impl Stratum {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Work, Self::Stake];

    /// Returns the number that stands for it in calls and storage.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Work => 0,
            Self::Stake => 1,
        }
    }
}

/// Where a stratum's weights are kept: a Fenwick tree. Node `n`, from 1 on, has the sum of the weights of the jurors `n - (n & -n) + 1` to `n`.
pub trait Tree {
    /// Why a node can't be read or written.
    type Failure;

    /// Returns how many jurors there are.
    fn count(&mut self) -> Result<u32, Self::Failure>;
    /// Reads a node.
    fn node(&mut self, index: u32) -> Result<u128, Self::Failure>;
    /// Writes a node.
    fn set_node(&mut self, index: u32, sum: u128) -> Result<(), Self::Failure>;
    /// Adds an empty juror at the end.
    fn set_count(&mut self, count: u32) -> Result<(), Self::Failure>;
}

/// Appends a juror without weight, and returns its number, from 1 on; `None` if the stratum is full.
///
/// # Errors
/// Those of the tree.
pub fn append<T: Tree>(tree: &mut T) -> Result<Option<u32>, T::Failure> {
    let number = tree.count()?.saturating_add(1);
    if number > JURORS_MAX {
        return Ok(None);
    }
    // The new node covers earlier jurors, too.
    let covered = number.saturating_sub(low_bit(number));
    let sum = sum_to(tree, number.saturating_sub(1))?.saturating_sub(sum_to(tree, covered)?);
    tree.set_count(number)?;
    tree.set_node(number, sum)?;
    Ok(Some(number))
}

/// Changes the weight of a juror.
///
/// # Errors
/// Those of the tree.
pub fn set_weight<T: Tree>(
    tree: &mut T,
    number: u32,
    (before, after): (u128, u128),
) -> Result<(), T::Failure> {
    let count = tree.count()?;
    let mut index = number;
    while index > 0 && index <= count {
        let sum = tree.node(index)?.saturating_sub(before).saturating_add(after);
        tree.set_node(index, sum)?;
        index = index.saturating_add(low_bit(index));
    }
    Ok(())
}

/// Returns the sum of all weights.
///
/// # Errors
/// Those of the tree.
pub fn total<T: Tree>(tree: &mut T) -> Result<u128, T::Failure> {
    let count = tree.count()?;
    sum_to(tree, count)
}

/// Returns the juror at a place among all weights, laid out one after the other; `None` from the end on.
///
/// # Errors
/// Those of the tree.
pub fn at<T: Tree>(tree: &mut T, place: u128) -> Result<Option<u32>, T::Failure> {
    let count = tree.count()?;
    let (mut before, mut left) = (0_u32, place);
    let mut step = highest_bit(count);
    while step > 0 {
        let next = before.saturating_add(step);
        if next <= count {
            let sum = tree.node(next)?;
            if sum <= left {
                (before, left) = (next, left.saturating_sub(sum));
            }
        }
        step >>= 1;
    }
    Ok((before < count).then(|| before.saturating_add(1)))
}

/// Returns the juror of a seat, drawn by weight with 32 bytes of randomness; `None` if nobody has weight.
///
/// The remainder of 2^256 by a total below 2^128 favours no juror by more than 2^-128.
///
/// # Errors
/// Those of the tree.
pub fn draw<T: Tree>(
    tree: &mut T,
    randomness: alloy_primitives::U256,
) -> Result<Option<u32>, T::Failure> {
    let total = alloy_primitives::U256::from(total(tree)?);
    match randomness.checked_rem(total) {
        Some(place) => at(tree, u128::try_from(place).unwrap_or(u128::MAX)),
        None => Ok(None),
    }
}

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Jurors commit.
    Committing,
    /// Jurors show what they committed to.
    Showing,
    /// It is over.
    Over,
}

/// What a jury has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not over.
    Open,
    /// Yes.
    Yes,
    /// No; also when as many seats say yes as no.
    No,
    /// Fewer than half of the seats were shown.
    Absent,
}

/// Why a juror's act is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JuryError {
    /// Jurors do something else now.
    #[error(
        "the jury does something else at {now}: it commits until {commits_until}, and shows until {shows_until}"
    )]
    WrongPhase {
        /// The time.
        now: u64,
        /// Until when it commits.
        commits_until: u64,
        /// Until when it shows.
        shows_until: u64,
    },
    /// The account has no seat.
    #[error("the account has no seat on this jury")]
    NoSeat,
    /// It has less deposited than it was drawn for.
    #[error("the account has {has} left of the deposit {drawn} that it was drawn for")]
    Withdrawn {
        /// Its deposit, in wei.
        has: u128,
        /// What it was drawn for.
        drawn: u128,
    },
    /// It has committed already, or shown already.
    #[error("the account has done this already")]
    Done,
    /// What it shows is not what it committed to.
    #[error("what is shown is not what the account committed to")]
    Otherwise,
}

/// A jury for one case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Panel {
    /// When it was drawn.
    pub drawn_at: u64,
    /// Seats that say yes.
    pub yes: u32,
    /// Seats that say no.
    pub no: u32,
}

/// What one account has of a jury.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seats {
    /// How many seats it was drawn for.
    pub count: u32,
    /// The deposit that it was drawn for, in wei; 0 if for its voice only.
    pub deposit: u128,
    /// The digest that it has committed to; zero before.
    pub commitment: [u8; 32],
    /// Whether it has shown its vote.
    pub is_shown: bool,
}

impl Panel {
    /// Number of seats.
    pub const SIZE: u32 = 201;

    /// Returns how many seats are drawn from a stratum. If nobody is in one of them, the other has all.
    #[must_use]
    pub fn seats_of(stratum: Stratum, totals: [u128; 2]) -> u32 {
        let half = Self::SIZE.wrapping_div(2);
        match (stratum, totals) {
            (Stratum::Work, [0, _]) | (Stratum::Stake, [_, 0]) => 0,
            (Stratum::Work, [_, 0]) | (Stratum::Stake, [0, _]) => Self::SIZE,
            (Stratum::Work, _) => Self::SIZE.saturating_sub(half),
            (Stratum::Stake, _) => half,
        }
    }

    /// Returns where the case stands.
    #[must_use]
    pub fn phase(&self, now: u64) -> Phase {
        let (commits_until, shows_until) = self.ends();
        if now < commits_until {
            Phase::Committing
        } else if now < shows_until {
            Phase::Showing
        } else {
            Phase::Over
        }
    }

    /// Returns until when jurors commit, and until when they show.
    #[must_use]
    pub fn ends(&self) -> (u64, u64) {
        let commits_until = self.drawn_at.saturating_add(COMMIT_SECONDS);
        (commits_until, commits_until.saturating_add(REVEAL_SECONDS))
    }

    /// Takes a commitment of a juror that has `deposit` now.
    ///
    /// # Errors
    /// [`JuryError`]
    pub fn commit(
        &self,
        seats: &mut Seats,
        commitment: [u8; 32],
        (deposit, now): (u128, u64),
    ) -> Result<(), JuryError> {
        self.check(Phase::Committing, now)?;
        seats.check(deposit)?;
        if seats.commitment != [0; 32] || commitment == [0; 32] {
            return Err(JuryError::Done);
        }
        seats.commitment = commitment;
        Ok(())
    }

    /// Counts the vote of a juror whose commitment is the digest of what it shows.
    ///
    /// # Errors
    /// [`JuryError`]
    pub fn show(
        &mut self,
        seats: &mut Seats,
        (digest, is_yes): ([u8; 32], bool),
        (deposit, now): (u128, u64),
    ) -> Result<(), JuryError> {
        self.check(Phase::Showing, now)?;
        seats.check(deposit)?;
        if seats.is_shown {
            return Err(JuryError::Done);
        }
        if seats.commitment == [0; 32] || seats.commitment != digest {
            return Err(JuryError::Otherwise);
        }
        seats.is_shown = true;
        let side = if is_yes { &mut self.yes } else { &mut self.no };
        *side = side.saturating_add(seats.count);
        Ok(())
    }

    /// Returns what the jury has found.
    #[must_use]
    pub fn verdict(&self, now: u64) -> Verdict {
        let shown = self.yes.saturating_add(self.no);
        if self.phase(now) != Phase::Over {
            Verdict::Open
        } else if shown.saturating_mul(2) < Self::SIZE {
            Verdict::Absent
        } else if self.yes > self.no {
            Verdict::Yes
        } else {
            Verdict::No
        }
    }

    fn check(&self, phase: Phase, now: u64) -> Result<(), JuryError> {
        if self.phase(now) == phase {
            return Ok(());
        }
        let (commits_until, shows_until) = self.ends();
        Err(JuryError::WrongPhase { now, commits_until, shows_until })
    }
}

impl Seats {
    fn check(&self, deposit: u128) -> Result<(), JuryError> {
        if self.count == 0 {
            return Err(JuryError::NoSeat);
        }
        if deposit < self.deposit {
            return Err(JuryError::Withdrawn { has: deposit, drawn: self.deposit });
        }
        Ok(())
    }
}

fn sum_to<T: Tree>(tree: &mut T, number: u32) -> Result<u128, T::Failure> {
    let (mut index, mut sum) = (number, 0_u128);
    while index > 0 {
        sum = sum.saturating_add(tree.node(index)?);
        index = index.saturating_sub(low_bit(index));
    }
    Ok(sum)
}

const fn low_bit(number: u32) -> u32 {
    number & number.wrapping_neg()
}

fn highest_bit(number: u32) -> u32 {
    number.checked_ilog2().map_or(0, |bit| 1_u32.wrapping_shl(bit))
}
