//! `FeeVault`: a vault that sells fees in other tokens for its asset, and unlocks the proceeds over time.
//!
//! Storage is that of a vault, followed by `uint256 proceeds; uint64 proceedsSince; uint64 proceedsUntil; mapping(address => Lot) lots` of `struct Lot { uint256 amount; uint64
//! offeredAt; }`. Unlike a plain vault it is locked: while a payment arrives, it would be in the balance and not yet among the locked assets.

use abi::{
    FeeVault::{self, FeeVaultCalls as Calls},
    Shares::SharesCalls,
    Vault::VaultCalls,
};
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolInterface as _};
use native_kit::{
    Failure, Function, Host, emit, instance_code,
    slots::{Layout as _, Mapping, Value},
    storage,
};
use staking::fees::{Bid, Lot, LotError, Proceeds};

use super::terms;
use crate::{
    openzeppelin::{answer, safe_math},
    tokens,
};

pub(crate) const CODE: [u8; 10] = instance_code(abi::FEE_VAULT);

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(FeeVault::lockedAssetsCall::SELECTOR),
    Function::view(FeeVault::lotCall::SELECTOR),
    Function::view(FeeVault::priceOfCall::SELECTOR),
    Function::nonpayable(FeeVault::offerCall::SELECTOR),
    Function::nonpayable(FeeVault::buyCall::SELECTOR),
];

storage! {
    struct Storage {
        proceeds: Value<U256>,
        proceeds_since: Value<u64>,
        proceeds_until: Value<u64>,
        lots: Mapping<Address, LotSlots>,
    }
}

storage! {
    struct LotSlots {
        amount: Value<U256>,
        offered_at: Value<u64>,
    }
}

fn stored() -> Storage {
    Storage::at(super::SLOT.wrapping_add(U256::ONE), 0)
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let selector = input.first_chunk().copied().unwrap_or_default();
    if SharesCalls::valid_selector(selector) || VaultCalls::valid_selector(selector) {
        return super::call(host, input);
    }
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    Ok(match call {
        Calls::lockedAssets(_) => answer(locked(host)?),
        Calls::lot(call) => {
            let Lot { amount, offered_at } = stored().lots.of(host, call.token)?.load(host)?;
            let answer = FeeVault::lotReturn { amount, offeredAt: offered_at };
            FeeVault::lotCall::abi_encode_returns(&answer)
        }
        Calls::priceOf(call) => {
            let lot = stored().lots.of(host, call.token)?.load(host)?;
            let price =
                if lot.amount.is_zero() { U256::ZERO } else { lot.price_up(host.timestamp()) };
            answer(price)
        }
        Calls::offer(call) => answer(offer(host, call.token)?),
        Calls::buy(call) => answer(buy(host, &call)?),
    })
}

/// Returns what is in the balance and does not belong to the shares yet.
pub(super) fn locked(host: &mut dyn Host) -> Result<U256, Failure> {
    let now = host.timestamp();
    Ok(proceeds(host)?.locked_up(now))
}

fn proceeds(host: &mut dyn Host) -> Result<Proceeds, Failure> {
    let it = stored();
    Ok(Proceeds {
        amount: it.proceeds.get(host)?,
        since: it.proceeds_since.get(host)?,
        until: it.proceeds_until.get(host)?,
    })
}

fn offer(host: &mut dyn Host, token: Address) -> Result<U256, Failure> {
    let vault = host.module();
    if token == terms(host)?.asset || token == vault {
        return Err(Failure::revert(&FeeVault::NotForSale { token }));
    }
    let balance = tokens::balance_of(host, token, vault)?;
    let slots = stored().lots.of(host, token)?;
    let mut lot = slots.load(host)?;
    lot.offer(balance, host.timestamp()).map_err(|error| refused(error, token))?;
    slots.store(host, &lot)?;
    emit(host, &FeeVault::Offered { token, amount: lot.amount })?;
    Ok(lot.amount)
}

fn buy(host: &mut dyn Host, call: &FeeVault::buyCall) -> Result<U256, Failure> {
    let FeeVault::buyCall { token, amount, paymentMax, receiver } = *call;
    let (buyer, now, asset) = (host.caller(), host.timestamp(), terms(host)?.asset);
    // Effects.
    let slots = stored().lots.of(host, token)?;
    let mut lot = slots.load(host)?;
    let bid = Bid { amount, payment_max: paymentMax };
    let payment = lot.buy(bid, now).map_err(|error| refused(error, token))?;
    slots.store(host, &lot)?;
    // Interactions. Only then is it known what has arrived; the lock is held.
    let received = tokens::receive(host, asset, buyer, payment)?;
    let mut proceeds = proceeds(host)?;
    proceeds.add(received, now).map_err(safe_math)?;
    stored().proceeds.set(host, proceeds.amount)?;
    stored().proceeds_since.set(host, proceeds.since)?;
    stored().proceeds_until.set(host, proceeds.until)?;
    tokens::transfer(host, token, receiver, amount)?;
    emit(host, &FeeVault::Bought { token, buyer, receiver, amount, payment })?;
    Ok(payment)
}

fn refused(error: LotError, token: Address) -> Failure {
    match error {
        LotError::Math(error) => safe_math(error),
        LotError::Nothing => Failure::revert(&FeeVault::NothingToOffer { token }),
        LotError::Unsold { left } => Failure::revert(&FeeVault::LotUnsold { token, left }),
        LotError::Amount { amount, left } => {
            Failure::revert(&FeeVault::LotTooSmall { amount, left })
        }
        LotError::TooDear { payment, payment_max } => {
            Failure::revert(&FeeVault::PaymentTooLarge { payment, paymentMax: payment_max })
        }
    }
}

impl LotSlots {
    fn load(&self, host: &mut dyn Host) -> Result<Lot, Failure> {
        Ok(Lot { amount: self.amount.get(host)?, offered_at: self.offered_at.get(host)? })
    }

    fn store(&self, host: &mut dyn Host, lot: &Lot) -> Result<(), Failure> {
        self.amount.set(host, lot.amount)?;
        self.offered_at.set(host, lot.offered_at)
    }
}
