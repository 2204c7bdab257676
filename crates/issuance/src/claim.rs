//! A claim of a device in a run: from the request to what it collects.
//!
//! 1. *Request*: fixes the rounds, all verified ones of the window that were not claimed before, and takes a bond of a round's
//!    pay for each check. These rounds can't be claimed again, whatever follows: otherwise a request whose draw is inconvenient
//!    would be made anew until it is not.
//! 2. *Draw*: the hash of the block after the request decides which rounds are checked. After 256 blocks the ledger does
//!    not know it any more, and the claim is void.
//! 3. *Conclude*: when the referees have upheld all of them, the rounds count as checked. If one is not the work, or its data
//!    can't be had, all that the account has not collected from this run is void.
//! 4. *Collect*: what was checked *and* whose pay was released. A share of the pay is burnt.
//!
//! Making work up never pays. Let a claim have `n` rounds, of which a share `f` is made up; `w` is what a round that counts
//! brings, `c` what it costs to compute. With three checks
//! or more the claim passes with a chance of at most `(1−f)³`, so it brings
//! `n·((1−f)³·w − (1−f)·c)` at most: with `x = 1−f`, `n·(x³·w − x·c)`. As `x³·w − x·c ≤ x·(w − c)`, this is at most what honest work
//! brings, or, where that is a loss, at most the nothing of no work. It holds for each claim alone, so dividing rounds among claims,
//! devices or accounts changes nothing. Bonds, the run's stake and the expulsion come on top.

use units::{Bps, Digest, Overflow, Wei};

use crate::{Refused, Samples, sample};

/// Number of blocks after which the hash that decides a draw is gone.
pub const DRAW_BLOCKS_MAX: u64 = 256;

/// Floating-point operations of a unit of work.
const OPERATIONS_PER_WORK: u128 = 1_000_000;

/// What a claim waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Nothing: rounds can be claimed.
    #[default]
    Idle,
    /// The hash of a block.
    Requested {
        /// Height of the block of the request.
        height: u64,
        /// The claimed rounds, ascending.
        rounds: Vec<u32>,
        /// Number of them to check.
        checks: u8,
    },
    /// The referees.
    Drawn {
        /// The rounds that they check.
        samples: Samples,
    },
}

/// What the referees say about a sampled round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// They have not decided.
    Open,
    /// They repeated the round, and it is the work.
    Upheld,
    /// It is not the work, or can't be repeated.
    Failed,
}

/// What a claim is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The bond.
    pub bond: Wei,
    /// The largest pay of a round of the run: what a check costs.
    pub round_pay: Wei,
    /// Number of rounds to check, at most [`crate::SAMPLES_MAX`].
    pub checks: u8,
}

impl Offer {
    /// Returns what the checks of so many rounds cost.
    ///
    /// # Errors
    /// [`Overflow`] when it does not fit.
    pub fn required(&self, rounds: usize) -> Result<Wei, Overflow> {
        let checks = rounds.min(usize::from(self.checks));
        self.round_pay.checked_mul_count(u64::try_from(checks).unwrap_or(u64::MAX))
    }
}

/// The claim of a device in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// What it waits for.
    pub stage: Stage,
    /// Rounds below this one are claimed, or too old.
    pub next_round: u32,
    /// Pay for the rounds that are being checked.
    pub pay: Wei,
    /// What the checks of the open claim cost.
    pub bond: Wei,
    /// Pay for rounds that were checked, in total.
    pub checked: Wei,
    /// Pay for work that was collected, in total; at most what was checked, and what was released.
    pub collected: Wei,
    /// Bonds of claims that passed and have not counted for a share of the floor.
    pub spent: Wei,
}

/// What is collected at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Tokens of the work.
    pub tokens: u64,
    /// Its pay.
    pub pay: Wei,
    /// What is burnt.
    pub burnt: Wei,
    /// Units of work, of a million floating-point operations each; rounded down.
    pub work: u128,
}

/// What the work of a run is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Pay for a token.
    pub price: Wei,
    /// Floating-point operations of a token, at least 1.
    pub operations: u128,
    /// Share of the pay that collecting burns.
    pub burn_share: Bps,
    /// The least that is burnt for a unit of work, whatever its pay.
    pub least_burn: Wei,
}

impl Rate {
    /// Returns the units of work of so many tokens, rounded down.
    ///
    /// # Errors
    /// [`Overflow`] when it does not fit.
    pub fn work_down(&self, tokens: u64) -> Result<u128, Overflow> {
        let all = u128::from(tokens).checked_mul(self.operations).ok_or(Overflow)?;
        Ok(all.div_euclid(OPERATIONS_PER_WORK))
    }

    /// Returns what collecting so many tokens burns: a share of their pay, rounded up, or the least for their work if that is more.
    ///
    /// # Errors
    /// [`Overflow`] when it does not fit.
    pub fn burn_up(&self, tokens: u64) -> Result<Wei, Overflow> {
        let pay = self.price.checked_mul_count(tokens)?;
        let by_pay = pay.part_up(self.burn_share)?;
        let work = self.work_down(tokens)?;
        let by_work = work.checked_mul(self.least_burn.as_u128()).ok_or(Overflow)?;
        Ok(by_pay.max(Wei::new(by_work)))
    }

    /// Returns the largest number of tokens that `burn` covers, exact.
    fn covered_by(&self, burn: Wei) -> u128 {
        let burn = burn.as_u128();
        // ⌈t·price·share/10000⌉ is at most `burn` if t·price·share is at most 10000·burn.
        let share = self.price.as_u128().saturating_mul(self.burn_share.as_u16().into());
        let by_pay = burn.saturating_mul(10_000).checked_div(share).unwrap_or(u128::MAX);
        let Some(units) = burn.checked_div(self.least_burn.as_u128()) else { return by_pay };
        // ⌊t·operations/10^6⌋ is at most `units` if t·operations is below (units + 1)·10^6.
        let below = units.saturating_add(1).saturating_mul(OPERATIONS_PER_WORK);
        by_pay.min(below.saturating_sub(1).checked_div(self.operations).unwrap_or(0))
    }
}

impl Claim {
    /// Returns whether a claim is being checked.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.stage != Stage::Idle
    }

    /// Fixes the rounds of a claim: those given, ascending, each with its pay.
    ///
    /// # Errors
    /// When a claim is open, no round is given from [`Self::next_round`] on, or the bond is too small.
    pub fn request(
        &mut self,
        height: u64,
        verified: &[(u32, Wei)],
        offer: &Offer,
    ) -> Result<(), Refused> {
        if self.is_open() {
            return Err(Refused::ClaimOpen);
        }
        let fresh = verified.iter().filter(|(round, _)| self.next_round <= *round);
        let (mut rounds, mut pay) = (Vec::new(), Wei::ZERO);
        for (round, round_pay) in fresh {
            rounds.push(*round);
            pay = pay.checked_add(*round_pay)?;
        }
        let last = *rounds.last().ok_or(Refused::NothingToCheck)?;
        let (bond, required) = (offer.bond, offer.required(rounds.len())?);
        if bond < required {
            return Err(Refused::BondTooSmall { given: bond, required });
        }
        self.checked.checked_add(pay)?;
        self.next_round = last.saturating_add(1);
        (self.pay, self.bond) = (pay, bond);
        self.stage = Stage::Requested { height, rounds, checks: offer.checks };
        Ok(())
    }

    /// Returns the height of the block whose hash decides what is checked.
    ///
    /// # Errors
    /// [`Refused::NoClaim`] without a request; [`Refused::TooEarly`] while nobody can know the hash.
    pub fn decides_at(&self, height: u64) -> Result<u64, Refused> {
        let Stage::Requested { height: requested, .. } = self.stage else {
            return Err(Refused::NoClaim);
        };
        let decides = requested.saturating_add(1);
        if height <= decides {
            return Err(Refused::TooEarly { from: decides.saturating_add(1) });
        }
        Ok(decides)
    }

    /// Draws the rounds that are checked, from a seed made of the hash of the deciding block.
    ///
    /// # Errors
    /// [`Refused::NoClaim`] without a request.
    pub fn draw(&mut self, seed: &Digest) -> Result<Samples, Refused> {
        let Stage::Requested { rounds, checks, .. } = &self.stage else {
            return Err(Refused::NoClaim);
        };
        let samples = sample::draw(seed, rounds, *checks);
        self.stage = Stage::Drawn { samples: samples.clone() };
        Ok(samples)
    }

    /// Ends the open claim without effect: its draw came too late. Its rounds stay claimed.
    pub fn lapse(&mut self) {
        self.stage = Stage::Idle;
        (self.pay, self.bond) = (Wei::ZERO, Wei::ZERO);
    }

    /// Ends the open claim as the referees have decided on its samples; returns whether it passed. One that failed decides,
    /// whether or not the others are decided.
    ///
    /// # Errors
    /// [`Refused::NoClaim`] when nothing was drawn; [`Refused::Undecided`] while nothing has failed and one is open.
    pub fn conclude(&mut self, check: impl Fn(u32) -> Check) -> Result<bool, Refused> {
        let Stage::Drawn { samples } = &self.stage else { return Err(Refused::NoClaim) };
        let has_failed = samples.iter().any(|round| check(*round) == Check::Failed);
        if !has_failed && let Some(open) = samples.iter().find(|at| check(**at) == Check::Open) {
            return Err(Refused::Undecided { round: *open });
        }
        if has_failed {
            self.void();
        } else {
            self.checked = self.checked.checked_add(self.pay)?;
            self.spent = self.spent.checked_add(self.bond)?;
            self.lapse();
        }
        Ok(!has_failed)
    }

    /// Voids all that was not collected.
    pub fn void(&mut self) {
        self.checked = self.collected;
        self.spent = Wei::ZERO;
        self.lapse();
    }

    /// Returns the pay that was checked and released and not collected, in wei.
    #[must_use]
    pub fn collectable(&self, released: Wei) -> Wei {
        let most = self.checked.min(released).as_u128();
        Wei::new(most.saturating_sub(self.collected.as_u128()))
    }

    /// Collects as much as was checked and released, and as much as `burn` pays for, in whole tokens.
    ///
    /// # Errors
    /// When that is nothing, or an amount overflows.
    pub fn collect(
        &mut self,
        released: Wei,
        burn: Wei,
        rate: &Rate,
    ) -> Result<Collection, Refused> {
        let free = self.collectable(released).as_u128().checked_div(rate.price.as_u128());
        let free = free.filter(|tokens| *tokens > 0).ok_or(Refused::NothingToCollect)?;
        let tokens = free.min(rate.covered_by(burn));
        if tokens == 0 {
            return Err(Refused::BurnTooSmall { given: burn, least: rate.burn_up(1)? });
        }
        let tokens = u64::try_from(tokens).map_err(|_| Refused::Overflow)?;
        let pay = rate.price.checked_mul_count(tokens)?;
        let (burnt, work) = (rate.burn_up(tokens)?, rate.work_down(tokens)?);
        self.collected = self.collected.checked_add(pay)?;
        Ok(Collection { tokens, pay, burnt, work })
    }
}
