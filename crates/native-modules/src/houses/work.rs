//! `WorkHouse`: votes by verified work.

use abi::{
    ISSUANCE,
    Votes::VotesCalls,
    WorkHouse::{self, WorkHouseCalls},
    convert::{account, address},
};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall as _;
use governance::{
    voice::{self, Matured, WORK_MAX},
    votes::House,
};
use native_kit::{Failure, Function, Host, emit};
use units::AccountId;

use super::{Face, HostBook, emit_changes, now, seconds};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::nonpayable(WorkHouse::mintCall::SELECTOR),
    Function::nonpayable(WorkHouse::matureCall::SELECTOR),
    Function::view(WorkHouse::pendingCall::SELECTOR),
];

const FACE: Face = Face {
    name: "Gleaner Work House",
    symbol: "WORK",
    decimals: 0,
    house: |_| Ok(House::work()),
    delegate,
};

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    if let Ok(call) = native_kit::decode::<VotesCalls>(input) {
        return super::call(host, &FACE, &call);
    }
    let call = native_kit::decode::<WorkHouseCalls>(input).map_err(|_| Failure::bad_call())?;
    let now = now(host);
    match call {
        WorkHouseCalls::mint(call) => {
            mint(host, call.account, call.work)?;
            Ok(Vec::new())
        }
        WorkHouseCalls::mature(call) => {
            let holder = account(call.account);
            let matured = voice::mature(&mut HostBook(host), now, holder)?;
            emit_matured(host, holder, &matured)?;
            Ok(Vec::new())
        }
        WorkHouseCalls::pending(call) => {
            let (voice, at) = voice::pending(&mut HostBook(host), now, account(call.account))?;
            let matures_at = seconds(at.unwrap_or_default());
            let pending = WorkHouse::pendingReturn { voice, maturesAt: matures_at };
            Ok(WorkHouse::pendingCall::abi_encode_returns(&pending))
        }
    }
}

fn mint(host: &mut dyn Host, holder: Address, work: U256) -> Result<(), Failure> {
    let caller = host.caller();
    if caller != ISSUANCE {
        return Err(Failure::revert(&WorkHouse::NotIssuance { caller }));
    }
    let Ok(counted) = u128::try_from(work) else {
        let max = U256::from(WORK_MAX);
        return Err(Failure::revert(&WorkHouse::WorkTooLarge { work, max }));
    };
    let now = now(host);
    let minted = voice::mint(&mut HostBook(host), now, account(holder), counted)?;
    emit_matured(host, account(holder), &minted.matured)?;
    let matures_at = seconds(minted.matures_at);
    emit(host, &WorkHouse::Minted { account: holder, work, maturesAt: matures_at })
}

fn delegate(host: &mut dyn Host, holder: AccountId, to: AccountId) -> Result<(), Failure> {
    let now = now(host);
    let (matured, changes) = voice::delegate(&mut HostBook(host), now, holder, to)?;
    emit_matured(host, holder, &matured)?;
    emit_changes(host, &changes)
}

/// Emits what has matured, if anything has.
fn emit_matured(host: &mut dyn Host, holder: AccountId, matured: &Matured) -> Result<(), Failure> {
    if *matured == Matured::default() {
        return Ok(());
    }
    let (account, voice) = (address(holder), matured.voice);
    emit(host, &WorkHouse::Matured { account, voice })?;
    emit_changes(host, &matured.changes)
}
