//! Computes the access list for a call (EIP-2930).

use crate::call::{Call, CallContext, CallError, CallOutcome};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, U256};
use revm::{
    DatabaseRef, Inspector,
    bytecode::opcode,
    context::JournalTr,
    context_interface::ContextTr,
    interpreter::{
        CreateInputs, Interpreter,
        interpreter_types::{InputsTr, Jumps},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// A list can change what a call reads (it changes the gas left); after this many rounds the last list is returned.
const ROUNDS_MAX: usize = 4;

/// An access list for a call, and the outcome of the call with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accesses {
    /// The accounts and slots that the call accesses and that are not warm without the list.
    pub list: AccessList,
    /// The outcome of the call with the list.
    pub outcome: CallOutcome,
}

impl<DB: DatabaseRef> CallContext<'_, DB> {
    /// Returns the accounts and slots that `call` accesses, as an access list. Sender, receiver, beneficiary,
    /// precompiles and modules are warm anyway, so they are listed only for slots of their own.
    ///
    /// # Errors
    /// [`CallError`] when the call could not run at all; a revert is a [`CallOutcome`].
    pub fn access_list(&self, call: &Call) -> Result<Accesses, CallError<DB::Error>> {
        let mut call = call.clone();
        for _ in 1..ROUNDS_MAX {
            let Accesses { list, outcome } = self.touched(&call)?;
            if list == call.access_list {
                return Ok(Accesses { list, outcome });
            }
            call.access_list = list;
        }
        let outcome = self.touched(&call)?.outcome;
        Ok(Accesses { list: call.access_list, outcome })
    }

    fn touched(&self, call: &Call) -> Result<Accesses, CallError<DB::Error>> {
        let mut touched = Touched::default();
        for item in &call.access_list.0 {
            let slots = touched.accounts.entry(item.address).or_default();
            slots.extend(item.storage_keys.iter().copied());
        }
        let (result, machine) = self.inspect(call, touched)?;
        let (_, mut touched, modules) = machine.into_parts();
        for (account, slot) in modules.touched() {
            touched.accounts.entry(*account).or_default().extend(slot);
        }
        let beneficiary = self.overridden_environment().beneficiary;
        let mut warm = vec![call.from, beneficiary];
        warm.extend(call.to.to());
        warm.extend(
            call.authorization_list.iter().filter_map(|each| each.recover_authority().ok()),
        );
        touched.warm.extend(warm);
        let list = touched.into_list(|address| modules.is_warm(address));
        Ok(Accesses { list, outcome: result.result.into() })
    }
}

/// The accounts and slots that instructions access.
#[derive(Default)]
struct Touched {
    accounts: BTreeMap<Address, BTreeSet<B256>>,
    /// Addresses that are warm without a list.
    warm: BTreeSet<Address>,
}

impl Touched {
    fn into_list(self, is_warm: impl Fn(&Address) -> bool) -> AccessList {
        let Self { accounts, warm } = self;
        let wanted = accounts.into_iter().filter(|(address, slots)| {
            !slots.is_empty() || !(warm.contains(address) || is_warm(address))
        });
        let item = |(address, slots): (Address, BTreeSet<B256>)| AccessListItem {
            address,
            storage_keys: slots.into_iter().collect(),
        };
        AccessList(wanted.map(item).collect())
    }
}

impl<CTX: ContextTr> Inspector<CTX> for Touched {
    fn step(&mut self, interpreter: &mut Interpreter, _: &mut CTX) {
        let word = |from_top: usize| interpreter.stack.peek(from_top).ok();
        let address = match interpreter.bytecode.opcode() {
            opcode::SLOAD | opcode::SSTORE => {
                if let Some(slot) = word(0) {
                    let account = interpreter.input.target_address();
                    self.accounts.entry(account).or_default().insert(B256::from(slot));
                }
                return;
            }
            opcode::BALANCE
            | opcode::EXTCODESIZE
            | opcode::EXTCODECOPY
            | opcode::EXTCODEHASH
            | opcode::SELFDESTRUCT => word(0),
            opcode::CALL | opcode::CALLCODE | opcode::DELEGATECALL | opcode::STATICCALL => word(1),
            _ => return,
        };
        if let Some(address) = address {
            self.accounts.entry(address_of(address)).or_default();
        }
    }

    fn create(
        &mut self,
        context: &mut CTX,
        inputs: &mut CreateInputs,
    ) -> Option<revm::interpreter::CreateOutcome> {
        let nonce = context.journal_mut().load_account(inputs.caller()).ok()?.data.info.nonce;
        self.warm.insert(inputs.created_address(nonce));
        None
    }
}

fn address_of(word: U256) -> Address {
    Address::from_word(B256::from(word))
}
