//! Where the records of issuance are in storage.

use alloy_primitives::{Address, B256, U256, uint};
use issuance::{Claim, DeviceShare, Epoch, Grant, Stage};
use native_kit::{
    Failure, Host,
    slots::{Array, Mapping, Value},
    storage,
};
use units::Wei;

storage! {
    /// The claim of a device in a run.
    pub(super) struct StoredClaim {
        /// 0 idle, 1 requested, 2 drawn.
        stage: Value<u8>,
        checks: Value<u8>,
        next_round: Value<u32>,
        /// The newest of `rounds`.
        newest: Value<u32>,
        /// The claimed or drawn rounds: bit `i` for the round `newest - i`.
        rounds: Value<u64>,
        height: Value<u64>,
        pay: Value<u128>,
        bond: Value<u128>,
        checked: Value<u128>,
        collected: Value<u128>,
        spent: Value<u128>,
        pub(super) account: Value<Address>,
    }
}

storage! {
    /// What was collected in an epoch.
    pub(super) struct StoredEpoch {
        work: Value<u128>,
        floor: Value<u128>,
        devices: Value<u32>,
        pub(super) is_funded: Value<bool>,
    }
}

storage! {
    /// What an account collected in an epoch.
    pub(super) struct StoredGrant {
        work: Value<u128>,
        epoch: Value<u32>,
        floor: Value<u128>,
        paid: Value<u128>,
    }
}

storage! {
    /// What a device has of the floor.
    pub(super) struct StoredShare {
        floor: Value<u128>,
        epoch_plus_one: Value<u32>,
    }
}

storage! {
    /// What an account collected.
    pub(super) struct StoredAccount {
        /// Index of the first grant that is not paid completely.
        pub(super) first: Value<u64>,
        /// By epoch, ascending.
        pub(super) grants: Array<StoredGrant>,
    }
}

/// The module's variables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Storage {
    /// Everything that was issued; only `Host::issue` writes it.
    pub(super) issued: Value<U256>,
    pub(super) start: Value<u64>,
    pub(super) supply: Value<u128>,
    /// Bonds of claims that are not drawn.
    pub(super) bonds: Value<u128>,
    /// Floating-point operations of a token, by run; 0 of a run that is not registered.
    pub(super) operations: Mapping<u64, Value<u128>>,
    /// By run and device.
    pub(super) claims: Mapping<u64, Mapping<B256, StoredClaim>>,
    /// By run and account: whether nothing of it counts.
    pub(super) voids: Mapping<u64, Mapping<Address, Value<bool>>>,
    pub(super) shares: Mapping<B256, StoredShare>,
    pub(super) epochs: Mapping<u32, StoredEpoch>,
    pub(super) accounts: Mapping<Address, StoredAccount>,
}

/// `start` and `supply` share a slot.
pub(super) const STORAGE: Storage = Storage {
    issued: Value::new(U256::ZERO, 0),
    start: Value::new(uint!(1_U256), 0),
    supply: Value::new(uint!(1_U256), 8),
    bonds: Value::new(uint!(2_U256), 0),
    operations: Mapping::new(uint!(3_U256)),
    claims: Mapping::new(uint!(4_U256)),
    voids: Mapping::new(uint!(5_U256)),
    shares: Mapping::new(uint!(6_U256)),
    epochs: Mapping::new(uint!(7_U256)),
    accounts: Mapping::new(uint!(8_U256)),
};

impl StoredClaim {
    pub(super) fn load(&self, host: &mut dyn Host) -> Result<Claim, Failure> {
        let mask = rounds_of(self.newest.get(host)?, self.rounds.get(host)?);
        let stage = match self.stage.get(host)? {
            0 => Stage::Idle,
            1 => Stage::Requested {
                height: self.height.get(host)?,
                rounds: mask,
                checks: self.checks.get(host)?,
            },
            2 => Stage::Drawn { samples: mask },
            other => return Err(Failure::Broken(format!("a claim's stage is {other}"))),
        };
        Ok(Claim {
            stage,
            next_round: self.next_round.get(host)?,
            pay: Wei::new(self.pay.get(host)?),
            bond: Wei::new(self.bond.get(host)?),
            checked: Wei::new(self.checked.get(host)?),
            collected: Wei::new(self.collected.get(host)?),
            spent: Wei::new(self.spent.get(host)?),
        })
    }

    pub(super) fn store(&self, host: &mut dyn Host, claim: &Claim) -> Result<(), Failure> {
        let (stage, height, checks, rounds): (u8, u64, u8, &[u32]) = match &claim.stage {
            Stage::Idle => (0, 0, 0, &[]),
            Stage::Requested { height, rounds, checks } => (1, *height, *checks, rounds),
            Stage::Drawn { samples } => (2, 0, 0, samples),
        };
        let newest = rounds.last().copied().unwrap_or(0);
        let word = host.load(self.stage.slot())?;
        let mut after = self.stage.into_word(word, stage);
        after = self.checks.into_word(after, checks);
        after = self.next_round.into_word(after, claim.next_round);
        after = self.newest.into_word(after, newest);
        after = self.rounds.into_word(after, mask_of(newest, rounds));
        after = self.height.into_word(after, height);
        if after != word {
            host.store(self.stage.slot(), after)?;
        }
        self.pay.set(host, claim.pay.as_u128())?;
        self.bond.set(host, claim.bond.as_u128())?;
        self.checked.set(host, claim.checked.as_u128())?;
        self.collected.set(host, claim.collected.as_u128())?;
        self.spent.set(host, claim.spent.as_u128())
    }
}

/// Returns the rounds of a mask, ascending.
fn rounds_of(newest: u32, mask: u64) -> Vec<u32> {
    let back = (0..u64::BITS).rev().filter(|back| mask & (1_u64 << back) != 0);
    back.filter_map(|back| newest.checked_sub(back)).collect()
}

/// Returns the mask of rounds, of which the window has fewer than 64.
fn mask_of(newest: u32, rounds: &[u32]) -> u64 {
    let bits = rounds.iter().map(|round| newest.saturating_sub(*round));
    bits.fold(0, |mask, back| mask | 1_u64.checked_shl(back).unwrap_or(0))
}

impl StoredEpoch {
    pub(super) fn load(&self, host: &mut dyn Host) -> Result<Epoch, Failure> {
        Ok(Epoch {
            work: self.work.get(host)?,
            floor: Wei::new(self.floor.get(host)?),
            devices: self.devices.get(host)?,
            is_funded: self.is_funded.get(host)?,
        })
    }

    pub(super) fn store(&self, host: &mut dyn Host, epoch: &Epoch) -> Result<(), Failure> {
        self.work.set(host, epoch.work)?;
        self.floor.set(host, epoch.floor.as_u128())?;
        self.devices.set(host, epoch.devices)
    }

    pub(super) fn devices(&self, host: &mut dyn Host) -> Result<u32, Failure> {
        self.devices.get(host)
    }
}

impl StoredGrant {
    pub(super) fn load(&self, host: &mut dyn Host) -> Result<Grant, Failure> {
        let word = host.load(self.work.slot())?;
        let amounts = host.load(self.floor.slot())?;
        Ok(Grant {
            epoch: self.epoch.of_word(word),
            work: self.work.of_word(word),
            floor: Wei::new(self.floor.of_word(amounts)),
            paid: Wei::new(self.paid.of_word(amounts)),
        })
    }

    pub(super) fn store(&self, host: &mut dyn Host, grant: &Grant) -> Result<(), Failure> {
        self.work.set(host, grant.work)?;
        self.epoch.set(host, grant.epoch)?;
        self.floor.set(host, grant.floor.as_u128())?;
        self.paid.set(host, grant.paid.as_u128())
    }
}

impl StoredShare {
    pub(super) fn load(&self, host: &mut dyn Host) -> Result<DeviceShare, Failure> {
        let floor = Wei::new(self.floor.get(host)?);
        Ok(DeviceShare { epoch_plus_one: self.epoch_plus_one.get(host)?, floor })
    }

    pub(super) fn store(&self, host: &mut dyn Host, share: &DeviceShare) -> Result<(), Failure> {
        self.floor.set(host, share.floor.as_u128())?;
        self.epoch_plus_one.set(host, share.epoch_plus_one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_those_of_their_mask() {
        for rounds in [vec![], vec![0], vec![7], vec![0, 63], vec![44, 45, 99], vec![100_000]] {
            let newest = rounds.last().copied().unwrap_or(0);
            assert_eq!(rounds_of(newest, mask_of(newest, &rounds)), rounds);
        }
    }
}
