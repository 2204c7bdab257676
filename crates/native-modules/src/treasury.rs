//! `Treasury`: what votes may spend, and how fast.

use abi::Treasury::{self, TreasuryCalls as Calls};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall as _;
use governance::treasury::{Limit, Spending, Stream, TreasuryError, WINDOW_SECONDS};
use native_kit::{
    Failure, Function, Host, emit,
    slots::{Layout as _, Mapping, Value},
    storage,
};

use crate::{parameters::only_governor, tokens};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::receive(),
    Function::view(Treasury::streamCountCall::SELECTOR),
    Function::view(Treasury::streamOfCall::SELECTOR),
    Function::view(Treasury::spendingOfCall::SELECTOR),
    Function::nonpayable(Treasury::grantCall::SELECTOR),
    Function::nonpayable(Treasury::grantBeyondBudgetCall::SELECTOR),
    Function::nonpayable(Treasury::streamCall::SELECTOR),
    Function::nonpayable(Treasury::streamBeyondBudgetCall::SELECTOR),
    Function::nonpayable(Treasury::cancelStreamCall::SELECTOR),
    Function::nonpayable(Treasury::withdrawCall::SELECTOR),
];

storage! {
    struct Storage {
        stream_count: Value<u64>,
        streams: Mapping<U256, StoredStream>,
        spending: Mapping<Address, StoredSpending>,
    }
}

storage! {
    struct StoredStream {
        token: Value<Address>,
        start: Value<u64>,
        is_cancelled: Value<bool>,
        to: Value<Address>,
        stop: Value<u64>,
        total: Value<U256>,
        paid: Value<U256>,
    }
}

storage! {
    struct StoredSpending {
        window: Value<u64>,
        budget: Value<U256>,
        spent: Value<U256>,
        reserved: Value<U256>,
    }
}

/// Who is paid, and in what.
struct Payment {
    token: Address,
    to: Address,
}

fn stored() -> Storage {
    Storage::at(U256::ZERO, 0)
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    if input.is_empty() {
        return Ok(Vec::new());
    }
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    Ok(match call {
        Calls::streamCount(_) => {
            let count = stored().stream_count.get(host)?;
            Treasury::streamCountCall::abi_encode_returns(&count)
        }
        Calls::streamOf(call) => Treasury::streamOfCall::abi_encode_returns(&shown(host, call.id)?),
        Calls::spendingOf(call) => {
            Treasury::spendingOfCall::abi_encode_returns(&spending_of(host, call.token)?)
        }
        Calls::grant(call) => {
            let payment = Payment { token: call.token, to: call.to };
            grant(host, &payment, call.amount, Limit::Budget)?
        }
        Calls::grantBeyondBudget(call) => {
            let payment = Payment { token: call.token, to: call.to };
            grant(host, &payment, call.amount, Limit::Free)?
        }
        Calls::stream(call) => {
            let payment = Payment { token: call.token, to: call.to };
            let (total, start, stop) = (call.total, call.start, call.stop);
            let stream = Stream { total, start, stop, ..Stream::default() };
            let id = begin_stream(host, &payment, &stream, Limit::Budget)?;
            Treasury::streamCall::abi_encode_returns(&id)
        }
        Calls::streamBeyondBudget(call) => {
            let payment = Payment { token: call.token, to: call.to };
            let (total, start, stop) = (call.total, call.start, call.stop);
            let stream = Stream { total, start, stop, ..Stream::default() };
            let id = begin_stream(host, &payment, &stream, Limit::Free)?;
            Treasury::streamBeyondBudgetCall::abi_encode_returns(&id)
        }
        Calls::cancelStream(call) => cancel_stream(host, call.id)?,
        Calls::withdraw(call) => {
            Treasury::withdrawCall::abi_encode_returns(&withdraw(host, call.id)?)
        }
    })
}

fn grant(
    host: &mut dyn Host,
    payment: &Payment,
    amount: U256,
    limit: Limit,
) -> Result<Vec<u8>, Failure> {
    only_governor(host)?;
    let Payment { token, to } = *payment;
    let (balance, now) = (balance(host, token)?, host.timestamp());
    let slots = stored().spending.of(host, token)?;
    let mut spending = slots.load(host)?;
    spending.spend(amount, balance, limit, now).map_err(|error| refused(error, 0))?;
    slots.store(host, &spending)?;
    tokens::transfer(host, token, to, amount)?;
    emit(host, &Treasury::Granted { token, to, amount })?;
    Ok(Vec::new())
}

fn begin_stream(
    host: &mut dyn Host,
    payment: &Payment,
    stream: &Stream,
    limit: Limit,
) -> Result<u64, Failure> {
    only_governor(host)?;
    let Payment { token, to } = *payment;
    let (balance, now) = (balance(host, token)?, host.timestamp());
    let slots = stored().spending.of(host, token)?;
    let mut spending = slots.load(host)?;
    spending.stream(stream, balance, limit, now).map_err(|error| refused(error, 0))?;
    slots.store(host, &spending)?;
    let id = stored().stream_count.get(host)?.saturating_add(1);
    stored().stream_count.set(host, id)?;
    let slots = stored().streams.of(host, U256::from(id))?;
    slots.token.set(host, token)?;
    slots.to.set(host, to)?;
    slots.store(host, stream)?;
    let Stream { total, start, stop, .. } = *stream;
    emit(host, &Treasury::StreamBegun { id, token, to, total, start, stop })?;
    Ok(id)
}

fn cancel_stream(host: &mut dyn Host, id: u64) -> Result<Vec<u8>, Failure> {
    only_governor(host)?;
    let (slots, payment, mut stream) = open(host, id)?;
    let of_token = stored().spending.of(host, payment.token)?;
    let mut spending = of_token.load(host)?;
    let freed =
        stream.cancel(&mut spending, host.timestamp()).map_err(|error| refused(error, id))?;
    of_token.store(host, &spending)?;
    slots.store(host, &stream)?;
    emit(host, &Treasury::StreamCancelled { id, earned: stream.total, freed })?;
    Ok(Vec::new())
}

fn withdraw(host: &mut dyn Host, id: u64) -> Result<U256, Failure> {
    let (slots, Payment { token, to }, mut stream) = open(host, id)?;
    let of_token = stored().spending.of(host, token)?;
    let mut spending = of_token.load(host)?;
    let amount = stream.take(&mut spending, host.timestamp());
    of_token.store(host, &spending)?;
    slots.store(host, &stream)?;
    if !amount.is_zero() {
        tokens::transfer(host, token, to, amount)?;
    }
    emit(host, &Treasury::StreamPaid { id, to, amount })?;
    Ok(amount)
}

fn shown(host: &mut dyn Host, id: u64) -> Result<Treasury::Stream, Failure> {
    let (_, Payment { token, to }, stream) = open(host, id)?;
    let due = stream.earned_down(host.timestamp()).saturating_sub(stream.paid);
    let Stream { total, paid, start, stop, is_cancelled } = stream;
    Ok(Treasury::Stream { token, to, total, paid, start, stop, isCancelled: is_cancelled, due })
}

fn spending_of(host: &mut dyn Host, token: Address) -> Result<Treasury::Spending, Failure> {
    let balance = balance(host, token)?;
    let spending = stored().spending.of(host, token)?.load(host)?.at(balance, host.timestamp());
    let Spending { window, budget, spent, reserved } = spending;
    Ok(Treasury::Spending {
        start: window,
        stop: window.saturating_add(WINDOW_SECONDS),
        budget,
        spent,
        reserved,
        free: spending.free(balance),
    })
}

fn open(host: &mut dyn Host, id: u64) -> Result<(StoredStream, Payment, Stream), Failure> {
    let slots = stored().streams.of(host, U256::from(id))?;
    let payment = Payment { token: slots.token.get(host)?, to: slots.to.get(host)? };
    let stream = slots.load(host)?;
    if stream.stop == 0 {
        return Err(Failure::revert(&Treasury::NoSuchStream { id }));
    }
    Ok((slots, payment, stream))
}

impl StoredStream {
    fn load(self, host: &mut dyn Host) -> Result<Stream, Failure> {
        Ok(Stream {
            total: self.total.get(host)?,
            paid: self.paid.get(host)?,
            start: self.start.get(host)?,
            stop: self.stop.get(host)?,
            is_cancelled: self.is_cancelled.get(host)?,
        })
    }

    fn store(self, host: &mut dyn Host, stream: &Stream) -> Result<(), Failure> {
        self.total.set(host, stream.total)?;
        self.paid.set(host, stream.paid)?;
        self.start.set(host, stream.start)?;
        self.stop.set(host, stream.stop)?;
        self.is_cancelled.set(host, stream.is_cancelled)
    }
}

impl StoredSpending {
    fn load(self, host: &mut dyn Host) -> Result<Spending, Failure> {
        Ok(Spending {
            window: self.window.get(host)?,
            budget: self.budget.get(host)?,
            spent: self.spent.get(host)?,
            reserved: self.reserved.get(host)?,
        })
    }

    fn store(self, host: &mut dyn Host, spending: &Spending) -> Result<(), Failure> {
        self.window.set(host, spending.window)?;
        self.budget.set(host, spending.budget)?;
        self.spent.set(host, spending.spent)?;
        self.reserved.set(host, spending.reserved)
    }
}

fn balance(host: &mut dyn Host, token: Address) -> Result<U256, Failure> {
    let module = host.module();
    tokens::balance_of(host, token, module)
}

fn refused(error: TreasuryError, id: u64) -> Failure {
    match error {
        TreasuryError::OverBudget { amount, left, until } => {
            Failure::revert(&Treasury::OverBudget { amount, left, until })
        }
        TreasuryError::OverFree { amount, free } => {
            Failure::revert(&Treasury::OverFree { amount, free })
        }
        TreasuryError::Times { start, stop, now } => {
            Failure::revert(&Treasury::StreamTimes { start, stop, current: now })
        }
        TreasuryError::Cancelled => Failure::revert(&Treasury::StreamIsCancelled { id }),
        TreasuryError::Overflow => Failure::revert(&Treasury::SumTooLarge {}),
    }
}
