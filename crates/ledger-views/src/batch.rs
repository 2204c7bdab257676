//! Several calls at once, each answered in its own type.

use std::marker::PhantomData;

use alloy_primitives::Address;
use alloy_sol_types::SolCall;

use crate::{Ask, Call, Impossible, Outcome, ViewError};

/// Gas of a call of code that strangers have deployed: many times what a token needs to tell its symbol or a balance, and little enough that a hundred
/// tokens that use it up do not hold a reader up.
const STRANGER_GAS: u64 = 200_000;

/// Calls to be made at once.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    calls: Vec<Call>,
}

/// A call of a batch, to be exchanged for what it returned.
#[derive(Debug)]
pub(crate) struct Asked<C> {
    index: usize,
    of: Address,
    call: PhantomData<fn() -> C>,
}

/// What came back, in the order of the calls.
#[derive(Debug)]
pub(crate) struct Answers {
    outcomes: Vec<Outcome>,
}

impl Batch {
    pub(crate) fn add<C: SolCall>(&mut self, of: Address, call: &C) -> Asked<C> {
        self.push(of, call, None)
    }

    /// Adds a call of a token. One that is none of the ledger's own gets little gas.
    pub(crate) fn add_to_token<C: SolCall>(&mut self, of: Address, call: &C) -> Asked<C> {
        let is_native = abi::Module::at(&of).is_some();
        self.push(of, call, (!is_native).then_some(STRANGER_GAS))
    }

    fn push<C: SolCall>(&mut self, of: Address, call: &C, gas: Option<u64>) -> Asked<C> {
        let index = self.calls.len();
        self.calls.push(Call { to: of, input: call.abi_encode().into(), gas });
        Asked { index, of, call: PhantomData }
    }

    pub(crate) async fn ask<A: Ask>(self, ledger: &A) -> Result<Answers, ViewError<A::Error>> {
        let count = self.calls.len();
        let outcomes = if count == 0 { Vec::new() } else { ledger.calls(self.calls).await? };
        assert_eq!(outcomes.len(), count, "`Ask::calls` gives one outcome for each call");
        Ok(Answers { outcomes })
    }
}

impl Answers {
    /// What a call returned.
    pub(crate) fn take<C: SolCall, E>(&self, asked: &Asked<C>) -> Result<C::Return, ViewError<E>>
    where
        E: std::error::Error + 'static,
    {
        let (call, of) = (C::SIGNATURE, asked.of);
        match &self.outcomes[asked.index] {
            Outcome::Returned(bytes) => C::abi_decode_returns_validate(bytes).map_err(|source| {
                let (size, source) = (bytes.len(), Box::new(source));
                ViewError::Undecodable { call, of, size, source }
            }),
            Outcome::Reverted(data) => Err(ViewError::Refused { call, of, data: data.clone() }),
        }
    }

    /// What a call returned, in other words.
    pub(crate) fn read<C: SolCall, T, E>(
        &self,
        asked: &Asked<C>,
        view: impl FnOnce(C::Return) -> Result<T, Impossible>,
    ) -> Result<T, ViewError<E>>
    where
        E: std::error::Error + 'static,
    {
        let (call, of) = (C::SIGNATURE, asked.of);
        view(self.take(asked)?).map_err(|source| ViewError::Impossible { call, of, source })
    }
}

/// Makes one call.
pub(crate) async fn ask<A: Ask, C: SolCall>(
    ledger: &A,
    of: Address,
    call: &C,
) -> Result<C::Return, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let asked = batch.add(of, call);
    batch.ask(ledger).await?.take(&asked)
}

/// Makes one call and puts its answer in other words.
pub(crate) async fn read<A: Ask, C: SolCall, T>(
    ledger: &A,
    of: Address,
    call: &C,
    view: impl FnOnce(C::Return) -> Result<T, Impossible>,
) -> Result<T, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let asked = batch.add(of, call);
    batch.ask(ledger).await?.read(&asked, view)
}
