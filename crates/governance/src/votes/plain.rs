//! A house in memory: the reference with which the ledger's storage must agree.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::U256;
use units::{AccountId, UnixSeconds};

use super::{Activity, Book, Bucket, Checkpoint, Delegation, House, Refused, Trace, histogram};
use crate::voice::{Pending, VoiceBook};

/// A house in memory. Two are equal when all their fields are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainBook {
    holdings: BTreeMap<AccountId, Checkpoint>,
    delegations: BTreeMap<AccountId, Delegation>,
    activities: BTreeMap<AccountId, Activity>,
    traces: BTreeMap<Trace, Vec<Checkpoint>>,
    buckets: BTreeMap<u32, Bucket>,
    bitmaps: BTreeMap<u32, U256>,
    pending: BTreeMap<AccountId, BTreeMap<u64, Pending>>,
    ranges: BTreeMap<AccountId, (u64, u64)>,
}

impl PlainBook {
    /// Returns a house that holds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the accounts that hold something or have votes, in order.
    #[must_use]
    pub fn accounts(&self) -> BTreeSet<AccountId> {
        let of_trace = |trace: &Trace| match trace {
            Trace::Own(account) | Trace::Received(account) => Some(*account),
            Trace::Total => None,
        };
        self.holdings.keys().copied().chain(self.traces.keys().filter_map(of_trace)).collect()
    }

    /// Checks the invariants of the state: what is written for every step of a test.
    ///
    /// - What accounts hold is what delegates have, and is the total. In an era each is exact; a change of era rounds each
    ///   history down for itself, so that a sum of parts may be below the whole by a unit for each part and era.
    /// - What an account has received is what those hold who have delegated to it; it has all of its own votes or none.
    /// - A history is in the order of time, with one entry for each time.
    /// - The histogram is that of the delegates.
    ///
    /// # Errors
    /// A description of the first invariant that does not hold.
    pub fn invariants(&self, house: &House, now: UnixSeconds) -> Result<(), String> {
        let newest = |trace: Trace| {
            let checkpoint = self.traces.get(&trace).and_then(|all| all.last()).copied();
            house.aging.carried(checkpoint.unwrap_or_default(), now)
        };
        let (mut held_sum, mut votes_sum) = (U256::ZERO, U256::ZERO);
        let mut backing: BTreeMap<AccountId, U256> = BTreeMap::new();
        let accounts = self.accounts();
        let slack = U256::from(accounts.len()).saturating_mul(U256::from(self.eras(house, now)));
        for account in &accounts {
            let held = house.aging.carried(self.holding_of(*account), now);
            let delegate = self.delegations.get(account).copied().unwrap_or_default().delegate;
            let own = newest(Trace::Own(*account));
            if delegate == *account && own != held {
                return Err(format!("{account} holds {held}, its own votes are {own}"));
            }
            if delegate != *account {
                if !own.is_zero() {
                    return Err(format!("{account} has delegated, and has {own} of its own"));
                }
                let sum = backing.entry(delegate).or_default();
                *sum = sum.saturating_add(held);
            }
            held_sum = held_sum.saturating_add(held);
            votes_sum =
                votes_sum.saturating_add(own.saturating_add(newest(Trace::Received(*account))));
        }
        let near =
            |whole: U256, parts: U256| parts <= whole && whole.saturating_sub(parts) <= slack;
        for account in &accounts {
            let received = newest(Trace::Received(*account));
            let backed = backing.get(account).copied().unwrap_or_default();
            if !near(received, backed) {
                return Err(format!(
                    "{account} has received {received}, {backed} is delegated to it"
                ));
            }
        }
        let total = newest(Trace::Total);
        if !near(total, votes_sum) || !near(votes_sum, held_sum) {
            return Err(format!("held {held_sum}, votes {votes_sum}, total {total}"));
        }
        self.traces.values().try_for_each(|all| in_order(all))?;
        self.check_histogram(house)
    }

    fn check_histogram(&self, house: &House) -> Result<(), String> {
        let mut expected = Self::new();
        for account in self.accounts() {
            let newest = |trace: Trace| {
                self.traces.get(&trace).and_then(|all| all.last()).copied().unwrap_or_default()
            };
            let pair = (newest(Trace::Own(account)), newest(Trace::Received(account)));
            histogram::replace(&mut expected, None, histogram::standing(house, pair))
                .map_err(|refused| refused.to_string())?;
        }
        let (buckets, bitmaps) = (&expected.buckets, &expected.bitmaps);
        if (buckets, bitmaps) == (&self.buckets, &self.bitmaps) {
            Ok(())
        } else {
            Err(format!("the histogram is {:?}, expected {buckets:?}", self.buckets))
        }
    }

    /// Returns how often the era has changed since the first checkpoint.
    fn eras(&self, house: &House, now: UnixSeconds) -> u64 {
        let first = self.traces.get(&Trace::Total).and_then(|all| all.first());
        let since = first.map_or(now, |checkpoint| checkpoint.at);
        house.aging.era(now).saturating_sub(house.aging.era(since))
    }

    fn holding_of(&self, account: AccountId) -> Checkpoint {
        self.holdings.get(&account).copied().unwrap_or_default()
    }
}

fn in_order(all: &[Checkpoint]) -> Result<(), String> {
    let pairs = all.iter().zip(all.iter().skip(1));
    match pairs.into_iter().find(|(before, after)| before.at >= after.at) {
        Some((before, after)) => {
            Err(format!("a checkpoint of {} is followed by one of {}", before.at, after.at))
        }
        None => Ok(()),
    }
}

impl Book for PlainBook {
    type Failure = Refused;

    fn holding(&mut self, account: AccountId) -> Result<Checkpoint, Refused> {
        Ok(self.holding_of(account))
    }

    fn set_holding(&mut self, account: AccountId, holding: Checkpoint) -> Result<(), Refused> {
        self.holdings.insert(account, holding);
        Ok(())
    }

    fn delegation(&mut self, account: AccountId) -> Result<Delegation, Refused> {
        Ok(self.delegations.get(&account).copied().unwrap_or_default())
    }

    fn set_delegation(
        &mut self,
        account: AccountId,
        delegation: Delegation,
    ) -> Result<(), Refused> {
        self.delegations.insert(account, delegation);
        Ok(())
    }

    fn activity(&mut self, account: AccountId) -> Result<Activity, Refused> {
        Ok(self.activities.get(&account).copied().unwrap_or_default())
    }

    fn set_activity(&mut self, account: AccountId, activity: Activity) -> Result<(), Refused> {
        self.activities.insert(account, activity);
        Ok(())
    }

    fn length(&mut self, trace: Trace) -> Result<u64, Refused> {
        let length = self.traces.get(&trace).map_or(0, Vec::len);
        Ok(u64::try_from(length).unwrap_or(u64::MAX))
    }

    fn checkpoint(&mut self, trace: Trace, index: u64) -> Result<Checkpoint, Refused> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let all = self.traces.get(&trace);
        Ok(all.and_then(|all| all.get(index)).copied().unwrap_or_default())
    }

    fn set_checkpoint(
        &mut self,
        trace: Trace,
        index: u64,
        checkpoint: Checkpoint,
    ) -> Result<(), Refused> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let all = self.traces.entry(trace).or_default();
        match all.get_mut(index) {
            Some(place) => *place = checkpoint,
            None => all.push(checkpoint),
        }
        Ok(())
    }

    fn bucket(&mut self, index: u32) -> Result<Bucket, Refused> {
        Ok(self.buckets.get(&index).copied().unwrap_or_default())
    }

    fn set_bucket(&mut self, index: u32, bucket: Bucket) -> Result<(), Refused> {
        if bucket == Bucket::default() {
            self.buckets.remove(&index);
        } else {
            self.buckets.insert(index, bucket);
        }
        Ok(())
    }

    fn bitmap(&mut self, word: u32) -> Result<U256, Refused> {
        Ok(self.bitmaps.get(&word).copied().unwrap_or_default())
    }

    fn set_bitmap(&mut self, word: u32, bits: U256) -> Result<(), Refused> {
        if bits.is_zero() {
            self.bitmaps.remove(&word);
        } else {
            self.bitmaps.insert(word, bits);
        }
        Ok(())
    }
}

impl VoiceBook for PlainBook {
    fn pending_range(&mut self, account: AccountId) -> Result<(u64, u64), Refused> {
        Ok(self.ranges.get(&account).copied().unwrap_or_default())
    }

    fn set_pending_range(&mut self, account: AccountId, range: (u64, u64)) -> Result<(), Refused> {
        self.ranges.insert(account, range);
        Ok(())
    }

    fn pending(&mut self, account: AccountId, index: u64) -> Result<Pending, Refused> {
        let of_account = self.pending.get(&account);
        Ok(of_account.and_then(|all| all.get(&index)).copied().unwrap_or_default())
    }

    fn set_pending(
        &mut self,
        account: AccountId,
        index: u64,
        pending: Pending,
    ) -> Result<(), Refused> {
        let of_account = self.pending.entry(account).or_default();
        if pending == Pending::default() {
            of_account.remove(&index);
        } else {
            of_account.insert(index, pending);
        }
        Ok(())
    }
}
