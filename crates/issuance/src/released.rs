//! What a run has really paid for the work of a device.

use units::Wei;

/// The verified pay of a device in a run: what is held back as its stake, and what was released.
///
/// A run holds back a stake of work, verdicts and bounties together, and pays from it without saying for what. Here payments
/// count for verdicts and bounties first, so that work counts as released only when nothing else can explain the payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Verified pay for work that may still be forfeited.
    pub held_work: Wei,
    /// Verified pay for verdicts and bounties that may still be forfeited.
    pub held_other: Wei,
    /// Pay for work that was released, to another account than the owner's.
    pub work: Wei,
}

impl Released {
    /// Counts pay that became part of the stake.
    pub fn verify(&mut self, amount: Wei, is_work: bool) {
        let held = if is_work { &mut self.held_work } else { &mut self.held_other };
        *held = sum(*held, amount);
    }

    /// Counts a payment out of the stake. What the owner's own account gets is its own money: it counts for nothing.
    pub fn pay(&mut self, amount: Wei, is_to_owner: bool) {
        let other = self.held_other.min(amount);
        self.held_other = rest(self.held_other, other);
        let work = self.held_work.min(rest(amount, other));
        self.held_work = rest(self.held_work, work);
        if !is_to_owner {
            self.work = sum(self.work, work);
        }
    }

    /// The device was expelled, and its stake is forfeited.
    pub fn forfeit(&mut self) {
        (self.held_work, self.held_other) = (Wei::ZERO, Wei::ZERO);
    }
}

/// No overflow: a run never pays more than the deposit, which is an amount.
fn sum(one: Wei, other: Wei) -> Wei {
    Wei::new(one.as_u128().saturating_add(other.as_u128()))
}

fn rest(whole: Wei, part: Wei) -> Wei {
    Wei::new(whole.as_u128().saturating_sub(part.as_u128()))
}
