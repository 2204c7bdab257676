//! A house in storage.

use abi::convert::{account, address};
use alloy_primitives::{
    Address, U256, Uint,
    aliases::{U48, U208},
};
use governance::{
    voice::{Pending, VoiceBook},
    votes::{Activity, Book, Bucket, Checkpoint, Delegation, Trace},
};
use native_kit::{
    Failure, Host,
    slots::{Array, Layout as _, Mapping, Value},
    storage,
};
use units::{AccountId, UnixSeconds};

use crate::ended::Ended;

storage! {
    /// A checkpoint, as OpenZeppelin's `Checkpoints.Checkpoint208`: time, and amount.
    pub(super) struct StoredCheckpoint {
        at: Value<U48>,
        amount: Value<U208>,
    }
}

storage! {
    struct StoredBucket {
        count: Value<u64>,
        mantissas: Value<u128>,
    }
}

storage! {
    pub(super) struct Account {
        holding: StoredCheckpoint,
        delegate: Value<Address>,
        since: Value<U48>,
        pub(super) nonce: Value<U256>,
        voted_at: Value<U48>,
        locked_until: Value<U48>,
        pending_first: Value<u64>,
        pending_end: Value<u64>,
        own: Array<StoredCheckpoint>,
        received: Array<StoredCheckpoint>,
        /// Day and units, packed as time and amount.
        pending: Mapping<u64, StoredCheckpoint>,
    }
}

storage! {
    pub(super) struct Storage {
        pub(super) accounts: Mapping<Address, Account>,
        total: Array<StoredCheckpoint>,
        buckets: Mapping<u32, StoredBucket>,
        bitmaps: Mapping<u32, Value<U256>>,
    }
}

pub(super) fn stored() -> Storage {
    Storage::at(U256::ZERO, 0)
}

impl StoredCheckpoint {
    fn get(&self, host: &mut dyn Host) -> Result<(u64, U256), Failure> {
        let word = host.load(self.at.slot())?;
        Ok((self.at.of_word(word).to(), U256::from(self.amount.of_word(word))))
    }

    fn set(&self, host: &mut dyn Host, (at, amount): (u64, U256)) -> Result<(), Failure> {
        let word = self.at.into_word(U256::ZERO, fitting(U256::from(at))?);
        let word = self.amount.into_word(word, fitting(amount)?);
        Value::<U256>::new(self.at.slot(), 0).set(host, word)
    }
}

/// Rules keep amounts below 2^208; times are those of blocks.
fn fitting<const BITS: usize, const LIMBS: usize>(
    number: U256,
) -> Result<Uint<BITS, LIMBS>, Failure> {
    let fitting = Uint::checked_from_limbs_slice(number.as_limbs());
    fitting.ok_or_else(|| Failure::Broken("an amount or a time of a house is too large".to_owned()))
}

/// The called house, as the rules see it.
pub(super) struct HostBook<'a>(pub(super) &'a mut dyn Host);

impl HostBook<'_> {
    fn of(&mut self, holder: AccountId) -> Result<Account, Failure> {
        stored().accounts.of(self.0, address(holder))
    }

    fn trace(&mut self, trace: Trace) -> Result<Array<StoredCheckpoint>, Failure> {
        Ok(match trace {
            Trace::Own(holder) => self.of(holder)?.own,
            Trace::Received(holder) => self.of(holder)?.received,
            Trace::Total => stored().total,
        })
    }
}

fn checkpoint((at, amount): (u64, U256)) -> Checkpoint {
    Checkpoint { at: UnixSeconds::new(at), amount }
}

fn missing() -> Failure {
    Failure::Broken("a checkpoint of a house is missing".to_owned())
}

impl Book for HostBook<'_> {
    type Failure = Ended;

    fn holding(&mut self, holder: AccountId) -> Result<Checkpoint, Ended> {
        Ok(checkpoint(self.of(holder)?.holding.get(self.0)?))
    }

    fn set_holding(&mut self, holder: AccountId, holding: Checkpoint) -> Result<(), Ended> {
        let Checkpoint { at, amount } = holding;
        Ok(self.of(holder)?.holding.set(self.0, (at.as_u64(), amount))?)
    }

    fn delegation(&mut self, holder: AccountId) -> Result<Delegation, Ended> {
        let stored = self.of(holder)?;
        let word = self.0.load(stored.delegate.slot())?;
        let delegate = account(stored.delegate.of_word(word));
        Ok(Delegation { delegate, since: UnixSeconds::new(stored.since.of_word(word).to()) })
    }

    fn set_delegation(&mut self, holder: AccountId, delegation: Delegation) -> Result<(), Ended> {
        let stored = self.of(holder)?;
        let word = stored.delegate.into_word(U256::ZERO, address(delegation.delegate));
        let since = fitting(U256::from(delegation.since.as_u64()))?;
        let word = stored.since.into_word(word, since);
        Ok(Value::<U256>::new(stored.delegate.slot(), 0).set(self.0, word)?)
    }

    fn activity(&mut self, holder: AccountId) -> Result<Activity, Ended> {
        let stored = self.of(holder)?;
        let word = self.0.load(stored.voted_at.slot())?;
        let of_word = |value: Value<U48>| UnixSeconds::new(value.of_word(word).to());
        Ok(Activity {
            voted_at: of_word(stored.voted_at),
            locked_until: of_word(stored.locked_until),
        })
    }

    fn set_activity(&mut self, holder: AccountId, activity: Activity) -> Result<(), Ended> {
        let stored = self.of(holder)?;
        let word = Value::<U256>::new(stored.voted_at.slot(), 0);
        let [voted_at, locked_until] =
            [activity.voted_at, activity.locked_until].map(|at| fitting(U256::from(at.as_u64())));
        let (voted_at, locked_until) = (voted_at?, locked_until?);
        Ok(word.update(self.0, |word| {
            let word = stored.voted_at.into_word(word, voted_at);
            Ok(stored.locked_until.into_word(word, locked_until))
        })?)
    }

    fn length(&mut self, trace: Trace) -> Result<u64, Ended> {
        Ok(self.trace(trace)?.len(self.0)?)
    }

    fn checkpoint(&mut self, trace: Trace, index: u64) -> Result<Checkpoint, Ended> {
        let element = self.trace(trace)?.element(self.0, index)?.ok_or_else(missing)?;
        Ok(checkpoint(element.get(self.0)?))
    }

    fn set_checkpoint(
        &mut self,
        trace: Trace,
        index: u64,
        checkpoint: Checkpoint,
    ) -> Result<(), Ended> {
        let trace = self.trace(trace)?;
        let element = match trace.element(self.0, index)? {
            Some(element) => element,
            None => trace.push(self.0)?,
        };
        Ok(element.set(self.0, (checkpoint.at.as_u64(), checkpoint.amount))?)
    }

    fn bucket(&mut self, index: u32) -> Result<Bucket, Ended> {
        let stored = stored().buckets.of(self.0, index)?;
        let word = self.0.load(stored.count.slot())?;
        Ok(Bucket { count: stored.count.of_word(word), mantissas: stored.mantissas.of_word(word) })
    }

    fn set_bucket(&mut self, index: u32, bucket: Bucket) -> Result<(), Ended> {
        let stored = stored().buckets.of(self.0, index)?;
        let word = stored.count.into_word(U256::ZERO, bucket.count);
        let word = stored.mantissas.into_word(word, bucket.mantissas);
        Ok(Value::<U256>::new(stored.count.slot(), 0).set(self.0, word)?)
    }

    fn bitmap(&mut self, word: u32) -> Result<U256, Ended> {
        Ok(stored().bitmaps.of(self.0, word)?.get(self.0)?)
    }

    fn set_bitmap(&mut self, word: u32, bits: U256) -> Result<(), Ended> {
        Ok(stored().bitmaps.of(self.0, word)?.set(self.0, bits)?)
    }
}

impl VoiceBook for HostBook<'_> {
    fn pending_range(&mut self, holder: AccountId) -> Result<(u64, u64), Ended> {
        let stored = self.of(holder)?;
        let word = self.0.load(stored.pending_first.slot())?;
        Ok((stored.pending_first.of_word(word), stored.pending_end.of_word(word)))
    }

    fn set_pending_range(
        &mut self,
        holder: AccountId,
        (first, end): (u64, u64),
    ) -> Result<(), Ended> {
        let stored = self.of(holder)?;
        Ok(Value::<U256>::new(stored.pending_first.slot(), 0).update(self.0, |word| {
            let word = stored.pending_first.into_word(word, first);
            Ok(stored.pending_end.into_word(word, end))
        })?)
    }

    fn pending(&mut self, holder: AccountId, index: u64) -> Result<Pending, Ended> {
        let (day, units) = self.of(holder)?.pending.of(self.0, index)?.get(self.0)?;
        Ok(Pending { day, units })
    }

    fn set_pending(
        &mut self,
        holder: AccountId,
        index: u64,
        pending: Pending,
    ) -> Result<(), Ended> {
        let Pending { day, units } = pending;
        Ok(self.of(holder)?.pending.of(self.0, index)?.set(self.0, (day, units))?)
    }
}
