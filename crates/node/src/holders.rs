//! Who holds GRAIN: figures of concentration that follow every block.
//!
//! 1. Nothing is kept until somebody asks. Then all accounts are read once, at the head.
//! 2. From there on each block changes the figures by what it changed in balances, in logarithmic time each ([`LiveIndex`]).
//! 3. Whatever else changes the state, a revert of a development ledger, makes the figures be read again when somebody asks.
//!
//! The balance of a native module belongs to others (escrows, deposits, pools), so modules are not holders: what they have is named apart.
//!
//! The index is disposable: it says nothing that the state does not say.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
};

use alloy_primitives::{Address, U256};
use concentration::{LiveIndex, Ratio, Strictness, THRESHOLDS, Threshold};
use execution::{AccountState, Change, Entry, ExecutedBlock, StateChanges};
use store::{Reader, StoreError};

/// Most points of the series; beyond that, every second one is left out.
const POINTS_MAX: usize = 512;

/// The figures at one block.
#[derive(Clone, Debug, PartialEq)]
pub struct HoldersView {
    /// Height of the block.
    pub height: u64,
    /// Its time in Unix seconds.
    pub timestamp: u64,
    /// Accounts with a balance, modules left out.
    pub count: usize,
    /// What they hold, in the smallest unit.
    pub total: U256,
    /// What modules hold for others, in the smallest unit.
    pub in_modules: U256,
    /// Gini coefficient.
    pub gini: Option<Ratio>,
    /// Herfindahl–Hirschman index, 0 to 10,000.
    pub hhi: Option<Ratio>,
    /// Share of the largest.
    pub top1: Option<Ratio>,
    /// Share of the ten largest.
    pub top10: Option<Ratio>,
    /// How many of the largest have more than a third, a half and two thirds.
    pub coefficients: [(Threshold, Option<usize>); 3],
    /// The figures since somebody first asked, oldest first.
    pub points: Vec<HoldersPoint>,
}

/// The figures at an earlier block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HoldersPoint {
    /// Height of the block.
    pub height: u64,
    /// Its time in Unix seconds.
    pub timestamp: u64,
    /// Gini coefficient.
    pub gini: f64,
    /// Share of the ten largest.
    pub top10: f64,
    /// How many of the largest have more than a half.
    pub half: usize,
}

/// The index, once somebody has asked.
#[derive(Debug, Default)]
pub(crate) struct Holders(Mutex<Option<Followed>>);

#[derive(Debug)]
struct Followed {
    height: u64,
    timestamp: u64,
    index: LiveIndex,
    in_modules: U256,
    points: VecDeque<HoldersPoint>,
    /// Blocks between two points.
    stride: u64,
}

impl Holders {
    /// Returns the figures at the head, reading all accounts if they are not followed.
    pub(crate) fn view(&self, reader: &Reader) -> Result<HoldersView, StoreError> {
        let mut followed = self.lock();
        let height = reader.head().number;
        // Behind a reader of the head: a block was missed.
        if followed.as_ref().is_none_or(|followed| followed.height < height) {
            let points = followed.take().map(|before| (before.points, before.stride));
            let mut read = Followed::read(reader)?;
            if let Some((points, stride)) = points {
                (read.points, read.stride) = (points, stride);
            }
            read.note();
            *followed = Some(read);
        }
        let followed = followed.as_ref().expect("it was read above");
        Ok(followed.view())
    }

    /// Follows a block that was committed. It never waits: while somebody reads all accounts, the block is missed, and they are read again at the next question.
    pub(crate) fn follow(&self, block: &ExecutedBlock) {
        let mut guard = match self.0.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let Some(followed) = guard.as_mut() else { return };
        if followed.height >= block.header.number {
            return;
        }
        if followed.height.checked_add(1) != Some(block.header.number) {
            return;
        }
        if !followed.apply(&block.changes) {
            *guard = None;
            return;
        }
        (followed.height, followed.timestamp) = (block.header.number, block.header.timestamp);
        followed.note();
    }

    /// Forgets everything: the state has changed otherwise than by a block.
    pub(crate) fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Followed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Followed {
    fn read(reader: &Reader) -> Result<Self, StoreError> {
        let (mut balances, mut in_modules) = (Vec::new(), U256::ZERO);
        for entry in reader.commitment().entries(reader) {
            let Entry::Account(address, account) = entry.map_err(|error| reader.of_state(error))?
            else {
                continue;
            };
            if is_module(&address) {
                in_modules = in_modules.saturating_add(account.balance);
            } else {
                balances.push(account.balance);
            }
        }
        // The supply fits a word, so the sum of balances does.
        let index = LiveIndex::new(balances).expect("all balances together are the supply");
        let head = reader.head();
        Ok(Self {
            height: head.number,
            timestamp: head.timestamp,
            index,
            in_modules,
            points: VecDeque::new(),
            stride: 1,
        })
    }

    /// Applies the changes of a block; `false` if they are not those of the next one.
    fn apply(&mut self, changes: &StateChanges) -> bool {
        let balance =
            |state: &Option<AccountState>| state.map_or(U256::ZERO, |state| state.balance);
        let moved = |(address, change): (&Address, &Change<Option<AccountState>>)| {
            (is_module(address), balance(&change.before), balance(&change.after))
        };
        let moved: Vec<_> = changes.accounts.iter().map(moved).collect();
        // What goes down comes first, so that no sum is above the supply.
        let falls = |(_, before, after): &(bool, U256, U256)| after <= before;
        let (down, up): (Vec<_>, Vec<_>) = moved.into_iter().partition(falls);
        for (in_module, before, after) in down.into_iter().chain(up) {
            if in_module {
                let rest = self.in_modules.saturating_sub(before);
                self.in_modules = rest.saturating_add(after);
            } else if self.index.change(before, after).is_err() {
                return false;
            }
        }
        true
    }

    fn note(&mut self) {
        let is_due = self.points.back().is_none_or(|last| {
            last.height.saturating_add(self.stride) <= self.height || last.height > self.height
        });
        let (Some(gini), Some(top10), Some(half)) = (
            self.index.gini(),
            self.index.top_share(10),
            self.index.threshold(Threshold::HALF, Strictness::MoreThan),
        ) else {
            return;
        };
        if !is_due {
            return;
        }
        self.points.push_back(HoldersPoint {
            height: self.height,
            timestamp: self.timestamp,
            gini: gini.to_f64(),
            top10: top10.to_f64(),
            half,
        });
        if self.points.len() > POINTS_MAX {
            let mut is_kept = false;
            self.points.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
            self.stride = self.stride.saturating_mul(2);
        }
    }

    fn view(&self) -> HoldersView {
        let passing = |threshold| self.index.threshold(threshold, Strictness::MoreThan);
        HoldersView {
            height: self.height,
            timestamp: self.timestamp,
            count: self.index.count(),
            total: self.index.total(),
            in_modules: self.in_modules,
            gini: self.index.gini(),
            hhi: self.index.hhi(),
            top1: self.index.top_share(1),
            top10: self.index.top_share(10),
            coefficients: THRESHOLDS.map(|threshold| (threshold, passing(threshold))),
            points: self.points.iter().copied().collect(),
        }
    }
}

fn is_module(address: &Address) -> bool {
    abi::Module::at(address).is_some()
}
