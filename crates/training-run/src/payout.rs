//! Payments from the escrow.

use units::Wei;

use crate::{Check, Effect, PayKind, Phase, Refused, Run, SeatIndex};

impl Run {
    /// Pays what was held back for all rounds up to `last`: verdicts that were not contradicted, commitments that
    /// passed their audit, and commitments that were not drawn. Commitments under audit wait.
    pub(crate) fn release(&mut self, last: u32, effects: &mut Vec<Effect>) -> Result<(), Refused> {
        let due: Vec<(u32, SeatIndex)> = self
            .closed
            .range(..=last)
            .filter(|(_, closed)| closed.drawn)
            .flat_map(|(round, closed)| {
                closed.entries.iter().map(move |(seat, entry)| (*round, *seat, entry))
            })
            .filter(|(_, _, entry)| !matches!(entry.check, Check::Audit(_)))
            .map(|(round, seat, _)| (round, seat))
            .collect();
        for (round, seat) in due {
            if let Some(closed) = self.closed.get_mut(&round) {
                closed.entries.remove(&seat);
            }
            let (tokens, amount) = (self.terms.tokens(round), self.terms.work_pay(round)?);
            self.pay(seat, (round, tokens, amount), PayKind::Work, effects)?;
        }
        let verdicts: Vec<(u32, SeatIndex)> = self
            .closed
            .range_mut(..=last)
            .flat_map(|(round, closed)| closed.verdicts.drain(..).map(|auditor| (*round, auditor)))
            .collect();
        for (round, auditor) in verdicts {
            let (tokens, amount) = (self.terms.tokens(round), self.terms.verdict_pay(round)?);
            self.pay(auditor, (round, tokens, amount), PayKind::Audit, effects)?;
        }
        self.closed
            .retain(|round, closed| *round > last || !closed.drawn || !closed.entries.is_empty());
        Ok(())
    }

    /// Pays a seat, unless it was expelled.
    pub(crate) fn pay(
        &mut self,
        index: SeatIndex,
        (round, tokens, amount): (u32, u64, Wei),
        kind: PayKind,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let Some(seat) = self.seats.get_mut(usize::from(index)).filter(|seat| !seat.is_expelled())
        else {
            return Ok(());
        };
        self.escrow.paid = self.escrow.paid.checked_add(amount)?;
        seat.paid = seat.paid.checked_add(amount)?;
        if kind == PayKind::Work {
            seat.tokens_verified = seat.tokens_verified.saturating_add(tokens);
        }
        let (account, device) = (seat.account, seat.device);
        effects.push(Effect::Pay { account, device, round, tokens, amount, kind });
        Ok(())
    }

    /// When no round waits for its draw and no audit is open, pays all held pay and refunds the rest.
    pub(crate) fn finish_if_done(&mut self, effects: &mut Vec<Effect>) -> Result<(), Refused> {
        let Phase::WindingUp(ending) = self.phase else { return Ok(()) };
        if self.closed.values().any(|closed| !closed.drawn || closed.has_open_audit()) {
            return Ok(());
        }
        self.release(u32::MAX, effects)?;
        let paid = self.escrow.paid;
        let refunded = self.escrow.deposited.checked_sub(paid)?;
        self.escrow.refunded = refunded;
        self.phase = Phase::Finished(ending);
        effects.push(Effect::Refund { account: self.owner, amount: refunded });
        effects.push(Effect::Finished { paid, refunded });
        Ok(())
    }

    pub(crate) fn withdraw_commitment(&mut self, index: SeatIndex) {
        if let Phase::Training { commitments, .. } = &mut self.phase {
            commitments.remove(&index);
        }
    }
}
